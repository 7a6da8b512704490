//! Frames as they leave an endpoint.

use super::Packet;
use manifest::EndpointName;
use oracle::connection;

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
/// 802.1Q.
const VLAN: [u8; 2] = [0x81, 0x00];

/// A frame and who sends it. Link-layer addresses are each driver's own, so the bytes begin with the `EtherType`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Who sends it.
    pub from: EndpointName,
    /// Whose link it leaves on. Only a node has several; any other end may leave it out.
    pub towards: Option<EndpointName>,
    /// A source link-layer address that is not the sender's.
    pub mac: Option<[u8; 6]>,
    /// The `EtherType` and all that follows.
    pub(super) bytes: Vec<u8>,
    /// Where among `bytes` the sender's own link-layer address belongs.
    pub(super) own_mac_at: Option<usize>,
    /// What the oracle is asked about it; `None` if only its bytes tell what it is.
    pub(super) meaning: Option<connection::Packet>,
    /// What it was made from, if it was described.
    pub(super) packet: Option<Box<Packet>>,
}

impl Frame {
    /// A frame of these bytes, from the `EtherType` on.
    #[must_use]
    pub const fn new(from: EndpointName, bytes: Vec<u8>) -> Self {
        Self {
            from,
            towards: None,
            mac: None,
            bytes,
            own_mac_at: None,
            meaning: None,
            packet: None,
        }
    }

    /// A frame around an IP packet, with an 802.1Q tag or without.
    pub(super) fn of_network(from: EndpointName, network: &[u8], vlan: Option<u16>) -> Self {
        let mut bytes = Vec::with_capacity(network.len() + 6);
        if let Some(vlan) = vlan {
            bytes.extend(VLAN);
            bytes.extend(vlan.to_be_bytes());
        }
        let is_v6 = network.first().is_some_and(|byte| byte >> 4 == 6);
        bytes.extend(if is_v6 { IPV6 } else { IPV4 });
        bytes.extend(network);
        Self::new(from, bytes)
    }

    /// The `EtherType` and all that follows.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it means to the oracle; `None` if only its bytes tell what it is.
    #[must_use]
    pub const fn meaning(&self) -> Option<&connection::Packet> {
        self.meaning.as_ref()
    }

    /// The description it was made from; `None` if it was given as bytes.
    #[must_use]
    pub fn packet(&self) -> Option<&Packet> {
        self.packet.as_deref()
    }

    /// The whole frame, from an end with this link-layer address to one with that.
    #[must_use]
    pub fn to_bytes(&self, own: [u8; 6], destination: [u8; 6]) -> Vec<u8> {
        let mut body = self.bytes.clone();
        if let Some(own_mac) = self
            .own_mac_at
            .and_then(|at| body.get_mut(at..at + own.len()))
        {
            own_mac.copy_from_slice(&own);
        }
        let mut whole = Vec::with_capacity(2 * own.len() + body.len());
        whole.extend(destination);
        whole.extend(self.mac.unwrap_or(own));
        whole.extend(body);
        whole
    }
}
