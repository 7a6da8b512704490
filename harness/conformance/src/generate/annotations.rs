//! What objects say by annotations, and which of them `NetworkLogging` asks.

use super::one_of;
use super::topology::origin;
use manifest::{LogSwitch, NetworkLogging};
use proptest::prelude::*;

/// What a policy or namespace says by annotations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Annotations {
    /// Whether policies are in audit mode, if it says so.
    pub(super) audit: Option<bool>,
    /// Whether what a policy allows, or what is denied at pods of a namespace, is logged where that is delegated.
    pub(super) logs: bool,
}

/// Mostly nothing about audit mode.
pub(super) fn annotations() -> impl Strategy<Value = Annotations> + Clone {
    let audit = one_of(&[None, None, None, Some(true), Some(false)]);
    (audit, any::<bool>()).prop_map(|(audit, logs)| Annotations { audit, logs })
}

/// What is logged, mostly by delegation.
pub(super) fn logging() -> impl Strategy<Value = NetworkLogging> + Clone {
    (switch(), switch()).prop_map(|(allow, deny)| NetworkLogging {
        allow,
        deny,
        origin: origin(),
    })
}

fn switch() -> impl Strategy<Value = LogSwitch> + Clone {
    const OFF: LogSwitch = LogSwitch {
        log: false,
        delegate: false,
    };
    const ON: LogSwitch = LogSwitch { log: true, ..OFF };
    const DELEGATED: LogSwitch = LogSwitch {
        delegate: true,
        ..ON
    };
    one_of(&[OFF, ON, DELEGATED, DELEGATED])
}
