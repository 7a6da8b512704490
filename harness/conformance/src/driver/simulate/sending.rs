//! Frames as they are, carried past the hooks on their way.

use super::super::{Arrival, wire};
use super::frame;
use super::network::{GATEWAY, Network, Place, mac};
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
        let journey = Journey {
            network: self,
            cluster,
            sender: &frame.from,
            from,
        };
        match from {
            Place::Pod(ifindex) => {
                let mut bytes = frame.to_bytes(mac(from).0, GATEWAY.0);
                Ok(match self.leave(&mut bytes, ifindex) {
                    Action::Redirect { ifindex } => journey.arrive(Place::Pod(ifindex), bytes),
                    Action::Pass => journey.pass_stack(bytes),
                    Action::Drop(_) | Action::Encapsulate(_) => Vec::new(),
                })
            }
            Place::Outside(_) => Ok(journey.pass_stack(frame.to_bytes(mac(from).0, GATEWAY.0))),
            Place::Node => {
                let towards = frame.towards.as_ref();
                let towards =
                    towards.context("a node has many links: say to whom the frame is sent")?;
                let to = self.place_of(cluster, towards)?;
                if to == Place::Node {
                    bail!("{towards} is on the node itself: no frame is sent there");
                }
                Ok(journey.reach(to, frame.to_bytes(GATEWAY.0, mac(to).0)))
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
    sender: &'a EndpointName,
    from: Place,
}

impl Journey<'_> {
    /// What the node's stack does with a frame: keeps it, forwards it, or has no way for it.
    fn pass_stack(&self, mut bytes: Vec<u8>) -> Vec<Arrival> {
        if wire::is_for_the_link(&bytes) {
            return self.reach_gateway(bytes);
        }
        let Some(address) = wire::destination(&bytes) else {
            return Vec::new();
        };
        if [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)].contains(&address) {
            return self.reach_gateway(bytes);
        }
        match self.network.place_at(address) {
            None => Vec::new(),
            Some(Place::Node) => self.arrive_at_node(Some(address), bytes),
            Some(to) => match frame::forward(&mut bytes) {
                Some(()) => self.reach(to, bytes),
                None => Vec::new(),
            },
        }
    }

    /// The last link: a pod's is guarded.
    fn reach(&self, to: Place, mut bytes: Vec<u8>) -> Vec<Arrival> {
        match to {
            Place::Pod(ifindex) if self.network.enter(&mut bytes, ifindex) != Action::Pass => {
                Vec::new()
            }
            _ => self.arrive(to, bytes),
        }
    }

    /// The node of the sender takes it, and may answer it.
    fn reach_gateway(&self, bytes: Vec<u8>) -> Vec<Arrival> {
        let answer = self.gateway_answer(&bytes);
        let mut arrivals = self.arrive_at_node(None, bytes);
        if let Some(answer) = answer {
            let answer = answer.to_bytes(GATEWAY.0, mac(self.from).0);
            arrivals.extend(self.reach(self.from, answer));
        }
        arrivals
    }

    /// Who asks for the gateway's link-layer address is told.
    fn gateway_answer(&self, bytes: &[u8]) -> Option<Frame> {
        let node = EndpointName::Node(self.node_name(None)?);
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

    fn arrive_at_node(&self, address: Option<IpAddr>, frame: Vec<u8>) -> Vec<Arrival> {
        let name = self.node_name(address);
        let at = name.map(EndpointName::Node);
        at.map(|at| Arrival { at, frame }).into_iter().collect()
    }

    fn arrive(&self, to: Place, frame: Vec<u8>) -> Vec<Arrival> {
        let position = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let at = match to {
            Place::Pod(ifindex) => {
                let pod = self.cluster.pods.keys().nth(position(ifindex - 1));
                pod.cloned().map(EndpointName::Pod)
            }
            Place::Outside(number) => {
                let host = self.cluster.externals.keys().nth(position(number));
                host.cloned().map(EndpointName::External)
            }
            Place::Node => self.node_name(None).map(EndpointName::Node),
        };
        at.map(|at| Arrival { at, frame }).into_iter().collect()
    }

    /// The node with this address; without one, the sender's own.
    fn node_name(&self, address: Option<IpAddr>) -> Option<String> {
        let Some(address) = address else {
            return match self.sender {
                EndpointName::Pod(name) => Some(self.cluster.pods.get(name)?.node.clone()),
                EndpointName::Node(name) => Some(name.clone()),
                EndpointName::External(_) => None,
            };
        };
        let mut nodes = self.cluster.nodes.iter();
        let (name, _) = nodes.find(|(_, node)| node.addresses.contains(address))?;
        Some(name.clone())
    }
}
