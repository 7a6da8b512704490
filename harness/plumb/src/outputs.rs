//! The flags that ask for files about what was observed.

use conformance::Outputs;
use std::path::PathBuf;

/// What is written down beside the answer.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct OutputFlags {
    /// Write every packet with its verdict into this folder, one pcapng file a scenario, for Wireshark and tshark
    #[arg(long, value_name = "DIR")]
    captures: Option<PathBuf>,
    /// Write every flow into this folder, one JSON object a line as Hubble does, one file a scenario, for plumb observe
    #[arg(long, value_name = "DIR")]
    flows: Option<PathBuf>,
    /// Write the policy log into this folder, a file `policy_action.log` in a folder for each scenario
    #[arg(long, value_name = "DIR")]
    policy_log: Option<PathBuf>,
    /// Write metrics into this folder as Prometheus reads them, a file for each node in a folder for each scenario
    #[arg(long, value_name = "DIR")]
    metrics: Option<PathBuf>,
}

impl OutputFlags {
    /// The same in the words of the runner.
    pub(crate) fn outputs(&self) -> Outputs {
        Outputs {
            captures: self.captures.clone(),
            flows: self.flows.clone(),
            policy_logs: self.policy_log.clone(),
            metrics: self.metrics.clone(),
        }
    }
}
