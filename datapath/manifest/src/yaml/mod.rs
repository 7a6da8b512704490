//! YAML and JSON text as trees of nodes, each of which knows where it is written.

mod compose;
mod decode;
mod error;
mod scalar;
mod tree;

pub(crate) use compose::compose;
pub(crate) use decode::{Decoded, UnknownFields, decode};
pub(crate) use tree::{Mark, Node};
