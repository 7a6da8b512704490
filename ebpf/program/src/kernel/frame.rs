//! A socket buffer as a [`Packet`].

use super::{chapters, tunnel};
use abi::DropReason;
use aya_ebpf::bindings::{__sk_buff, BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR};
use aya_ebpf::helpers::generated::{
    bpf_l4_csum_replace, bpf_skb_change_tail, bpf_skb_load_bytes, bpf_skb_store_bytes,
};
use aya_ebpf::programs::TcContext;
use core::mem::MaybeUninit;
use program::{Chapter, Checksum, ChecksumChange, Covered, Maps, Packet, Scratch, Tunnel};

/// The frame of the packet being judged.
pub(crate) struct Frame {
    skb: *mut __sk_buff,
}

impl Frame {
    /// The frame behind a classifier's context.
    #[inline(always)]
    pub(crate) fn of(ctx: &TcContext) -> Self {
        Self { skb: ctx.skb.skb }
    }

    /// The frame behind a chapter's argument.
    ///
    /// An argument that nobody looks at would be left out of the calls, and the verifier wants it there.
    #[inline(always)]
    pub(super) fn in_chapter(skb: *mut __sk_buff) -> Self {
        // SAFETY: the context is valid for the program's whole run.
        let _ = unsafe { (&raw const (*skb).len).read_volatile() };
        Self { skb }
    }

    /// Index of the interface whose hook this is.
    #[inline(always)]
    pub(crate) fn ifindex(&self) -> u32 {
        // SAFETY: the context is valid for the program's whole run.
        unsafe { (*self.skb).ifindex }
    }

    /// What the outer header of the packet said; nobody and nowhere if it had none.
    #[inline(always)]
    pub(crate) fn tunnel(&self) -> Tunnel {
        tunnel::read(self.skb)
    }

    /// Tells the tunnel device what the outer header shall say; false if it cannot be told.
    #[inline(always)]
    pub(crate) fn set_tunnel(&mut self, to: &Tunnel) -> bool {
        tunnel::write(self.skb, to)
    }

    /// Reads through a helper, which finds the parts of a packet that are not linear.
    #[inline(always)]
    fn load<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut bytes = MaybeUninit::<[u8; N]>::uninit();
        // SAFETY: the helper checks the bounds of the packet and writes all N bytes, or zeroes them and fails.
        let failed = unsafe {
            bpf_skb_load_bytes(self.skb.cast(), offset, bytes.as_mut_ptr().cast(), N as u32)
        };
        if failed != 0 {
            return None;
        }
        // SAFETY: written by the helper.
        Some(unsafe { bytes.assume_init() })
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn length(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.skb).len }
    }

    /// Straight from the linear part of the packet, where its headers nearly always are, else by a helper.
    #[inline(always)]
    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        /// The verifier must see that an offset stays within a packet.
        const FAR: u32 = 0x1fff;
        // SAFETY: the verifier holds every such access against the two ends of the packet.
        unsafe {
            let start = (*self.skb).data as usize + (offset & FAR) as usize;
            if offset <= FAR && start + N <= (*self.skb).data_end as usize {
                return Some(*(start as *const [u8; N]));
            }
        }
        self.load(offset)
    }

    #[inline(always)]
    fn has_vlan_tag(&self) -> bool {
        // SAFETY: as above.
        unsafe { (*self.skb).vlan_present != 0 }
    }

    #[inline(always)]
    fn is_for_another_host(&self) -> bool {
        /// `PACKET_OTHERHOST` of `linux/if_packet.h`.
        const OTHER_HOST: u32 = 3;
        // SAFETY: as above.
        unsafe { (*self.skb).pkt_type == OTHER_HOST }
    }

    #[inline(always)]
    fn set_ethernet_addresses(&mut self, destination: [u8; 6], source: [u8; 6]) {
        let mut both = [0; 12];
        both[..6].copy_from_slice(&destination);
        both[6..].copy_from_slice(&source);
        // SAFETY: twelve bytes from the stack; the Ethernet header was read before, so they are there.
        let _ = unsafe { bpf_skb_store_bytes(self.skb, 0, both.as_ptr().cast(), 12, 0) };
    }

    #[inline(always)]
    fn write<const N: usize>(&mut self, offset: u32, bytes: &[u8; N]) -> Option<()> {
        // SAFETY: N bytes from the stack; the helper checks the bounds of the packet.
        let failed =
            unsafe { bpf_skb_store_bytes(self.skb, offset, bytes.as_ptr().cast(), N as u32, 0) };
        (failed == 0).then_some(())
    }

    #[inline(always)]
    fn resize(&mut self, length: u32) -> Option<()> {
        // SAFETY: a helper on the program's own packet; pointers into it are never kept.
        let failed = unsafe { bpf_skb_change_tail(self.skb, length, 0) };
        (failed == 0).then_some(())
    }

    /// By a global function.
    #[inline(always)]
    fn tell<M: Maps>(
        &mut self,
        chapter: Chapter,
        _maps: &M,
        scratch: &mut Scratch,
    ) -> Result<(), DropReason> {
        if chapters::call(chapter, self.skb) == 0 {
            Ok(())
        } else {
            Err(scratch.reason())
        }
    }

    /// By the helper, which knows what the packet has in the checksum's place and what its device has summed up already.
    #[inline(always)]
    fn adjust_checksum(
        &mut self,
        checksum: Checksum,
        change: ChecksumChange,
        covered: Covered,
    ) -> Option<()> {
        /// `BPF_F_IPV6` of `linux/bpf.h`, of Linux 6.16 and later: no header checksum makes up for the addresses.
        const IPV6: u64 = 1 << 7;
        const PSEUDO_HEADER: u64 = BPF_F_PSEUDO_HDR as u64;
        let covered = match covered {
            Covered::Message => 0,
            Covered::PseudoHeaderV4 => PSEUDO_HEADER,
            Covered::PseudoHeaderV6 => PSEUDO_HEADER | IPV6,
        };
        let optional = if checksum.is_optional {
            u64::from(BPF_F_MARK_MANGLED_0)
        } else {
            0
        };
        // SAFETY: the helper checks the bounds of the packet. Without a size it takes a sum.
        let failed = unsafe {
            bpf_l4_csum_replace(
                self.skb,
                checksum.offset,
                0,
                u64::from(change.sum()),
                covered | optional,
            )
        };
        (failed == 0).then_some(())
    }
}
