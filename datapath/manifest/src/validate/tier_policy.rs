//! Policies for the whole cluster, checked as an API server checks them: by the schema and the CEL rules of the custom
//! resource definitions in `kubernetes-sigs/network-policy-api`, and by what the texts of its fields demand.

use super::address::cidr;
use super::findings::Findings;
use super::selector::selector;
use super::tier_port::{Ports, ports, protocols};
use crate::network_policy_api::v1alpha1::{AdminNetworkPolicySpec, BaselineAdminNetworkPolicySpec};
use crate::network_policy_api::v1alpha2::ClusterNetworkPolicySpec;
use crate::network_policy_api::{EgressPeer, IngressPeer, NamespacedPod, Subject};
use crate::report::Problem;
use std::collections::BTreeSet;

/// The most CIDRs or domain names of one peer.
const MOST_NETWORKS: usize = 25;
/// The most characters in the name of a rule.
const LONGEST_NAME: usize = 100;

/// What differs between the kinds.
struct Kind {
    actions: &'static [&'static str],
    /// The most rules of a direction, peers of a rule, and ports of a rule.
    most: usize,
    /// Whether a selector of pods may leave out the namespaces, meaning all.
    namespaces_by_default: bool,
    /// Whether peers may be domain names.
    domain_names: bool,
}

const CLUSTER: Kind = Kind {
    actions: &["Accept", "Deny", "Pass"],
    most: 25,
    namespaces_by_default: true,
    domain_names: true,
};

const ADMIN: Kind = Kind {
    actions: &["Allow", "Deny", "Pass"],
    most: 100,
    namespaces_by_default: false,
    domain_names: true,
};

const BASELINE: Kind = Kind {
    actions: &["Allow", "Deny"],
    domain_names: false,
    ..ADMIN
};

/// Checks a `ClusterNetworkPolicy`.
pub(crate) fn cluster_network_policy(spec: &ClusterNetworkPolicySpec) -> Findings {
    let mut check = Check::new(&CLUSTER);
    check.one_of("spec.tier", &spec.tier, &["Admin", "Baseline"], "a tier");
    check.priority(spec.priority);
    check.subject(&spec.subject);
    check.count("spec.ingress", spec.ingress.len(), 0);
    for (index, rule) in spec.ingress.iter().enumerate() {
        let path = format!("spec.ingress[{index}]");
        check.rule(&path, rule.name.as_deref(), &rule.action);
        check.sources(&rule.from, &path);
        check.ports(&protocols(rule.protocols.as_deref(), &path, CLUSTER.most));
    }
    check.count("spec.egress", spec.egress.len(), 0);
    for (index, rule) in spec.egress.iter().enumerate() {
        let path = format!("spec.egress[{index}]");
        check.rule(&path, rule.name.as_deref(), &rule.action);
        check.destinations(&rule.to, &path, &rule.action);
        let ports = protocols(rule.protocols.as_deref(), &path, CLUSTER.most);
        check.ports(&ports);
        check.named_ports(&rule.to, &ports);
    }
    check.findings
}

/// Checks an `AdminNetworkPolicy`.
pub(crate) fn admin_network_policy(spec: &AdminNetworkPolicySpec) -> Findings {
    let mut check = Check::new(&ADMIN);
    check.priority(spec.priority);
    check.subject(&spec.subject);
    check.v1alpha1(&spec.ingress, &spec.egress);
    check.findings
}

/// Checks the `BaselineAdminNetworkPolicy` of this name.
pub(crate) fn baseline_admin_network_policy(
    name: &str,
    spec: &BaselineAdminNetworkPolicySpec,
) -> Findings {
    let mut check = Check::new(&BASELINE);
    if name != "default" && !name.is_empty() {
        check.error(
            "metadata.name",
            format!("{name:?} is not the name of the one BaselineAdminNetworkPolicy"),
            "call it default",
        );
    }
    check.subject(&spec.subject);
    check.v1alpha1(&spec.ingress, &spec.egress);
    check.findings
}

struct Check {
    kind: &'static Kind,
    findings: Findings,
}

impl Check {
    fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            findings: Findings::default(),
        }
    }

    fn error(&mut self, path: impl Into<String>, message: impl Into<String>, help: &str) {
        let problem = Problem::new(message).path(path).help(help);
        self.findings.errors.push(problem);
    }

    fn v1alpha1(
        &mut self,
        ingress: &[crate::network_policy_api::v1alpha1::IngressRule],
        egress: &[crate::network_policy_api::v1alpha1::EgressRule],
    ) {
        let most = self.kind.most;
        self.count("spec.ingress", ingress.len(), 0);
        for (index, rule) in ingress.iter().enumerate() {
            let path = format!("spec.ingress[{index}]");
            self.rule(&path, rule.name.as_deref(), &rule.action);
            self.sources(&rule.from, &path);
            self.ports(&ports(rule.ports.as_deref(), &path, most));
        }
        self.count("spec.egress", egress.len(), 0);
        for (index, rule) in egress.iter().enumerate() {
            let path = format!("spec.egress[{index}]");
            self.rule(&path, rule.name.as_deref(), &rule.action);
            self.destinations(&rule.to, &path, &rule.action);
            let ports = ports(rule.ports.as_deref(), &path, most);
            self.ports(&ports);
            self.named_ports(&rule.to, &ports);
        }
    }

    fn one_of(&mut self, path: &str, written: &str, allowed: &[&str], what: &str) {
        if allowed.contains(&written) {
            return;
        }
        let message = match written {
            "" => "is missing".to_owned(),
            other => format!("{other:?} is not {what} here"),
        };
        let help = format!("use {}", in_words(allowed));
        self.error(path, message, &help);
    }

    fn priority(&mut self, priority: Option<i64>) {
        let message = match priority {
            Some(0..=1000) => return,
            Some(number) => format!("{number} is not a priority"),
            None => "is missing".to_owned(),
        };
        let help = "use a number from 0 to 1000; the lower is asked first";
        self.error("spec.priority", message, help);
    }

    /// Between `least` and as many as the kind allows.
    fn count(&mut self, path: &str, count: usize, least: usize) {
        let most = self.kind.most;
        if count < least {
            self.error(path, "is empty", "write at least one");
        } else if count > most {
            let help = format!("at most {most} are allowed: make two of it");
            self.error(path, format!("has {count} entries"), &help);
        }
    }

    fn rule(&mut self, path: &str, name: Option<&str>, action: &str) {
        if let Some(name) = name.filter(|name| name.chars().count() > LONGEST_NAME) {
            let message = format!("has {} characters", name.chars().count());
            self.error(
                format!("{path}.name"),
                message,
                "at most 100 are allowed: shorten it",
            );
        }
        let path = format!("{path}.action");
        self.one_of(&path, action, self.kind.actions, "an action");
    }

    fn ports(&mut self, ports: &Ports) {
        self.findings.errors.extend(ports.problems.iter().cloned());
    }

    fn subject(&mut self, subject: &Subject) {
        let Subject { namespaces, pods } = subject;
        let fields = [
            ("namespaces", namespaces.is_some()),
            ("pods", pods.is_some()),
        ];
        self.exactly_one("spec.subject", &fields);
        if let Some(namespaces) = namespaces {
            let path = "spec.subject.namespaces";
            self.findings.errors.extend(selector(namespaces, path));
        }
        if let Some(pods) = pods {
            self.pods(pods, "spec.subject.pods");
        }
    }

    fn exactly_one(&mut self, path: &str, fields: &[(&str, bool)]) {
        let set = fields.iter().filter(|(_, is_set)| *is_set);
        let set: Vec<&str> = set.map(|(name, _)| *name).collect();
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let help = format!("write exactly one of {}", in_words(&names));
        match set.as_slice() {
            [_] => {}
            [] => self.error(path, "selects by nothing", &help),
            several => self.error(path, format!("has {}", several.join(" and ")), &help),
        }
    }

    fn pods(&mut self, pods: &NamespacedPod, path: &str) {
        let selectors = [
            (
                "namespaceSelector",
                &pods.namespace_selector,
                self.kind.namespaces_by_default,
            ),
            ("podSelector", &pods.pod_selector, false),
        ];
        for (field, written, by_default) in selectors {
            let path = format!("{path}.{field}");
            match written {
                Some(written) => self.findings.errors.extend(selector(written, &path)),
                None if by_default => {}
                None => self.error(path, "is missing", "write {} to select all of them"),
            }
        }
    }

    fn sources(&mut self, peers: &[IngressPeer], rule: &str) {
        self.count(&format!("{rule}.from"), peers.len(), 1);
        for (index, peer) in peers.iter().enumerate() {
            let path = format!("{rule}.from[{index}]");
            let IngressPeer { namespaces, pods } = peer;
            let fields = [
                ("namespaces", namespaces.is_some()),
                ("pods", pods.is_some()),
            ];
            self.exactly_one(&path, &fields);
            if let Some(namespaces) = namespaces {
                let path = format!("{path}.namespaces");
                self.findings.errors.extend(selector(namespaces, &path));
            }
            if let Some(pods) = pods {
                self.pods(pods, &format!("{path}.pods"));
            }
        }
    }

    fn destinations(&mut self, peers: &[EgressPeer], rule: &str, action: &str) {
        self.count(&format!("{rule}.to"), peers.len(), 1);
        for (index, peer) in peers.iter().enumerate() {
            self.destination(peer, &format!("{rule}.to[{index}]"), action);
        }
    }

    fn destination(&mut self, peer: &EgressPeer, path: &str, action: &str) {
        let fields = [
            ("namespaces", peer.namespaces.is_some()),
            ("pods", peer.pods.is_some()),
            ("nodes", peer.nodes.is_some()),
            ("networks", peer.networks.is_some()),
            ("domainNames", peer.domain_names.is_some()),
        ];
        let fields = if self.kind.domain_names {
            &fields[..]
        } else {
            &fields[..4]
        };
        self.exactly_one(path, fields);
        let selectors = [("namespaces", &peer.namespaces), ("nodes", &peer.nodes)];
        for (field, written) in selectors {
            if let Some(written) = written {
                let problems = selector(written, &format!("{path}.{field}"));
                self.findings.errors.extend(problems);
            }
        }
        if let Some(pods) = &peer.pods {
            self.pods(pods, &format!("{path}.pods"));
        }
        if let Some(networks) = &peer.networks {
            self.networks(networks, &format!("{path}.networks"));
        }
        if let Some(names) = &peer.domain_names {
            self.domain_names(names, &format!("{path}.domainNames"), action);
        }
    }

    fn networks(&mut self, networks: &[String], path: &str) {
        self.set(networks, path);
        for (index, text) in networks.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match cidr(text) {
                Ok(written) if written != written.trunc() => {
                    let problem = Problem::new(format!("{text} has bits set beyond its prefix"))
                        .path(path)
                        .help(format!(
                            "it is read as {}: write it like that",
                            written.trunc()
                        ));
                    self.findings.warnings.push(problem);
                }
                Ok(_) => {}
                Err(problem) => self.findings.errors.push(problem.path(path)),
            }
        }
    }

    /// No datapath here knows the names behind addresses, so the rule fails closed, as the text of the API demands.
    fn domain_names(&mut self, names: &[String], path: &str, action: &str) {
        if !self.kind.domain_names {
            let help = "a BaselineAdminNetworkPolicy has namespaces, pods, nodes and networks";
            return self.error(path, "there is no field `domainNames` here", help);
        }
        self.set(names, path);
        let effect = if matches!(action, "Accept" | "Allow") {
            "the rule matches nothing"
        } else {
            "the rule denies everything"
        };
        let problem = Problem::new(format!("domain names are not supported: {effect}"));
        let help = "write networks instead; what is not supported fails closed";
        self.findings.warnings.push(problem.path(path).help(help));
    }

    /// A list without repetitions.
    fn set(&mut self, items: &[String], path: &str) {
        match items.len() {
            0 => self.error(path, "is empty", "write at least one"),
            1..=MOST_NETWORKS => {}
            count => {
                let help = "at most 25 are allowed: make two peers of it";
                self.error(path, format!("has {count} entries"), help);
            }
        }
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            if !seen.insert(item) {
                let message = format!("{item:?} is there twice");
                self.error(format!("{path}[{index}]"), message, "remove one of them");
            }
        }
    }

    /// Only pods name ports.
    fn named_ports(&mut self, peers: &[EgressPeer], ports: &Ports) {
        let is_nameless = |peer: &EgressPeer| {
            peer.networks.is_some() || peer.nodes.is_some() || peer.domain_names.is_some()
        };
        if let (Some(path), true) = (&ports.first_named, peers.iter().any(is_nameless)) {
            self.error(
                path.clone(),
                "a port name cannot be together with nodes, networks or domainNames",
                "only pods name ports: make two rules of it, or write the number",
            );
        }
    }
}

/// `a, b or c`.
fn in_words(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
