//! The reference as a driver: it sends nothing and says what must happen.

use super::served::is_served;
use super::{Driver, Outcome, Verdict};
use abi::{DropReason, Generation};
use manifest::{Cluster, IpBlockMode};
use oracle::{Probe, Side};

/// Judges every probe by the text of the API.
#[derive(Debug)]
pub struct OracleDriver {
    mode: IpBlockMode,
    cluster: Cluster,
}

impl OracleDriver {
    /// A driver for an empty cluster.
    #[must_use]
    pub fn new(mode: IpBlockMode) -> Self {
        Self {
            mode,
            cluster: Cluster::default(),
        }
    }

    fn answer(&self, probe: &Probe) -> anyhow::Result<Outcome> {
        let judgement = oracle::judge(&self.cluster, self.mode, probe)?;
        let is_audited = judgement.is_audited();
        let (ingress, reason) = match (&judgement.egress, judgement.ingress) {
            (Side::Denied(_), _) => (None, Some(DropReason::PolicyDeniedEgress)),
            (_, ingress @ Side::Denied(_)) => {
                (Some(ingress), Some(DropReason::PolicyDeniedIngress))
            }
            (_, ingress) => (Some(ingress), None),
        };
        let verdict = match reason {
            Some(_) => Verdict::Denied,
            None if !is_served(&self.cluster, probe) => Verdict::Refused,
            None if is_audited => Verdict::Audited,
            None => Verdict::Allowed,
        };
        Ok(Outcome {
            verdict,
            egress: Some(judgement.egress),
            ingress,
            reason,
            generation: 0,
        })
    }
}

impl Driver for OracleDriver {
    fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<Generation> {
        self.cluster = cluster.clone();
        Ok(0)
    }

    fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        probes.iter().map(|probe| self.answer(probe)).collect()
    }
}
