//! Flows as JSON lines in the shape that users of Hubble know: what `hubble observe -o jsonpb` prints and its exporter
//! writes, the proto3 JSON mapping of `observer.ExportEvent` and `flow.Flow` with the names of the proto files.
//!
//! ```text
//! {"flow":{"verdict":"DROPPED",…},"node_name":"node-1","time":"2020-06-13T21:29:31.445836587Z"}
//! ```
//!
//! Fields with a zero value are left out, as there; unknown fields are passed over. Both ways work: what [`Flow`]
//! writes, [`Line::read`] reads, and it reads what Hubble writes.
//!
//! | point | here |
//! |---|---|
//! | one event speaks of both ends | one flow, with `egress_…_by` and `ingress_…_by` side by side |
//! | `traffic_direction` | of the end that denies or audits; else of where the packet was seen |
//! | `policy_match_type` | of that end: [`PolicyMatch`] |
//! | `…_denied_by` | the policies of the rule that denies; by default those that isolate the pod, which Hubble leaves out; in audit mode those that would deny |
//! | `event_type` | 5 (policy verdict); 1 (drop) with the number of the reason for what no policy dropped |
//! | `drop_reason_desc` | [`DropDescription`] |
//! | `identity` | the number in the tables of the generation that judged the packet |
//! | `virtual_destination` | ours: where the source asked for `destination_service`; `IP` and `l4` have the backend |
//! | `ICMPv4`, `ICMPv6` | without type and code, which no event carries |

mod drop_description;
mod flow;
mod line;
mod translation;

pub use drop_description::DropDescription;
pub use flow::{
    Endpoint, EventType, Flow, Icmp, Ip, Layer4, Policy, PolicyMatch, Ports, Service,
    TrafficDirection, Verdict, Workload,
};
pub use line::{Line, LostEvents, ReadLineError};
pub(crate) use translation::direction;
