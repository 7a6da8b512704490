//! What a network that remembers connections must do with each packet.
//!
//! The first packet of a connection is judged by the policies of both ends; what answers it passes. Policies that change
//! judge the connection anew at the next packet of who opened it. Everything else follows from when a connection begins
//! and ends: see [`Tracker`].

mod departure;
mod lifetimes;
mod links;
mod packet;
mod table;
mod tracker;

pub use departure::Stranded;
pub use lifetimes::Lifetimes;
pub use packet::{Content, Flow, Packet, SctpChunk, TcpFlags};
pub use tracker::{
    Arrival, Course, Halves, NodeJudgement, PacketEnd, PacketJudgement, Standing, Tracker,
};
