//! The maps of the programs at sockets.

use super::{Maps, absent_is_fine, at, clear_hash, full_at};
use crate::AgentError;

pub(super) const NAMESPACES: &str = "NAMESPACES";
pub(super) const PEERS: &str = "PEERS";

impl Maps {
    /// Says whose sockets those of a network namespace are, by the kernel's cookie of it.
    pub(crate) fn put_namespace(&mut self, cookie: u64, ifindex: u32) -> Result<(), AgentError> {
        self.namespaces
            .insert(cookie, ifindex, 0)
            .map_err(full_at(NAMESPACES, self.config.links))
    }

    pub(crate) fn delete_namespace(&mut self, cookie: u64) -> Result<(), AgentError> {
        absent_is_fine(self.namespaces.remove(&cookie)).map_err(at(NAMESPACES))
    }

    pub(super) fn clear_sockets(&mut self) -> Result<(), AgentError> {
        clear_hash(&mut self.namespaces).map_err(at(NAMESPACES))?;
        clear_hash(&mut self.peers).map_err(at(PEERS))
    }
}
