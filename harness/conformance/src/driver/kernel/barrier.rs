//! A packet that always makes an event: when it is read, everything sent before has been judged.

use super::super::evidence::NodeEvent;
use super::agents::Agents;
use abi::{DropReason, Link, Mac};
use agent::Agent;
use anyhow::{Context as _, bail};
use lab::{EndpointSpec, GATEWAY_MAC, Lab};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::{Ipv4Addr, UdpSocket};

/// The lab endpoint that sends barriers.
pub(super) const NAME: &str = "barrier";
/// Link-local like the gateway's, so it is no address of a cluster.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);
/// A documentation address (RFC 5737): no barrier is ever delivered.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Ends a run whose barrier does not come back, because the lab or the datapath is broken. Never part of a verdict.
const BROKEN_AFTER_MILLISECONDS: u16 = 10_000;

/// Sends barriers and waits for their events. The datapath is told that the endpoint has no address, so whatever it
/// sends is dropped as spoofed, with an event. The number of a barrier is its destination port.
///
/// One node has the endpoint; its barriers speak for all, because all of them share the sender's processor.
#[derive(Default)]
pub(super) struct Barrier {
    place: Option<Place>,
    number: u16,
    sent: u64,
}

/// Where barriers are sent from.
struct Place {
    node: String,
    socket: UdpSocket,
    ifindex: u32,
}

impl Barrier {
    /// Moves to the first node, if the one it was on is gone.
    pub(super) fn settle(&mut self, lab: &mut Lab, agents: &mut Agents) -> anyhow::Result<()> {
        let place = self.place.take();
        self.place = place.filter(|place| lab.node(&place.node).is_some());
        let first = lab.nodes().next().map(|(name, _)| name.to_owned());
        if let (None, Some(node)) = (&self.place, first) {
            self.place = Some(Place::open(node, lab, agents)?);
        }
        Ok(())
    }

    /// Returns when every packet sent before has been judged. Hands all other events to `each`, oldest first. Without
    /// nodes there is nothing to judge.
    pub(super) fn pass(
        &mut self,
        agents: &mut Agents,
        mut each: impl FnMut(&NodeEvent),
    ) -> anyhow::Result<()> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        self.number = self.number.checked_add(1).unwrap_or(1);
        place
            .socket
            .send_to(&[], (NOWHERE, self.number))
            .context("sending a barrier")?;
        self.sent += 1;
        let own = agents.number(&place.node);
        let mut passed = false;
        loop {
            // What other nodes wrote before the barrier's event is there when that one is.
            let was_passed = passed;
            agents.events(|seen| {
                if seen.node == own && place.has_sent(seen) {
                    passed |= seen.event.destination_port.number() == self.number;
                } else {
                    each(seen);
                }
            });
            if was_passed {
                return Ok(());
            }
            if !passed {
                let agent = agents.of(&place.node).context("the barrier has no node")?;
                wait_for_event(agent)?;
            }
        }
    }

    /// How many were sent; each is a dropped packet.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }
}

impl Place {
    fn open(node: String, lab: &mut Lab, agents: &mut Agents) -> anyhow::Result<Self> {
        let spec = EndpointSpec {
            name: NAME.to_owned(),
            v4: Some(ADDRESS),
            v6: None,
        };
        lab.add(&node, &[spec])?;
        let endpoint = lab.endpoint(NAME).context("the lab has no barrier")?;
        let link = Link {
            mac: Mac(endpoint.mac()),
            ..Link::default()
        };
        let agent = agents
            .of(&node)
            .context("the barrier's node has no agent")?;
        let namespace = lab.node(&node).context("the barrier has no node")?;
        let (ifname, ifindex) = (endpoint.ifname(), endpoint.ifindex());
        namespace
            .namespace()
            .run(|| agent.attach(&ifname, ifindex, link, Mac(GATEWAY_MAC)))??;
        let socket = endpoint
            .namespace()
            .run(|| UdpSocket::bind((ADDRESS, 0)))?
            .context("opening the barrier's socket")?;
        Ok(Self {
            node,
            socket,
            ifindex,
        })
    }

    fn has_sent(&self, seen: &NodeEvent) -> bool {
        let event = &seen.event;
        event.ifindex == self.ifindex && event.reason == DropReason::SpoofedSource as u8
    }
}

fn wait_for_event(agent: &Agent) -> anyhow::Result<()> {
    let mut descriptors = [PollFd::new(agent.events_descriptor(), PollFlags::POLLIN)];
    match poll(
        &mut descriptors,
        PollTimeout::from(BROKEN_AFTER_MILLISECONDS),
    ) {
        Ok(0) => bail!("the datapath is silent: a barrier packet made no event"),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).context("waiting for events"),
    }
}
