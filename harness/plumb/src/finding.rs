//! What all that is known of a connection comes to: of one through a service, what each backend of it says.

use conformance::driver::Verdict;

/// A verdict, and what only services have; the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Finding {
    /// It arrives, and is answered.
    Allowed,
    /// As allowed, but for audit mode it would be denied.
    Audited,
    /// What becomes of it depends on the backend that the service chooses.
    Mixed,
    /// It arrives, and nobody listens.
    Refused,
    /// The service has nobody who could serve it: it is refused at once.
    Unserved,
    /// It is dropped by policy.
    Denied,
    /// It is dropped, and not by policy.
    Dropped,
    /// Neither an answer nor an event.
    Lost,
}

impl Finding {
    /// In a word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Audited => "audited",
            Self::Mixed => "mixed",
            Self::Refused | Self::Unserved => "refused",
            Self::Denied => "denied",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
        }
    }
}

impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allowed => Self::Allowed,
            Verdict::Audited => Self::Audited,
            Verdict::Denied => Self::Denied,
            Verdict::Refused => Self::Refused,
            Verdict::Dropped => Self::Dropped,
            Verdict::Lost => Self::Lost,
        }
    }
}
