//! The node of `world` (number 1, interfaces 2 to the network and 3 to the tunnel) in a cluster with two others. `FAR` is
//! a pod of node 2, with the identity that may reach db.

use crate::world::{self, NODE, NODE_ADDRESS, Pod, WEB, address};
use abi::{Address, Endpoint, EndpointRows, Home, Identity, Mac, Node, Routing};
use program::memory::Memory;
use program::{Action, Packet, Scratch, Tunnel};

pub(crate) const FAR: Pod = Pod {
    ifindex: 0,
    v4: "10.0.1.1",
    v6: "fd00:1::1",
    mac: [2, 0, 0, 0, 1, 2],
    identity: WEB.identity,
};
/// A node as the sender of frames; those of its pods have its link-layer address.
pub(crate) const NODE_2: Pod = Pod {
    ifindex: 0,
    v4: "172.18.0.2",
    v6: "fd00:172::2",
    mac: FAR.mac,
    identity: Identity(257),
};
pub(crate) const NODE_3: Pod = Pod {
    ifindex: 0,
    v4: "172.18.0.3",
    v6: "fd00:172::3",
    mac: [2, 0, 0, 0, 1, 3],
    identity: Identity(258),
};
pub(crate) const ROUTER: [u8; 6] = [2, 0, 0, 0, 1, 0xfe];
pub(crate) const NODE_ADDRESS_V6: &str = "fd00:172::1";
const NETWORK: u32 = 2;
const OVERLAY: u32 = 3;

/// A node's identity as an IPv6 address: it has one for each family.
pub(crate) const fn v6(identity: Identity) -> Identity {
    Identity(identity.0 + 1000)
}

pub(crate) fn cluster(routing: Routing) -> Memory {
    let mut memory = world::node();
    memory.home = Home {
        number: 1,
        routing: routing as u32,
        v4: address(NODE_ADDRESS),
        v6: address(NODE_ADDRESS_V6),
    };
    let home = Pod {
        v4: NODE_ADDRESS,
        v6: NODE_ADDRESS_V6,
        mac: [2, 0, 0, 0, 1, 1],
        identity: NODE,
        ..NODE_2
    };
    for (number, node) in (1..).zip([&home, &NODE_2, &NODE_3]) {
        let row = Node {
            number,
            v4: address(node.v4),
            v6: address(node.v6),
            mac: Mac(node.mac),
            reserved: [0; 2],
        };
        memory.nodes.insert(node.identity, row);
        memory.nodes.insert(v6(node.identity), row);
        place(&mut memory, node.v4, node.identity, node.identity);
        place(&mut memory, node.v6, v6(node.identity), v6(node.identity));
    }
    place(&mut memory, FAR.v4, FAR.identity, NODE_2.identity);
    place(&mut memory, FAR.v6, FAR.identity, v6(NODE_2.identity));
    memory
}

/// Gives an address a row.
pub(crate) fn place(memory: &mut Memory, text: &str, identity: Identity, node: Identity) {
    let row = Endpoint {
        identity,
        node,
        ..Endpoint::default()
    };
    memory.write_endpoint(address(text), Some(EndpointRows::default().with(1, row)));
}

/// What the tunnel says of a packet of `FAR`.
pub(crate) fn from_far(remote: &str) -> Tunnel {
    Tunnel {
        remote: address(remote),
        identity: FAR.identity,
    }
}

/// A frame with what the kernel knows beside its bytes.
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_tagged: bool,
    pub(crate) is_for_another_host: bool,
}

impl Packet for Received {
    fn length(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap()
    }

    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let start = offset as usize;
        self.bytes.get(start..start + N)?.try_into().ok()
    }

    fn has_vlan_tag(&self) -> bool {
        self.is_tagged
    }

    fn is_for_another_host(&self) -> bool {
        self.is_for_another_host
    }

    fn set_ethernet_addresses(&mut self, destination: [u8; 6], source: [u8; 6]) {
        self.bytes[..6].copy_from_slice(&destination);
        self.bytes[6..12].copy_from_slice(&source);
    }

    fn write<const N: usize>(&mut self, offset: u32, bytes: &[u8; N]) -> Option<()> {
        self.bytes.write(offset, bytes)
    }

    fn resize(&mut self, length: u32) -> Option<()> {
        self.bytes.resize(length as usize, 0);
        Some(())
    }
}

impl Received {
    /// A frame for this host, without a tag.
    pub(crate) const fn plain(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            is_tagged: false,
            is_for_another_host: false,
        }
    }
}

/// A frame comes in by the uplink.
pub(crate) fn arrive(memory: &Memory, frame: Vec<u8>) -> Action {
    arrive_as(memory, Received::plain(frame))
}

/// A frame comes in by the uplink; what became of its bytes.
pub(crate) fn arrive_at(memory: &Memory, frame: Vec<u8>) -> (Action, Vec<u8>) {
    let mut frame = Received::plain(frame);
    let action = program::from_network(memory, &mut frame, &mut Scratch::default(), NETWORK);
    (action, frame.bytes)
}

pub(crate) fn arrive_as(memory: &Memory, mut frame: Received) -> Action {
    program::from_network(memory, &mut frame, &mut Scratch::default(), NETWORK)
}

/// A packet comes out of the tunnel.
pub(crate) fn unpack(memory: &Memory, frame: Vec<u8>, tunnel: &Tunnel) -> Action {
    unpack_as(memory, Received::plain(frame), tunnel)
}

pub(crate) fn unpack_as(memory: &Memory, mut frame: Received, tunnel: &Tunnel) -> Action {
    let mut scratch = Scratch::default();
    program::from_overlay(memory, &mut frame, &mut scratch, OVERLAY, tunnel)
}

/// A packet is about to go into the tunnel.
pub(crate) fn pack(memory: &Memory, mut frame: Vec<u8>) -> Action {
    let packet = &mut frame;
    program::to_overlay(memory, packet, &mut Scratch::default(), OVERLAY)
}

/// Changes a node wherever it is named.
pub(crate) fn change_node(memory: &mut Memory, node: &Pod, change: impl Fn(&mut Node)) {
    for identity in [node.identity, v6(node.identity)] {
        change(memory.nodes.get_mut(&identity).unwrap());
    }
}

pub(crate) fn without_v4(node: &mut Node) {
    node.v4 = Address::NONE;
}

pub(crate) fn without_v6(node: &mut Node) {
    node.v6 = Address::NONE;
}
