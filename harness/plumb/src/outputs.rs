//! The flags that ask for files about what was observed.

use conformance::Outputs;
use std::path::PathBuf;

/// What is written down beside the answer.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct OutputFlags {
    /// Write every packet with its verdict into this folder, one pcapng file a scenario, for Wireshark and tshark
    #[arg(long, value_name = "DIR")]
    captures: Option<PathBuf>,
}

impl OutputFlags {
    /// The same in the words of the runner.
    pub(crate) fn outputs(&self) -> Outputs {
        Outputs {
            captures: self.captures.clone(),
        }
    }
}
