//! Starting the program in a known environment.

use snapbox::cmd::{Command, cargo_bin};
use std::ffi::OsString;
use std::{env, iter};

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

/// PATH for a shell that finds `plumb` as users do.
pub(crate) fn path_with_plumb() -> OsString {
    let plumb = cargo_bin!("plumb").parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(iter::once(plumb).chain(env::split_paths(&path))).unwrap()
}
