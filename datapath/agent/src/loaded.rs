//! What the kernel holds now: programs of ours, and every BPF object a process has.

use crate::AgentError;
use crate::attachment::{FROM_ENDPOINT, TO_ENDPOINT};
use aya::programs::{ProgramError, ProgramInfo};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};

/// A program in the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadedProgram {
    /// The kernel's number for it.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// The programs that carry our names, in the order they were loaded. Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// When the kernel does not list its programs. One that goes away meanwhile is left out.
pub fn loaded_programs() -> Result<Vec<LoadedProgram>, AgentError> {
    let mut programs = Vec::new();
    for info in aya::programs::loaded_programs() {
        match info {
            Ok(info) => programs.extend(ours(&info)),
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(AgentError::List(error)),
        }
    }
    Ok(programs)
}

/// BPF programs and maps, by the numbers that the kernel has given them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BpfObjects {
    /// Programs.
    pub programs: BTreeSet<u32>,
    /// Maps.
    pub maps: BTreeSet<u32>,
}

impl BpfObjects {
    /// Those that a process holds a descriptor of.
    ///
    /// # Errors
    /// When there is no such process, or its descriptors are none of ours to see.
    pub fn held_by(process: u32) -> io::Result<Self> {
        let mut held = Self::default();
        for entry in fs::read_dir(format!("/proc/{process}/fdinfo"))? {
            // A descriptor that was closed meanwhile is none.
            let text = fs::read_to_string(entry?.path()).unwrap_or_default();
            for line in text.lines() {
                match line.split_once(":\t") {
                    Some(("prog_id", id)) => held.programs.extend(id.parse::<u32>()),
                    Some(("map_id", id)) => held.maps.extend(id.parse::<u32>()),
                    _ => {}
                }
            }
        }
        Ok(held)
    }

    /// Those of these that the kernel holds still, for whomever. Needs `CAP_SYS_ADMIN`.
    #[must_use]
    pub fn still_there(&self) -> Self {
        let programs = aya::programs::loaded_programs().filter_map(Result::ok);
        let maps = aya::maps::loaded_maps().filter_map(Result::ok);
        let programs = programs.map(|info| info.id());
        let maps = maps.map(|info| info.id());
        Self {
            programs: programs.filter(|id| self.programs.contains(id)).collect(),
            maps: maps.filter(|id| self.maps.contains(id)).collect(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty() && self.maps.is_empty()
    }
}

fn ours(info: &ProgramInfo) -> Option<LoadedProgram> {
    let name = info.name_as_str()?;
    [FROM_ENDPOINT, TO_ENDPOINT]
        .contains(&name)
        .then(|| LoadedProgram {
            id: info.id(),
            name: name.to_owned(),
        })
}

fn is_gone(error: &ProgramError) -> bool {
    matches!(error, ProgramError::SyscallError(error) if error.io_error.kind() == ErrorKind::NotFound)
}
