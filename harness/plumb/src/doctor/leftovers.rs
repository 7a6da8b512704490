//! BPF programs of ours that another process keeps loaded. Namespaces and links go with the process that held them.

use super::finding::Finding;
use agent::LoadedProgram;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Looks for our programs, and for who holds them.
pub(super) fn examine() -> Finding {
    let check = "leftovers";
    match agent::loaded_programs() {
        Ok(programs) if programs.is_empty() => Finding::good(check, "no BPF program of ours"),
        Ok(programs) => {
            let holders = holders(Path::new("/proc"), &programs);
            Finding::note(check, describe(&programs), advise(&holders))
        }
        Err(error) => Finding::note(
            check,
            format!("the loaded BPF programs cannot be listed: {error}"),
            "see the other lines",
        ),
    }
}

fn describe(programs: &[LoadedProgram]) -> String {
    let programs: Vec<_> = programs
        .iter()
        .map(|program| format!("{} (id {})", program.name, program.id))
        .collect();
    format!("BPF programs of ours are loaded: {}", programs.join(", "))
}

fn advise(holders: &BTreeMap<u32, String>) -> String {
    if holders.is_empty() {
        return "no process holds them, so the kernel is about to free them or a pin in a bpffs keeps them".into();
    }
    let holders: Vec<_> = holders
        .iter()
        .map(|(process, name)| format!("kill {process} ({name})"))
        .collect();
    format!("unless that run is yours: {}", holders.join(", "))
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
        assert_eq!(advise(&found), "unless that run is yours: kill 17 (plumb)");
    }
}
