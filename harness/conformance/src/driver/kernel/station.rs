//! The sockets at one address of the lab.

use super::super::sctp;
use super::topology::{Location, Service, Site};
use manifest::Protocol;
use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::Range;

/// Source ports of probes, and identifiers of echo requests: the kernel's default ephemeral range.
const SOURCE_PORTS: Range<u16> = 32_768..61_000;
/// Connections that may wait to be accepted; the kernel's default `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Every address of the lab that probes come from and go to.
#[derive(Default)]
pub(super) struct Stations {
    by_address: BTreeMap<IpAddr, Station>,
    ports_taken: usize,
}

/// One address. Sockets are opened when a probe first needs them and stay open.
pub(super) struct Station {
    pub(super) address: IpAddr,
    pub(super) location: Location,
    pub(super) services: BTreeSet<Service>,
    /// Where connections are accepted, by port.
    pub(super) tcp: BTreeMap<u16, Socket>,
    /// Where datagrams are echoed, by port.
    pub(super) udp: BTreeMap<u16, UdpSocket>,
    /// Every SCTP packet to this address.
    pub(super) sctp: Option<Socket>,
    /// Every ICMP message to this address.
    pub(super) icmp: Option<Socket>,
    /// Whether every datagram to a closed port is answered.
    refuses_all: bool,
}

impl Stations {
    /// Makes this what is there. What stays keeps its sockets, except those of services that ended.
    pub(super) fn set(&mut self, sites: &BTreeMap<IpAddr, Site>) {
        self.by_address.retain(|address, station| {
            let site = sites.get(address);
            site.is_some_and(|site| site.location == station.location)
        });
        for (&address, site) in sites {
            self.by_address
                .entry(address)
                .or_insert_with(|| Station::new(address, site.location.clone()))
                .set_services(&site.services);
        }
    }

    /// Closes every socket inside these endpoints.
    pub(super) fn close_at<'a>(&mut self, endpoints: impl Iterator<Item = &'a str>) {
        for name in endpoints {
            let location = Location::Endpoint(name.to_owned());
            self.by_address
                .retain(|_, station| station.location != location);
        }
    }

    /// A source port for a probe from `address` that no service there uses. Ports go round over all addresses, so that
    /// an address that changes hands does not repeat the connections of its last owner.
    pub(super) fn take_port(&mut self, address: IpAddr) -> u16 {
        let station = self.by_address.get(&address);
        let serves = |port| station.is_some_and(|station| station.serves(port));
        loop {
            let offset = self.ports_taken % SOURCE_PORTS.len();
            self.ports_taken = offset + 1;
            let port = SOURCE_PORTS.start + u16::try_from(offset).unwrap_or(0);
            if !serves(port) {
                return port;
            }
        }
    }

    /// The station at an address.
    pub(super) fn at(&mut self, address: IpAddr) -> io::Result<&mut Station> {
        let station = self.by_address.get_mut(&address);
        station.ok_or_else(|| io::Error::new(ErrorKind::NotFound, format!("nobody has {address}")))
    }
}

impl Station {
    fn new(address: IpAddr, location: Location) -> Self {
        Self {
            address,
            location,
            services: BTreeSet::new(),
            tcp: BTreeMap::new(),
            udp: BTreeMap::new(),
            sctp: None,
            icmp: None,
            refuses_all: false,
        }
    }

    fn set_services(&mut self, services: &BTreeSet<Service>) {
        self.services.clone_from(services);
        self.tcp
            .retain(|&port, _| services.contains(&(Protocol::Tcp, port)));
        self.udp
            .retain(|&port, _| services.contains(&(Protocol::Udp, port)));
    }

    fn serves(&self, port: u16) -> bool {
        let protocols = Protocol::ALL.into_iter();
        protocols
            .map(|protocol| (protocol, port))
            .any(|service| self.services.contains(&service))
    }

    /// Opens what answers probes to `port`, if anything shall. Call it inside the namespace.
    pub(super) fn open_service(&mut self, protocol: Protocol, port: u16) -> io::Result<()> {
        let is_served = self.services.contains(&(protocol, port));
        match protocol {
            Protocol::Tcp if is_served && !self.tcp.contains_key(&port) => {
                let socket = self.bound(Type::STREAM, port)?;
                socket.listen(BACKLOG)?;
                self.tcp.insert(port, socket);
            }
            Protocol::Udp if is_served && !self.udp.contains_key(&port) => {
                let socket = self.bound(Type::DGRAM, port)?;
                self.udp.insert(port, socket.into());
            }
            Protocol::Udp if !is_served && !self.refuses_all => {
                lab::lift_icmp_limits().map_err(io::Error::other)?;
                self.refuses_all = true;
            }
            // Refusals are crafted too, so the socket is needed either way.
            Protocol::Sctp => self.open_raw(protocol)?,
            // The kernel answers echo requests, and refuses what is not served.
            Protocol::Icmp | Protocol::Tcp | Protocol::Udp => {}
        }
        Ok(())
    }

    /// Opens what crafted packets are sent and received with. Call it inside the namespace.
    pub(super) fn open_raw(&mut self, protocol: Protocol) -> io::Result<()> {
        let (slot, number) = match (protocol, self.address) {
            (Protocol::Sctp, _) => (&mut self.sctp, sctp::PROTOCOL.into()),
            (Protocol::Icmp, IpAddr::V4(_)) => (&mut self.icmp, socket2::Protocol::ICMPV4),
            (Protocol::Icmp, IpAddr::V6(_)) => (&mut self.icmp, socket2::Protocol::ICMPV6),
            (Protocol::Tcp | Protocol::Udp, _) => return Ok(()),
        };
        if slot.is_none() {
            let address = SocketAddr::new(self.address, 0);
            let socket = Socket::new(Domain::for_address(address), Type::RAW, Some(number))?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            *slot = Some(socket);
        }
        Ok(())
    }

    /// The socket for crafted packets of a protocol.
    pub(super) fn raw(&self, protocol: Protocol) -> Option<&Socket> {
        match protocol {
            Protocol::Sctp => self.sctp.as_ref(),
            Protocol::Icmp => self.icmp.as_ref(),
            Protocol::Tcp | Protocol::Udp => None,
        }
    }

    fn bound(&self, kind: Type, port: u16) -> io::Result<Socket> {
        bound(kind, SocketAddr::new(self.address, port))
    }

    /// Echoes every waiting datagram of a port, and hands it and its source to `each`; returns whether there was one.
    pub(super) fn echo(&self, port: u16, mut each: impl FnMut(&[u8], IpAddr)) -> bool {
        let Some(socket) = self.udp.get(&port) else {
            return false;
        };
        let mut moved = false;
        let mut buffer = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            moved = true;
            each(&buffer[..length], from.ip());
            // Who does not get the echo notices.
            let _ = socket.send_to(&buffer[..length], from);
        }
        moved
    }

    /// Accepts the connections that wait at a port, each with its peer.
    pub(super) fn accept(&self, port: u16) -> impl Iterator<Item = (Socket, SockAddr)> {
        let socket = self.tcp.get(&port);
        std::iter::from_fn(move || socket?.accept().ok())
    }

    /// Takes the connections of a port that its clients have closed already.
    pub(super) fn drop_connections(&self, port: u16) {
        self.accept(port).for_each(drop);
    }
}

/// A non-blocking socket at this address. Call it inside the namespace.
pub(super) fn bound(kind: Type, address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    socket.set_nonblocking(true)?;
    // A listener of an earlier state of the cluster may have left connections behind.
    socket.set_reuse_address(kind == Type::STREAM)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
