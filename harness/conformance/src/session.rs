//! The driver of one scenario, and the second one it may be compared with.

use crate::driver::{self, Driver, DriverKind, Fate, Fault, Mode, Outcome};
use crate::observer::{Observed, Observer, Outputs};
use crate::packet::Frame;
use abi::DropReason;
use manifest::Cluster;
use oracle::Probe;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drivers {
    /// The driver under test.
    pub driver: DriverKind,
    /// The driver it must agree with; then expectations are not judged, only differences are reported.
    pub against: Option<DriverKind>,
    /// What is left open about the network.
    pub mode: Mode,
}

/// Opened drivers that hold the same cluster.
pub(crate) struct Session {
    kinds: Drivers,
    driver: Box<dyn Driver + Send>,
    against: Option<Box<dyn Driver + Send>>,
    observer: Observer,
}

/// What the drivers said to one probe.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) against: Option<Outcome>,
}

/// What the drivers said of one frame.
pub(crate) struct FateAnswer {
    pub(crate) fate: Fate,
    pub(crate) against: Option<Fate>,
}

/// A step that a driver cannot judge. The scenario is then skipped, never passed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unjudged(pub(crate) &'static str);

/// Why the oracle has no fate for a frame.
const BYTES: Unjudged = Unjudged("the oracle does not judge bytes");

/// Why a driver says nothing of what is on links.
const LINKS: Unjudged = Unjudged("only the kernel driver has links");

impl Session {
    /// Opens the drivers. Files about what is observed are named after `title`; steps ask for it too if `is_observed`.
    ///
    /// # Errors
    /// An [`OpenError`] when the machine cannot run one of them; otherwise what [`Observer::open`] says.
    pub(crate) fn open(
        kinds: Drivers,
        outputs: &Outputs,
        title: &str,
        is_observed: bool,
    ) -> anyhow::Result<Self> {
        let open = |kind| -> anyhow::Result<Box<dyn Driver + Send>> {
            let mut driver = driver::open(kind, kinds.mode)?;
            if is_observed {
                driver.keep_reports()?;
            }
            Ok(driver)
        };
        let mut driver = open(kinds.driver)?;
        Ok(Self {
            kinds,
            observer: Observer::open(outputs, title, driver.as_mut())?,
            driver,
            against: kinds.against.map(open).transpose()?,
        })
    }

    /// From now on packets on links are among what is observed.
    ///
    /// # Errors
    /// [`Unjudged`] when one of the drivers has no links.
    pub(crate) fn capture(&mut self) -> anyhow::Result<()> {
        let kinds = [Some(self.kinds.driver), self.kinds.against];
        let is_kernel = |kind: &DriverKind| *kind == DriverKind::Kernel;
        if !kinds.iter().flatten().all(is_kernel) {
            return Err(LINKS.into());
        }
        self.observer.capture(self.driver.as_mut())
    }

    /// What each driver has reported since the last time, and how its nodes are.
    pub(crate) fn observe(&mut self) -> anyhow::Result<(Observed, Option<Observed>)> {
        let observed = self.observer.observe(self.driver.as_mut())?;
        let against = self.against.as_mut().map(|driver| {
            Ok::<_, anyhow::Error>(Observed {
                reported: driver.flows()?,
                status: driver.status()?,
                captured: Vec::new(),
            })
        });
        Ok((observed, against.transpose()?))
    }

    /// Which drivers these are.
    pub(crate) const fn kinds(&self) -> Drivers {
        self.kinds
    }

    /// Brings every driver to this state.
    pub(crate) fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        self.driver.apply(cluster)?;
        if let Some(against) = &mut self.against {
            against.apply(cluster)?;
        }
        Ok(())
    }

    /// Asks every driver.
    pub(crate) fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Answer>> {
        let outcomes = self.driver.probe(probes)?;
        let backends: Vec<_> = outcomes.iter().map(|outcome| outcome.backend).collect();
        let against: Vec<Option<Outcome>> = match &mut self.against {
            Some(driver) => {
                let against = driver.probe_as(probes, &backends)?;
                against.into_iter().map(Some).collect()
            }
            None => vec![None; outcomes.len()],
        };
        let is_oracle = self.kinds.against == Some(DriverKind::Oracle);
        let answers = outcomes.into_iter().zip(against);
        Ok(answers
            .map(|(outcome, against)| Answer {
                // Each datapath chooses for itself: what became of different choices cannot be compared.
                against: against.filter(|other| is_oracle || other.backend == outcome.backend),
                outcome,
            })
            .collect())
    }

    /// Moves the clock of every driver.
    pub(crate) fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.driver.pass_time(time)?;
        self.against
            .as_mut()
            .map_or(Ok(()), |driver| driver.pass_time(time))
    }

    /// Lets something happen to a node or a pod of every driver.
    pub(crate) fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.driver.inflict(fault)?;
        self.against
            .as_mut()
            .map_or(Ok(()), |driver| driver.inflict(fault))
    }

    /// Sends frames through every driver.
    ///
    /// # Errors
    /// [`Unjudged`] when one of the drivers cannot judge one of them.
    pub(crate) fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<FateAnswer>> {
        let fates = judged(self.driver.send(frames)?)?;
        let against: Vec<Option<Fate>> = match &mut self.against {
            Some(driver) => judged(driver.send(frames)?)?
                .into_iter()
                .map(Some)
                .collect(),
            None => vec![None; fates.len()],
        };
        let answers = fates.into_iter().zip(against);
        Ok(answers
            .map(|(fate, against)| FateAnswer { fate, against })
            .collect())
    }

    /// Drops by reason since the session was opened; `None` if the driver counts nothing.
    pub(crate) fn drops(&mut self) -> anyhow::Result<Option<BTreeMap<DropReason, u64>>> {
        self.driver.drops()
    }
}

/// The fates, if there is one for every frame.
fn judged(fates: Vec<Option<Fate>>) -> Result<Vec<Fate>, Unjudged> {
    fates.into_iter().map(|fate| fate.ok_or(BYTES)).collect()
}
