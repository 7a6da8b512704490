//! A file has one subject, and its name says which.

use crate::assert_none;
use crate::sources::rust_files;
use std::path::Path;

const MEANINGLESS: [&str; 8] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "shared",
    "util",
    "utilities",
    "utils",
];

/// The part of the path that names no subject.
fn meaningless(path: &Path) -> Option<&str> {
    path.iter()
        .filter_map(|part| Path::new(part).file_stem()?.to_str())
        .find(|stem| MEANINGLESS.contains(stem))
}

#[test]
fn every_file_is_named_after_its_subject() {
    let findings: Vec<_> = rust_files()
        .iter()
        .filter_map(|source| {
            let name = meaningless(&source.path)?;
            Some(format!("{}: `{name}` says nothing", source.path.display()))
        })
        .collect();
    assert_none(&findings);
}

#[test]
fn a_meaningless_name_is_found() {
    assert_eq!(meaningless(Path::new("a/src/utils.rs")), Some("utils"));
    assert_eq!(meaningless(Path::new("a/common/b.rs")), Some("common"));
    assert_eq!(meaningless(Path::new("a/src/commonly.rs")), None);
}
