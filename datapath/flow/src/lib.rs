//! What the datapath saw, in words that people know: events become flows.
//!
//! No kernel and no clock of its own. Names come from the tables and the cluster of the generation that judged the
//! packet, never from a later one. Only [`log::LogFile`] and [`metrics::MetricsServer`] touch the world, each on a thread
//! of its own.
//!
//! ```text
//! abi::Event ── Directory (who was where, under that generation) ──► Flow ──► hubble, log, metrics, capture
//! ```

pub mod capture;
mod clock;
mod decode;
mod directory;
mod display;
mod end;
pub mod filter;
pub mod hubble;
pub mod log;
pub mod metrics;
mod services;
mod side;

pub use clock::Clock;
pub use decode::Flow;
pub use directory::{Directory, Logging, Snapshot};
pub use display::protocol_name;
pub use end::{End, Party, PodParty, VirtualEnd};
pub use side::{Side, SideVerdict};
