//! What no source file may contain.

use crate::assert_none;
use crate::sources::{Source, rust_files};
use std::path::PathBuf;

/// Longest file, in lines: one that is longer has more than one subject.
const LONGEST: usize = 600;

/// What is forbidden, written apart so that this file does not contain it, and why.
const FORBIDDEN: [([&str; 2], &str); 6] = [
    (["todo", "!("], "unfinished work is not landed"),
    (["unimplemented", "!("], "unfinished work is not landed"),
    (["db", "g!("], "left over from debugging"),
    (["#[ig", "nore"], "a test that does not run is not a test"),
    (["sle", "ep("], "whatever starts returns when it is ready"),
    (
        ["#[al", "low("],
        "use `expect` with a reason: it goes when the lint does",
    ),
];

/// The only files with the keyword, each small enough to be audited as a whole.
const UNSAFE: [&str; 7] = [
    "datapath/agent/src/maps.rs",
    "ebpf/program/src/kernel/frame.rs",
    "ebpf/program/src/kernel/socket.rs",
    "ebpf/program/src/kernel/tables.rs",
    "ebpf/program/src/kernel/tunnel.rs",
    "ebpf/program/src/main.rs",
    "ebpf/program/src/scratch.rs",
];

fn check(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let mut findings = Vec::new();
    let length = source.text.lines().count();
    if length > LONGEST {
        findings.push(format!("{path}: {length} lines, more than {LONGEST}"));
    }
    let is_audited = UNSAFE.iter().any(|audited| *audited == path.to_string());
    for (number, line) in (1..).zip(source.text.lines()) {
        for (word, reason) in FORBIDDEN {
            let word = word.concat();
            if line.contains(&word) {
                findings.push(format!("{path}:{number}: `{word}`: {reason}"));
            }
        }
        if !is_audited && has_unsafe(line) {
            findings.push(format!(
                "{path}:{number}: unsafe code outside the audited files"
            ));
        }
    }
    findings
}

/// Whether the line uses the keyword as code; attributes and comments may speak of it.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["{", "fn", "impl", "extern"]
        .iter()
        .any(|next| code.contains(&["unsafe", " ", next].concat()))
}

#[test]
fn no_source_contains_what_is_forbidden() {
    let findings: Vec<_> = rust_files().iter().flat_map(check).collect();
    assert_none(&findings);
}

#[test]
fn every_audited_file_is_unsafe() {
    for audited in UNSAFE {
        let source = rust_files()
            .into_iter()
            .find(|source| source.path == *audited)
            .unwrap_or_else(|| panic!("{audited} is gone: take it off the list"));
        assert!(
            source.text.lines().any(has_unsafe),
            "{audited} is safe now: take it off the list"
        );
    }
}

fn findings_in(text: &str) -> Vec<String> {
    check(&Source {
        path: PathBuf::from("a.rs"),
        text: text.to_owned(),
    })
}

#[test]
fn every_forbidden_word_is_found() {
    for (word, reason) in FORBIDDEN {
        let word = word.concat();
        assert_eq!(
            findings_in(&format!("fn main() {{\n    {word}")),
            [format!("a.rs:2: `{word}`: {reason}")]
        );
    }
}

#[test]
fn a_long_file_is_found() {
    assert!(findings_in(&"\n".repeat(LONGEST)).is_empty());
    assert_eq!(
        findings_in(&"\n".repeat(LONGEST + 1)),
        ["a.rs: 601 lines, more than 600"]
    );
}

#[test]
fn unsafe_code_is_found() {
    let code = ["unsafe", "{ read() }"].join(" ");
    assert_eq!(
        findings_in(&code),
        ["a.rs:1: unsafe code outside the audited files"]
    );
    assert!(findings_in("// unsafe in a comment").is_empty());
    assert!(findings_in("#![deny(unsafe_op_in_unsafe_fn)]").is_empty());
}
