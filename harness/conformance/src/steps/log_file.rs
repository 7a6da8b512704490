//! Steps about when records are written, and to which files.

use super::{Arguments, Step, log};
use crate::world::World;
use anyhow::ensure;
use flow::log::FileSettings;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "within {duration} these records are logged:",
        meaning: "Lets that time pass, and then says what `these records are logged:` says: what was written before it, \
                  and in it.",
        example: "Then within 5 seconds these records are logged:
      | disposition | from     | to      | count |
      | deny        | shop/web | shop/db | 2     |",
        run: records_within,
    },
    Step {
        expression: "within {duration} nothing is logged",
        meaning: "Lets that time pass, and no record was written before it or in it.",
        example: "Then within 4 seconds nothing is logged",
        run: nothing_within,
    },
    Step {
        expression: "the policy log is rotated at {number} bytes, and {number} file(s) is/are kept",
        meaning: "From now on records are also written to files; one of that size is put aside. 10 MiB and 5 files otherwise.",
        example: "Given the policy log is rotated at 1000 bytes, and 2 files are kept",
        run: rotate,
    },
    Step {
        expression: "the policy log is in {number} file(s), with {number} record(s) in all",
        meaning: "So many files are there, and each of their lines is a whole record.",
        example: "Then the policy log is in 3 files, with 6 records in all",
        run: files,
    },
];

fn records_within(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    wait(world, arguments)?;
    log::records(world, arguments)
}

fn nothing_within(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    wait(world, arguments)?;
    log::no_record(world, arguments)
}

fn wait(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    world.observe()?;
    world.pass_time(arguments.duration(0)?)?;
    world.observe()
}

fn rotate(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    world.write_log_files(FileSettings {
        rotate_at: arguments.number(0)?,
        kept: usize::try_from(arguments.number(1)?)?,
        ..FileSettings::default()
    })
}

fn files(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let records = world.log_files()?;
    let seen = (records.len() as u64, records.iter().sum::<usize>() as u64);
    let expected = (arguments.number(0)?, arguments.number(1)?);
    ensure!(
        seen == expected,
        "there are {} files with {} records in all, the one that is written first: {records:?}",
        seen.0,
        seen.1
    );
    Ok(())
}
