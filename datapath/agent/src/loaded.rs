//! What the kernel holds now: programs of ours, and every BPF object a process has.

use crate::AgentError;
use crate::sockets::PROGRAMS;
use abi::Hook;
use aya::programs::{ProgramError, ProgramInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::str::FromStr;

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
        for descriptor in descriptors(process)? {
            held.programs.extend(field::<u32>(&descriptor, "prog_id"));
            held.maps.extend(field::<u32>(&descriptor, "map_id"));
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

/// What each map that a process holds takes of the kernel's memory, in bytes (`memlock` in `/proc/PID/fdinfo`), by its
/// name. Maps of one name are added up. Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// When there is no such process, or its descriptors are none of ours to see.
pub fn map_memory(process: u32) -> io::Result<BTreeMap<String, u64>> {
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    for descriptor in descriptors(process)? {
        let map = field::<u32>(&descriptor, "map_id");
        let map = map.zip(field::<u64>(&descriptor, "memlock"));
        sizes.extend(map);
    }
    let mut by_name = BTreeMap::new();
    for info in aya::maps::loaded_maps().filter_map(Result::ok) {
        if let Some((size, name)) = sizes.get(&info.id()).zip(info.name_as_str()) {
            *by_name.entry(name.to_owned()).or_default() += size;
        }
    }
    Ok(by_name)
}

/// What the kernel says of each descriptor of a process. One that was closed meanwhile says nothing.
fn descriptors(process: u32) -> io::Result<Vec<String>> {
    let folder = fs::read_dir(format!("/proc/{process}/fdinfo"))?;
    folder
        .map(|entry| Ok(fs::read_to_string(entry?.path()).unwrap_or_default()))
        .collect()
}

/// The number in this field of what the kernel says of a descriptor.
fn field<T: FromStr>(descriptor: &str, name: &str) -> Option<T> {
    let fields = descriptor.lines().filter_map(|line| line.split_once(":\t"));
    let mut values = fields.filter(|(field, _)| *field == name);
    values.find_map(|(_, value)| value.parse().ok())
}

fn ours(info: &ProgramInfo) -> Option<LoadedProgram> {
    let name = info.name_as_str()?;
    let hooks = Hook::ALL.iter().map(|hook| hook.name());
    let is_ours = hooks.chain(PROGRAMS).any(|ours| ours == name);
    is_ours.then(|| LoadedProgram {
        id: info.id(),
        name: name.to_owned(),
    })
}

fn is_gone(error: &ProgramError) -> bool {
    matches!(error, ProgramError::SyscallError(error) if error.io_error.kind() == ErrorKind::NotFound)
}
