//! A saga as a feature file, so that what was found once is tried again ever after.

use super::model::Model;
use super::objects::objects;
use conformance::driver::Mode;
use conformance::generate::{Act, Saga};
use conformance::packet::{Message, Packet, Ports, chunk_name};
use manifest::{Cluster, IpBlockMode};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Writes the saga into the folder of regressions, with what was said of it.
pub(crate) fn write(mode: Mode, saga: &Saga, said: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    said.hash(&mut hasher);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/regressions");
    let file = folder.join(format!("parted-{:016x}.feature", hasher.finish()));
    fs::write(&file, feature(mode, saga, said)).unwrap();
    file
}

/// The text of the feature. What is expected is what the model says, where it says the same with any `--ip-block`.
pub(crate) fn feature(mode: Mode, saga: &Saga, said: &str) -> String {
    let mut script = Script::new(mode, said);
    script.manifests("Given a cluster:", objects(&saga.cluster).values());
    let mut models = [IpBlockMode::Any, IpBlockMode::External]
        .map(|ip_block| Model::new(Mode { ip_block, ..mode }));
    let mut cluster = &saga.cluster;
    for model in &mut models {
        model.apply(cluster);
    }
    for act in &saga.acts {
        match act {
            Act::Change(after) => {
                script.change(cluster, after);
                for model in &mut models {
                    model.apply(after);
                }
                cluster = after;
            }
            Act::Pass(time) => {
                script.pass(time.as_secs());
                for model in &mut models {
                    model.pass_time(*time);
                }
            }
            Act::Send(packet) => {
                if models[0].is_undecided(packet).unwrap() {
                    continue;
                }
                script.send(packet);
                let [any, external] = models.each_mut().map(|model| model.expect(packet).unwrap());
                if any.steps() == external.steps() {
                    script.steps(&any.steps());
                }
            }
        }
    }
    script.0
}

/// A feature under way.
struct Script(String);

impl Script {
    fn new(mode: Mode, said: &str) -> Self {
        let said = said.lines().map(|line| format!("# {line}\n"));
        let mut text: String = said.collect();
        text.push_str("Feature: Datapath and model agree\n");
        let tags = if mode.masquerade {
            "@datapath @masquerade"
        } else {
            "@datapath"
        };
        let _ = writeln!(text, "  {tags}");
        text.push_str("  Scenario: Where they parted once\n");
        Self(text)
    }

    fn step(&mut self, step: &str) {
        self.line(4, step);
    }

    fn steps(&mut self, steps: &[String]) {
        for step in steps {
            self.step(step);
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.0, "{:indent$}{text}", "");
    }

    /// A step with manifests below it. JSON is YAML.
    fn manifests<'a>(&mut self, step: &str, objects: impl IntoIterator<Item = &'a Value>) {
        self.step(step);
        self.line(6, "\"\"\"");
        for (number, object) in objects.into_iter().enumerate() {
            if number > 0 {
                self.line(6, "---");
            }
            self.line(6, &object.to_string());
        }
        self.line(6, "\"\"\"");
    }

    fn pass(&mut self, seconds: u64) {
        self.step(&format!("When {seconds} seconds pass"));
    }

    fn send(&mut self, packet: &Packet) {
        let Message::Error(complaint) = &packet.message else {
            self.step("When the packets are sent:");
            return self.table(packet);
        };
        let quotation = complaint.quotation.as_deref();
        let (from, to, error) = (&packet.from, &packet.to, complaint.error);
        self.step(&format!(
            "When {from} sends {to} ICMP \"{error}\" that quotes:"
        ));
        self.table(quotation.expect("sagas quote packets that they know"));
    }

    fn table(&mut self, packet: &Packet) {
        let (from, to) = (&packet.from, &packet.to);
        let family = if packet.source.is_ipv4() { 4 } else { 6 };
        let (columns, cells) = message(&packet.message);
        self.line(6, &format!("| from | to | over | {columns} |"));
        self.line(6, &format!("| {from} | {to} | IPv{family} | {cells} |"));
    }

    /// The steps from one state to the next. It is in force when time is to pass, be it none.
    fn change(&mut self, before: &Cluster, after: &Cluster) {
        let (before, after) = (objects(before), objects(after));
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            self.step(&format!("When the {name} is deleted"));
        }
        let changed = after.iter();
        let changed = changed.filter(|(name, object)| before.get(*name) != Some(object));
        let changed: Vec<&Value> = changed.map(|(_, object)| object).collect();
        if !changed.is_empty() {
            self.manifests("When the manifests are applied:", changed);
        }
        self.pass(0);
    }
}

/// The columns and cells that tell a packet from others between the same ends.
fn message(message: &Message) -> (&'static str, String) {
    let stream = |protocol, ports: &Ports, flags: &str| {
        let Ports {
            source,
            destination,
        } = ports;
        (
            "protocol | from port | to port | flags",
            format!("{protocol} | {source} | {destination} | {flags}"),
        )
    };
    let echo = |what, identifier| {
        (
            "protocol | flags | identifier",
            format!("ICMP | {what} | {identifier}"),
        )
    };
    match message {
        Message::Tcp(ports, flags) => stream("TCP", ports, &flags.to_string()),
        Message::Udp(ports) => stream("UDP", ports, ""),
        Message::Sctp(ports, chunk) => stream("SCTP", ports, chunk_name(*chunk)),
        Message::EchoRequest(identifier) => echo("request", identifier),
        Message::EchoReply(identifier) => echo("reply", identifier),
        Message::Error(_) | Message::Other(_) => panic!("no saga sends or quotes this"),
    }
}
