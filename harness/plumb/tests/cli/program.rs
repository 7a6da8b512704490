//! Starting the program in a known environment.

use snapbox::cmd::{Command, cargo_bin};

/// `plumb` with these arguments, among the manifests of this folder, judged by the oracle unless they say otherwise.
pub(crate) fn plumb(arguments: &str) -> Command {
    Command::new(cargo_bin!("plumb"))
        .args(arguments.split_whitespace())
        .current_dir(folder())
        .env_clear()
        .env("PLUMB_DRIVER", "oracle")
        .env("COLUMNS", "120")
}

/// The folder of this file.
pub(crate) fn folder() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli")
}
