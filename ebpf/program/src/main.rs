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
use program::Action;

/// tc ingress of the host side of a pod's link.
#[classifier]
pub fn from_endpoint(ctx: TcContext) -> i32 {
    let Some(scratch) = Tables::scratch() else {
        return TC_ACT_SHOT;
    };
    let mut frame = Frame::of(&ctx);
    let ifindex = frame.ifindex();
    carry_out(program::from_endpoint(
        &Tables, &mut frame, scratch, ifindex,
    ))
}

/// tc egress of the host side of a pod's link.
#[classifier]
pub fn to_endpoint(ctx: TcContext) -> i32 {
    let Some(scratch) = Tables::scratch() else {
        return TC_ACT_SHOT;
    };
    let frame = Frame::of(&ctx);
    let ifindex = frame.ifindex();
    carry_out(program::to_endpoint(&Tables, &frame, scratch, ifindex))
}

#[inline(always)]
fn carry_out(action: Action) -> i32 {
    match action {
        Action::Pass => TC_ACT_OK,
        Action::Drop(_) => TC_ACT_SHOT,
        Action::Redirect { ifindex } => {
            // SAFETY: a helper call without pointers; an unknown index makes the kernel drop the packet.
            unsafe { bpf_redirect_peer(ifindex, 0) as i32 }
        }
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
