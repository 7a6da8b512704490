//! Steps that hold what was logged and reported against golden files.

use super::{Arguments, Step};
use crate::golden::Golden;
use crate::world::World;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the policy log is as in {file}",
        meaning: "What was logged since the scenario began, against a golden file: JSON objects, sorted, with `\"*\"` for \
                  times and source ports. `plumb test --bless` writes the file.",
        example: r#"Then the policy log is as in "../golden/shop.json""#,
        run: policy_log,
    },
    Step {
        expression: "the flows are as in {file}",
        meaning: "The same of flows, in the shape of Hubble's, with `\"*\"` for identities too.",
        example: r#"Then the flows are as in "../golden/flows.json""#,
        run: flows,
    },
];

fn policy_log(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_golden_records(&golden(arguments))
}

fn flows(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_golden_flows(&golden(arguments))
}

fn golden(arguments: &Arguments<'_>) -> Golden {
    Golden {
        path: arguments.path(0),
        bless: arguments.bless,
    }
}
