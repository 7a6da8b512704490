//! The BPF object: hooks wired to decisions, and nothing else. Builds for `bpfel-unknown-none` only.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the hook attribute makes its own exports"
)]

mod kernel;

use aya_ebpf::bindings::{TC_ACT_OK, TC_ACT_SHOT};
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_redirect_peer};
use aya_ebpf::macros::{cgroup_sock_addr, classifier};
use aya_ebpf::programs::{SockAddrContext, TcContext};
use kernel::{Call, Family, Frame, Tables};
use program::Action;

/// Runs a hook over a packet and does what it says. A macro, because a hook that is passed as a function may become one.
macro_rules! run {
    ($ctx:ident, $hook:path $(, $more:expr)?) => {{
        let Some(scratch) = Tables::scratch() else {
            return TC_ACT_SHOT;
        };
        let mut frame = Frame::of(&$ctx);
        let ifindex = frame.ifindex();
        let action = $hook(&Tables, &mut frame, scratch, ifindex $(, $more)?);
        carry_out(&mut frame, action)
    }};
}

/// tc ingress of the host side of a pod's link.
#[classifier]
#[inline(always)]
pub fn from_endpoint(ctx: TcContext) -> i32 {
    run!(ctx, program::from_endpoint)
}

/// tc egress of the host side of a pod's link.
#[classifier]
#[inline(always)]
pub fn to_endpoint(ctx: TcContext) -> i32 {
    run!(ctx, program::to_endpoint)
}

/// tc ingress of the node's uplink.
#[classifier]
#[inline(always)]
pub fn from_network(ctx: TcContext) -> i32 {
    run!(ctx, program::from_network)
}

/// tc egress of the node's uplink.
#[classifier]
#[inline(always)]
pub fn to_network(ctx: TcContext) -> i32 {
    run!(ctx, program::to_network)
}

/// tc ingress of the node's tunnel device.
#[classifier]
#[inline(always)]
pub fn from_overlay(ctx: TcContext) -> i32 {
    let tunnel = Frame::of(&ctx).tunnel();
    run!(ctx, program::from_overlay, &tunnel)
}

/// tc egress of the node's tunnel device.
#[classifier]
#[inline(always)]
pub fn to_overlay(ctx: TcContext) -> i32 {
    run!(ctx, program::to_overlay)
}

/// Declares the programs at sockets: the kernel's hook, and what it does.
macro_rules! at_sockets {
    ($($hook:ident $family:ident $name:ident: $does:ident,)+) => {
        $(
            #[cgroup_sock_addr($hook)]
            #[inline(always)]
            pub fn $name(context: SockAddrContext) -> i32 {
                Call::of(&context, Family::$family).$does()
            }
        )+
    };
}

at_sockets! {
    connect4 V4 sock4_connect: connect,
    connect6 V6 sock6_connect: connect,
    sendmsg4 V4 sock4_sendmsg: send,
    sendmsg6 V6 sock6_sendmsg: send,
    recvmsg4 V4 sock4_recvmsg: name,
    recvmsg6 V6 sock6_recvmsg: name,
    getpeername4 V4 sock4_peername: name,
    getpeername6 V6 sock6_peername: name,
}

#[inline(always)]
fn carry_out(frame: &mut Frame, action: Action) -> i32 {
    match action {
        Action::Pass => TC_ACT_OK,
        Action::Drop(_) => TC_ACT_SHOT,
        Action::Redirect { ifindex } | Action::Refuse { ifindex, .. } => {
            // SAFETY: a helper call without pointers; an unknown index makes the kernel drop the packet.
            unsafe { bpf_redirect_peer(ifindex, 0) as i32 }
        }
        Action::Reflect { ifindex, .. } => {
            // SAFETY: a helper call without pointers; an unknown index makes the kernel drop the packet.
            unsafe { bpf_redirect(ifindex, 0) as i32 }
        }
        // The device drops what comes without an outer header.
        Action::Encapsulate(tunnel) if frame.set_tunnel(&tunnel) => TC_ACT_OK,
        Action::Encapsulate(_) => TC_ACT_SHOT,
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // Never linked into a program that the verifier accepts: every index here is checked or constant.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
