//! Scenarios from the command line.

use crate::program::plumb;
use snapbox::str;
use std::fs;

/// `plumb test` of the scenarios beside this file, with these flags. One is true of the shop, one is not.
fn test(flags: &str) -> snapbox::cmd::Command {
    plumb(&format!("test shop.feature -f shop.yaml {flags}"))
}

#[test]
fn the_exit_code_tells_passed_failed_and_nothing_apart() {
    test("").assert().code(1);
    test("-t @wrong").assert().code(1);
    test("-n nothing-is-called-so").assert().code(4);
    for driver in ["oracle", "simulate", "kernel"] {
        test(&format!("-t @true --driver {driver}"))
            .assert()
            .code(0);
    }
}

#[test]
fn every_report_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (junit, json) = (path("report.xml"), path("report.json"));
    test(&format!("--junit {junit} --json {json}"))
        .assert()
        .code(1);
    assert!(
        fs::read_to_string(junit)
            .unwrap()
            .contains("failures=\"1\"")
    );
    assert_eq!(fs::read_to_string(json).unwrap().lines().count(), 2);
}

#[test]
fn bad_input_is_an_exit_code_of_its_own() {
    plumb("test no-such-folder")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: no-such-folder: No such file or directory (os error 2)
help: scenarios are .feature files and case files; `plumb steps` lists what they can say

"#]]);
    test("--shard 3/2").assert().code(2).stderr_eq(str![[r#"
error: invalid value '3/2' for '--shard <K/N>': `3/2` is not a shard: write K/N with K from 1 to N, for example 2/3

For more information, try '--help'.

"#]]);
    test("-t @a(").assert().code(2).stderr_eq(str![[r#"
error: invalid value '@a(' for '--tags <TAGS>': `@a(` is not a tag expression: write for example `@ipv6 and not (@slow or @node)`

For more information, try '--help'.

"#]]);
    test("-n [").assert().code(2).stderr_eq(str![[r#"
error: invalid value '[' for '--name <REGEX>': regex parse error:
    [
    ^
error: unclosed character class

For more information, try '--help'.

"#]]);
    test("--jobs 0").assert().code(2).stderr_eq(str![[r#"
error: invalid value '0' for '--jobs <N>': number would be zero for non-zero type

For more information, try '--help'.

"#]]);
}
