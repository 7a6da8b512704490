//! The flags that choose flows, those of `hubble observe`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use flow::filter::{Filter, LabelSelector, NamespaceName, PodPrefix, Protocol, Sided};
use flow::hubble::{TrafficDirection, Verdict};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// Which flows are shown.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Which flows")]
pub(super) struct Selection {
    /// From or to these pods: NAMESPACE/NAME, NAME in any namespace; the beginning of the name is enough
    #[arg(long, value_name = "POD", value_delimiter = ',')]
    pod: Vec<PodPrefix>,
    /// From these pods
    #[arg(long, value_name = "POD", value_delimiter = ',')]
    from_pod: Vec<PodPrefix>,
    /// To these pods
    #[arg(long, value_name = "POD", value_delimiter = ',')]
    to_pod: Vec<PodPrefix>,
    /// From or to pods of these namespaces
    #[arg(short, long, value_name = "NAMESPACE", value_delimiter = ',')]
    namespace: Vec<NamespaceName>,
    /// From pods of these namespaces
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    from_namespace: Vec<NamespaceName>,
    /// To pods of these namespaces
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    to_namespace: Vec<NamespaceName>,
    /// From or to ends with these labels: app=web, app!=web, app, !app, reserved:world; all of a list must hold
    #[arg(short, long, value_name = "SELECTOR")]
    label: Vec<LabelSelector>,
    /// From ends with these labels
    #[arg(long, value_name = "SELECTOR")]
    from_label: Vec<LabelSelector>,
    /// To ends with these labels
    #[arg(long, value_name = "SELECTOR")]
    to_label: Vec<LabelSelector>,
    /// From or to these addresses or prefixes
    #[arg(long, value_name = "IP|CIDR", value_delimiter = ',', value_parser = prefix)]
    ip: Vec<IpNet>,
    /// From these addresses or prefixes
    #[arg(long, value_name = "IP|CIDR", value_delimiter = ',', value_parser = prefix)]
    from_ip: Vec<IpNet>,
    /// To these addresses or prefixes
    #[arg(long, value_name = "IP|CIDR", value_delimiter = ',', value_parser = prefix)]
    to_ip: Vec<IpNet>,
    /// From or to these ports
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    port: Vec<u16>,
    /// From these ports
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    from_port: Vec<u16>,
    /// To these ports
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    to_port: Vec<u16>,
    /// What became of it: forwarded, dropped, audit
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', ignore_case = true,
        value_parser = verdict(), hide_possible_values = true)]
    verdict: Vec<Verdict>,
    /// The protocol: tcp, udp, sctp, icmp, icmpv4, icmpv6
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    protocol: Vec<Protocol>,
    /// Whose policies it is about: the source's (egress) or the destination's (ingress)
    #[arg(long, value_name = "ingress|egress", value_delimiter = ',', ignore_case = true,
        value_parser = direction(), hide_possible_values = true)]
    traffic_direction: Vec<TrafficDirection>,
    /// Not before this time, 2026-01-31T10:00:00Z, or not longer ago than 30s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Not after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Selection {
    /// The same as a filter.
    pub(super) fn filter(&self) -> Filter {
        Filter {
            pods: sided(&self.from_pod, &self.to_pod, &self.pod),
            namespaces: sided(&self.from_namespace, &self.to_namespace, &self.namespace),
            labels: sided(&self.from_label, &self.to_label, &self.label),
            addresses: sided(&self.from_ip, &self.to_ip, &self.ip),
            ports: sided(&self.from_port, &self.to_port, &self.port),
            verdicts: self.verdict.clone(),
            protocols: self.protocol.clone(),
            directions: self.traffic_direction.clone(),
            since: self.since,
            until: self.until,
        }
    }
}

fn sided<T: Clone>(from: &[T], to: &[T], either: &[T]) -> Sided<T> {
    Sided {
        from: from.to_vec(),
        to: to.to_vec(),
        either: either.to_vec(),
    }
}

fn verdict() -> impl TypedValueParser<Value = Verdict> {
    let names = Verdict::ALL.map(|verdict| verdict.name().to_lowercase());
    PossibleValuesParser::new(names).map(|name| {
        let is_it = |verdict: &Verdict| verdict.name().eq_ignore_ascii_case(&name);
        Verdict::ALL.into_iter().find(is_it).unwrap_or_default()
    })
}

fn direction() -> impl TypedValueParser<Value = TrafficDirection> {
    PossibleValuesParser::new(["ingress", "egress"]).map(|name| {
        if name.eq_ignore_ascii_case("ingress") {
            TrafficDirection::Ingress
        } else {
            TrafficDirection::Egress
        }
    })
}

fn prefix(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| {
        format!("`{text}` is no address: write for example 10.0.0.1, 10.0.0.0/8 or fd00::/8")
    })
}

/// A time, or how long ago it is.
fn time(text: &str) -> Result<Timestamp, String> {
    let ago = || {
        let duration = text.parse::<SignedDuration>().ok()?;
        Timestamp::now().checked_sub(duration).ok()
    };
    text.parse().ok().or_else(ago).ok_or_else(|| {
        format!("`{text}` is no time: write for example 2026-01-31T10:00:00Z, or how long ago it is: 30s, 5m, 2h")
    })
}
