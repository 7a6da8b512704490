//! Port ranges become prefixes: the shape in which the verdict table is searched.

use crate::PortPrefix;
use std::collections::{BTreeMap, BTreeSet};

/// What a rule says about the destination port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PortMatch {
    /// These numbers.
    Range(PortRange),
    /// The number that the destination pod gives this name, for the protocol with this number; `None` is any.
    Named(Option<u8>, String),
}

/// Ports of one protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PortRange {
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// The first port, host order.
    pub(crate) first: u16,
    /// The last port, host order, inclusive.
    pub(crate) last: u16,
}

/// The named ports of what is no pod.
pub(crate) static NO_NAMED_PORTS: BTreeSet<NamedPort> = BTreeSet::new();

/// A port that a pod names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct NamedPort {
    /// The name.
    pub(crate) name: String,
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// The number, host order.
    pub(crate) port: u16,
}

impl PortMatch {
    /// The numbers meant on a destination with these named ports: none for a name it does not serve.
    pub(crate) fn resolve(&self, named: &BTreeSet<NamedPort>) -> Vec<PortRange> {
        match self {
            Self::Range(range) => vec![*range],
            Self::Named(protocol, name) => named
                .iter()
                .filter(|port| protocol.is_none_or(|only| port.protocol == only))
                .filter(|port| port.name == *name)
                .map(|port| PortRange::single(port.protocol, port.port))
                .collect(),
        }
    }
}

impl PortRange {
    fn single(protocol: u8, port: u16) -> Self {
        Self {
            protocol,
            first: port,
            last: port,
        }
    }

    fn is_everything(self) -> bool {
        (self.first, self.last) == (0, u16::MAX)
    }

    fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The fewest prefixes that together are exactly this range, in order.
    pub(crate) fn prefixes(self) -> impl Iterator<Item = PortPrefix> {
        let mut next = u32::from(self.first);
        let end = u32::from(self.last) + 1;
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let aligned = next.trailing_zeros().min(16);
                let free_bits = aligned.min((end - next).ilog2());
                let prefix = self.prefix(next, 16 - free_bits);
                next += 1 << free_bits;
                prefix
            })
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a port below 65536 and 0 to 16 bits"
    )]
    fn prefix(self, port: u32, bits: u32) -> PortPrefix {
        PortPrefix {
            protocol: self.protocol,
            port: port as u16,
            bits: bits as u8,
        }
    }
}

/// Ports about which the same is decided.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Segment<D> {
    /// The ports.
    pub(crate) ports: PortRange,
    /// What is decided.
    pub(crate) decision: D,
}

/// Splits overlapping ranges into disjoint segments by what is decided where these rules, numbers that the caller
/// knows, hold. Where nothing but `everywhere` (rules for every port of every protocol) and the rules for the whole
/// protocol hold, there is one segment for the whole protocol instead, first. Every other segment is to be searched
/// before it. No segment says what is decided around it anyway.
pub(crate) fn segments<D: PartialEq>(
    everywhere: &[usize],
    ranges: &[(usize, PortRange)],
    decide: impl Fn(&[usize]) -> D,
) -> Vec<Segment<D>> {
    let mut by_protocol: BTreeMap<u8, Vec<(usize, PortRange)>> = BTreeMap::new();
    for &(rule, range) in ranges {
        let of_protocol = by_protocol.entry(range.protocol).or_default();
        of_protocol.push((rule, range));
    }
    by_protocol
        .into_iter()
        .flat_map(|(protocol, ranges)| protocol_segments(protocol, everywhere, &ranges, &decide))
        .collect()
}

fn protocol_segments<D: PartialEq>(
    protocol: u8,
    everywhere: &[usize],
    ranges: &[(usize, PortRange)],
    decide: impl Fn(&[usize]) -> D,
) -> Vec<Segment<D>> {
    let whole = ranges.iter().filter(|(_, range)| range.is_everything());
    let whole = decide(&union(everywhere, whole.map(|(rule, _)| *rule)));
    let mut segments = Vec::new();
    for ports in elementary(protocol, ranges) {
        let holding = ranges.iter().filter(|(_, r)| r.contains(ports.first));
        let decision = decide(&union(everywhere, holding.map(|(rule, _)| *rule)));
        if decision != whole {
            push_or_extend(&mut segments, Segment { ports, decision });
        }
    }
    if whole != decide(everywhere) {
        let ports = PortRange {
            protocol,
            first: 0,
            last: u16::MAX,
        };
        let decision = whole;
        segments.insert(0, Segment { ports, decision });
    }
    segments
}

/// The ranges between all first and last ports: each range is a union of some of them.
fn elementary(protocol: u8, ranges: &[(usize, PortRange)]) -> impl Iterator<Item = PortRange> {
    let narrow = ranges.iter().filter(|(_, range)| !range.is_everything());
    let starts: BTreeSet<u16> = narrow
        .flat_map(|(_, range)| [Some(range.first), range.last.checked_add(1)])
        .flatten()
        .collect();
    let starts: Vec<u16> = starts.into_iter().collect();
    (0..starts.len()).map(move |at| PortRange {
        protocol,
        first: starts[at],
        last: starts.get(at + 1).map_or(u16::MAX, |next| next - 1),
    })
}

fn push_or_extend<D: PartialEq>(segments: &mut Vec<Segment<D>>, segment: Segment<D>) {
    match segments.last_mut() {
        Some(last)
            if last.decision == segment.decision
                && last.ports.last.checked_add(1) == Some(segment.ports.first) =>
        {
            last.ports.last = segment.ports.last;
        }
        _ => segments.push(segment),
    }
}

fn union(rules: &[usize], more: impl Iterator<Item = usize>) -> Vec<usize> {
    let all: BTreeSet<usize> = rules.iter().copied().chain(more).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TCP: u8 = abi::protocol::TCP;

    fn range(first: u16, last: u16) -> PortRange {
        PortRange {
            protocol: TCP,
            first,
            last,
        }
    }

    fn covers(prefix: PortPrefix, port: u16) -> bool {
        u32::from(port ^ prefix.port) >> (16 - prefix.bits) == 0
    }

    fn check_prefixes(first: u16, last: u16, expected: &[(u16, u8)]) {
        let prefixes = range(first, last).prefixes();
        let actual: Vec<_> = prefixes.map(|prefix| (prefix.port, prefix.bits)).collect();
        assert_eq!(actual, expected, "{first}-{last}");
    }

    #[test]
    fn ranges_become_the_fewest_prefixes() {
        check_prefixes(80, 80, &[(80, 16)]);
        check_prefixes(80, 81, &[(80, 15)]);
        check_prefixes(81, 82, &[(81, 16), (82, 16)]);
        check_prefixes(8000, 8007, &[(8000, 13)]);
        check_prefixes(0, 65535, &[(0, 0)]);
        check_prefixes(65535, 65535, &[(65535, 16)]);
        check_prefixes(65534, 65535, &[(65534, 15)]);
        check_prefixes(32768, 65535, &[(32768, 1)]);
        check_prefixes(90, 80, &[]);
        assert_eq!(range(1, 65535).prefixes().count(), 16);
        assert_eq!(range(1, 65534).prefixes().count(), 30);
    }

    fn any_range() -> impl Strategy<Value = PortRange> {
        let edges = prop_oneof![any::<u16>(), 0..4_u16, 65532..=65535_u16, 80..90_u16];
        (edges.clone(), edges).prop_map(|(a, b)| range(a.min(b), a.max(b)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_port_is_in_exactly_one_prefix_of_its_range_and_in_none_of_another(range in any_range()) {
            let prefixes: Vec<_> = range.prefixes().collect();
            for port in 0..=u16::MAX {
                let hits = prefixes.iter().filter(|prefix| covers(**prefix, port)).count();
                prop_assert_eq!(hits, usize::from(range.contains(port)), "port {}", port);
            }
        }
    }

    /// The ports at which the answer may change: both sides of every edge.
    fn edges(ranges: &[(usize, PortRange)]) -> impl Iterator<Item = u16> {
        let edges = ranges
            .iter()
            .flat_map(|(_, range)| [range.first, range.last]);
        edges.flat_map(|port| [port.saturating_sub(1), port, port.saturating_add(1)])
    }

    proptest! {
        #[test]
        fn the_last_segment_that_holds_a_port_names_every_rule_that_allows_it(
            ranges in prop::collection::vec((1..6_usize, any_range()), 0..6),
            everywhere in prop_oneof![Just(vec![]), Just(vec![0])],
        ) {
            let segments = segments(&everywhere, &ranges, <[usize]>::to_vec);
            for port in edges(&ranges) {
                let found = segments.iter().rfind(|segment| segment.ports.contains(port));
                let actual = found.map_or(everywhere.clone(), |segment| segment.decision.clone());
                let holding = ranges.iter().filter(|(_, range)| range.contains(port));
                let expected = union(&everywhere, holding.map(|(rule, _)| *rule));
                prop_assert_eq!(actual, expected, "port {}", port);
            }
        }
    }

    #[test]
    fn where_the_same_is_decided_as_around_it_there_is_no_segment() {
        let ranges = [(1, range(0, 65535)), (2, range(80, 90)), (3, range(91, 99))];
        let first = |rules: &[usize]| rules.first().copied();
        assert_eq!(segments(&[0], &ranges, first), []);
        let last = |rules: &[usize]| rules.last().copied().filter(|rule| *rule > 1);
        let actual = segments(&[0], &ranges, last);
        let actual: Vec<_> = actual
            .iter()
            .map(|segment| (segment.ports.first, segment.decision))
            .collect();
        assert_eq!(actual, [(80, Some(2)), (91, Some(3))]);
    }

    #[test]
    fn neighbouring_segments_of_the_same_rules_are_one() {
        let ranges = [(1, range(80, 90)), (1, range(91, 99)), (2, range(85, 85))];
        let actual: Vec<_> = segments(&[], &ranges, <[usize]>::to_vec)
            .into_iter()
            .map(|segment| (segment.ports.first, segment.ports.last, segment.decision))
            .collect();
        let expected = [(80, 84, vec![1]), (85, 85, vec![1, 2]), (86, 99, vec![1])];
        assert_eq!(actual, expected);
    }
}
