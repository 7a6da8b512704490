//! The maps of masquerade.

use super::{Maps, absent_is_fine, at, bytes, cidr_key, full_at, read, value};
use crate::AgentError;
use abi::{CidrKey, Connection, ConnectionKey, PortRange, Translation, TranslationKey};
use aya::maps::MapError;
use std::collections::BTreeSet;

const PORTS: &str = "MASQUERADE";
const EXCEPTIONS: &str = "UNMASQUERADED";
const TRANSLATIONS: &str = "TRANSLATIONS";

impl Maps {
    pub(crate) fn set_masquerade_ports(&mut self, ports: PortRange) -> Result<(), AgentError> {
        self.masquerade.set(0, bytes(&ports), 0).map_err(at(PORTS))
    }

    pub(crate) fn masquerade_ports(&self) -> Result<PortRange, AgentError> {
        let ports = self.masquerade.get(&0, 0).map_err(at(PORTS))?;
        Ok(value(&ports).unwrap_or_default())
    }

    /// The ports of what the node sends on for services.
    pub(crate) fn set_service_ports(&mut self, ports: PortRange) -> Result<(), AgentError> {
        self.masquerade.set(1, bytes(&ports), 0).map_err(at(PORTS))
    }

    pub(crate) fn service_ports(&self) -> Result<PortRange, AgentError> {
        let ports = self.masquerade.get(&1, 0).map_err(at(PORTS))?;
        Ok(value(&ports).unwrap_or_default())
    }

    /// The prefixes to which nothing is masqueraded.
    pub(crate) fn unmasqueraded(&self) -> Result<BTreeSet<CidrKey>, AgentError> {
        let rows = read(self.unmasqueraded.iter(), EXCEPTIONS, |key, _| {
            let key = CidrKey {
                prefix_length: key.prefix_len(),
                address: abi::Address::from_v6(key.data()),
            };
            Some((key, ()))
        })?;
        Ok(rows.into_keys().collect())
    }

    pub(crate) fn put_unmasqueraded(&mut self, prefix: &CidrKey) -> Result<(), AgentError> {
        self.unmasqueraded
            .insert(&cidr_key(prefix), 1, 0)
            .map_err(full_at(EXCEPTIONS, self.config.unmasqueraded))
    }

    pub(crate) fn delete_unmasqueraded(&mut self, prefix: &CidrKey) -> Result<(), AgentError> {
        absent_is_fine(self.unmasqueraded.remove(&cidr_key(prefix))).map_err(at(EXCEPTIONS))
    }

    /// Deletes the rows of connections that are dead at `now` or have another port on the node by now; returns how many.
    pub(super) fn sweep_translations(&mut self, now: u64) -> Result<usize, AgentError> {
        let mut dead = Vec::new();
        for row in &self.translations {
            let (key, row) = row.map_err(at(TRANSLATIONS))?;
            let is_held = match value(&key).zip(value(&row)) {
                Some((outside, pod)) => self.holds(&outside, &pod, now)?,
                None => false,
            };
            if !is_held {
                dead.push(key);
            }
        }
        for key in &dead {
            absent_is_fine(self.translations.remove(key)).map_err(at(TRANSLATIONS))?;
        }
        Ok(dead.len())
    }

    /// Whether the connection of a row lives and has no other port on the node.
    fn holds(
        &self,
        outside: &TranslationKey,
        row: &Translation,
        now: u64,
    ) -> Result<bool, AgentError> {
        let mut key = ConnectionKey::default();
        key.set(
            &(row.pod, row.pod_port),
            &(outside.remote, outside.remote_port),
            outside.protocol,
        );
        let connection = match self.connections.get(&bytes(&key), 0) {
            Err(MapError::KeyNotFound) => return Ok(false),
            connection => connection.map_err(at("CONNECTIONS"))?,
        };
        let connection: Option<Connection> = value(&connection);
        Ok(connection.is_some_and(|connection| {
            connection.expires > now && connection.may_have(outside.node_port)
        }))
    }
}
