//! Services and their endpoints become virtual ends with backends: the desired contents of the service maps.
//!
//! Pure: no IO, no clock, no kernel. The same input gives the same tables in the same order.
//!
//! ```text
//! Cluster ── Endpoints (slices, or pods) ── candidates of a port ── those for a node ──► Frontend, Backends
//! ```

mod backends;
mod candidate;
mod compiler;
mod endpoints;
mod frontend;
mod maglev;
mod nearest;

pub use backends::{Backends, Choice};
pub use compiler::Compiler;
pub use frontend::{Frontend, Services, VirtualEnd};
pub use maglev::SLOTS as MAGLEV_SLOTS;
