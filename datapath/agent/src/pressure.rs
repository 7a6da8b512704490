//! How full the tables are.

use crate::{Agent, AgentError};
use abi::DropReason;

/// One table's fill. What happens when it is full is in `ARCHITECTURE.md`; nothing passes because of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pressure {
    /// The map's name.
    pub table: &'static str,
    /// Entries now, dead connections that nobody has swept included. How much waits in the ring buffer of events only
    /// the kernel knows.
    pub entries: Option<u64>,
    /// Entries that there is room for; bytes in the ring buffer.
    pub capacity: u64,
    /// Entries that found no room since the agent was loaded.
    pub refused: u64,
}

impl Agent {
    /// How full every table is. Walks the tables: not for every packet, but for every look at the metrics.
    ///
    /// # Errors
    /// When a map cannot be read.
    pub fn pressure(&self) -> Result<Vec<Pressure>, AgentError> {
        let drops = self.maps.drops()?;
        let dropped = |reason| drops.get(&reason).copied().unwrap_or(0);
        let entries = self.maps.entries();
        let mut tables = Vec::new();
        for (table, capacity) in self.config.sizes() {
            let refused = match table {
                "CONNECTIONS" => dropped(DropReason::ConntrackFull),
                "FRAGMENTS" => dropped(DropReason::FragmentTableFull),
                "TRANSLATIONS" => dropped(DropReason::TranslationTableFull),
                "EVENTS" => self.maps.lost_events()?,
                _ => self.refused.get(table).copied().unwrap_or(0),
            };
            tables.push(Pressure {
                table,
                entries: entries.get(table).copied(),
                capacity: capacity.into(),
                refused,
            });
        }
        Ok(tables)
    }

    /// Counts a write that found no room.
    pub(crate) fn counting_refusals(
        &mut self,
        written: Result<(), AgentError>,
    ) -> Result<(), AgentError> {
        if let Err(AgentError::Full { table, .. }) = &written {
            *self.refused.entry(table).or_default() += 1;
        }
        written
    }
}
