//! The driver of one scenario, and the second one it may be compared with.

use crate::driver::{self, Driver, DriverKind, OpenError, Outcome};
use manifest::{Cluster, IpBlockMode};
use oracle::Probe;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drivers {
    /// The driver under test.
    pub driver: DriverKind,
    /// The driver it must agree with; then expectations are not judged, only differences are reported.
    pub against: Option<DriverKind>,
    /// What an `ipBlock` may match.
    pub ip_block: IpBlockMode,
}

/// Opened drivers that hold the same cluster.
pub(crate) struct Session {
    kinds: Drivers,
    driver: Box<dyn Driver + Send>,
    against: Option<Box<dyn Driver + Send>>,
}

/// What the drivers said to one probe.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) against: Option<Outcome>,
}

impl Session {
    /// Opens the drivers.
    pub(crate) fn open(kinds: Drivers) -> Result<Self, OpenError> {
        let open = |kind| driver::open(kind, kinds.ip_block);
        Ok(Self {
            kinds,
            driver: open(kinds.driver)?,
            against: kinds.against.map(open).transpose()?,
        })
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
        let against: Vec<Option<Outcome>> = match &mut self.against {
            Some(driver) => driver.probe(probes)?.into_iter().map(Some).collect(),
            None => vec![None; outcomes.len()],
        };
        let answers = outcomes.into_iter().zip(against);
        Ok(answers
            .map(|(outcome, against)| Answer { outcome, against })
            .collect())
    }
}
