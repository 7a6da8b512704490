//! Programs of ours that the kernel holds now, for whatever process.

use crate::AgentError;
use crate::attachment::{FROM_ENDPOINT, TO_ENDPOINT};
use aya::programs::{ProgramError, ProgramInfo};
use std::io::ErrorKind;

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
