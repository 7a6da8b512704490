//! Scenarios: what can be named, chosen and run, whether it is written in Gherkin or as a case file.

use crate::casefile::{self, Case};
use crate::driver::Routing;
use crate::observer::Outputs;
use crate::session::{Drivers, Session, Unjudged};
use crate::source::Source;
use crate::steps::{self, Arguments, Step};
use crate::world::World;
use gherkin::StepType;
use manifest::Cluster;
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The tag of scenarios whose pods are masqueraded without a manifest that says so.
const MASQUERADE: &str = "masquerade";

/// Something to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file it is in, as the user gave it.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// The feature it belongs to; for a case file, the file's name.
    pub feature: String,
    /// Its title, unique in its file.
    pub title: String,
    /// Its own tags and those of its feature and rule, without `@`.
    pub tags: Vec<String>,
    pub(crate) script: Script,
}

/// What a scenario does.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Steps, those of the backgrounds first.
    Feature {
        source: Arc<Source>,
        steps: Vec<gherkin::Step>,
    },
    Case(Arc<Case>),
}

/// What scenarios are run on.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Who answers the probes.
    pub drivers: Drivers,
    /// What the `-f` manifests of the command line hold.
    pub manifests: Option<Arc<Cluster>>,
    /// How many nodes there are at least once there are pods, named or not; zero is as many as are needed.
    pub nodes: u16,
    /// What is written down of each scenario.
    pub outputs: Outputs,
    /// Whether golden files are written from what is seen.
    pub bless: bool,
}

/// What became of a scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// The steps that held, as they are written.
    pub held: Vec<String>,
    /// The step that did not; `None` if the scenario passed or was skipped.
    pub failure: Option<Failure>,
    /// Why this driver could not judge the step after those that held; `None` if it judged all of them.
    pub skipped: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A step that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its line, from 1.
    pub line: usize,
    /// The step as it is written.
    pub step: String,
    /// What was expected, what happened, and the evidence.
    pub message: String,
}

/// Why a scenario ended early.
enum End {
    Failed(Failure),
    Skipped(String),
}

/// A step of either kind of file.
struct Line {
    number: usize,
    text: String,
}

impl Scenario {
    /// `FILE::TITLE`: what filters look at, and unique in a run.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}::{}", self.file.display(), self.title)
    }

    /// Runs it from an empty cluster.
    #[must_use]
    pub fn play(&self, setting: &Setting) -> Report {
        let started = Instant::now();
        let mut held = Vec::new();
        let (failure, skipped) = match self.play_lines(setting, &mut held) {
            Ok(()) => (None, None),
            Err(End::Failed(failure)) => (Some(failure), None),
            Err(End::Skipped(why)) => (None, Some(why)),
        };
        Report {
            held,
            failure,
            skipped,
            elapsed: started.elapsed(),
        }
    }

    fn play_lines(&self, setting: &Setting, held: &mut Vec<String>) -> Result<(), End> {
        let lines = self.lines();
        let nowhere = Line {
            number: self.line,
            text: self.title.clone(),
        };
        let is_observed = self.asks(Step::is_about_reports);
        let outputs = &setting.outputs;
        let drivers = self.drivers(setting);
        let session = Session::open(drivers, outputs, &self.name(), is_observed);
        let mut session = session.map_err(|error| nowhere.failed(&error))?;
        let is_captured = self.asks(Step::is_about_links);
        if is_captured {
            let captured = session.capture();
            captured.map_err(|error| nowhere.failed(&error))?;
        }
        let mut world = World::new(session, setting.nodes);
        if lines.is_empty() {
            return Err(nowhere.failed(&anyhow::anyhow!("the scenario has no steps")));
        }
        for (index, line) in lines.into_iter().enumerate() {
            let played = self.play_line(setting, &mut world, index);
            let observed = if is_observed || is_captured || outputs.is_any() {
                world.observe()
            } else {
                Ok(())
            };
            played.and(observed).map_err(|error| line.failed(&error))?;
            held.push(line.text);
        }
        let settled = world.settle();
        settled.map_err(|error| nowhere.failed(&error))
    }

    /// Who answers. A scenario that only means something with one way between nodes, or with masquerade, is tagged with it.
    fn drivers(&self, setting: &Setting) -> Drivers {
        let mut drivers = setting.drivers;
        for routing in Routing::ALL {
            if self.tags.iter().any(|tag| tag == routing.name()) {
                drivers.mode.routing = *routing;
            }
        }
        drivers.mode.masquerade |= self.tags.iter().any(|tag| tag == MASQUERADE);
        drivers
    }

    /// Whether one of its steps is such.
    fn asks(&self, is_such: impl Fn(&Step) -> bool) -> bool {
        match &self.script {
            Script::Feature { steps, .. } => {
                let mut found = steps
                    .iter()
                    .filter_map(|step| steps::find(&step.value).ok());
                found.any(|found| is_such(found.step))
            }
            Script::Case(_) => false,
        }
    }

    fn lines(&self) -> Vec<Line> {
        match &self.script {
            Script::Feature { steps, .. } => steps.iter().map(Line::of).collect(),
            Script::Case(case) => casefile::lines(case)
                .map(|(number, text)| Line { number, text })
                .collect(),
        }
    }

    fn play_line(&self, setting: &Setting, world: &mut World, index: usize) -> anyhow::Result<()> {
        match &self.script {
            Script::Feature { source, steps } => play_step(setting, world, source, &steps[index]),
            Script::Case(case) => casefile::play(
                case,
                world,
                index,
                setting.drivers.mode.ip_block,
                setting.nodes,
            ),
        }
    }
}

/// A change (`When`) meets a cluster that is in force, and is in force before the next step.
fn play_step(
    setting: &Setting,
    world: &mut World,
    source: &Source,
    step: &gherkin::Step,
) -> anyhow::Result<()> {
    let found = steps::find(&step.value)?;
    let is_change = step.ty == StepType::When;
    if is_change {
        world.settle()?;
    }
    let arguments = Arguments {
        step,
        captures: &found.captures,
        source,
        manifests: setting.manifests.as_deref(),
        bless: setting.bless,
    };
    found.step.run(world, &arguments)?;
    if is_change {
        world.settle()?;
    }
    Ok(())
}

impl Report {
    /// Whether every step was judged and held.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.failure.is_none() && self.skipped.is_none()
    }

    /// The report of a scenario that ended in a panic.
    pub(crate) fn panicked(
        scenario: &Scenario,
        payload: &(dyn Any + Send),
        elapsed: Duration,
    ) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let failure = Failure {
            line: scenario.line,
            step: scenario.title.clone(),
            message: format!("panicked: {}", text.unwrap_or("without a message")),
        };
        Self {
            held: Vec::new(),
            failure: Some(failure),
            skipped: None,
            elapsed,
        }
    }
}

impl Line {
    fn of(step: &gherkin::Step) -> Self {
        Self {
            number: step.position.line,
            text: format!("{} {}", step.keyword.trim_end(), step.value),
        }
    }

    fn failed(&self, error: &anyhow::Error) -> End {
        if let Some(unjudged) = error.downcast_ref::<Unjudged>() {
            return End::Skipped(format!("line {}: {unjudged}", self.number));
        }
        End::Failed(Failure {
            line: self.number,
            step: self.text.clone(),
            message: format!("{error:#}"),
        })
    }
}
