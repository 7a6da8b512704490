//! What the pods send, through real sockets.

use crate::node::DB;
use lab::Namespace;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::iter;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd as _;

/// Sockets that flood, each with a source port of its own.
const SOURCES: usize = 4;
/// Ports that are flooded with one system call. All of them, one call a socket, are more than windows may be
/// open.
const PORTS_EACH: u16 = 1_000;
/// The port that `db` serves.
const SERVED: u16 = 5_432;

/// A pod that sends datagrams where it may not.
pub(crate) struct Flood {
    sockets: Vec<UdpSocket>,
    pub(crate) sent: u64,
}

impl Flood {
    pub(crate) fn new(from: &Namespace) -> anyhow::Result<Self> {
        let any = (Ipv4Addr::UNSPECIFIED, 0);
        let sockets = from.run(|| (0..SOURCES).map(|_| UdpSocket::bind(any)).collect())?;
        Ok(Self {
            sockets: io::Result::from(sockets)?,
            sent: 0,
        })
    }

    /// Sends a datagram to each of the flooded ports.
    pub(crate) fn send_round(&mut self) -> io::Result<()> {
        let mut parts = (1_000..).step_by(PORTS_EACH.into()).take(SOURCES);
        parts.try_for_each(|first| self.send(first..first + PORTS_EACH))
    }

    /// Sends a datagram to each of these ports with one system call, and counts how many went.
    pub(crate) fn send(&mut self, ports: Range<u16>) -> io::Result<()> {
        let payload = [IoSlice::new(&[0; 32])];
        let to = ports.map(|port| Some(SockaddrIn::from(SocketAddrV4::new(DB, port))));
        let to: Vec<_> = to.collect();
        let mut headers = MultiHeaders::preallocate(to.len(), None);
        let payloads = iter::repeat_n(&payload, to.len());
        let socket = self.sockets[0].as_raw_fd();
        let sent = sendmmsg(socket, &mut headers, payloads, &to, [], MsgFlags::empty())?;
        self.sent += sent.count() as u64;
        self.sockets.rotate_left(1);
        Ok(())
    }
}

/// Both ends of the connections that are allowed. One thread plays both, so nobody has to be woken.
pub(crate) struct Connections {
    client: Namespace,
    listener: TcpListener,
}

impl Connections {
    pub(crate) fn new(client: Namespace, server: &Namespace) -> anyhow::Result<Self> {
        let listener = server.run(|| TcpListener::bind((DB, SERVED)))??;
        Ok(Self { client, listener })
    }

    /// Connects, asks, is answered, and closes, so many times.
    pub(crate) fn make(&self, count: u32) -> anyhow::Result<()> {
        let server = SocketAddr::from((DB, SERVED));
        self.client.run(|| {
            (0..count).try_for_each(|_| {
                let mut client = TcpStream::connect(server)?;
                let (mut accepted, _) = self.listener.accept()?;
                client.write_all(b"?")?;
                accepted.read_exact(&mut [0])?;
                accepted.write_all(b"!")?;
                client.read_exact(&mut [0])
            })
        })??;
        Ok(())
    }
}
