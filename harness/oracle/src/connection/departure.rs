//! How pods' packets leave the cluster: with their own address or with their node's.

use super::packet::{Content, Flow, Packet};
use super::table::{Connection, Table};
use super::tracker::{
    Arrival, NodeJudgement, PacketJudgement, Stop, Tracker, pod_with_own_network,
};
use crate::masquerade::applies;
use manifest::{Cluster, EndpointName, Masquerade, Protocol};
use std::net::IpAddr;

/// Why a pod's packet does not leave the cluster: it would have the pod's own address there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stranded {
    /// It is of no connection, so nobody could answer it.
    NoConnection,
    /// Other connections have all the ports of the node towards this end.
    NoPort,
}

/// How a node masquerades towards one destination.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Whether it does so towards this one.
    pub(super) applies: bool,
    /// How many ports there are.
    ports: usize,
}

impl Rule {
    pub(super) fn of(masquerade: &Masquerade, cluster: &Cluster, destination: IpAddr) -> Self {
        let ports = masquerade.ports.as_ref();
        Self {
            applies: applies(cluster, masquerade, destination),
            ports: ports.map_or(usize::MAX, |ports| ports.clone().count()),
        }
    }
}

impl Tracker {
    /// The node with whose address a pod's packet leaves for the outside, and the address; `None` if it keeps its own, or
    /// stays in the cluster.
    pub(super) fn depart(
        &mut self,
        leaves: Option<&Stop<'_>>,
        cluster: &Cluster,
        packet: &Packet,
    ) -> Result<Option<(String, IpAddr)>, NodeJudgement> {
        let is_outside = matches!(packet.to, EndpointName::External(_));
        let is_pods = pod_with_own_network(cluster, &packet.from).is_some();
        let Some(stop) = leaves.filter(|_| is_outside && is_pods) else {
            return Ok(None);
        };
        let face = self.face(stop.node, cluster, packet);
        let face = face.map(|face| face.map(|address| (stop.node.to_owned(), address)));
        face.map_err(|why| NodeJudgement {
            at: stop.at,
            judgement: PacketJudgement::Stranded(why),
        })
    }

    /// A packet arrives where it is meant to, with this face.
    pub(super) fn arrive(&mut self, packet: &Packet, face: Option<(String, IpAddr)>) -> Arrival {
        let source = face.as_ref().map(|(_, address)| *address);
        self.remember(packet, face.map(|(node, _)| node));
        Arrival {
            at: packet.to.clone(),
            source: source.unwrap_or(packet.flow.source.0),
        }
    }

    /// The address of its node with which a pod's packet leaves; `None` if it keeps its own.
    fn face(
        &mut self,
        node: &str,
        cluster: &Cluster,
        packet: &Packet,
    ) -> Result<Option<IpAddr>, Stranded> {
        let view = self.views.get(node);
        let masquerade = view.map_or(self.masquerade.as_ref(), |view| view.masquerade.as_ref());
        let cluster = view.map_or(cluster, |view| &view.cluster);
        let (source, destination) = (packet.flow.source.0, packet.flow.destination.0);
        let rule = masquerade.map(|masquerade| Rule::of(masquerade, cluster, destination));
        let addresses = cluster.nodes.get(node).map(|node| node.addresses);
        let mut addresses = addresses.unwrap_or_default().iter();
        let address = addresses.find(|address| address.is_ipv4() == source.is_ipv4());
        let Some((rule, address)) = rule.zip(address) else {
            return Ok(None);
        };
        let table = self.nodes.entry(node.to_owned()).or_default();
        let is_masqueraded = table.depart(packet, rule)?;
        Ok(is_masqueraded.then_some(address))
    }

    /// What an outside host learns of who is at the other end of a flow: this node, or the pod itself.
    fn remember(&mut self, packet: &Packet, node: Option<String>) {
        if matches!(packet.content, Content::Error(_)) {
            return;
        }
        match node {
            Some(node) => _ = self.faces.insert(packet.flow, node),
            None => _ = self.faces.remove(&packet.flow),
        }
    }

    /// The node that keeps what an outside host sends: to its address, for it has seen no other, though no connection
    /// leads on from there.
    pub(super) fn taken_by(&self, packet: &Packet) -> Option<String> {
        if !matches!(packet.from, EndpointName::External(_)) {
            return None;
        }
        let flow = match packet.content {
            Content::Error(about) if about.source.0 == packet.flow.destination.0 => about,
            Content::Error(_) => return None,
            _ => packet.flow.reversed(),
        };
        let node = self.faces.get(&flow)?;
        let view = self.views.get(node);
        let masquerade = view.map_or(&self.masquerade, |view| &view.masquerade);
        let table = self.nodes.get(node).filter(|_| masquerade.is_some());
        let leads_back = table.is_some_and(|table| table.leads_back(flow));
        (!leads_back).then(|| node.clone())
    }

    /// Whether an outside host answers to a port of a node that may be another connection's by now: which one has it is not
    /// the model's business.
    #[must_use]
    pub fn is_undecided(&self, packet: &Packet) -> bool {
        let table = self.taken_by(packet).and_then(|node| self.nodes.get(&node));
        let (flow, end) = match packet.content {
            Content::Error(about) => (about, about.destination),
            _ => (packet.flow, packet.flow.source),
        };
        table.is_some_and(|table| {
            let mut others = table.connections.iter();
            others.any(|(other, connection)| {
                connection.is_masqueraded
                    && (other.protocol, other.destination) == (flow.protocol, end)
            })
        })
    }

    /// What is sent to a node's own address ends there, if there is a way.
    pub(super) fn end_at_node(
        &mut self,
        cluster: &Cluster,
        node: String,
        packet: &Packet,
    ) -> Option<Arrival> {
        let is_there = cluster.nodes.contains_key(&node);
        let to_node = Packet {
            to: EndpointName::Node(node),
            ..packet.clone()
        };
        let arrives = is_there && self.links.carry(cluster, &to_node);
        arrives.then_some(Arrival {
            at: to_node.to,
            source: packet.flow.source.0,
        })
    }
}

impl Table {
    /// Whether a pod's packet that has passed leaves with the node's address. A connection that was answered goes on as it
    /// began; one that the other end has opened is answered from where it was opened to.
    pub(super) fn depart(&mut self, packet: &Packet, rule: Rule) -> Result<bool, Stranded> {
        let is_error = matches!(packet.content, Content::Error(_));
        let flow = match packet.content {
            Content::Error(about) => about.reversed(),
            _ => packet.flow,
        };
        let is_open = match self.connections.get(&flow) {
            Some(known) if known.is_masqueraded => return Ok(true),
            Some(known) if known.is_answered => return Ok(false),
            Some(_) => true,
            None if self.connections.contains_key(&flow.reversed()) => return Ok(false),
            None => false,
        };
        if !rule.applies {
            return Ok(false);
        }
        if !is_open || is_error {
            return Err(Stranded::NoConnection);
        }
        if !self.has_port(flow, rule.ports) {
            return Err(Stranded::NoPort);
        }
        if let Some(connection) = self.connections.get_mut(&flow) {
            connection.is_masqueraded = true;
        }
        Ok(true)
    }

    /// Whether the node knows who is behind its own address: the connection lives, whoever has opened it.
    pub(super) fn leads_back(&self, flow: Flow) -> bool {
        let mut directions = [flow, flow.reversed()].into_iter();
        directions.any(|flow| self.connections.contains_key(&flow))
    }

    /// Whether there is a port for a connection beside those to the same end. SCTP keeps its own.
    fn has_port(&self, flow: Flow, ports: usize) -> bool {
        let is_beside = |(other, connection): &(&Flow, &Connection)| {
            let is_same_end =
                (other.protocol, other.destination) == (flow.protocol, flow.destination);
            connection.is_masqueraded && is_same_end && **other != flow
        };
        let mut others = self.connections.iter().filter(is_beside);
        if flow.protocol == Protocol::Sctp {
            others.all(|(other, _)| other.source.1 != flow.source.1)
        } else {
            others.count() < ports
        }
    }
}
