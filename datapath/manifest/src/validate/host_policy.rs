//! Host policies, checked as `pkg/policy/api/rule_validation.go` of Cilium checks them, within what is read of them here.

use super::findings::Findings;
use super::label;
use super::port::port_number;
use super::selector::{selector, selector_by};
use crate::HostPolicy;
use crate::cilium::{
    CidrRule, ENTITIES, EgressRule, IngressRule, LabelKey, PortProtocol, PortRule, Rule,
};
use crate::report::Problem;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The most ports of one `toPorts`.
const MOST_PORTS: usize = 40;

/// The protocols of ports.
const PROTOCOLS: [&str; 4] = ["TCP", "UDP", "SCTP", "ANY"];

/// Checks a `CiliumClusterwideNetworkPolicy`.
pub(crate) fn host_policy(policy: &HostPolicy) -> Findings {
    let mut check = Check::default();
    if policy.rules().next().is_none() {
        let help = "write spec, with a nodeSelector and rules";
        check.error("", "has neither spec nor specs", help);
    }
    for (path, rule) in policy.rules() {
        check.rule(rule, &path);
    }
    check.findings
}

/// A rule in either direction.
struct Direction<'a> {
    /// The fields that name peers, with how many each names.
    peers: [(&'static str, Option<usize>); 5],
    endpoints: &'a [LabelSelector],
    nodes: &'a [LabelSelector],
    entities: &'a [String],
    cidrs: &'a [String],
    cidr_sets: &'a [CidrRule],
    ports: Option<&'a [PortRule]>,
}

impl<'a> From<&'a IngressRule> for Direction<'a> {
    fn from(rule: &'a IngressRule) -> Self {
        Self {
            peers: [
                ("fromEndpoints", rule.from_endpoints.as_ref().map(Vec::len)),
                ("fromNodes", rule.from_nodes.as_ref().map(Vec::len)),
                ("fromEntities", rule.from_entities.as_ref().map(Vec::len)),
                ("fromCIDR", rule.from_cidr.as_ref().map(Vec::len)),
                ("fromCIDRSet", rule.from_cidr_set.as_ref().map(Vec::len)),
            ],
            endpoints: rule.from_endpoints.as_deref().unwrap_or_default(),
            nodes: rule.from_nodes.as_deref().unwrap_or_default(),
            entities: rule.from_entities.as_deref().unwrap_or_default(),
            cidrs: rule.from_cidr.as_deref().unwrap_or_default(),
            cidr_sets: rule.from_cidr_set.as_deref().unwrap_or_default(),
            ports: rule.to_ports.as_deref(),
        }
    }
}

impl<'a> From<&'a EgressRule> for Direction<'a> {
    fn from(rule: &'a EgressRule) -> Self {
        Self {
            peers: [
                ("toEndpoints", rule.to_endpoints.as_ref().map(Vec::len)),
                ("toNodes", rule.to_nodes.as_ref().map(Vec::len)),
                ("toEntities", rule.to_entities.as_ref().map(Vec::len)),
                ("toCIDR", rule.to_cidr.as_ref().map(Vec::len)),
                ("toCIDRSet", rule.to_cidr_set.as_ref().map(Vec::len)),
            ],
            endpoints: rule.to_endpoints.as_deref().unwrap_or_default(),
            nodes: rule.to_nodes.as_deref().unwrap_or_default(),
            entities: rule.to_entities.as_deref().unwrap_or_default(),
            cidrs: rule.to_cidr.as_deref().unwrap_or_default(),
            cidr_sets: rule.to_cidr_set.as_deref().unwrap_or_default(),
            ports: rule.to_ports.as_deref(),
        }
    }
}

#[derive(Default)]
struct Check {
    findings: Findings,
}

impl Check {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>, help: &str) {
        let problem = Problem::new(message).path(path).help(help);
        self.findings.errors.push(problem);
    }

    fn warn(&mut self, path: impl Into<String>, message: &str, help: &str) {
        let problem = Problem::new(message).path(path).help(help);
        self.findings.warnings.push(problem);
    }

    fn rule(&mut self, rule: &Rule, path: &str) {
        let nodes = format!("{path}.nodeSelector");
        match &rule.node_selector {
            Some(selected) => self.findings.errors.extend(selector(selected, &nodes)),
            None => self.error(
                nodes,
                "is missing",
                "of this kind only policies for nodes are supported: write nodeSelector, {} to select all of them",
            ),
        }
        if rule.ingress.is_none() && rule.egress.is_none() {
            self.error(path, "has no rules", "write ingress, egress or both");
        }
        let denies = rule.enable_default_deny.unwrap_or_default();
        let ingress = rule.ingress.iter().flatten().map(Direction::from);
        let egress = rule.egress.iter().flatten().map(Direction::from);
        if rule.ingress.is_some() {
            self.direction(ingress, denies.ingress, &format!("{path}.ingress"));
        }
        if rule.egress.is_some() {
            self.direction(egress, denies.egress, &format!("{path}.egress"));
        }
    }

    /// The rules of a direction, at `path`. Without any, it is left as it is.
    fn direction<'a>(
        &mut self,
        rules: impl Iterator<Item = Direction<'a>>,
        denies: Option<bool>,
        path: &str,
    ) {
        let mut count = 0;
        for rule in rules {
            self.peers(&rule, &format!("{path}[{count}]"));
            self.ports(rule.ports, &format!("{path}[{count}].toPorts"));
            count += 1;
        }
        if count == 0 && denies != Some(true) {
            let help = "to deny everything in this direction, write one empty rule: [{}]";
            self.warn(path, "has no rules, and denies nothing", help);
        }
    }

    fn peers(&mut self, rule: &Direction<'_>, path: &str) {
        self.one_kind_of_peer(rule, path);
        let [endpoints, nodes, entities, cidrs, sets] = rule.peers.map(|(field, _)| {
            let path = format!("{path}.{field}");
            move |index: usize| format!("{path}[{index}]")
        });
        for (index, selected) in rule.endpoints.iter().enumerate() {
            let problems = selector_by(selected, &endpoints(index), endpoint_key);
            self.findings.errors.extend(problems);
        }
        for (index, selected) in rule.nodes.iter().enumerate() {
            let problems = selector(selected, &nodes(index));
            self.findings.errors.extend(problems);
        }
        for (index, entity) in rule.entities.iter().enumerate() {
            if !ENTITIES.contains(&entity.as_str()) {
                let help = format!("supported are {}", ENTITIES.join(", "));
                let message = format!("{entity:?} is not an entity that is supported");
                self.error(entities(index), message, &help);
            }
        }
        for (index, text) in rule.cidrs.iter().enumerate() {
            self.findings.cidr(text, cidrs(index));
        }
        for (index, set) in rule.cidr_sets.iter().enumerate() {
            self.findings.block(&set.cidr, &set.except, &sets(index));
        }
    }

    /// Cilium refuses rules whose peers are of several kinds.
    fn one_kind_of_peer(&mut self, rule: &Direction<'_>, path: &str) {
        let named = rule.peers.iter().filter(|(_, count)| *count > Some(0));
        let named: Vec<_> = named.map(|(field, _)| *field).collect();
        if let [first, second, ..] = named[..] {
            let help =
                "the peers of a rule are of one kind: make two rules of it, either may allow";
            self.error(path, format!("has {first} and {second}"), help);
        }
    }

    fn ports(&mut self, rules: Option<&[PortRule]>, path: &str) {
        let Some(rules) = rules else {
            return;
        };
        if rules.is_empty() {
            let help = "write at least one, or leave the list out to mean every port";
            self.error(path, "is empty", help);
        }
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("{path}[{index}].ports");
            match rule.ports.len() {
                0 => self.error(&path, "is empty", "write at least one port"),
                1..=MOST_PORTS => {}
                count => {
                    let help = format!("at most {MOST_PORTS} are allowed: make two of it");
                    self.error(&path, format!("has {count} entries"), &help);
                }
            }
            for (index, port) in rule.ports.iter().enumerate() {
                self.port(port, &format!("{path}[{index}]"));
            }
        }
    }

    fn port(&mut self, written: &PortProtocol, path: &str) {
        if let Some(protocol) = &written.protocol
            && !PROTOCOLS.contains(&protocol.as_str())
        {
            let help = format!("use {}", PROTOCOLS.join(", "));
            let message = format!("{protocol:?} is not a protocol of a port");
            self.error(format!("{path}.protocol"), message, &help);
        }
        let Ok(first) = written.port.parse::<u16>() else {
            let help = "write a number from 1 to 65535 in quotes, or \"0\" for every port; ports of nodes have no names";
            let message = format!("{:?} is not a port number", written.port);
            return self.error(format!("{path}.port"), message, help);
        };
        let Some(end) = written.end_port else {
            return;
        };
        let path = format!("{path}.endPort");
        match port_number(end) {
            Err(problem) => self.findings.errors.push(problem.path(path)),
            Ok(last) if first == 0 || last < first => {
                let help = "endPort is the last port of the range: use port or more";
                self.error(path, format!("{last} is below port {first}"), help);
            }
            Ok(_) => {}
        }
    }
}

/// Checks a key of a selector of pods.
fn endpoint_key(text: &str) -> Result<(), Problem> {
    match LabelKey::parse(text) {
        Some(LabelKey::Pod(key) | LabelKey::NamespaceLabel(key)) => label::key(key),
        Some(LabelKey::NamespaceName) => Ok(()),
        None => Err(Problem::new(format!(
            "{text:?} is not a label that is supported"
        ))
        .help(
            "write the key of a label, after k8s: or any: if need be; namespaces are selected by \
             io.kubernetes.pod.namespace and io.cilium.k8s.namespace.labels.KEY, nodes by fromEntities, toEntities, \
             fromNodes and toNodes",
        )),
    }
}
