//! Every command explains itself.

use crate::program::plumb;
use snapbox::file;

#[test]
fn the_program_lists_its_commands() {
    let help = plumb("--help").assert().success();
    help.stdout_eq(file!["help/plumb.txt"]);
}

#[test]
fn each_command_has_flags_and_examples() {
    let help = |command: &str| plumb(&format!("{command} --help"));
    help("matrix")
        .assert()
        .success()
        .stdout_eq(file!["help/matrix.txt"]);
    help("explain")
        .assert()
        .success()
        .stdout_eq(file!["help/explain.txt"]);
    help("observe")
        .assert()
        .success()
        .stdout_eq(file!["help/observe.txt"]);
    help("steps")
        .assert()
        .success()
        .stdout_eq(file!["help/steps.txt"]);
    help("test")
        .assert()
        .success()
        .stdout_eq(file!["help/test.txt"]);
    help("doctor")
        .assert()
        .success()
        .stdout_eq(file!["help/doctor.txt"]);
}
