//! Ports and protocols.

use crate::Protocol;
use crate::report::Problem;

/// A port number.
pub(crate) fn port_number(number: i64) -> Result<u16, Problem> {
    u16::try_from(number)
        .ok()
        .filter(|&port| port > 0)
        .ok_or_else(|| {
            Problem::new(format!("{number} is not a port number"))
                .help("use a number from 1 to 65535")
        })
}

/// Checks the name of a port, as RFC 6335 has them for services.
pub(crate) fn port_name(text: &str) -> Result<(), Problem> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let valid = (1..=15).contains(&text.len())
        && text.bytes().all(inner)
        && text.bytes().any(|c| c.is_ascii_lowercase())
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-');
    valid.then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid port name")).help(
            "use at most 15 lower case letters, digits and single `-`, with a letter among them; \
             a port number is written without quotes",
        )
    })
}

/// The protocol of a port: the API knows no ICMP, and no lower case.
pub(crate) fn protocol(text: &str) -> Result<Protocol, Problem> {
    match text {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        _ => Err(
            Problem::new(format!("{text:?} is not a protocol of a port"))
                .help("use TCP, UDP or SCTP"),
        ),
    }
}
