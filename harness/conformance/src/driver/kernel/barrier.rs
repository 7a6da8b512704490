//! A packet that always makes an event: when it is read, everything sent before has been judged.

use abi::{DropReason, Event};
use agent::Agent;
use anyhow::{Context as _, bail};
use lab::{EndpointSpec, Lab};
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
pub(super) struct Barrier {
    socket: UdpSocket,
    ifindex: u32,
    number: u16,
    sent: u64,
}

/// The endpoint to add to the lab.
pub(super) fn endpoint() -> EndpointSpec {
    EndpointSpec {
        name: NAME.to_owned(),
        v4: Some(ADDRESS),
        v6: None,
    }
}

impl Barrier {
    /// Opens the socket inside the barrier's endpoint.
    pub(super) fn open(lab: &Lab) -> anyhow::Result<Self> {
        let endpoint = lab.endpoint(NAME).context("the lab has no barrier")?;
        let socket = endpoint
            .namespace()
            .run(|| UdpSocket::bind((ADDRESS, 0)))?
            .context("opening the barrier's socket")?;
        Ok(Self {
            socket,
            ifindex: endpoint.ifindex(),
            number: 0,
            sent: 0,
        })
    }

    /// Returns when every packet sent before has been judged. Hands all other events to `each`, oldest first.
    pub(super) fn pass(
        &mut self,
        agent: &mut Agent,
        mut each: impl FnMut(&Event),
    ) -> anyhow::Result<()> {
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.socket
            .send_to(&[], (NOWHERE, self.number))
            .context("sending a barrier")?;
        self.sent += 1;
        let mut passed = false;
        loop {
            agent.events(|event| {
                if self.is_own(event) {
                    passed |= event.destination_port.number() == self.number;
                } else {
                    each(event);
                }
            });
            if passed {
                return Ok(());
            }
            wait_for_event(agent)?;
        }
    }

    /// How many were sent; each is a dropped packet.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    fn is_own(&self, event: &Event) -> bool {
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
