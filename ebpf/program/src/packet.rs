//! Access to a frame's bytes.

/// A frame, from its Ethernet header on. Reads and writes are bounds-checked; offsets are in bytes.
pub trait Packet {
    /// Length of the frame in bytes.
    fn length(&self) -> u32;

    /// The `N` bytes at `offset`, or `None` if the frame ends before.
    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]>;

    /// Whether the kernel took an 802.1Q or 802.1ad tag out of the frame on its way here.
    fn has_vlan_tag(&self) -> bool;

    /// Whether the frame is for another host's link-layer address: the network did not know better, and whatever stack
    /// gets it drops it.
    fn is_for_another_host(&self) -> bool;

    /// Overwrites the destination and source link-layer addresses.
    fn set_ethernet_addresses(&mut self, destination: [u8; 6], source: [u8; 6]);
}

/// A frame in memory, for the host side.
impl Packet for &mut [u8] {
    fn length(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let start = offset as usize;
        self.get(start..start.checked_add(N)?)?.try_into().ok()
    }

    fn has_vlan_tag(&self) -> bool {
        false
    }

    fn is_for_another_host(&self) -> bool {
        false
    }

    fn set_ethernet_addresses(&mut self, destination: [u8; 6], source: [u8; 6]) {
        if let Some(header) = self.first_chunk_mut::<12>() {
            header[..6].copy_from_slice(&destination);
            header[6..].copy_from_slice(&source);
        }
    }
}
