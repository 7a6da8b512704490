//! Steps about the policy log and the flows.

use super::{Arguments, Step};
use crate::entry::{Entry, FLOW_COLUMNS, RECORD_COLUMNS};
use crate::world::World;
use anyhow::{bail, ensure};
use flow::log::Shape;
use jiff::SignedDuration;
use manifest::Source;
use std::fmt::Write;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "(all )allowed connections are logged",
        meaning: "What a NetworkLogging with `allow: {log: true}` says: each connection that policies allow.",
        example: "Given allowed connections are logged",
        run: log_allowed,
    },
    Step {
        expression: "(all )denied connections are logged",
        meaning: "What a NetworkLogging with `deny: {log: true}` says: each connection that policies deny.",
        example: "Given denied connections are logged",
        run: log_denied,
    },
    Step {
        expression: "allowed connections are logged where policies ask for it",
        meaning: "The same, delegated to the annotation `policy.network.gke.io/enable-logging` of policies.",
        example: "Given allowed connections are logged where policies ask for it",
        run: delegate_allowed,
    },
    Step {
        expression: "denied connections are logged where namespaces ask for it",
        meaning: "The same, delegated to the annotation `policy.network.gke.io/enable-deny-logging` of namespaces.",
        example: "Given denied connections are logged where namespaces ask for it",
        run: delegate_denied,
    },
    Step {
        expression: "the policy log counts denials together for {duration}",
        meaning: "The length of a window; 5 seconds otherwise, and `0 seconds` writes each denial for itself.",
        example: "Given the policy log counts denials together for 10 seconds",
        run: window,
    },
    Step {
        expression: "the policy log has at most {number} window(s) open",
        meaning: "How many kinds of denials are counted at once; 3,000 otherwise.",
        example: "Given the policy log has at most 2 windows open",
        run: open_windows,
    },
    Step {
        expression: "the policy log writes at most {number} record(s) a second",
        meaning: "The rate of records, and how many may come at once; 500 otherwise.",
        example: "Given the policy log writes at most 10 records a second",
        run: rate,
    },
    Step {
        expression: "the policy log has the exact shape",
        meaning: "Records as GKE Dataplane V2 writes them: denials name no policy, and nothing is said of audit mode.",
        example: "Given the policy log has the exact shape",
        run: exact,
    },
    Step {
        expression: "these records are logged:",
        meaning: "One row a record, in any order, and no others since the last step about records. Any of these columns: \
                  `disposition` (allow, deny, audit), `direction`, `from`, `to`, `protocol`, `from port`, `to port`, \
                  `policies`, `count`, `node`.",
        example: "Then these records are logged:
      | disposition | direction | from     | to      | protocol | to port | policies | count |
      | deny        | ingress   | shop/web | shop/db | tcp      | 5432    | shop/db  | 2     |",
        run: records,
    },
    Step {
        expression: "these records are logged, in this order:",
        meaning: "The same, in the order of the rows.",
        example: "Then these records are logged, in this order:
      | from     | to      |
      | shop/web | shop/db |",
        run: records_in_order,
    },
    Step {
        expression: "these records are logged, among others:",
        meaning: "The same, and there may be others.",
        example: "Then these records are logged, among others:
      | from     | to      |
      | shop/web | shop/db |",
        run: records_among_others,
    },
    Step {
        expression: "nothing is logged",
        meaning: "No record was written since the last step about records.",
        example: "Then nothing is logged",
        run: no_record,
    },
    Step {
        expression: "{number} record(s) is/are logged",
        meaning: "So many records were written since the last step about records.",
        example: "Then 3 records are logged",
        run: count_records,
    },
    Step {
        expression: "{number} record(s) is/are lost to the rate limit",
        meaning: "So many records of this scenario were beyond the rate, and counted.",
        example: "Then 2 records are lost to the rate limit",
        run: lost_to_rate,
    },
    Step {
        expression: "{number} denied packet(s) is/are lost to the window limit",
        meaning: "So many denied packets of this scenario found no window, and were counted.",
        example: "Then 1 denied packet is lost to the window limit",
        run: lost_to_windows,
    },
    Step {
        expression: "these flows are reported:",
        meaning: "One row a flow, in any order, and no others since the last step about flows. Any of these columns: \
                  `verdict` (allowed, denied, audited, dropped), `reason`, `from`, `to`, `protocol`, `to port`, `egress` \
                  and `ingress` (`no policy`, `allowed by shop/db`, `denied by shop/db, by default`).",
        example: "Then these flows are reported:
      | verdict | from     | to      | protocol | to port | ingress            |
      | allowed | shop/web | shop/db | TCP      | 5432    | allowed by shop/db |",
        run: flows,
    },
    Step {
        expression: "no flow is reported",
        meaning: "The datapath reported nothing since the last step about flows.",
        example: "Then no flow is reported",
        run: no_flow,
    },
];

const ON: &str = "{log: true}";
const DELEGATED: &str = "{log: true, delegate: true}";

fn log_allowed(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    configure(world, "allow", ON)
}

fn log_denied(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    configure(world, "deny", ON)
}

fn delegate_allowed(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    configure(world, "allow", DELEGATED)
}

fn delegate_denied(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    configure(world, "deny", DELEGATED)
}

/// Applies a `NetworkLogging` with this switch; the other one stays as it is.
fn configure(world: &mut World, switch: &str, value: &str) -> anyhow::Result<()> {
    let before = world.cluster.network_logging.clone();
    let object = format!(
        "apiVersion: networking.gke.io/v1alpha1\nkind: NetworkLogging\nmetadata: {{name: default}}\n\
         spec: {{cluster: {{{switch}: {value}}}}}"
    );
    world
        .cluster
        .apply(&[Source::text("the scenario's logging", object)])?;
    if let Some((now, before)) = world.cluster.network_logging.as_mut().zip(before) {
        match switch {
            "allow" => now.deny = before.deny,
            _ => now.allow = before.allow,
        }
    }
    Ok(())
}

fn window(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let length = SignedDuration::try_from(arguments.duration(0)?)?;
    world.configure_log(|settings| settings.window = length)
}

fn open_windows(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let most = usize::try_from(arguments.number(0)?)?;
    world.configure_log(|settings| settings.open_windows = most)
}

fn rate(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let rate = u32::try_from(arguments.number(0)?)?;
    world.configure_log(|settings| {
        settings.rate = rate;
        settings.burst = rate;
    })
}

fn exact(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.configure_log(|settings| settings.shape = Shape::Exact)
}

pub(super) fn records(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let wanted = wanted(arguments, &RECORD_COLUMNS)?;
    world.expect_records(|seen| exactly("record", &wanted, seen))
}

fn records_in_order(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let wanted = wanted(arguments, &RECORD_COLUMNS)?;
    world.expect_records(|seen| {
        exactly("record", &wanted, seen)?;
        let pairs = wanted.iter().zip(seen);
        for (number, (wanted, seen)) in (1..).zip(pairs) {
            ensure!(
                wanted.fits(seen),
                "record {number} is not the one of row {number}, but {seen}"
            );
        }
        Ok(())
    })
}

fn records_among_others(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let wanted = wanted(arguments, &RECORD_COLUMNS)?;
    world.expect_records(|seen| {
        let (missing, _) = compare(&wanted, seen);
        fail_with("record", &missing, &[], seen)
    })
}

pub(super) fn no_record(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_records(|seen| exactly("record", &[], seen))
}

fn count_records(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let expected = arguments.number(0)?;
    world.expect_records(|seen| {
        let list = seen.iter().fold(String::new(), |text, entry| {
            text + "\n  " + &entry.to_string()
        });
        ensure!(
            seen.len() as u64 == expected,
            "expected {expected} records, saw {}:{list}",
            seen.len()
        );
        Ok(())
    })
}

fn lost_to_rate(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let lost = world.log_counters().lost_to_rate_limit;
    let expected = arguments.number(0)?;
    ensure!(
        lost == expected,
        "expected {expected} lost records, counted {lost}"
    );
    Ok(())
}

fn lost_to_windows(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let lost = world.log_counters().lost_to_aggregation_limit;
    let expected = arguments.number(0)?;
    ensure!(
        lost == expected,
        "expected {expected} lost packets, counted {lost}"
    );
    Ok(())
}

fn flows(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let wanted = wanted(arguments, &FLOW_COLUMNS)?;
    world.expect_flows(|seen| exactly("flow", &wanted, seen))
}

fn no_flow(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_flows(|seen| exactly("flow", &[], seen))
}

/// The rows of the step's table.
pub(super) fn wanted(
    arguments: &Arguments<'_>,
    columns: &[&'static str],
) -> anyhow::Result<Vec<Entry>> {
    let rows = arguments.rows(columns)?;
    let entry = |row: &super::rows::Row<'_>| {
        let cells = columns.iter().filter(|column| row.has(column));
        Entry::wanted(cells.map(|column| (*column, row.cell(column))))
    };
    Ok(rows.iter().map(entry).collect())
}

/// Fails unless each row is one of those that were seen, and all of them are.
pub(super) fn exactly(what: &str, wanted: &[Entry], seen: &[Entry]) -> anyhow::Result<()> {
    let (missing, unexpected) = compare(wanted, seen);
    fail_with(what, &missing, &unexpected, seen)
}

/// The rows that nothing fits, and what fits no row.
fn compare<'a>(wanted: &'a [Entry], seen: &'a [Entry]) -> (Vec<&'a Entry>, Vec<&'a Entry>) {
    let mut left: Vec<&Entry> = seen.iter().collect();
    let mut missing = Vec::new();
    for wanted in wanted {
        match left.iter().position(|entry| wanted.fits(entry)) {
            Some(place) => _ = left.remove(place),
            None => missing.push(wanted),
        }
    }
    (missing, left)
}

fn fail_with(
    what: &str,
    missing: &[&Entry],
    unexpected: &[&Entry],
    seen: &[Entry],
) -> anyhow::Result<()> {
    let mut text = String::new();
    for entry in missing {
        let _ = writeln!(text, "  there is no {what} {entry}");
        if let Some(nearest) = entry.nearest(seen) {
            let _ = writeln!(text, "    nearest: {nearest}");
        }
    }
    for entry in unexpected {
        let _ = writeln!(text, "  unexpected {what}: {entry}");
    }
    if text.is_empty() {
        return Ok(());
    }
    bail!("the {what}s are not as expected:\n{}", text.trim_end())
}
