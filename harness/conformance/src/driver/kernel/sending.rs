//! Sends frames one by one and finds out what became of each.

use super::super::journal::{Journal, is_of_another_lab};
use super::super::wire;
use super::barrier::{self, Barrier};
use super::taps::Taps;
use super::topology::{Location, Topology};
use crate::packet::Frame;
use abi::Event;
use agent::Agent;
use anyhow::{Context as _, bail, ensure};
use flow::Clock;
use lab::{GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, Lab};
use manifest::{Cluster, EndpointName};
use std::net::IpAddr;

/// Barriers after which a frame is where it can get: it crosses at most two links, and the gateway's answer to a
/// neighbour's question crosses the second one.
const BARRIERS: usize = 2;

/// What was seen of a frame.
#[derive(Default)]
pub(super) struct Sight {
    pub(super) events: Vec<Event>,
    pub(super) arrivals: Vec<(EndpointName, Vec<u8>)>,
}

/// What sending needs, borrowed from the rig.
pub(super) struct Sender<'a> {
    pub(super) lab: &'a mut Lab,
    pub(super) agent: &'a mut Agent,
    pub(super) barrier: &'a mut Barrier,
    pub(super) taps: &'a mut Taps,
    pub(super) journal: &'a mut Journal,
    pub(super) clock: Clock,
    pub(super) topology: &'a Topology,
    pub(super) cluster: &'a Cluster,
}

impl Sender<'_> {
    /// What became of every frame, in their order. The lab is mute from now on.
    pub(super) fn send_all(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Sight>> {
        self.lab.mute_all_but(&[barrier::NAME])?;
        self.taps.open(self.lab)?;
        // What earlier probes left behind.
        self.barrier.pass(self.agent, |_| ())?;
        self.taps.drain(|_, _| ())?;
        let lost_before = self.agent.lost_events()?;
        let sights = frames.iter().map(|frame| self.send(frame));
        let sights = sights.collect::<anyhow::Result<Vec<_>>>()?;
        let lost = self.agent.lost_events()? - lost_before;
        ensure!(
            lost == 0,
            "{lost} events found no room in the ring buffer: nothing is proven"
        );
        Ok(sights)
    }

    fn send(&mut self, frame: &Frame) -> anyhow::Result<Sight> {
        let sent = self.put_on_link(frame)?;
        let mut sight = Sight::default();
        for _ in 0..BARRIERS {
            self.barrier.pass(self.agent, |event| {
                self.journal.note(event, self.clock);
                if !is_of_another_lab(event) {
                    sight.events.push(*event);
                }
            })?;
        }
        let mut arrivals = Vec::new();
        self.taps.drain(|at, arrived| {
            if !wire::is_housekeeping(&arrived) || wire::is_same(&arrived, &sent) {
                arrivals.push((at.map(str::to_owned), arrived));
            }
        })?;
        for (at, arrived) in arrivals {
            let at = match at {
                Some(name) => Some(name.parse()?),
                None => self.node_that_takes(&arrived, &frame.from),
            };
            sight.arrivals.extend(at.map(|at| (at, arrived)));
        }
        Ok(sight)
    }

    /// Sends the frame where it belongs and returns its bytes.
    fn put_on_link(&mut self, frame: &Frame) -> anyhow::Result<Vec<u8>> {
        let failed = || format!("sending a frame from {}", frame.from);
        match self.location(&frame.from)? {
            Location::Endpoint(name) => {
                let endpoint = self.lab.endpoint(&name).with_context(failed)?;
                let bytes = frame.to_bytes(endpoint.mac(), GATEWAY_MAC);
                self.taps.send(&name, &bytes).with_context(failed)?;
                Ok(bytes)
            }
            Location::Node => {
                let name = self.link_from_node(frame)?;
                let endpoint = self.lab.endpoint(&name).with_context(failed)?;
                let bytes = frame.to_bytes(GATEWAY_MAC, endpoint.mac());
                let from = frame.from.to_string();
                let link = self.lab.node_link(&name)?;
                match self.taps.send_from_node(&from, link, &bytes) {
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

    /// The link on which a frame leaves the node.
    fn link_from_node(&self, frame: &Frame) -> anyhow::Result<String> {
        let towards = frame.towards.as_ref();
        let towards = towards.context("a node has many links: say to whom the frame is sent")?;
        match self.location(towards)? {
            Location::Endpoint(name) => Ok(name),
            Location::Node => bail!("{towards} is on the node itself: no frame is sent there"),
        }
    }

    /// The node that a frame is for, if the node's stack keeps it rather than forwards it. The address of the gateway,
    /// and what is for the whole link, belong to the sender's own node.
    fn node_that_takes(&self, frame: &[u8], sender: &EndpointName) -> Option<EndpointName> {
        let own = || Some(EndpointName::Node(node_of(self.cluster, sender)?));
        if wire::is_for_the_link(frame) {
            return own();
        }
        let address = wire::destination(frame)?;
        if [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)].contains(&address) {
            return own();
        }
        let mut nodes = self.cluster.nodes.iter();
        let (name, _) = nodes.find(|(_, node)| node.addresses.contains(address))?;
        Some(EndpointName::Node(name.clone()))
    }
}

/// The node that an end is on.
fn node_of(cluster: &Cluster, end: &EndpointName) -> Option<String> {
    match end {
        EndpointName::Pod(name) => Some(cluster.pods.get(name)?.node.clone()),
        EndpointName::Node(name) => Some(name.clone()),
        EndpointName::External(_) => None,
    }
}
