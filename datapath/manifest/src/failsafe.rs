//! What keeps a node alive, whatever its host policies say.

use crate::Protocol;

/// Connections that no host policy denies, so that a node can be reached and repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailsafePorts {
    /// Ports of the node.
    pub inbound: Vec<FailsafePort>,
    /// Ports of others that the node connects to.
    pub outbound: Vec<FailsafePort>,
}

/// Destination ports of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailsafePort {
    /// The protocol, never ICMP.
    pub protocol: Protocol,
    /// The first port, host order.
    pub first: u16,
    /// The last port, host order, inclusive.
    pub last: u16,
}

impl Default for FailsafePorts {
    /// Those of Calico (`failsafeInboundHostPorts` and `failsafeOutboundHostPorts` of Felix) for what is not its own, and
    /// kubelet:
    ///
    /// | port | what | in | out |
    /// |---|---|---|---|
    /// | TCP 22 | SSH | yes | |
    /// | UDP 53 | DNS | | yes |
    /// | UDP 67 | DHCP server | | yes |
    /// | UDP 68 | DHCP client | yes | |
    /// | TCP 179 | BGP | yes | yes |
    /// | TCP 2379–2380 | etcd | yes | yes |
    /// | TCP 6443 | API server | yes | yes |
    /// | TCP 10250 | kubelet | yes | |
    fn default() -> Self {
        const TCP: Protocol = Protocol::Tcp;
        const UDP: Protocol = Protocol::Udp;
        let shared = [
            FailsafePort::single(TCP, 179),
            FailsafePort {
                protocol: TCP,
                first: 2379,
                last: 2380,
            },
            FailsafePort::single(TCP, 6443),
        ];
        let inbound = [(TCP, 22), (UDP, 68), (TCP, 10_250)];
        let outbound = [(UDP, 53), (UDP, 67)];
        let all = |own: &[(Protocol, u16)]| {
            let own = own.iter();
            own.map(|(protocol, port)| FailsafePort::single(*protocol, *port))
                .chain(shared)
                .collect()
        };
        Self {
            inbound: all(&inbound),
            outbound: all(&outbound),
        }
    }
}

impl FailsafePort {
    /// One port.
    #[must_use]
    pub const fn single(protocol: Protocol, port: u16) -> Self {
        Self {
            protocol,
            first: port,
            last: port,
        }
    }

    /// Whether a port, host order, is one of these.
    #[must_use]
    pub fn is_it(&self, protocol: Protocol, port: u16) -> bool {
        self.protocol == protocol && (self.first..=self.last).contains(&port)
    }
}
