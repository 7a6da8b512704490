//! Frames as they are on a link: seen and sent past the network stack, by packet sockets (`packet(7)`).
//!
//! Where a tap sees frames relative to traffic control decides what its sight proves:
//!
//! - At an endpoint's own end it sees all that reaches the endpoint, whatever the endpoint's stack does with it.
//! - On the node it sees what traffic control has let into the node's stack. The kernel asks sockets for one protocol
//!   after the ingress hook, and sockets for all protocols before it (`__netif_receive_skb_core`).
//!
//! Opening a tap is quick; closing one waits for every processor (`synchronize_net`, some 15 ms). [`close_all`] waits
//! once for many.

use crate::{Endpoint, LabError, Node, Overlay, Uplink};
use nix::cmsg_space;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{
    CmsgIterator, ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, sendto, setsockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::{Duration, SystemTime};

/// The longest packet that links take, in bytes: what network cards call a jumbo frame.
pub(crate) const LONGEST_MTU: u32 = 9000;

/// The longest frame: the longest packet, an Ethernet header and a VLAN tag. Longer ones are cut.
const LONGEST: usize = LONGEST_MTU as usize + 18;

/// Bytes of frames that may wait at a tap, as the kernel counts them.
const ROOM: usize = 16 << 20;

/// A tap at an endpoint's own end of its link. It never waits, and does not see what it sends itself.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    link: LinkAddr,
}

/// A tap of the node: sees every IPv4, IPv6 and ARP frame that the node's stack takes, for itself or to forward.
#[derive(Debug)]
pub struct NodeTap([Socket; 3]);

/// A frame on an endpoint's link.
#[derive(Clone, Debug)]
pub struct Seen {
    /// From its Ethernet header on.
    pub frame: Vec<u8>,
    /// Whether the endpoint received it; otherwise it sent it.
    pub is_inbound: bool,
    /// When it passed, by the machine's wall clock since 1970.
    pub time: Duration,
}

/// The node's end of a link.
#[derive(Clone, Copy, Debug)]
pub struct NodeLink(LinkAddr);

impl Tap {
    /// Sends a frame, Ethernet header included, as the endpoint would.
    ///
    /// # Errors
    /// The kernel's: a frame shorter than an Ethernet header, or longer than the link takes.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(&self.socket, frame, &self.link)
    }

    /// The next frame that came in; `None` when there is none.
    ///
    /// # Errors
    /// The kernel's, when the link is gone.
    pub fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        receive(&self.socket)
    }

    /// The next frame in either direction, and when it passed; `None` when there is none.
    ///
    /// # Errors
    /// As [`Tap::receive`].
    pub fn see(&self) -> io::Result<Option<Seen>> {
        see(&self.socket)
    }
}

/// To wait for a frame.
impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl NodeTap {
    /// Sends a frame, Ethernet header included, out of the node's end of a link, as the node would.
    ///
    /// # Errors
    /// As [`Tap::send`].
    pub fn send(&self, link: NodeLink, frame: &[u8]) -> io::Result<()> {
        send(&self.0[0], frame, &link.0)
    }

    /// The next frame that the node's stack took; `None` when there is none.
    ///
    /// # Errors
    /// The kernel's.
    pub fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        for socket in &self.0 {
            if let Some(frame) = receive(socket)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }
}

/// Returns when the kernel tells when frames pass. It begins to a moment after the first socket of the machine asks for
/// it (`net_enable_timestamp` leaves that to a worker), and until then a frame has the time at which it is read. Call it
/// with a tap open, in any namespace with a loopback interface.
///
/// # Errors
/// The kernel's, when there is no loopback interface.
pub fn await_timestamps() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = socket.local_addr()?;
    setsockopt(&socket, ReceiveTimestampns, &true)?;
    loop {
        socket.send_to(&[], own)?;
        let sent = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut space = cmsg_space!(TimeSpec);
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::empty());
        let received = recvmsg::<()>(fd, &mut [], Some(&mut space), flags)?;
        if time_in(received.cmsgs()?) <= sent.ok() {
            return Ok(());
        }
        thread::yield_now();
    }
}

impl NodeTap {
    /// Descriptors that become readable when an IPv4, an IPv6 or an ARP frame waits.
    #[must_use]
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 3] {
        self.0.each_ref().map(AsFd::as_fd)
    }
}

/// Closes taps side by side, so that all wait for the same moment.
pub fn close_all(taps: impl IntoIterator<Item = Tap>, nodes: impl IntoIterator<Item = NodeTap>) {
    let of_node = nodes.into_iter().flat_map(|node| node.0);
    let sockets = taps.into_iter().map(|tap| tap.socket).chain(of_node);
    thread::scope(|scope| {
        for socket in sockets {
            scope.spawn(move || drop(socket));
        }
    });
}

impl Endpoint {
    /// Taps the endpoint's own end of its link.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel gives no socket.
    pub fn tap(&self) -> Result<Tap, LabError> {
        let opened = self.namespace().run(|| {
            Ok(Tap {
                socket: open(libc::ETH_P_ALL)?,
                link: link_address("eth0")?,
            })
        })?;
        opened
            .map_err(|error: io::Error| LabError::kernel(format!("tapping {}", self.name()), error))
    }
}

impl Node {
    /// Taps the node.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel gives no socket.
    pub fn tap(&self) -> Result<NodeTap, LabError> {
        let opened = self.namespace().run(|| {
            let [v4, v6, arp] = [libc::ETH_P_IP, libc::ETH_P_IPV6, libc::ETH_P_ARP].map(open);
            Ok(NodeTap([v4?, v6?, arp?]))
        })?;
        opened.map_err(|error: io::Error| LabError::kernel("tapping the node", error))
    }

    /// Taps the node's uplink: every frame between it and other nodes or the outside, before any program sees it.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when there is no uplink, or the kernel gives no socket.
    pub fn tap_uplink(&self) -> Result<Tap, LabError> {
        let opened = self.namespace().run(|| {
            let link = link_address(Uplink::NAME)?;
            let socket = open(libc::ETH_P_ALL)?;
            nix::sys::socket::bind(socket.as_raw_fd(), &link)?;
            Ok(Tap { socket, link })
        })?;
        opened.map_err(|error: io::Error| LabError::kernel("tapping the uplink", error))
    }

    /// The node's end of the link to an endpoint.
    ///
    /// # Errors
    /// [`LabError::UnknownEndpoint`]; [`LabError::Kernel`] when the kernel does not list it.
    pub fn link(&self, name: &str) -> Result<NodeLink, LabError> {
        let endpoint = self
            .endpoint(name)
            .ok_or_else(|| LabError::UnknownEndpoint {
                name: name.to_owned(),
            })?;
        self.link_named(&endpoint.ifname())
    }

    /// The link to other nodes and the outside.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when there is none.
    pub fn uplink_link(&self) -> Result<NodeLink, LabError> {
        self.link_named(Uplink::NAME)
    }

    /// The tunnel device, as a link.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when there is none.
    pub fn overlay_link(&self) -> Result<NodeLink, LabError> {
        self.link_named(Overlay::NAME)
    }

    fn link_named(&self, ifname: &str) -> Result<NodeLink, LabError> {
        let found = self.namespace().run(|| link_address(ifname))?;
        found
            .map(NodeLink)
            .map_err(|error| LabError::kernel(format!("finding {ifname}"), error))
    }
}

/// A packet socket for every interface. Call it inside the namespace.
fn open(protocol: i32) -> io::Result<Socket> {
    // The kernel wants the protocol as it is on the wire (packet(7)).
    let protocol = u16::try_from(protocol).unwrap_or(0).to_be();
    let protocol = Protocol::from(i32::from(protocol));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, ReceiveTimestampns, &true)?;
    setsockopt(&socket, RcvBufForce, &ROOM)?;
    Ok(socket)
}

/// The link-layer address of an interface of the calling thread's namespace: it names the interface to the kernel.
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

fn send(socket: &Socket, frame: &[u8], link: &LinkAddr) -> io::Result<()> {
    sendto(socket.as_raw_fd(), frame, link, MsgFlags::empty())?;
    Ok(())
}

/// The next frame that came in from somebody else.
fn receive(socket: &Socket) -> io::Result<Option<Vec<u8>>> {
    while let Some(seen) = see(socket)? {
        if seen.is_inbound {
            return Ok(Some(seen.frame));
        }
    }
    Ok(None)
}

/// The next frame of anybody.
fn see(socket: &Socket) -> io::Result<Option<Seen>> {
    let mut buffer = [0; LONGEST];
    let mut space = cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let received = recvmsg::<LinkAddr>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut space),
        MsgFlags::empty(),
    );
    let message = match received {
        Ok(message) => message,
        Err(nix::Error::EAGAIN) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let time = time_in(message.cmsgs()?);
    let is_outgoing = |from: &LinkAddr| from.pkttype() == libc::PACKET_OUTGOING;
    let is_inbound = !message.address.as_ref().is_some_and(is_outgoing);
    let length = message.bytes;
    Ok(Some(Seen {
        frame: buffer[..length].to_vec(),
        is_inbound,
        time: time.unwrap_or_default(),
    }))
}

/// When a packet passed, by the machine's wall clock since 1970.
fn time_in(mut parts: CmsgIterator<'_>) -> Option<Duration> {
    parts.find_map(|part| match part {
        ControlMessageOwned::ScmTimestampns(time) => Some(time.into()),
        _ => None,
    })
}
