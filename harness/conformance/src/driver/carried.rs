//! What a link carries, read from the frames on it.

use super::wire::{self, Tuple};
use flow::capture::Captured;
use std::net::IpAddr;

/// A packet on a link, as its bytes say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Carried {
    /// Whose link it is, for example `shop/web` or `node/n1`.
    pub(crate) at: String,
    /// Whether it was on its way to there.
    pub(crate) is_inbound: bool,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// The IP protocol number.
    pub(crate) protocol: u8,
    /// Source and destination, host order, of protocols that have ports.
    pub(crate) ports: Option<(u16, u16)>,
    /// The tunnel that it is in; the rest is about the packet inside.
    pub(crate) tunnel: Option<Tunnel>,
}

/// What the outside of a VXLAN packet says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tunnel {
    /// The addresses of its ends.
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    /// Who sends the packet inside, by the network identifier.
    pub(crate) identity: u32,
}

impl Carried {
    /// The packet in a captured frame; `None` for what is no IP packet, and for what IPv6 stacks send of their own accord.
    pub(crate) fn read(captured: &Captured) -> Option<Self> {
        let frame = captured.frame.as_slice();
        if wire::is_housekeeping(frame) {
            return None;
        }
        let outer = wire::tuple(frame)?;
        let packed = wire::packed(frame);
        let tunnel = packed.as_ref().map(|packed| Tunnel {
            from: outer.source,
            to: outer.destination,
            identity: packed.identity,
        });
        let inner = packed.map_or(Some(outer), |packed| wire::tuple(packed.frame))?;
        let Tuple {
            source,
            destination,
            protocol,
            ports,
        } = inner;
        Some(Self {
            at: captured.interface.clone(),
            is_inbound: captured.is_inbound,
            source,
            destination,
            protocol,
            ports,
            tunnel,
        })
    }
}
