//! The outer header of a packet in a tunnel: what the kernel keeps beside the packet (`struct bpf_tunnel_key`).

use abi::{Address, Identity};
use aya_ebpf::bindings::{__sk_buff, BPF_F_TUNINFO_IPV6, BPF_F_ZERO_CSUM_TX, bpf_tunnel_key};
use aya_ebpf::helpers::generated::{bpf_skb_get_tunnel_key, bpf_skb_set_tunnel_key};
use core::mem::{transmute, zeroed};
use program::Tunnel;

const SIZE: u32 = size_of::<bpf_tunnel_key>() as u32;
const IPV6: u64 = BPF_F_TUNINFO_IPV6 as u64;
/// IPv4 has a checksum of its own, so UDP needs none (RFC 7348 section 5). Over IPv6 it must have one (RFC 8200).
const WITHOUT_CHECKSUM: u64 = BPF_F_ZERO_CSUM_TX as u64;

/// What the outer header said; nobody and nowhere if there was none.
#[inline(always)]
pub(crate) fn read(skb: *mut __sk_buff) -> Tunnel {
    if let Some(key) = key(skb, 0) {
        // SAFETY: plain bytes that the kernel has written, an address in host order.
        let remote = unsafe { key.__bindgen_anon_1.remote_ipv4 };
        return of(&key, Address::from_v4(remote.to_be_bytes()));
    }
    if let Some(key) = key(skb, IPV6) {
        // SAFETY: plain bytes that the kernel has written, in network order whatever words they are held in.
        let remote = unsafe { transmute::<[u32; 4], [u8; 16]>(key.__bindgen_anon_1.remote_ipv6) };
        return of(&key, Address::from_v6(remote));
    }
    Tunnel::default()
}

#[inline(always)]
const fn of(key: &bpf_tunnel_key, remote: Address) -> Tunnel {
    Tunnel {
        remote,
        identity: Identity(key.tunnel_id),
    }
}

/// The kernel gives the key of an outer header of this family only.
#[inline(always)]
fn key(skb: *mut __sk_buff, family: u64) -> Option<bpf_tunnel_key> {
    // SAFETY: integers and unions of them: zeros are a value.
    let mut key: bpf_tunnel_key = unsafe { zeroed() };
    // SAFETY: the helper writes as much as the size says.
    let failed = unsafe { bpf_skb_get_tunnel_key(skb, &raw mut key, SIZE, family) };
    (failed == 0).then_some(key)
}

/// Tells the tunnel device what the outer header shall say; false if it cannot be told.
#[inline(always)]
pub(crate) fn write(skb: *mut __sk_buff, tunnel: &Tunnel) -> bool {
    // SAFETY: integers and unions of them: zeros are a value.
    let mut key: bpf_tunnel_key = unsafe { zeroed() };
    key.tunnel_id = tunnel.identity.0;
    let remote = tunnel.remote.octets();
    let family = if tunnel.remote.is_v4() {
        let remote = [remote[12], remote[13], remote[14], remote[15]];
        key.__bindgen_anon_1.remote_ipv4 = u32::from_be_bytes(remote);
        WITHOUT_CHECKSUM
    } else {
        // SAFETY: plain bytes either way.
        key.__bindgen_anon_1.remote_ipv6 = unsafe { transmute::<[u8; 16], [u32; 4]>(remote) };
        IPV6
    };
    // SAFETY: the helper reads as much as the size says.
    unsafe { bpf_skb_set_tunnel_key(skb, &raw mut key, SIZE, family) == 0 }
}
