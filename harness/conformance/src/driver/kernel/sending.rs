//! Sends frames one by one and finds out what became of each.

use super::super::evidence::NodeEvent;
use super::super::journal::{Journal, is_of_another_lab};
use super::super::outside::Outside;
use super::super::{Arrival, wire};
use super::agents::Agents;
use super::barrier::{self, Barrier};
use super::taps::Taps;
use super::topology::{Location, Topology};
use crate::packet::Frame;
use anyhow::{Context as _, bail, ensure};
use flow::Clock;
use lab::{FABRIC_MAC, GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, Lab, NodeLink, OVERLAY_MAC};
use manifest::{Cluster, EndpointName};
use std::net::IpAddr;

/// What was seen of a frame.
#[derive(Default)]
pub(super) struct Sight {
    pub(super) events: Vec<NodeEvent>,
    pub(super) arrivals: Vec<Arrival>,
}

/// What sending needs, borrowed from the rig.
pub(super) struct Sender<'a> {
    pub(super) lab: &'a mut Lab,
    pub(super) agents: &'a mut Agents,
    pub(super) barrier: &'a mut Barrier,
    pub(super) taps: &'a mut Taps,
    pub(super) journal: &'a mut Journal,
    pub(super) clock: Clock,
    /// Barriers after which a frame is where it can get.
    pub(super) barriers: usize,
    pub(super) outside: &'a mut Outside,
    pub(super) topology: &'a Topology,
    pub(super) cluster: &'a Cluster,
}

impl Sender<'_> {
    /// What became of every frame, in their order. The lab is mute from now on.
    pub(super) fn send_all(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Sight>> {
        self.lab.mute_all_but(&[barrier::NAME])?;
        self.taps.open(self.lab)?;
        // What earlier probes left behind.
        self.barrier.pass(self.agents, |_| ())?;
        self.taps.drain(|_, _| ())?;
        let lost_before = self.agents.lost_events()?;
        let sights = frames.iter().map(|frame| self.send(frame));
        let sights = sights.collect::<anyhow::Result<Vec<_>>>()?;
        let lost = self.agents.lost_events()? - lost_before;
        ensure!(
            lost == 0,
            "{lost} events found no room in the ring buffer: nothing is proven"
        );
        Ok(sights)
    }

    fn send(&mut self, frame: &Frame) -> anyhow::Result<Sight> {
        let frame = &self.outside.address(frame)?;
        let sent = self.put_on_link(frame)?;
        let mut sight = Sight::default();
        for _ in 0..self.barriers {
            self.barrier.pass(self.agents, |seen| {
                self.journal.note(seen, self.clock);
                if !is_of_another_lab(&seen.event) {
                    sight.events.push(*seen);
                }
            })?;
        }
        let mut arrivals = Vec::new();
        self.taps.drain(|at, arrived| {
            if !wire::is_housekeeping(&arrived) || wire::is_same(&arrived, &sent) {
                arrivals.push((at.to_owned(), arrived));
            }
        })?;
        for (at, arrived) in arrivals {
            let is_taken = match &at {
                Location::Endpoint(_) => true,
                Location::Node(name) => self.takes(name, &arrived, &frame.from),
            };
            if is_taken {
                sight.arrivals.push(Arrival::new(at.end()?, arrived));
            }
        }
        self.outside.note(frame, &sight.arrivals);
        Ok(sight)
    }

    /// Sends the frame where it belongs and returns its bytes.
    fn put_on_link(&mut self, frame: &Frame) -> anyhow::Result<Vec<u8>> {
        let failed = || format!("sending a frame from {}", frame.from);
        match self.location(&frame.from)? {
            Location::Endpoint(name) => {
                let endpoint = self.lab.endpoint(&name).with_context(failed)?;
                let bytes = frame.to_bytes(endpoint.mac(), GATEWAY_MAC);
                match self.taps.send(&name, &bytes) {
                    // The end of its link is down: what it sends is lost.
                    Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => Ok(bytes),
                    sent => sent.map(|()| bytes).with_context(failed),
                }
            }
            Location::Node(node) => {
                let way = self.way_from_node(&node, frame)?;
                let bytes = frame.to_bytes(way.from, way.to);
                let from = frame.from.to_string();
                match self.taps.send_from_node(&node, &from, way.link, &bytes) {
                    // So the kernel says when a program drops a frame on its way out of this namespace: its event tells.
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(bytes),
                    sent => sent.map(|()| bytes).with_context(failed),
                }
            }
        }
    }

    fn location(&self, end: &EndpointName) -> anyhow::Result<Location> {
        let addresses = self.cluster.addresses(end);
        let addresses = addresses.with_context(|| format!("the cluster has no {end}"))?;
        let mut sites = addresses
            .iter()
            .filter_map(|address| self.topology.sites.get(&address));
        let site = sites
            .next()
            .with_context(|| format!("{end} has no address"))?;
        Ok(site.location.clone())
    }

    /// The link on which a frame leaves a node: that of its own pod, or the one that leads to others.
    fn way_from_node(&self, node: &str, frame: &Frame) -> anyhow::Result<Way> {
        let towards = frame.towards.as_ref();
        let towards = towards.context("a node has many links: say to whom the frame is sent")?;
        let here = self.lab.node(node).context("the node is in the lab")?;
        let target = self.location(towards)?;
        let other = match &target {
            Location::Node(name) if name == node => {
                bail!("{towards} is on the node itself: no frame is sent there")
            }
            Location::Node(name) => Some(name),
            Location::Endpoint(name) => {
                if let Some(endpoint) = here.endpoint(name) {
                    return Ok(Way {
                        link: here.link(name)?,
                        from: GATEWAY_MAC,
                        to: endpoint.mac(),
                    });
                }
                let role = self.topology.endpoints.get(name);
                role.and_then(|role| role.node.as_ref())
            }
        };
        let is_pod = matches!(target, Location::Endpoint(_)) && other.is_some();
        if is_pod && here.overlay().is_some() {
            return Ok(Way {
                link: here.overlay_link()?,
                from: OVERLAY_MAC,
                to: OVERLAY_MAC,
            });
        }
        let mac = |node: &lab::Node| node.uplink().map(lab::Uplink::mac);
        let to = other.and_then(|name| self.lab.node(name)).and_then(mac);
        Ok(Way {
            link: here.uplink_link()?,
            from: mac(here).context("the node has an uplink")?,
            to: to.unwrap_or(FABRIC_MAC),
        })
    }

    /// Whether a node's stack keeps this frame rather than forwards it. The address of the gateway, and what is for the
    /// whole link, belong to the sender's own node; what a tunnel takes is not yet there.
    fn takes(&self, node: &str, frame: &[u8], sender: &EndpointName) -> bool {
        let is_own = || node_of(self.cluster, sender).as_deref() == Some(node);
        if wire::is_for_the_link(frame) {
            return is_own();
        }
        let Some(tuple) = wire::tuple(frame) else {
            return false;
        };
        if [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)].contains(&tuple.destination) {
            return is_own();
        }
        let has_tunnel = self
            .lab
            .node(node)
            .is_some_and(|node| node.overlay().is_some());
        let node = self.cluster.nodes.get(node);
        let is_for_it = node.is_some_and(|node| node.addresses.contains(tuple.destination));
        is_for_it && !(has_tunnel && wire::is_for_tunnel(&tuple))
    }
}

/// A link on which a node sends, and the addresses on it.
struct Way {
    link: NodeLink,
    from: [u8; 6],
    to: [u8; 6],
}

/// The node that an end is on.
fn node_of(cluster: &Cluster, end: &EndpointName) -> Option<String> {
    match end {
        EndpointName::Pod(name) => Some(cluster.pods.get(name)?.node.clone()),
        EndpointName::Node(name) => Some(name.clone()),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}
