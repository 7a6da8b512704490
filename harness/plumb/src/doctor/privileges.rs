//! May this process make namespaces and load BPF programs?

use super::finding::Finding;
use std::fs;
use std::path::Path;

/// What is needed, with the bit of linux/capability.h. `CAP_SYS_ADMIN` makes network namespaces and includes `CAP_BPF`;
/// `CAP_NET_ADMIN` makes links and attaches programs; `CAP_NET_RAW` sends crafted packets.
const NEEDED: [(&str, u32); 3] = [
    ("CAP_NET_ADMIN", 12),
    ("CAP_NET_RAW", 13),
    ("CAP_SYS_ADMIN", 21),
];

/// Reads the effective capabilities from `status` (`/proc/self/status`, see proc(5)).
pub(super) fn examine(status: &Path) -> Finding {
    let check = "privileges";
    let text = fs::read_to_string(status).unwrap_or_default();
    let missing = missing(&text);
    if missing.is_empty() {
        return Finding::good(check, NEEDED.map(|(name, _)| name).join(", "));
    }
    Finding::bad(
        check,
        format!("{} missing", missing.join(", ")),
        "run as root: `sudo plumb …`; in a container: `--privileged`",
    )
}

/// The capabilities that are needed and not there. When nothing is known, none is there.
fn missing(status: &str) -> Vec<&'static str> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default();
    NEEDED
        .into_iter()
        .filter(|(_, bit)| effective & (1 << bit) == 0)
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_capability_is_named() {
        let all = ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"];
        for (status, expected) in [
            ("Name:\tplumb\nCapEff:\t000001ffffffffff\n", &all[..0]),
            ("CapEff:\t0000000000203000\n", &all[..0]),
            ("CapEff:\t0000000000003000\n", &all[2..]),
            ("CapEff:\t0000000000200000\n", &all[..2]),
            ("CapEff:\t0000000000000000\n", &all),
            ("CapEff:\tunreadable\n", &all),
            ("", &all),
        ] {
            assert_eq!(missing(status), expected, "{status:?}");
        }
    }
}
