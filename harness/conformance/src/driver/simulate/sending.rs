//! Frames as they are, carried past the hooks on their way.

use super::super::{Arrival, wire};
use super::frame;
use super::network::{Network, Place, mac};
use super::node::GATEWAY;
use crate::packet::{Arp, Discovery, Frame};
use anyhow::{Context as _, bail};
use lab::{GATEWAY_V4, GATEWAY_V6};
use manifest::{Cluster, EndpointName};
use program::Action;
use std::net::IpAddr;

impl Network {
    /// Sends a frame and says where it arrives, and with what the gateway answers it.
    pub(super) fn send(&self, cluster: &Cluster, frame: &Frame) -> anyhow::Result<Vec<Arrival>> {
        let from = self.place_of(cluster, &frame.from)?;
        if self.is_unplugged(from) {
            return Ok(Vec::new());
        }
        let journey = Journey {
            network: self,
            cluster,
            from,
        };
        let mut bytes = frame.to_bytes(mac(from).0, GATEWAY.0);
        match from {
            Place::Pod { node, ifindex } => Ok(match self.leave(node, &mut bytes, ifindex) {
                Action::Redirect { ifindex } | Action::Refuse { ifindex, .. } => {
                    journey.arrive(Place::Pod { node, ifindex }, bytes)
                }
                Action::Pass => journey.pass_stack(node, bytes),
                Action::Drop(_) | Action::Reflect { .. } | Action::Encapsulate(_) => Vec::new(),
            }),
            Place::Outside(_) => Ok(journey.pass_router(bytes)),
            Place::Node(node) => {
                let towards = frame.towards.as_ref();
                let towards =
                    towards.context("a node has many links: say to whom the frame is sent")?;
                let to = self.place_of(cluster, towards)?;
                if to == from {
                    bail!("{towards} is on the node itself: no frame is sent there");
                }
                Ok(journey.send_towards(node, to, frame.to_bytes(GATEWAY.0, mac(to).0)))
            }
        }
    }

    fn place_of(&self, cluster: &Cluster, end: &EndpointName) -> anyhow::Result<Place> {
        let addresses = cluster.addresses(end);
        let addresses = addresses.with_context(|| format!("the cluster has no {end}"))?;
        let mut places = addresses
            .iter()
            .filter_map(|address| self.place_at(address));
        places
            .next()
            .with_context(|| format!("{end} has no address"))
    }
}

/// One frame under way.
struct Journey<'a> {
    network: &'a Network,
    cluster: &'a Cluster,
    from: Place,
}

impl Journey<'_> {
    /// What the stack of a pod's node does with a frame: keeps it, forwards it, or has no way for it.
    fn pass_stack(&self, node: u32, mut bytes: Vec<u8>) -> Vec<Arrival> {
        if wire::is_for_the_link(&bytes) {
            return self.reach_gateway(bytes);
        }
        let Some(address) = wire::destination(&bytes) else {
            return Vec::new();
        };
        if [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)].contains(&address) {
            return self.reach_gateway(bytes);
        }
        let place = self.network.place_at(address);
        if place == Some(Place::Node(node)) {
            return self.arrive(Place::Node(node), bytes);
        }
        match frame::forward(&mut bytes) {
            // Behind the node is another router before any host outside.
            Some(()) if matches!(place, Some(Place::Outside(_))) => {
                match frame::forward(&mut bytes) {
                    Some(()) => self.go_on(Some(node), bytes),
                    None => Vec::new(),
                }
            }
            Some(()) => self.go_on(Some(node), bytes),
            None => Vec::new(),
        }
    }

    /// What the router outside does with a frame.
    fn pass_router(&self, mut bytes: Vec<u8>) -> Vec<Arrival> {
        if wire::is_for_the_link(&bytes) {
            return Vec::new();
        }
        match frame::forward(&mut bytes) {
            Some(()) => self.go_on(None, bytes),
            None => Vec::new(),
        }
    }

    /// From a node's stack, or from the router, to where the destination is.
    fn go_on(&self, at: Option<u32>, mut bytes: Vec<u8>) -> Vec<Arrival> {
        match self.network.route(at, &mut bytes) {
            Some(place) => self.arrive(place, bytes),
            None => Vec::new(),
        }
    }

    /// A frame of a node itself, on the link that leads to a place.
    fn send_towards(&self, node: u32, to: Place, mut bytes: Vec<u8>) -> Vec<Arrival> {
        if to.node() != Some(node) {
            return self.go_on(Some(node), bytes);
        }
        match self.network.enter(to, &mut bytes) {
            Some(place) => self.arrive(place, bytes),
            None => Vec::new(),
        }
    }

    /// The node of the sender takes it, and may answer it.
    fn reach_gateway(&self, bytes: Vec<u8>) -> Vec<Arrival> {
        let answer = self.gateway_answer(&bytes);
        let own = self.from.node().map(Place::Node);
        let mut arrivals = own.map_or_else(Vec::new, |own| self.arrive(own, bytes));
        if let Some(answer) = answer {
            let mut answer = answer.to_bytes(GATEWAY.0, mac(self.from).0);
            if let Some(place) = self.network.enter(self.from, &mut answer) {
                arrivals.extend(self.arrive(place, answer));
            }
        }
        arrivals
    }

    /// Who asks for the gateway's link-layer address is told.
    fn gateway_answer(&self, bytes: &[u8]) -> Option<Frame> {
        let node = EndpointName::Node(self.node_name(self.from.node()?)?);
        if let Some(sender) = frame::asked_by_arp(bytes, GATEWAY_V4) {
            let reply = Arp::Reply {
                sender: GATEWAY_V4,
                target: sender,
            };
            return Some(reply.to_frame(node));
        }
        let advertisement = Discovery::Advertisement {
            source: GATEWAY_V6,
            target: GATEWAY_V6,
        };
        frame::asks_by_discovery(bytes, GATEWAY_V6).then(|| advertisement.to_frame(node))
    }

    fn arrive(&self, to: Place, frame: Vec<u8>) -> Vec<Arrival> {
        if self.network.is_unplugged(to) {
            return Vec::new();
        }
        let position = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let at = match to {
            Place::Pod { ifindex, .. } => {
                let pod = self.cluster.pods.keys().nth(position(ifindex - 1));
                pod.cloned().map(EndpointName::Pod)
            }
            Place::Outside(number) => {
                let host = self.cluster.externals.keys().nth(position(number));
                host.cloned().map(EndpointName::External)
            }
            Place::Node(number) => self.node_name(number).map(EndpointName::Node),
        };
        at.map(|at| Arrival::new(at, frame)).into_iter().collect()
    }

    /// The name of the node with this number.
    fn node_name(&self, number: u32) -> Option<String> {
        let mut nodes = self.cluster.nodes.iter();
        let place = Some(Place::Node(number));
        let is_it = |address| self.network.place_at(address) == place;
        let (name, _) = nodes.find(|(_, node)| node.addresses.iter().any(is_it))?;
        Some(name.clone())
    }
}
