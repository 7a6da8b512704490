//! The files the rules look at.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// A text file of this repository.
pub(crate) struct Source {
    /// From the folder of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Every Rust file, in a stable order.
pub(crate) fn rust_files() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Source {
    Source {
        path: path
            .strip_prefix(root())
            .expect("below the root")
            .to_owned(),
        text: fs::read_to_string(path).expect("UTF-8"),
    }
}

/// All files below the folder, leaving out what is built and what starts with a dot.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "target" || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn the_rules_see_this_repository() {
    let paths: Vec<_> = rust_files().into_iter().map(|source| source.path).collect();
    for expected in ["ebpf/abi/src/lib.rs", "ci/xtask/tests/tidy/sources.rs"] {
        assert!(paths.contains(&PathBuf::from(expected)), "{paths:?}");
    }
}
