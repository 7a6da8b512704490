//! Counting flows that somebody else has written.

use super::Metrics;
use crate::hubble::{DropDescription, Flow, Line, Policy, TrafficDirection, Verdict};

/// The longest name of a reason that is counted as it is: a stream must not make up series without end.
const LONGEST: usize = 64;

impl Metrics {
    /// Counts a line in the shape of Hubble's: a flow, or events that were lost.
    pub fn see_line(&self, line: &Line) {
        if let Some(lost) = &line.lost_events {
            self.events_lost.inc_by(lost.num_events_lost);
        }
        if let Some(flow) = &line.flow {
            self.see_written(flow);
        }
    }

    fn see_written(&self, flow: &Flow) {
        let verdict = [("verdict", flow.verdict.name())];
        self.flows.get_or_create(&verdict).inc();
        let side = match flow.traffic_direction {
            TrafficDirection::Egress => "egress",
            TrafficDirection::Ingress => "ingress",
            TrafficDirection::Unknown => "unknown",
        };
        if flow.verdict == Verdict::Dropped {
            self.count_drop(reason(&flow.drop_reason_desc), side);
        }
        self.see_policies(
            flow,
            "egress",
            &flow.egress_allowed_by,
            &flow.egress_denied_by,
        );
        self.see_policies(
            flow,
            "ingress",
            &flow.ingress_allowed_by,
            &flow.ingress_denied_by,
        );
    }

    fn see_policies(
        &self,
        flow: &Flow,
        direction: &'static str,
        allowed_by: &[Policy],
        denied_by: &[Policy],
    ) {
        let (action, matched) = match (allowed_by, denied_by) {
            ([], []) => return,
            (_, []) => ("allow", "rule"),
            _ if flow.verdict == Verdict::Audit => ("audit", "rule"),
            _ if flow.drop_reason_desc == DropDescription::POLICY_DENY.name => ("deny", "rule"),
            _ => ("deny", "isolation"),
        };
        let labels = [
            ("direction", direction),
            ("action", action),
            ("match", matched),
        ];
        self.policy_verdicts.get_or_create(&labels).inc();
    }
}

/// The name of a reason, if it looks like one.
fn reason(description: &str) -> &str {
    let is_name = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    let is_one =
        !description.is_empty() && description.len() <= LONGEST && description.chars().all(is_name);
    if is_one { description } else { "UNKNOWN" }
}
