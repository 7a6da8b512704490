//! The limit that a big lab meets first: open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the process's soft limit of open files to its hard limit. A lab holds one descriptor an endpoint, and who
/// probes it some sockets each, while the usual soft limit is 1024. Best effort: a limit that is too low shows as
/// [`crate::LabError::Kernel`] when it is met.
pub(crate) fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
