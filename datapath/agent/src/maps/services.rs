//! The maps of services.

use super::{
    Bytes, Maps, absent_is_fine, at, bytes, clear_hash, clear_trie, delete_if, full_at, read, value,
};
use crate::AgentError;
use abi::{
    Affinity, Connection, ConnectionKey, End, FrontendKey, FrontendRows, MemberKey, SlotKey,
    SourceKey,
};
use aya::maps::MapError;
use aya::maps::lpm_trie::Key;
use std::collections::BTreeMap;

const CONNECTIONS: &str = "CONNECTIONS";

impl Maps {
    pub(super) fn clear_services(&mut self) -> Result<(), AgentError> {
        clear_trie(&mut self.frontends).map_err(at("FRONTENDS"))?;
        clear_hash(&mut self.slots).map_err(at("SLOTS"))?;
        clear_hash(&mut self.members).map_err(at("MEMBERS"))?;
        clear_trie(&mut self.sources).map_err(at("SOURCES"))?;
        clear_hash(&mut self.affinities).map_err(at("AFFINITIES"))
    }

    pub(super) fn write_frontend(
        &mut self,
        key: &FrontendKey,
        rows: Option<&FrontendRows>,
    ) -> Result<(), AgentError> {
        let key = Key::new(key.prefix_length, key.data());
        match rows {
            Some(rows) => self.frontends.insert(&key, bytes(rows), 0),
            None => absent_is_fine(self.frontends.remove(&key)),
        }
        .map_err(full_at("FRONTENDS", self.config.frontends))
    }

    pub(super) fn write_slot(
        &mut self,
        key: SlotKey,
        backend: Option<&End>,
    ) -> Result<(), AgentError> {
        let key: Bytes<{ size_of::<SlotKey>() }> = bytes(&key);
        match backend {
            Some(backend) => {
                let row: Bytes<{ size_of::<End>() }> = bytes(backend);
                self.slots.insert(key, row, 0)
            }
            None => absent_is_fine(self.slots.remove(&key)),
        }
        .map_err(full_at("SLOTS", self.config.slots))
    }

    pub(super) fn write_member(
        &mut self,
        key: &MemberKey,
        state: Option<u32>,
    ) -> Result<(), AgentError> {
        let key: Bytes<{ size_of::<MemberKey>() }> = bytes(key);
        match state {
            Some(state) => self.members.insert(key, state, 0),
            None => absent_is_fine(self.members.remove(&key)),
        }
        .map_err(full_at("MEMBERS", self.config.members))
    }

    pub(super) fn write_source(
        &mut self,
        key: &SourceKey,
        row: Option<u32>,
    ) -> Result<(), AgentError> {
        let key = Key::new(key.prefix_length, key.data());
        match row {
            Some(row) => self.sources.insert(&key, row, 0),
            None => absent_is_fine(self.sources.remove(&key)),
        }
        .map_err(full_at("SOURCES", self.config.sources))
    }

    pub(super) fn source_rows(&self) -> Result<BTreeMap<SourceKey, u32>, AgentError> {
        read(self.sources.iter(), "SOURCES", |key, row| {
            let mut whole = [0; size_of::<SourceKey>()];
            whole[..4].copy_from_slice(&key.prefix_len().to_ne_bytes());
            whole[4..].copy_from_slice(&key.data());
            Some((value(&whole)?, *row))
        })
    }

    pub(super) fn frontend_rows(&self) -> Result<BTreeMap<FrontendKey, FrontendRows>, AgentError> {
        read(self.frontends.iter(), "FRONTENDS", |key, row| {
            let mut whole = [0; size_of::<FrontendKey>()];
            whole[..4].copy_from_slice(&key.prefix_len().to_ne_bytes());
            whole[4..].copy_from_slice(&key.data());
            Some((value(&whole)?, value(row)?))
        })
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
