//! `README.md` shows commands with their output: each is run, in a folder with its feature file and the scenarios.

use crate::program::path_with_plumb;
use regex::Regex;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A command of the README and the output below it.
struct Example {
    command: String,
    output: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let fence = format!("```{language}\n");
    let parts = readme.split(&fence).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn examples() -> Vec<Example> {
    blocks("console")
        .iter()
        .flat_map(|block| {
            block
                .split("$ ")
                .skip(1)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|example| {
            let (command, output) = example.split_once('\n').unwrap();
            Example {
                command: command.to_owned(),
                output: output.to_owned(),
            }
        })
        .collect()
}

/// What the README's reader has: the scenarios of this repository and the feature that the README shows.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(
        Path::new(ROOT).join("scenarios"),
        folder.path().join("scenarios"),
    )
    .unwrap();
    fs::create_dir(folder.path().join("features")).unwrap();
    let feature = blocks("gherkin").concat();
    fs::write(folder.path().join("features/shop.feature"), feature).unwrap();
    folder
}

/// The command that a target of the Makefile ends with, as somebody with `plumb` in PATH would type it.
fn behind_make(target: &str) -> Option<String> {
    let makefile = read("Makefile");
    let recipe = makefile.split(&format!("\n{target}: setup\n\t")).nth(1)?;
    let command = recipe.lines().next()?;
    let arguments = command.strip_prefix("cargo run --package plumb -- ")?;
    Some(format!("plumb {arguments}"))
}

fn run(command: &str) -> String {
    let folder = workplace();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder.path())
        .env("PATH", path_with_plumb())
        .env("COLUMNS", "120")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The output without what differs from run to run: times, and what `doctor` found on this machine.
fn comparable(command: &str, output: &str) -> String {
    let time = Regex::new(r"\d+(\.\d+)? ?(ms|s)\b").unwrap();
    let is_fix = |line: &&str| command == "plumb doctor" && line.trim_start().starts_with("fix:");
    let lines = output.lines().filter(|line| !is_fix(line));
    let lines = lines.map(|line| match command {
        "plumb doctor" => line.chars().skip(2).take("BPF programs".len()).collect(),
        _ => time.replace_all(line, "TIME").trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_prints_what_the_readme_shows() {
    let examples = examples();
    assert!(examples.len() > 5);
    for Example { command, output } in &examples {
        let run = match command.strip_prefix("make ") {
            Some("test") => continue, // what runs this test
            Some(target) => run(&behind_make(target).unwrap()),
            None => run(command),
        };
        assert_eq!(
            comparable(command, &run),
            comparable(command, output),
            "{command}"
        );
    }
}

#[test]
fn make_test_is_what_ci_runs() {
    assert!(read(".ci/run").contains("make test"));
    assert!(read("Makefile").contains("\ntest: setup-test\n\tcargo xtask check\n"));
}
