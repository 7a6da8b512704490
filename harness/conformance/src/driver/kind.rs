//! Which driver, and how to get one.

use super::{Driver, KernelDriver, Mode, OracleDriver, SimulateDriver};
use std::fmt;
use std::str::FromStr;

/// A way to answer probes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DriverKind {
    /// Network namespaces and the eBPF programs in the kernel. Needs root.
    #[default]
    Kernel,
    /// The same programs in-process, over the same compiled tables.
    Simulate,
    /// The reference alone: what the API text says.
    Oracle,
}

impl DriverKind {
    /// Every driver.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Simulate, Self::Oracle];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Simulate => "simulate",
            Self::Oracle => "oracle",
        }
    }
}

impl fmt::Display for DriverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no driver.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a driver: use kernel, simulate or oracle")]
pub struct ParseDriverError(String);

impl FromStr for DriverKind {
    type Err = ParseDriverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| ParseDriverError(text.to_owned()))
    }
}

/// The machine cannot run this driver.
#[derive(Debug, thiserror::Error)]
#[error("the {kind} driver cannot run here: {missing}")]
pub struct OpenError {
    /// The driver that was asked for.
    pub kind: DriverKind,
    /// What is missing, and what to do about it.
    pub missing: String,
}

/// Makes a driver that holds no cluster yet.
///
/// # Errors
/// When the machine lacks what the driver needs: root, BPF, BTF.
pub fn open(kind: DriverKind, mode: impl Into<Mode>) -> Result<Box<dyn Driver + Send>, OpenError> {
    let mode = mode.into();
    match kind {
        DriverKind::Oracle => Ok(Box::new(OracleDriver::new(mode))),
        DriverKind::Simulate => Ok(Box::new(SimulateDriver::new(mode))),
        DriverKind::Kernel => match KernelDriver::open(mode) {
            Ok(driver) => Ok(Box::new(driver)),
            Err(error) => Err(OpenError {
                kind,
                missing: format!("{error:#}"),
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_errors_name_the_choice() {
        for kind in DriverKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "kernal".parse::<DriverKind>().unwrap_err();
        assert!(error.to_string().contains("kernel, simulate or oracle"));
    }
}
