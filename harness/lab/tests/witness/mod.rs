//! Sees network namespaces die.

use lab::Namespace;
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, AsRawFd};

/// `RTNLGRP_NSID` of `linux/rtnetlink.h`.
const RTNLGRP_NSID: u32 = 28;

/// A namespace that has given numbers to other namespaces. The kernel tells it when one of them is destroyed.
pub(crate) struct Witness {
    _home: Namespace,
    socket: Socket,
    watched: usize,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let home = Namespace::new().unwrap();
        let mut socket = home.run(|| Socket::new(NETLINK_ROUTE).unwrap()).unwrap();
        socket.bind_auto().unwrap();
        socket.add_membership(RTNLGRP_NSID).unwrap();
        Self {
            _home: home,
            socket,
            watched: 0,
        }
    }

    /// Gives the namespace a number here. That does not keep it alive.
    pub(crate) fn watch(&mut self, namespace: impl AsFd) {
        let mut request = NsidMessage::default();
        let fd = u32::try_from(namespace.as_fd().as_raw_fd()).unwrap();
        request.attributes = vec![NsidAttribute::Fd(fd), NsidAttribute::Id(-1)];
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewNsId(request));
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).unwrap();
        self.receive_acknowledgement();
        self.watched += 1;
    }

    /// Returns when the kernel has destroyed every watched namespace.
    pub(crate) fn wait_until_all_are_gone(&mut self) {
        while self.watched > 0 {
            if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelNsId(_)) = self.receive() {
                self.watched -= 1;
            }
        }
    }

    /// Reads on to the answer of a request; notifications of new numbers come before it.
    fn receive_acknowledgement(&self) {
        loop {
            match self.receive() {
                NetlinkPayload::Error(error) => return assert_eq!(error.code, None),
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNsId(_)) => {}
                other => panic!("a namespace died too early: {other:?}"),
            }
        }
    }

    fn receive(&self) -> NetlinkPayload<RouteNetlinkMessage> {
        // The bound only ends a run that has failed already; the proof is the message.
        let mut ready = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut ready, PollTimeout::from(60_000u16)).unwrap();
        assert_ne!(count, 0, "{} namespaces are still alive", self.watched);
        let (bytes, _) = self.socket.recv_from_full().unwrap();
        NetlinkMessage::deserialize(&bytes).unwrap().payload
    }
}
