//! Access to a frame's bytes.

use crate::chapter::{Chapter, tell};
use crate::checksum::{Checksum, ChecksumChange, Covered};
use crate::{Maps, Scratch};
use abi::DropReason;

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

    /// Overwrites the `N` bytes at `offset`; `None` if the frame ends before or may not be written.
    fn write<const N: usize>(&mut self, offset: u32, bytes: &[u8; N]) -> Option<()>;

    /// Makes the frame this long: what is cut off is gone, what is added is zero. `None` if it cannot be.
    fn resize(&mut self, length: u32) -> Option<()>;

    /// Tells a chapter of this packet's story.
    ///
    /// # Errors
    /// Why the packet is dropped.
    #[inline(always)]
    fn tell<M: Maps>(
        &mut self,
        chapter: Chapter,
        maps: &M,
        scratch: &mut Scratch,
    ) -> Result<(), DropReason>
    where
        Self: Sized,
    {
        tell(chapter, maps, self, scratch)
    }

    /// Has a checksum follow a change beneath it; `None` as for [`Packet::write`]. An optional one that is not there
    /// stays away.
    ///
    /// For the packet's own transport header. Where a device is to fill a checksum in, the packet has less in its place,
    /// and only who knows that can change it.
    #[inline(always)]
    fn adjust_checksum(
        &mut self,
        checksum: Checksum,
        change: ChecksumChange,
        covered: Covered,
    ) -> Option<()> {
        let _ = covered;
        adjust(self, checksum, change).map(drop)
    }
}

/// Has a checksum that is filled in follow a change beneath it, and says how that changed itself.
#[inline(always)]
pub(crate) fn adjust<P: Packet + ?Sized>(
    packet: &mut P,
    checksum: Checksum,
    change: ChecksumChange,
) -> Option<([u8; 2], [u8; 2])> {
    let old: [u8; 2] = packet.read(checksum.offset)?;
    if checksum.is_optional && old == [0; 2] {
        return Some((old, old));
    }
    let mut new = change.applied_to(old);
    if checksum.is_optional && new == [0; 2] {
        new = [0xff; 2];
    }
    packet.write(checksum.offset, &new)?;
    Some((old, new))
}

/// A frame in memory, for the host side.
#[cfg(any(test, feature = "host"))]
impl Packet for Vec<u8> {
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

    fn resize(&mut self, length: u32) -> Option<()> {
        self.resize(length as usize, 0);
        Some(())
    }

    fn set_ethernet_addresses(&mut self, destination: [u8; 6], source: [u8; 6]) {
        if let Some(header) = self.first_chunk_mut::<12>() {
            header[..6].copy_from_slice(&destination);
            header[6..].copy_from_slice(&source);
        }
    }

    fn write<const N: usize>(&mut self, offset: u32, bytes: &[u8; N]) -> Option<()> {
        let start = offset as usize;
        let place = self.get_mut(start..start.checked_add(N)?)?;
        place.copy_from_slice(bytes);
        Some(())
    }
}
