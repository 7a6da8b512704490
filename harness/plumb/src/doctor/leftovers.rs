//! BPF programs of ours that another process keeps loaded. Namespaces and links go with the process that held them.

use super::finding::Finding;
use agent::LoadedProgram;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Looks for our programs, and for who holds them. What no process holds the kernel is about to free: nothing of ours
/// is pinned.
pub(super) fn examine() -> Finding {
    let check = "leftovers";
    let programs = match agent::loaded_programs() {
        Ok(programs) => programs,
        Err(error) => return Finding::note(check, error.to_string(), "see the lines below"),
    };
    let holders = holders(Path::new("/proc"), &programs);
    if holders.is_empty() {
        return Finding::good(check, "no process holds a BPF program of ours");
    }
    Finding::note(check, describe(&holders), advise(&holders))
}

fn describe(holders: &BTreeMap<u32, String>) -> String {
    let holders: Vec<_> = holders
        .iter()
        .map(|(process, name)| format!("{name} (process {process})"))
        .collect();
    format!("BPF programs of ours are held by {}", holders.join(", "))
}

fn advise(holders: &BTreeMap<u32, String>) -> String {
    let processes: Vec<_> = holders.keys().map(u32::to_string).collect();
    format!("unless that run is wanted: kill {}", processes.join(" "))
}

/// The processes that hold one of the programs, by process id, with their names.
fn holders(proc: &Path, programs: &[LoadedProgram]) -> BTreeMap<u32, String> {
    let wanted: BTreeSet<u32> = programs.iter().map(|program| program.id).collect();
    let processes = fs::read_dir(proc).into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            let holds = !wanted.is_disjoint(&held(&process.path()));
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            holds.then(|| (id, name.trim().to_owned()))
        })
        .collect()
}

/// The ids of the BPF programs that a process has open (`prog_id` in fdinfo, see proc(5)).
fn held(process: &Path) -> BTreeSet<u32> {
    let files = fs::read_dir(process.join("fdinfo"))
        .into_iter()
        .flatten()
        .flatten();
    files
        .filter_map(|file| {
            let text = fs::read_to_string(file.path()).ok()?;
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix("prog_id:"))?;
            id.trim().parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(id: u32) -> LoadedProgram {
        LoadedProgram {
            id,
            name: "from_endpoint".into(),
        }
    }

    fn process(proc: &Path, id: &str, name: &str, fdinfo: &str) {
        let folder = proc.join(id);
        fs::create_dir_all(folder.join("fdinfo")).expect("a folder");
        fs::write(folder.join("comm"), name).expect("a file");
        fs::write(folder.join("fdinfo/5"), fdinfo).expect("a file");
    }

    #[test]
    fn the_process_that_holds_a_program_is_found() {
        let proc = tempfile::tempdir().expect("a temporary folder");
        process(
            proc.path(),
            "17",
            "plumb\n",
            "pos:\t0\nprog_type:\t3\nprog_id:\t8\n",
        );
        process(proc.path(), "18", "other\n", "pos:\t0\nprog_id:\t9\n");
        process(proc.path(), "19", "shell\n", "pos:\t0\n");
        process(proc.path(), "self", "plumb\n", "prog_id:\t8\n");
        let found = holders(proc.path(), &[program(8)]);
        assert_eq!(found, BTreeMap::from([(17, "plumb".to_owned())]));
        assert_eq!(
            describe(&found),
            "BPF programs of ours are held by plumb (process 17)"
        );
        assert_eq!(advise(&found), "unless that run is wanted: kill 17");
    }
}
