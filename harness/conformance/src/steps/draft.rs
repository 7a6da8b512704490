//! Rows of tables as packets.

use super::conversations::one_pair;
use super::rows::Row;
use crate::packet::{Extension, Fragment, Message, Oddities, Packet, Ports, parse_chunk};
use crate::target::Way;
use crate::world::World;
use anyhow::{Context, bail, ensure};
use std::net::IpAddr;
use std::str::FromStr;

/// The columns of a table of packets.
pub(super) const COLUMNS: &[&str] = &[
    "from",
    "to",
    "over",
    "protocol",
    "from port",
    "to port",
    "flags",
    "identifier",
    "length",
    "ttl",
    "options",
    "extensions",
    "fragment",
    "bytes",
    "vlan",
    "source",
    "mac",
    "cut",
    "count",
];
/// More packets than this in one row are a mistake.
const MOST: u32 = 100_000;

/// The packet of a row.
pub(super) fn packet(world: &World, row: &Row<'_>) -> anyhow::Result<Packet> {
    let (from, to) = (row.required("from")?.parse()?, row.required("to")?.parse()?);
    let way = match row.cell("over") {
        "" => Way::Every,
        "IPv4" => Way::V4,
        "IPv6" => Way::V6,
        other => bail!("column `over`: `{other}` is no family: write IPv4 or IPv6"),
    };
    let [source, destination] = one_pair(world, &from, &to, way)?;
    let mut packet = Packet::new((from, source), (to, destination), message(row)?);
    packet.length = number::<u16>(row, "length")?.map_or(0, usize::from);
    packet.oddities = oddities(row)?;
    Ok(packet)
}

/// How often the row is sent.
pub(super) fn count(row: &Row<'_>) -> anyhow::Result<u32> {
    let count = number(row, "count")?.unwrap_or(1);
    ensure!(
        count <= MOST,
        "column `count`: at most {MOST} packets a row"
    );
    Ok(count)
}

fn message(row: &Row<'_>) -> anyhow::Result<Message> {
    let ports = || -> anyhow::Result<Ports> {
        let needed = "is needed";
        Ok(Ports {
            source: number(row, "from port")?
                .with_context(|| format!("column `from port` {needed}"))?,
            destination: number(row, "to port")?
                .with_context(|| format!("column `to port` {needed}"))?,
        })
    };
    let flags = row.cell("flags");
    Ok(match row.cell("protocol") {
        "TCP" => Message::Tcp(ports()?, flags.parse()?),
        "UDP" => Message::Udp(ports()?),
        "SCTP" => Message::Sctp(ports()?, parse_chunk(flags)?),
        "ICMP" => {
            let identifier = number(row, "identifier")?.unwrap_or(0);
            match flags {
                "" | "request" => Message::EchoRequest(identifier),
                "reply" => Message::EchoReply(identifier),
                other => {
                    bail!("column `flags`: `{other}` is no ICMP message: write request or reply")
                }
            }
        }
        other => match other.parse() {
            Ok(protocol) => Message::Other(protocol),
            Err(_) => bail!(
                "column `protocol`: `{other}` is no protocol: write TCP, UDP, SCTP, ICMP or a number up to 255"
            ),
        },
    })
}

fn oddities(row: &Row<'_>) -> anyhow::Result<Oddities> {
    Ok(Oddities {
        ttl: number(row, "ttl")?,
        options: hex(row.cell("options")).context("column `options`")?,
        extensions: extensions(row.cell("extensions"))?,
        fragment: fragment(row)?,
        vlan: number(row, "vlan")?,
        source: optional::<IpAddr>(row, "source", "an IP address")?,
        mac: mac(row.cell("mac"))?,
        cut: number::<u16>(row, "cut")?.map(usize::from),
    })
}

/// A cell that may be empty; `what` it must be otherwise.
fn optional<T: FromStr>(row: &Row<'_>, column: &str, what: &str) -> anyhow::Result<Option<T>> {
    let cell = row.cell(column);
    if cell.is_empty() {
        return Ok(None);
    }
    match cell.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => bail!("column `{column}`: `{cell}` is not {what}"),
    }
}

fn number<T: FromStr + Bounded>(row: &Row<'_>, column: &str) -> anyhow::Result<Option<T>> {
    optional(row, column, &format!("a number from 0 to {}", T::LARGEST))
}

/// A number with a largest one.
trait Bounded {
    const LARGEST: u64;
}

impl Bounded for u8 {
    const LARGEST: u64 = 255;
}

impl Bounded for u16 {
    const LARGEST: u64 = 65_535;
}

impl Bounded for u32 {
    const LARGEST: u64 = 4_294_967_295;
}

fn extensions(cell: &str) -> anyhow::Result<Vec<Extension>> {
    let names = cell
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let extensions = names.map(str::parse).collect::<Result<_, _>>();
    extensions.context("column `extensions`")
}

/// `fragment` and `bytes` together; an open range goes to the datagram's end.
fn fragment(row: &Row<'_>) -> anyhow::Result<Option<Fragment>> {
    let Some(identification) = number(row, "fragment")? else {
        ensure!(
            row.cell("bytes").is_empty(),
            "column `bytes` needs the column `fragment`"
        );
        return Ok(None);
    };
    let cell = row.cell("bytes");
    let range = cell.split_once('-').and_then(|(first, last)| {
        let last: Option<usize> = match last {
            "" => None,
            last => Some(last.parse().ok()?),
        };
        Some((first.parse().ok()?, last))
    });
    let (first, last) = range.with_context(|| {
        format!("column `bytes`: `{cell}` is no range: write 0-1479, or 1480- to the end")
    })?;
    Ok(Some(Fragment {
        identification,
        first,
        last,
    }))
}

fn mac(cell: &str) -> anyhow::Result<Option<[u8; 6]>> {
    if cell.is_empty() {
        return Ok(None);
    }
    let octets: Option<Vec<u8>> = cell
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).ok())
        .collect();
    let mac = octets.and_then(|octets| octets.try_into().ok());
    let mac =
        mac.with_context(|| format!("column `mac`: `{cell}` is none: write 02:00:00:00:00:01"))?;
    Ok(Some(mac))
}

/// Bytes in hex, with blanks between them wherever they help.
pub(super) fn hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(wrong) = digits.iter().find(|digit| !digit.is_ascii_hexdigit()) {
        bail!("`{wrong}` is no hex digit: bytes are written as two digits, 0 to f");
    }
    ensure!(
        digits.len().is_multiple_of(2),
        "a byte is two hex digits: there are {}",
        digits.len()
    );
    let bytes = digits.chunks_exact(2).map(|pair| {
        let value = |digit: char| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        };
        Some(value(pair[0])? << 4 | value(pair[1])?)
    });
    bytes
        .collect::<Option<_>>()
        .context("bytes are written as two hex digits each")
}
