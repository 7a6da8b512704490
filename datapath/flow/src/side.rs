//! What the policies of one end said.

use abi::PolicyAction;
use manifest::PolicyName;
use policy::Provenance;
use std::collections::BTreeSet;

/// What the policies of one end said of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Side {
    /// They were not asked: the end has none here, or the other end had denied already.
    NotAsked,
    /// No policy decided: allowed by default, or because it is the pod's own node.
    NoPolicy,
    /// Policies decided.
    Decided(SideVerdict),
    /// Policies decided under tables that nobody remembers any more.
    Forgotten,
}

/// What policies decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SideVerdict {
    /// To allow, to deny, or to let through what would be denied but for audit mode.
    pub action: PolicyAction,
    /// The policies, sorted: all that allow it, those of the tier's rule that denies it, or those that isolate the end.
    pub policies: Vec<PolicyName>,
    /// Whether isolation decided, because no rule matched, and not a rule.
    pub by_default: bool,
}

impl Side {
    /// What policies decided, if they did.
    #[must_use]
    pub fn verdict(&self) -> Option<&SideVerdict> {
        match self {
            Self::Decided(verdict) => Some(verdict),
            Self::NotAsked | Self::NoPolicy | Self::Forgotten => None,
        }
    }
}

impl From<Provenance> for Side {
    fn from(provenance: Provenance) -> Self {
        match provenance {
            Provenance::NotAsked => Self::NotAsked,
            Provenance::NoPolicy => Self::NoPolicy,
            Provenance::Forgotten => Self::Forgotten,
            Provenance::Rules { action, rules, .. } => {
                let policies: BTreeSet<PolicyName> =
                    rules.into_iter().map(|rule| rule.policy).collect();
                Self::Decided(SideVerdict {
                    action,
                    policies: policies.into_iter().collect(),
                    by_default: false,
                })
            }
            Provenance::Isolation {
                action, policies, ..
            } => Self::Decided(SideVerdict {
                action,
                policies,
                by_default: true,
            }),
        }
    }
}
