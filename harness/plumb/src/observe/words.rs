//! A flow in words, each in its colour.

use crate::style::{BAD, CARE, FAINT, GOOD, PLAIN};
use crate::text::Text;
use anstyle::Style;
use flow::hubble::{Endpoint, EventType, Flow, Policy, PolicyMatch, TrafficDirection, Verdict};
use std::net::IpAddr;

/// The text without anything that could steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// When, in UTC, as Hubble prints it.
pub(super) fn time(flow: &Flow) -> String {
    let time = flow
        .time
        .map(|time| time.strftime("%b %e %H:%M:%S%.3f").to_string());
    time.unwrap_or_else(|| "N/A".to_owned())
}

/// Who sent it: `shop/web:40000 (ID:256)`, `192.0.2.7:53 (world)`.
pub(super) fn source(flow: &Flow) -> Text {
    let ports = flow.l4.as_ref().and_then(flow::hubble::Layer4::ports);
    let address = flow.ip.as_ref().map(|ip| ip.source);
    end(
        flow.source.as_ref(),
        address,
        ports.map(|it| it.source_port),
    )
}

/// To whom, in the same words.
pub(super) fn destination(flow: &Flow) -> Text {
    let ports = flow.l4.as_ref().and_then(flow::hubble::Layer4::ports);
    let address = flow.ip.as_ref().map(|ip| ip.destination);
    let mut text = end(
        flow.destination.as_ref(),
        address,
        ports.map(|it| it.destination_port),
    );
    if !flow.virtual_destination.is_empty() {
        text.push(FAINT, service(flow));
    }
    text
}

/// The service that was asked for: `(of svc/shop/web 10.96.0.1:80)`.
fn service(flow: &Flow) -> String {
    let service = flow.destination_service.as_ref();
    let name = service.map(|service| format!("svc/{}/{} ", service.namespace, service.name));
    let name = name.unwrap_or_default();
    printable(&format!("(of {name}{})", flow.virtual_destination))
}

fn end(endpoint: Option<&Endpoint>, address: Option<IpAddr>, port: Option<u16>) -> Text {
    let unknown = Endpoint::default();
    let endpoint = endpoint.unwrap_or(&unknown);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let name = match address {
        _ if !endpoint.pod_name.is_empty() => {
            printable(&format!("{}/{}", endpoint.namespace, endpoint.pod_name))
        }
        Some(IpAddr::V6(address)) if !port.is_empty() => format!("[{address}]"),
        Some(address) => address.to_string(),
        None => "unknown".to_owned(),
    };
    let mut text = Text::new(PLAIN, format!("{name}{port}"));
    let reserved = endpoint
        .labels
        .iter()
        .find_map(|label| label.strip_prefix("reserved:"));
    match (reserved, endpoint.identity) {
        (Some(reserved), _) => text.push(FAINT, format!("({})", printable(reserved))),
        (None, 0) => {}
        (None, identity) => text.push(FAINT, format!("(ID:{identity})")),
    }
    text
}

/// The event behind it: `policy-verdict:L3-L4 EGRESS`, `drop`.
pub(super) fn event(flow: &Flow) -> String {
    let kind = match flow.event_type.map(|event| event.number) {
        Some(EventType::POLICY_VERDICT) => {
            let name = PolicyMatch::name_of(flow.policy_match_type).unwrap_or("unknown");
            format!("policy-verdict:{name}")
        }
        Some(EventType::DROP) => "drop".to_owned(),
        _ if flow.kind == "L3_L4" => "trace".to_owned(),
        _ => printable(&flow.kind.to_lowercase()),
    };
    match flow.traffic_direction {
        TrafficDirection::Egress => format!("{kind} EGRESS"),
        TrafficDirection::Ingress => format!("{kind} INGRESS"),
        TrafficDirection::Unknown => kind,
    }
}

/// What became of it, and why if it was dropped.
pub(super) fn verdict(flow: &Flow) -> Text {
    let mut text = Text::new(style(flow.verdict), flow.verdict.name());
    if !flow.drop_reason_desc.is_empty() {
        text.push(PLAIN, printable(&flow.drop_reason_desc));
    }
    text
}

const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Forwarded => GOOD,
        Verdict::Dropped | Verdict::Error => BAD,
        Verdict::Audit => CARE,
        Verdict::Redirected | Verdict::Traced | Verdict::Translated | Verdict::Unknown => PLAIN,
    }
}

/// Who decided: `egress allowed by shop/web; ingress denied by shop/db`. Empty if no policy did.
pub(super) fn policies(flow: &Flow) -> String {
    let denied = match flow.verdict {
        Verdict::Audit => "audited",
        _ => "denied",
    };
    let sides = [
        ("egress", "allowed", &flow.egress_allowed_by),
        ("egress", denied, &flow.egress_denied_by),
        ("ingress", "allowed", &flow.ingress_allowed_by),
        ("ingress", denied, &flow.ingress_denied_by),
    ];
    let decided = sides.into_iter().filter(|side| !side.2.is_empty());
    let said =
        decided.map(|(side, verb, policies)| format!("{side} {verb} by {}", names(policies)));
    said.collect::<Vec<_>>().join("; ")
}

fn names(policies: &[Policy]) -> String {
    let names = policies.iter().map(|policy| printable(&policy.to_string()));
    names.collect::<Vec<_>>().join(", ")
}

/// The flow in a line, as Hubble prints it, and the policies behind it.
pub(super) fn compact(flow: &Flow) -> Text {
    let is_reply = flow.is_reply;
    let mut line = Text::new(FAINT, format!("{}:", time(flow)));
    let (from, to) = (source(flow), destination(flow));
    // The one who opened the connection stands on the left.
    let (left, arrow, right) = match is_reply {
        Some(false) => (from, "->", to),
        Some(true) => (to, "<-", from),
        None => (from, "<>", to),
    };
    line.append(left);
    line.push(PLAIN, arrow);
    line.append(right);
    line.push(PLAIN, event(flow));
    line.append(verdict(flow));
    if !flow.summary.is_empty() {
        line.push(FAINT, format!("({})", printable(&flow.summary)));
    }
    let policies = policies(flow);
    if !policies.is_empty() {
        line.push(PLAIN, policies);
    }
    line
}
