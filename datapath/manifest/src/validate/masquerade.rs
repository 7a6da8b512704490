//! What the ip-masq-agent checks of its configuration, and the ports that it cannot be told.

use super::cidr;
use crate::report::Problem;
use ipnet::IpNet;
use std::ops::RangeInclusive;

/// The annotation that says which ports masqueraded connections get.
pub(crate) const MASQUERADE_PORTS: &str = "plumbline/masquerade-ports";

/// A CIDR without host bits.
pub(crate) fn aligned_cidr(text: &str) -> Result<IpNet, Problem> {
    let cidr = cidr(text)?;
    if cidr.trunc() == cidr {
        return Ok(cidr);
    }
    let problem = Problem::new(format!("{text:?} has bits behind its prefix"));
    Err(problem.help(format!("write {}", cidr.trunc())))
}

/// `61000-61999`, or a single port.
pub(crate) fn port_range(text: &str) -> Result<RangeInclusive<u16>, Problem> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.parse().ok().filter(|port: &u16| *port > 0);
    let range = port(first).zip(port(last));
    let range = range.filter(|(first, last)| first <= last);
    range.map(|(first, last)| first..=last).ok_or_else(|| {
        Problem::new(format!("{text:?} is no range of ports"))
            .help("write FIRST-LAST, for example 61000-65535, with ports from 1 to 65535")
    })
}

/// A time as Go writes it (`time.ParseDuration`), such as `1m30s`.
pub(crate) fn go_duration(text: &str) -> Result<(), Problem> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "0" || are_amounts(unsigned) {
        return Ok(());
    }
    Err(Problem::new(format!("{text:?} is not a time")).help("write it like 60s or 1m30s"))
}

/// Whether these are numbers with units, at least one.
fn are_amounts(text: &str) -> bool {
    const UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
    let is_of_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let mut rest = text;
    loop {
        let unit_on = rest.trim_start_matches(is_of_number);
        let number = &rest[..rest.len() - unit_on.len()];
        let end = unit_on.find(is_of_number).unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(end);
        if number.parse::<f64>().is_err() || !UNITS.contains(&unit) {
            return false;
        }
        if next.is_empty() {
            return true;
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_go() {
        for text in ["60s", "1h30m", "-1.5ms", "0", "+.5s", "1.s", "3µs"] {
            assert!(go_duration(text).is_ok(), "{text}");
        }
        for text in ["", "60", "s", ".s", "1 s", "1m30", "1d", "-", "+-1s"] {
            assert!(go_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_of_ports_has_a_first_and_a_last() {
        for (text, expected) in [("1-65535", 1..=65_535), ("61000", 61_000..=61_000)] {
            assert_eq!(port_range(text).unwrap(), expected);
        }
        for text in ["", "0-1", "2-1", "1-", "1-65536", "a", "1-2-3"] {
            assert!(port_range(text).is_err(), "{text}");
        }
    }
}
