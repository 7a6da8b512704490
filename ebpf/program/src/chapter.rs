//! Parts of a story that are told apart.
//!
//! In the kernel each is a global function: the verifier follows it once, whoever calls it, and its stack frame is there
//! only while it runs. What they need and what comes of them is in [`Scratch`].

use crate::scratch::Scratch;
use crate::{Maps, Packet, hook, masquerade, neighbour, parse, policy, refuse, service};
use abi::DropReason;

/// A part of a packet's story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chapter {
    /// What the headers say.
    Read,
    /// ARP and neighbour discovery of a pod.
    Neighbour,
    /// What a pod sends to a service goes to a backend.
    Serve,
    /// A pod's ICMP error about what came from a service is one about what came from the backend.
    ServeError,
    /// Connection tracking and policies.
    Admit,
    /// What the policies of one generation say.
    Judge,
    /// An ICMP error belongs to a tracked connection.
    AdmitError,
    /// What comes from a backend comes from its service.
    Answer,
    /// An ICMP error about what was sent to a backend is one about what was sent to its service.
    AnswerError,
    /// The same, of a pod that is its own backend, is for the pod itself.
    ErrorToItself,
    /// What goes through a tunnel goes to a node, in somebody's name.
    Address,
    /// What goes nowhere becomes the answer that says so.
    Refuse,
    /// What leaves the cluster gets the node's address.
    Depart,
    /// What comes for a masqueraded pod gets the pod's address.
    Arrive,
}

/// Tells a chapter. Its caller has written down what was parsed: [`Scratch::write_down`].
///
/// # Errors
/// Why the packet is dropped.
#[inline(always)]
pub fn tell<M: Maps, P: Packet>(
    chapter: Chapter,
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    match chapter {
        Chapter::Read => parse::read(maps, packet, scratch),
        Chapter::Neighbour => neighbour::check(maps, packet, scratch),
        Chapter::Serve => service::translate(maps, packet, scratch),
        Chapter::ServeError => service::translate_error(maps, packet, scratch),
        Chapter::Admit => hook::pass(maps, packet, scratch),
        Chapter::Judge => policy::judge_once(maps, scratch),
        Chapter::AdmitError => hook::pass_error(maps, packet, scratch),
        Chapter::Answer => service::answer(packet, scratch),
        Chapter::AnswerError => service::answer_error(packet, scratch),
        Chapter::ErrorToItself => service::error_to_itself(packet, scratch),
        Chapter::Address => hook::address(maps, packet, scratch),
        Chapter::Refuse => refuse::turn(packet, scratch).ok_or(DropReason::Malformed),
        Chapter::Depart => masquerade::depart(maps, packet, scratch),
        Chapter::Arrive => masquerade::arrive(maps, packet, scratch),
    }
}
