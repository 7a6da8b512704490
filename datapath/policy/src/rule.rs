//! Policies in the compiler's own words: defaults filled in, texts parsed, rules without effect left out.
//! Those of the other tiers are read in `tier`, host policies in `host`.

use crate::Direction;
use crate::ports::{PortMatch, PortRange};
use crate::selector::Selector;
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::{NetworkPolicy, ObjectName, PolicyName};

/// A policy.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Its name.
    pub(crate) name: PolicyName,
    /// Which part of the object it is: a host policy may have several, any other is one.
    pub(crate) part: usize,
    /// When it is asked.
    pub(crate) precedence: Precedence,
    /// Whether what it alone denies is let through.
    pub(crate) is_audit: bool,
    /// Whom it applies to.
    pub(crate) subject: Subject,
    /// The egress rules; `None` if it does not apply to egress.
    pub(crate) egress: Option<Vec<Rule>>,
    /// The ingress rules; `None` if it does not apply to ingress.
    pub(crate) ingress: Option<Vec<Rule>>,
    /// Whether what no rule allows is denied, in egress and in ingress.
    pub(crate) isolates: [bool; 2],
}

/// Whom a policy applies to.
#[derive(Debug)]
pub(crate) enum Subject {
    /// Pods, in some namespaces.
    Pods(Namespaces, Selector),
    /// Nodes.
    Nodes(Selector),
}

/// When a policy is asked: tier by tier, in each the lower priority first. Network policies have none: those of a pod
/// are asked together.
pub(crate) type Precedence = (Tier, i64);

/// A layer of policies, in the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Tier {
    /// What keeps a node alive: before every host policy.
    Failsafe,
    /// Before every network policy.
    Admin,
    /// Network policies, and host policies at nodes: who is selected is isolated.
    NetworkPolicy,
    /// Where no network policy isolates.
    Baseline,
}

/// What one rule says.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What it does with what it matches.
    pub(crate) action: Action,
    /// The other end: one of these; `None` is everyone.
    pub(crate) peers: Option<Vec<Peer>>,
    /// The destination port: one of these; `None` is every port of every protocol.
    pub(crate) ports: Option<Vec<PortMatch>>,
}

/// What a rule does with what it matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Allow it.
    Allow,
    /// Deny it.
    Deny,
    /// Leave it to the next tier.
    Pass,
}

/// The other end of the traffic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Peer {
    /// Pods, by their labels, in some namespaces.
    Pods(Namespaces, Selector),
    /// Addresses within the first prefix and none of the others; those of endpoints if the mode of `ipBlock` says so.
    Block(IpNet, Vec<IpNet>),
    /// Nodes by their labels.
    Nodes(Selector),
    /// Addresses within the prefix, those of endpoints too.
    Network(IpNet),
    /// Addresses within the first prefix and none of the others, but no endpoint's.
    Outside(IpNet, Vec<IpNet>),
    /// Every address that is no endpoint's.
    World,
    /// Pods and nodes.
    Cluster,
    /// Whoever there is.
    Everyone,
}

/// Which namespaces pods are in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Namespaces {
    /// The policy's own.
    Own(String),
    /// Those with matching labels.
    Matching(Selector),
}

impl Policy {
    /// Reads a validated policy. What validation would have refused (an unknown protocol, a CIDR that is none)
    /// matches nothing. `namespace_audit` is what its namespace says about audit mode.
    pub(crate) fn new(name: &ObjectName, policy: &NetworkPolicy, namespace_audit: bool) -> Self {
        let spec = &policy.spec;
        let egress = spec.egress.iter().flatten();
        let ingress = spec.ingress.iter().flatten();
        let egress = egress.map(|rule| Rule::new(name, rule.to.as_deref(), rule.ports.as_deref()));
        let ingress =
            ingress.map(|rule| Rule::new(name, rule.from.as_deref(), rule.ports.as_deref()));
        let isolates = Direction::BOTH.map(|direction| isolates(spec, direction));
        Self {
            name: name.clone().into(),
            part: 0,
            precedence: (Tier::NetworkPolicy, 0),
            is_audit: policy.audit.unwrap_or(namespace_audit),
            subject: Subject::Pods(
                Namespaces::Own(name.namespace.clone()),
                Selector::or_everything(spec.pod_selector.as_ref()),
            ),
            egress: isolates[0].then(|| egress.collect()),
            ingress: isolates[1].then(|| ingress.collect()),
            isolates,
        }
    }

    /// The rules of a direction; `None` if the policy does not apply to it.
    pub(crate) fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Egress => self.egress.as_deref(),
            Direction::Ingress => self.ingress.as_deref(),
        }
    }

    /// Whether what no rule of a direction allows is denied.
    pub(crate) const fn isolates(&self, direction: Direction) -> bool {
        match direction {
            Direction::Egress => self.isolates[0],
            Direction::Ingress => self.isolates[1],
        }
    }

    /// Whether what the rules of a direction allow depends on the destination's named ports.
    pub(crate) fn uses_names(&self, direction: Direction) -> bool {
        let rules = self.rules(direction).unwrap_or_default();
        let mut ports = rules.iter().flat_map(|rule| rule.ports.iter().flatten());
        ports.any(|port| matches!(port, PortMatch::Named(..)))
    }

    /// Every prefix that an `ipBlock` of a rule in effect names.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = IpNet> {
        self.peers().flat_map(|peer| match peer {
            Peer::Block(cidr, except) => [&[*cidr], except.as_slice()].concat(),
            _ => Vec::new(),
        })
    }

    /// Every prefix that a rule in effect names for outside addresses only.
    pub(crate) fn outside(&self) -> impl Iterator<Item = IpNet> {
        self.peers().flat_map(|peer| match peer {
            Peer::Outside(cidr, except) => [&[*cidr], except.as_slice()].concat(),
            _ => Vec::new(),
        })
    }

    /// Every prefix of `networks` that a rule in effect names.
    pub(crate) fn networks(&self) -> impl Iterator<Item = IpNet> {
        self.peers().filter_map(|peer| match peer {
            Peer::Network(network) => Some(*network),
            _ => None,
        })
    }

    fn peers(&self) -> impl Iterator<Item = &Peer> {
        let rules = self.egress.iter().chain(&self.ingress).flatten();
        rules.flat_map(|rule| rule.peers.iter().flatten())
    }
}

/// Whether the policy isolates this direction: as `policyTypes` says; by default ingress always,
/// egress when there are egress rules.
fn isolates(spec: &NetworkPolicySpec, direction: Direction) -> bool {
    match spec.policy_types.as_deref() {
        None | Some([]) => {
            direction == Direction::Ingress
                || spec.egress.as_ref().is_some_and(|rules| !rules.is_empty())
        }
        Some(types) => types.iter().any(|name| name == direction.policy_type()),
    }
}

impl Rule {
    /// A rule of policy `name`. Absent and empty lists both mean everything.
    fn new(
        name: &ObjectName,
        peers: Option<&[NetworkPolicyPeer]>,
        ports: Option<&[NetworkPolicyPort]>,
    ) -> Self {
        let peers = peers.filter(|peers| !peers.is_empty());
        let ports = ports.filter(|ports| !ports.is_empty());
        Self {
            action: Action::Allow,
            peers: peers.map(|peers| {
                peers
                    .iter()
                    .filter_map(|peer| read_peer(name, peer))
                    .collect()
            }),
            ports: ports.map(|ports| ports.iter().filter_map(read_ports).collect()),
        }
    }
}

fn read_peer(policy: &ObjectName, peer: &NetworkPolicyPeer) -> Option<Peer> {
    if let Some(block) = &peer.ip_block {
        return read_block(block);
    }
    let namespaces = match (&peer.namespace_selector, &peer.pod_selector) {
        (None, None) => return None,
        (None, Some(_)) => Namespaces::Own(policy.namespace.clone()),
        (Some(selector), _) => Namespaces::Matching(Selector::new(selector)),
    };
    let pods = Selector::or_everything(peer.pod_selector.as_ref());
    Some(Peer::Pods(namespaces, pods))
}

/// Host bits are masked. A block with an exception that cannot be read matches nothing: never more than was meant.
fn read_block(block: &IPBlock) -> Option<Peer> {
    let except = block.except.iter().flatten();
    let except: Option<Vec<_>> = except.map(|text| read_prefix(text)).collect();
    Some(Peer::Block(read_prefix(&block.cidr)?, except?))
}

/// An IPv6 prefix within the IPv4-mapped addresses is no prefix of any packet's address.
pub(crate) fn read_prefix(text: &str) -> Option<IpNet> {
    let prefix = text.parse::<IpNet>().ok()?.trunc();
    match prefix {
        IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.addr().to_ipv4_mapped().is_some() => None,
        _ => Some(prefix),
    }
}

fn read_ports(port: &NetworkPolicyPort) -> Option<PortMatch> {
    let protocol = read_protocol(port.protocol.as_deref())?;
    let (first, last) = match &port.port {
        None => (0, u16::MAX),
        Some(IntOrString::String(name)) => {
            return Some(PortMatch::Named(Some(protocol), name.clone()));
        }
        Some(IntOrString::Int(first)) => {
            let last = port.end_port.unwrap_or(*first);
            (u16::try_from(*first).ok()?, u16::try_from(last).ok()?)
        }
    };
    Some(PortMatch::Range(PortRange {
        protocol,
        first,
        last,
    }))
}

/// The number of a protocol with ports; TCP by default.
pub(crate) fn read_protocol(name: Option<&str>) -> Option<u8> {
    match name {
        None | Some("TCP") => Some(abi::protocol::TCP),
        Some("UDP") => Some(abi::protocol::UDP),
        Some("SCTP") => Some(abi::protocol::SCTP),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::Origin;

    fn read(spec: &str) -> Policy {
        let policy = NetworkPolicy {
            spec: serde_saphyr::from_str(spec).unwrap(),
            audit: None,
            is_logged: false,
            origin: Origin::synthetic("test"),
        };
        Policy::new(&ObjectName::new("shop", "web"), &policy, false)
    }

    /// Which directions a policy isolates, as `egress`, `ingress`, both or neither.
    fn check_isolation(spec: &str, expected: &str) {
        let policy = read(spec);
        let isolated = [Direction::Egress, Direction::Ingress]
            .into_iter()
            .filter(|direction| policy.rules(*direction).is_some())
            .map(Direction::name)
            .collect::<Vec<_>>();
        assert_eq!(isolated.join(" "), expected, "{spec}");
    }

    #[test]
    fn policy_types_default_to_ingress_and_to_egress_where_there_are_rules() {
        check_isolation("{}", "ingress");
        check_isolation("{egress: []}", "ingress");
        check_isolation("{egress: [{}]}", "egress ingress");
        check_isolation("{policyTypes: [], egress: [{}]}", "egress ingress");
        check_isolation("{policyTypes: [Egress], ingress: [{}]}", "egress");
        check_isolation("{policyTypes: [Ingress], egress: [{}]}", "ingress");
        check_isolation("{policyTypes: [Ingress, Egress]}", "egress ingress");
    }

    /// What the ports of the only ingress rule are.
    fn check_ports(ports: &str, expected: &str) {
        let policy = read(&format!("ingress: [{{ports: {ports}}}]"));
        let [rule] = policy.rules(Direction::Ingress).unwrap() else {
            panic!("one rule");
        };
        assert_eq!(format!("{:?}", rule.ports), expected, "{ports}");
    }

    #[test]
    fn ports_are_read_with_their_defaults() {
        let range = |protocol: u8, first: u16, last: u16| {
            format!(
                "Some([Range(PortRange {{ protocol: {protocol}, first: {first}, last: {last} }})])"
            )
        };
        check_ports("[]", "None");
        check_ports("[{}]", &range(6, 0, 65535));
        check_ports("[{port: 80}]", &range(6, 80, 80));
        check_ports("[{protocol: SCTP}]", &range(132, 0, 65535));
        check_ports(
            "[{protocol: UDP, port: 53, endPort: 65535}]",
            &range(17, 53, 65535),
        );
        check_ports("[{port: http}]", "Some([Named(Some(6), \"http\")])");
        check_ports("[{protocol: DCCP}, {port: 65536}, {port: -1}]", "Some([])");
    }

    #[test]
    fn a_peer_that_cannot_be_read_matches_nothing_instead_of_everything() {
        let spec = "ingress: [{from: [{}, {ipBlock: {cidr: nonsense}}, {ipBlock: {cidr: 10.0.0.0/8, except: [x]}}]}]";
        let policy = read(spec);
        let rules = policy.rules(Direction::Ingress).unwrap();
        assert_eq!(rules[0].peers, Some(Vec::new()));
    }

    #[test]
    fn host_bits_of_a_prefix_are_masked() {
        let spec = "ingress: [{from: [{ipBlock: {cidr: 10.1.2.3/8, except: [10.9.9.9/16]}}]}]";
        let prefixes: Vec<_> = read(spec).blocks().map(|p| p.to_string()).collect();
        assert_eq!(prefixes, ["10.0.0.0/8", "10.9.0.0/16"]);
    }

    #[test]
    fn rules_of_a_direction_that_is_not_isolated_name_no_prefix() {
        let spec = "{policyTypes: [Ingress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}";
        assert_eq!(read(spec).blocks().count(), 0);
    }
}
