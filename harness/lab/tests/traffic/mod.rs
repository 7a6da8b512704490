//! Real packets between namespaces.

use lab::{EndpointSpec, Namespace};
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Only ends a run that has failed already.
const GUARD: Duration = Duration::from_secs(10);

pub(crate) fn spec(name: &str, v4: &str, v6: &str) -> EndpointSpec {
    EndpointSpec {
        name: name.to_owned(),
        v4: Some(v4.parse().unwrap()),
        v6: Some(v6.parse().unwrap()),
    }
}

pub(crate) fn udp(namespace: &Namespace, address: IpAddr) -> UdpSocket {
    let socket = namespace.run(|| UdpSocket::bind((address, 0))).unwrap();
    let socket = socket.unwrap();
    socket.set_read_timeout(Some(GUARD)).unwrap();
    socket
}

/// Sends a datagram there and one back, and returns the address that the far end saw.
pub(crate) fn echo(from: &UdpSocket, to: &UdpSocket) -> io::Result<SocketAddr> {
    from.connect(to.local_addr()?)?;
    from.send(b"there")?;
    let mut buffer = [0; 16];
    let (length, seen) = to.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..length], b"there");
    to.send_to(b"back", seen)?;
    let length = from.recv(&mut buffer)?;
    assert_eq!(&buffer[..length], b"back");
    Ok(seen)
}

/// The ICMP error that answers a datagram to a place where nobody is.
pub(crate) fn refusal(from: &UdpSocket, to: SocketAddr) -> io::Error {
    // Without this option the kernel reports closed ports only.
    match to {
        SocketAddr::V4(_) => setsockopt(from, sockopt::Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(from, sockopt::Ipv6RecvErr, &true),
    }
    .unwrap();
    from.connect(to).unwrap();
    from.send(b"anybody?")
        .and_then(|_| from.recv(&mut [0; 16]))
        .unwrap_err()
}
