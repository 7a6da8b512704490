//! Frames as they are on a link: seen and sent past the network stack, by packet sockets (`packet(7)`).
//!
//! Where a tap sees frames relative to traffic control decides what its sight proves:
//!
//! - At an endpoint's own end it sees all that reaches the endpoint, whatever the endpoint's stack does with it.
//! - On the node it sees what traffic control has let into the node's stack. The kernel asks sockets for one protocol
//!   after the ingress hook, and sockets for all protocols before it (`__netif_receive_skb_core`).

use crate::{Endpoint, Lab, LabError};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, bind, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// The longest frame: an MTU of 1500 bytes, an Ethernet header and a VLAN tag. Longer ones are cut.
const LONGEST: usize = 1518;
/// A socket for this protocol receives nothing.
const NOTHING: i32 = 0;

/// A packet socket. It never waits, and does not see what it sends itself.
#[derive(Debug)]
pub struct Tap(Socket);

impl Tap {
    /// Sends a frame, Ethernet header included.
    ///
    /// # Errors
    /// The kernel's: a frame shorter than an Ethernet header, or longer than the link takes.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame).map(drop)
    }

    /// The next frame that came in; `None` when there is none.
    ///
    /// # Errors
    /// The kernel's, when the link is gone.
    pub fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = [0; LONGEST];
        loop {
            let (length, from) = match recvfrom::<LinkAddr>(self.0.as_raw_fd(), &mut buffer) {
                Ok(received) => received,
                Err(nix::Error::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            };
            let is_outgoing = |from: LinkAddr| from.pkttype() == libc::PACKET_OUTGOING;
            if !from.is_some_and(is_outgoing) {
                return Ok(Some(buffer[..length].to_vec()));
            }
        }
    }

    /// Call it inside the namespace.
    fn open(protocol: i32) -> io::Result<Self> {
        // The kernel wants the protocol as it is on the wire (packet(7)).
        let protocol = u16::try_from(protocol).unwrap_or(0).to_be();
        let protocol = Protocol::from(i32::from(protocol));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Call it inside the namespace.
    fn open_on(ifname: &str, protocol: i32) -> io::Result<Self> {
        let tap = Self::open(protocol)?;
        bind(tap.0.as_raw_fd(), &link_address(ifname)?)?;
        Ok(tap)
    }
}

/// To wait for a frame.
impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The link-layer address of an interface of the calling thread's namespace: it names the interface to `bind`.
fn link_address(ifname: &str) -> io::Result<LinkAddr> {
    let mut interfaces = getifaddrs()?;
    let address = interfaces.find_map(|interface| {
        let address = interface
            .address
            .filter(|_| interface.interface_name == ifname);
        address?.as_link_addr().copied()
    });
    address.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such interface"))
}

impl Endpoint {
    /// Taps the endpoint's own end of its link: sees all that arrives there, sends as the endpoint would.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel gives no socket.
    pub fn tap(&self) -> Result<Tap, LabError> {
        let opened = self
            .namespace()
            .run(|| Tap::open_on("eth0", libc::ETH_P_ALL))?;
        opened.map_err(|error| LabError::kernel(format!("tapping {}", self.name()), error))
    }
}

impl Lab {
    /// Sees every IPv4, IPv6 and ARP frame that the node's stack takes, for itself or to forward. Sends nothing.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel gives no socket.
    pub fn tap_node(&self) -> Result<[Tap; 3], LabError> {
        let opened = self.node().run(|| {
            let [v4, v6, arp] = [libc::ETH_P_IP, libc::ETH_P_IPV6, libc::ETH_P_ARP].map(Tap::open);
            Ok([v4?, v6?, arp?])
        })?;
        opened.map_err(|error: io::Error| LabError::kernel("tapping the node", error))
    }

    /// Sends as the node would, out of its end of the link to an endpoint. Sees nothing.
    ///
    /// # Errors
    /// [`LabError::UnknownEndpoint`]; [`LabError::Kernel`] when the kernel gives no socket.
    pub fn tap_towards(&self, name: &str) -> Result<Tap, LabError> {
        let endpoint = self
            .endpoint(name)
            .ok_or_else(|| LabError::UnknownEndpoint {
                name: name.to_owned(),
            })?;
        let ifname = endpoint.ifname();
        let opened = self.node().run(|| Tap::open_on(&ifname, NOTHING))?;
        opened.map_err(|error| LabError::kernel(format!("tapping {ifname}"), error))
    }
}
