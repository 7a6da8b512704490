//! The program as users meet it: what it prints, and how it ends. `SNAPSHOTS=overwrite` records new output.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "recording writes snapshots with hashes"
)]

mod captures;
mod doctor;
mod explain;
mod help;
mod input;
mod logs;
mod machine;
mod matrix;
mod observe;
mod program;
mod readme;
mod steps;
mod test;
