//! Every scenario of `features/` and every case of `fixtures/cases/` as a test of its own, under every driver and every
//! topology: `kernel::one-node::features/default-deny/ingress.feature::Without a policy everybody gets in`.
//!
//! Without root the tests of the kernel driver are shown as ignored, and say what is missing; where `CI` or
//! `PLUMB_REQUIRE_KERNEL` is set they fail.

use conformance::driver::{self, DriverKind, Mode, Routing, ServiceAt};
use conformance::{Drivers, Outputs, Scenario, Setting, discover};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use manifest::IpBlockMode;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

const FEATURES: &str = "features";
const CASES: &str = "fixtures/cases";
/// The tag of scenarios about bytes, events and counters: the oracle, which knows policies and connections, has no
/// opinion of them.
const DATAPATH: &str = "datapath";

/// The tag of scenarios about what is on links: only the kernel has any.
const LINKS: &str = "links";

/// On how many nodes pods run that name none, and how packets get from node to node.
#[derive(Clone, Copy)]
struct Topology {
    name: &'static str,
    nodes: u16,
    routing: Routing,
}

/// The folder of scenarios that are run with services at the socket, too.
const SERVICES: &str = "features/services";

const ONE_NODE: Topology = Topology {
    name: "one-node",
    nodes: 0,
    routing: Routing::Native,
};
const NATIVE: Topology = Topology {
    name: "native",
    nodes: 3,
    routing: Routing::Native,
};
const VXLAN: Topology = Topology {
    name: "vxlan",
    nodes: 3,
    routing: Routing::Vxlan,
};
const TOPOLOGIES: [Topology; 3] = [ONE_NODE, NATIVE, VXLAN];

/// What keeps the kernel driver from running on this machine.
static MISSING: LazyLock<Option<String>> = LazyLock::new(|| {
    let opened = driver::open(DriverKind::Kernel, IpBlockMode::Any);
    opened.err().map(|error| error.to_string())
});

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .expect("the repository is there");
    let features = scenarios(FEATURES);
    let cases = scenarios(CASES);
    let mut trials = vec![
        tags_trial(&features, DriverKind::Oracle, DATAPATH),
        tags_trial(&features, DriverKind::Simulate, LINKS),
    ];
    for kind in DriverKind::ALL {
        for topology in TOPOLOGIES {
            trials.extend(trials_of(&features, kind, topology, IpBlockMode::Any));
            trials.extend(trials_of(&cases, kind, topology, IpBlockMode::Any));
            trials.extend(trials_of(&cases, kind, topology, IpBlockMode::External));
        }
    }
    trials.extend(at_the_socket(&features));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The scenarios about services, with sockets that know their backends from the start.
fn at_the_socket(features: &[Arc<Scenario>]) -> Vec<Trial> {
    let is_about_services = |it: &&Arc<Scenario>| it.file.starts_with(SERVICES);
    let about_services = features.iter().filter(is_about_services);
    let about_services: Vec<_> = about_services.cloned().collect();
    let at_the_socket = |topology| {
        let mut setting = setting(DriverKind::Kernel, topology, IpBlockMode::Any);
        setting.drivers.mode.service_at = ServiceAt::Socket;
        let prefix = format!("kernel::{}::socket", topology.name);
        trials_in(&about_services, &setting, &prefix)
    };
    TOPOLOGIES
        .map(at_the_socket)
        .into_iter()
        .flatten()
        .collect()
}

fn scenarios(folder: &str) -> Vec<Arc<Scenario>> {
    let found = discover(&[PathBuf::from(folder)]);
    let found = found.unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
    assert!(!found.is_empty(), "{folder} has no scenarios");
    found.into_iter().map(Arc::new).collect()
}

fn trials_of(
    scenarios: &[Arc<Scenario>],
    kind: DriverKind,
    topology: Topology,
    ip_block: IpBlockMode,
) -> Vec<Trial> {
    let setting = setting(kind, topology, ip_block);
    let prefix = match ip_block {
        IpBlockMode::Any => format!("{kind}::{}", topology.name),
        IpBlockMode::External => format!("{kind}::{}::external", topology.name),
    };
    trials_in(scenarios, &setting, &prefix)
}

fn trials_in(scenarios: &[Arc<Scenario>], setting: &Setting, prefix: &str) -> Vec<Trial> {
    let judged = |scenario: &&Arc<Scenario>| match setting.drivers.driver {
        DriverKind::Kernel => true,
        DriverKind::Simulate => !is_tagged(scenario, LINKS),
        DriverKind::Oracle => !is_tagged(scenario, LINKS) && !is_tagged(scenario, DATAPATH),
    };
    let trial = |scenario: &Arc<Scenario>| {
        let (scenario, setting) = (Arc::clone(scenario), setting.clone());
        let name = format!("{prefix}::{}", scenario.name());
        Trial::ignorable_test(name, move || run(&scenario, &setting))
    };
    scenarios.iter().filter(judged).map(trial).collect()
}

fn setting(driver: DriverKind, topology: Topology, ip_block: IpBlockMode) -> Setting {
    let drivers = Drivers {
        driver,
        against: None,
        mode: Mode {
            ip_block,
            routing: topology.routing,
            ..Mode::default()
        },
    };
    Setting {
        drivers,
        manifests: None,
        nodes: topology.nodes,
        bless: false,
        outputs: Outputs::default(),
    }
}

fn is_tagged(scenario: &Scenario, with: &str) -> bool {
    scenario.tags.iter().any(|tag| tag == with)
}

/// The tag must not hide a scenario that the driver can judge.
fn tags_trial(scenarios: &[Arc<Scenario>], kind: DriverKind, tag: &'static str) -> Trial {
    let scenarios = scenarios.iter();
    let tagged = scenarios.filter(|scenario| is_tagged(scenario, tag));
    let tagged: Vec<Arc<Scenario>> = tagged.cloned().collect();
    Trial::test(
        format!("{kind} has no opinion of what is tagged @{tag}"),
        move || {
            let setting = setting(kind, ONE_NODE, IpBlockMode::Any);
            let is_judged = |scenario: &&Arc<Scenario>| scenario.play(&setting).skipped.is_none();
            match tagged.iter().find(is_judged) {
                Some(scenario) => Err(format!("it judges {}", scenario.name()).into()),
                None => Ok(()),
            }
        },
    )
}

fn run(scenario: &Scenario, setting: &Setting) -> Result<Completion, Failed> {
    if setting.drivers.driver == DriverKind::Kernel
        && let Some(missing) = &*MISSING
    {
        return if is_kernel_required() {
            Err(missing.into())
        } else {
            Ok(Completion::ignored_with(missing))
        };
    }
    let report = scenario.play(setting);
    match (report.failure, report.skipped) {
        (None, None) => Ok(Completion::Completed),
        (None, Some(why)) => Err(format!("{why}: tag it @{DATAPATH} or @{LINKS}").into()),
        (Some(failure), _) => {
            let place = format!("{}:{}", scenario.file.display(), failure.line);
            Err(format!("{place}: {}\n{}", failure.step, failure.message).into())
        }
    }
}

fn is_kernel_required() -> bool {
    ["CI", "PLUMB_REQUIRE_KERNEL"]
        .into_iter()
        .any(|name| env::var_os(name).is_some())
}
