//! Reasons for drops in Hubble's words.

use abi::DropReason;

/// How Hubble calls a reason: `flow.DropReason`, where it has the same one; else ours in the same spelling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DropDescription {
    /// The name.
    pub name: &'static str,
    /// Its number; zero for a reason that Hubble does not have.
    pub number: u32,
}

impl DropDescription {
    /// Policies isolate the pod and no rule of theirs matched.
    pub const POLICY_DENIED: Self = Self::hubble("POLICY_DENIED", 133);
    /// A rule says to deny.
    pub const POLICY_DENY: Self = Self::hubble("POLICY_DENY", 181);

    /// The table. What a policy drops is [`DropDescription::POLICY_DENY`] where a rule said so.
    #[must_use]
    pub const fn of(reason: DropReason) -> Self {
        match reason {
            DropReason::PolicyDeniedEgress | DropReason::PolicyDeniedIngress => Self::POLICY_DENIED,
            DropReason::ConnectionRevoked => Self::ours("CONNECTION_REVOKED"),
            DropReason::SpoofedSource => Self::hubble("INVALID_SOURCE_IP", 132),
            DropReason::SpoofedMac => Self::hubble("INVALID_SOURCE_MAC", 130),
            DropReason::UnknownEndpoint => Self::hubble("NO_MATCHING_LOCAL_CONTAINER_FOUND", 152),
            DropReason::Malformed => Self::hubble("INVALID_PACKET_DROPPED", 134),
            DropReason::UnsupportedEthertype => Self::hubble("UNSUPPORTED_L3_PROTOCOL", 139),
            DropReason::FragmentWithoutFirst => {
                Self::hubble("FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND", 175)
            }
            DropReason::ExtensionChainTooLong => Self::hubble("INVALID_IPV6_EXTENSION_HEADER", 156),
            DropReason::UnrelatedIcmpError => Self::ours("UNRELATED_ICMP_ERROR"),
            DropReason::ConntrackFull => Self::hubble("CT_MAP_INSERTION_FAILED", 155),
            DropReason::GenerationRace => Self::ours("GENERATION_RACE"),
            DropReason::WrongDestination => Self::ours("WRONG_DESTINATION"),
            DropReason::SpoofedNeighbour => Self::ours("SPOOFED_NEIGHBOUR"),
            DropReason::NoTables => {
                Self::hubble("NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION", 165)
            }
            DropReason::FragmentTableFull => Self::ours("FRAGMENT_TABLE_FULL"),
            DropReason::InvalidIdentity => Self::hubble("INVALID_IDENTITY", 171),
            DropReason::NoTunnelEndpoint => {
                Self::hubble("NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT", 160)
            }
            DropReason::MasqueradePortsExhausted => {
                Self::hubble("NO_MAPPING_FOR_NAT_MASQUERADE", 161)
            }
            DropReason::TranslationTableFull => Self::ours("TRANSLATION_TABLE_FULL"),
            DropReason::NoTranslation => Self::ours("NO_TRANSLATION"),
            DropReason::NoServiceBackend => Self::hubble("SERVICE_BACKEND_NOT_FOUND", 158),
            DropReason::NoServicePort => Self::ours("NO_SERVICE_PORT"),
            DropReason::ServiceBackendGone => Self::ours("SERVICE_BACKEND_GONE"),
            DropReason::NoLocalBackend => Self::ours("NO_LOCAL_BACKEND"),
            DropReason::OutsideSourceRanges => Self::hubble("DENIED_BY_LB_SRC_RANGE_CHECK", 177),
        }
    }

    const fn hubble(name: &'static str, number: u32) -> Self {
        Self { name, number }
    }

    const fn ours(name: &'static str) -> Self {
        Self { name, number: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_hubble_does_not_have_keeps_its_own_name() {
        for reason in DropReason::ALL {
            let description = DropDescription::of(*reason);
            let has_own_name = description.name == reason.name().to_uppercase();
            assert!(has_own_name || description.number != 0, "{reason}");
        }
    }

    #[test]
    fn only_the_two_policy_reasons_have_one_name() {
        let mut names: Vec<&str> = DropReason::ALL
            .iter()
            .map(|reason| DropDescription::of(*reason).name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DropReason::ALL.len() - 1);
    }
}
