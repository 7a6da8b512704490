//! `plumb doctor` on this machine, with privileges and without.

use crate::machine::unprivileged;
use crate::program::plumb;
use serde_json::{Value, json};

fn findings(command: snapbox::cmd::Command, code: i32) -> Vec<Value> {
    let output = command.assert().code(code).get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn with_privileges_the_proof_is_made() {
    let findings = findings(plumb("doctor -o json"), 0);
    let proof = findings.last().unwrap();
    assert_eq!(
        (&proof["check"], &proof["state"]),
        (&json!("proof"), &json!("good")),
        "{findings:?}"
    );
}

#[test]
fn without_privileges_it_says_which_are_missing_and_tries_nothing() {
    let findings = findings(unprivileged("doctor -o json"), 3);
    assert_eq!(
        findings[0],
        json!({
            "check": "privileges",
            "state": "bad",
            "detail": "CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN missing",
            "fix": "run as root: `sudo plumb …`; in a container: `--privileged`",
        })
    );
    let proof = findings.last().unwrap();
    assert_eq!(
        (&proof["check"], &proof["state"]),
        (&json!("proof"), &json!("skipped"))
    );
}
