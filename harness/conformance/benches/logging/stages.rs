//! What user space does with an event, stage by stage.

use crate::kernel::{self, FEW};
use crate::node::Node;
use crate::report::{Figure, Unit};
use crate::resources::each;
use crate::{LOG_ALL, every_event, every_record};
use abi::Event;
use flow::log::{FileSettings, LogFile, PolicyLog, Record, Settings};
use flow::{Clock, Flow};
use std::hint::black_box;

pub(crate) fn round() -> anyhow::Result<Vec<Figure>> {
    let mut node = Node::new(LOG_ALL, &every_event())?;
    let mut figures = Vec::new();
    let mut add = |what: &str, value| {
        let what = format!("user space: {what}");
        figures.push(Figure::new(what, Unit::Nanoseconds, value));
    };
    let denied = kernel::events(&mut node, "web")?;
    let allowed = kernel::events(&mut node, "app")?;
    add(
        "a denial's event read as a flow",
        each(FEW, || drop(flows(&node, &denied)))?,
    );
    add(
        "a connection's event read as a flow",
        each(FEW, || drop(flows(&node, &allowed)))?,
    );
    let [denied, allowed] = [denied, allowed].map(|events| flows(&node, &events));
    let mut log = PolicyLog::new(Settings::default());
    add(
        "a denial opens a window",
        each(FEW, || drop(see(&mut log, &node, &denied)))?,
    );
    add(
        "a denial is counted in a window",
        each(FEW, || drop(see(&mut log, &node, &denied)))?,
    );
    let mut log = PolicyLog::new(every_record());
    let mut records = Vec::new();
    add(
        "a connection becomes a record",
        each(FEW, || records = see(&mut log, &node, &allowed))?,
    );
    let mut log = PolicyLog::new(Settings {
        rate: 1,
        burst: 1,
        ..Settings::default()
    });
    add(
        "a connection beyond the rate",
        each(FEW, || drop(see(&mut log, &node, &allowed)))?,
    );
    add("a record written to the file", file(records)?);
    Ok(figures)
}

fn flows(node: &Node, events: &[Event]) -> Vec<Flow> {
    let planner = node.agent.planner();
    let read = |event| Flow::read(event, planner, &node.snapshot, Clock::default());
    black_box(events.iter().filter_map(read).collect())
}

fn see(log: &mut PolicyLog, node: &Node, flows: &[Flow]) -> Vec<Record> {
    let mut records = Vec::new();
    for flow in flows {
        log.see(flow, &node.snapshot, &mut records);
    }
    black_box(records)
}

/// Both threads together: who hands over, and who writes.
fn file(records: Vec<Record>) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let settings = FileSettings {
        queue: FEW.into(),
        ..FileSettings::default()
    };
    let file = LogFile::open(folder.path(), settings)?;
    let cost = each(FEW, || {
        for record in records {
            file.write(record);
        }
        file.flush();
    })?;
    let counters = file.close();
    anyhow::ensure!(counters.written == u64::from(FEW), "{counters:?}");
    Ok(cost)
}
