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
use aya_ebpf::helpers::generated::bpf_redirect_peer;
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use kernel::{Frame, Tables};
use program::{Action, Scratch};

/// tc ingress of the host side of a pod's link.
#[classifier]
pub fn from_endpoint(ctx: TcContext) -> i32 {
    run(&ctx, |frame, scratch, ifindex| {
        program::from_endpoint(&Tables, frame, scratch, ifindex)
    })
}

/// tc egress of the host side of a pod's link.
#[classifier]
pub fn to_endpoint(ctx: TcContext) -> i32 {
    run(&ctx, |frame, scratch, ifindex| {
        program::to_endpoint(&Tables, frame, scratch, ifindex)
    })
}

/// tc ingress of the node's uplink.
#[classifier]
pub fn from_network(ctx: TcContext) -> i32 {
    run(&ctx, |frame, scratch, ifindex| {
        program::from_network(&Tables, frame, scratch, ifindex)
    })
}

/// tc ingress of the node's tunnel device.
#[classifier]
pub fn from_overlay(ctx: TcContext) -> i32 {
    run(&ctx, |frame, scratch, ifindex| {
        let tunnel = frame.tunnel();
        program::from_overlay(&Tables, frame, scratch, ifindex, &tunnel)
    })
}

/// tc egress of the node's tunnel device.
#[classifier]
pub fn to_overlay(ctx: TcContext) -> i32 {
    run(&ctx, |frame, scratch, ifindex| {
        program::to_overlay(&Tables, frame, scratch, ifindex)
    })
}

/// Runs a hook over a packet and does what it says.
#[inline(always)]
fn run(ctx: &TcContext, hook: impl FnOnce(&mut Frame, &mut Scratch, u32) -> Action) -> i32 {
    let Some(scratch) = Tables::scratch() else {
        return TC_ACT_SHOT;
    };
    let mut frame = Frame::of(ctx);
    let ifindex = frame.ifindex();
    match hook(&mut frame, scratch, ifindex) {
        Action::Pass => TC_ACT_OK,
        Action::Drop(_) => TC_ACT_SHOT,
        Action::Redirect { ifindex } => {
            // SAFETY: a helper call without pointers; an unknown index makes the kernel drop the packet.
            unsafe { bpf_redirect_peer(ifindex, 0) as i32 }
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
