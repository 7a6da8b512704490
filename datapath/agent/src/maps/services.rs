//! The maps of services.

use super::{Maps, absent_is_fine, at, bytes, clear_hash, clear_trie, delete_if, value};
use crate::AgentError;
use abi::{Affinity, Connection, ConnectionKey};
use aya::maps::MapError;

const CONNECTIONS: &str = "CONNECTIONS";

impl Maps {
    pub(super) fn clear_services(&mut self) -> Result<(), AgentError> {
        clear_trie(&mut self.frontends).map_err(at("FRONTENDS"))?;
        clear_hash(&mut self.slots).map_err(at("SLOTS"))?;
        clear_hash(&mut self.members).map_err(at("MEMBERS"))?;
        clear_hash(&mut self.affinities).map_err(at("AFFINITIES"))
    }

    /// Deletes the choices of backends whose connections have ended, and the affinities that have at `now`. Returns how
    /// many.
    pub(super) fn sweep_services(&mut self, now: u64) -> Result<usize, AgentError> {
        let affinities = delete_if(&mut self.affinities, |_, row| {
            value(row).is_some_and(|affinity: Affinity| affinity.expires <= now)
        });
        let mut ended = Vec::new();
        for row in &self.connections {
            let (key, row) = row.map_err(at(CONNECTIONS))?;
            let choice = value::<ConnectionKey, _>(&key).zip(value(&row));
            let chosen = choice.and_then(|(key, row)| key.of_choice(&row));
            if let Some(chosen) = chosen
                && !self.lives(&chosen, now)?
            {
                ended.push(key);
            }
        }
        for key in &ended {
            absent_is_fine(self.connections.remove(key)).map_err(at(CONNECTIONS))?;
        }
        Ok(affinities.map_err(at("AFFINITIES"))? + ended.len())
    }

    fn lives(&self, key: &ConnectionKey, now: u64) -> Result<bool, AgentError> {
        let connection = match self.connections.get(&bytes(key), 0) {
            Err(MapError::KeyNotFound) => return Ok(false),
            connection => connection.map_err(at(CONNECTIONS))?,
        };
        let connection: Option<Connection> = value(&connection);
        Ok(connection.is_some_and(|connection| connection.expires > now))
    }
}
