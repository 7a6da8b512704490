//! The longest of many prefixes that holds an address.

use ipnet::IpNet;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

/// Prefixes, by their lengths: an address needs a look-up a length, however many prefixes there are.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    prefixes: HashSet<IpNet>,
    lengths: BTreeSet<u8>,
}

impl Prefixes {
    /// The longest prefix that holds `address`.
    pub(crate) fn longest(&self, address: IpAddr) -> Option<IpNet> {
        let lengths = self.lengths.iter().rev();
        let mut around =
            lengths.filter_map(|length| Some(IpNet::new(address, *length).ok()?.trunc()));
        around.find(|prefix| self.prefixes.contains(prefix))
    }
}

/// Of prefixes without host bits.
impl FromIterator<IpNet> for Prefixes {
    fn from_iter<T: IntoIterator<Item = IpNet>>(prefixes: T) -> Self {
        let prefixes: HashSet<IpNet> = prefixes.into_iter().collect();
        Self {
            lengths: prefixes.iter().map(IpNet::prefix_len).collect(),
            prefixes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        let listed = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "fd00::/8",
            "::/0",
        ];
        let prefixes: Prefixes = listed.iter().map(|text| text.parse().unwrap()).collect();
        let longest = prefixes.longest(address.parse().unwrap());
        assert_eq!(
            longest,
            expected.map(|text| text.parse().unwrap()),
            "{address}"
        );
    }

    #[test]
    fn the_longest_wins_and_families_are_apart() {
        check("10.1.2.3", Some("10.1.2.3/32"));
        check("10.1.2.4", Some("10.1.0.0/16"));
        check("10.2.0.0", Some("10.0.0.0/8"));
        check("11.0.0.0", None);
        check("fd00:1::1", Some("fd00::/8"));
        check("2001:db8::1", Some("::/0"));
    }
}
