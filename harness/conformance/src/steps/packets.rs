//! Steps that send packets, header field by header field or byte by byte.

use super::conversations::one_pair;
use super::draft::{self, COLUMNS};
use super::{Arguments, Step};
use crate::packet::{Complaint, Frame, IcmpError, Message, Packet, Ports};
use crate::source::doc_string;
use crate::traffic::Outgoing;
use crate::world::World;
use anyhow::{Context, ensure};
use manifest::EndpointName;
use oracle::connection::Flow;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{endpoint} sends {segment} from port {number} to {endpoint} port {number}{way}",
        meaning: "One packet. TCP with its flags (`SYN`, `SYN/ACK`, `none`), UDP, or SCTP with its chunk.",
        example: "When shop/web sends TCP SYN from port 40000 to shop/db port 5432",
        run: send_segment,
    },
    Step {
        expression: "{endpoint} sends an echo {echo} with identifier {number} to {endpoint}{way}",
        meaning: "One ICMP message, a `request` or a `reply`.",
        example: "When shop/web sends an echo request with identifier 80 to shop/db over IPv6",
        run: send_echo,
    },
    Step {
        expression: "the packets are sent:",
        meaning: "One packet a row, in this order. `from` and `to` are needed; `protocol` is TCP, UDP, SCTP, ICMP or a \
                  number; `flags` are TCP flags, an SCTP chunk, or an ICMP `request` or `reply`; `over` is IPv4 or IPv6. \
                  `length` counts bytes behind the transport header. `extensions` are hop-by-hop, routing, destination, \
                  authentication; `options` are hex bytes of the IPv4 header. `fragment` is an identification, of whose \
                  datagram only `bytes` are sent, for example `0-1479`. `source` and `mac` replace the sender's own \
                  addresses. `cut` sends only so many bytes of the IP packet. `count` repeats the row.",
        example:
            "When the packets are sent:
      | from     | to      | protocol | from port | to port | flags | fragment | bytes   | length |
      | shop/web | shop/db | UDP      | 40000     | 53      |       | 7        | 0-1479  | 1475   |
      | shop/web | shop/db | UDP      | 40000     | 53      |       | 7        | 1480-   | 1475   |",
        run: send_table,
    },
    Step {
        expression: "{endpoint} sends the bytes:",
        meaning: "One frame, in hex, from its EtherType on. Link-layer addresses are filled in.",
        example: r#"When shop/web sends the bytes:
      """
      0800 4500 0014 0000 0000 4006 0000 0a00 0001 0a00 0002
      """"#,
        run: send_bytes,
    },
    Step {
        expression: "{endpoint} sends {endpoint} the bytes:",
        meaning: "The same from a node, which has a link to each endpoint.",
        example: r#"When node/node-1 sends shop/web the bytes:
      """
      0800 4500 0014 0000 0000 4006 0000 0a00 0001 0a00 0002
      """"#,
        run: send_bytes_to,
    },
    Step {
        expression: "{endpoint} answers it with ICMP {error}",
        meaning: "An ICMP error that quotes the last packet of the step before (64 bytes from its IP header on), sent to \
                  who sent that packet.",
        example: r#"When external/router answers it with ICMP "packet too big""#,
        run: complain,
    },
    Step {
        expression: "{endpoint} answers it with ICMP {error} that quotes {number} bytes",
        meaning: "The same, with so many bytes behind the quoted IP header.",
        example: r#"When external/router answers it with ICMP "time exceeded" that quotes 8 bytes"#,
        run: complain_briefly,
    },
    Step {
        expression: "{endpoint} sends {endpoint} ICMP {error} that quotes:",
        meaning: "A forged ICMP error: it quotes a packet that need never have been sent, one row with the columns of \
                  `the packets are sent:`.",
        example: r#"When external/router sends shop/web ICMP "port unreachable" that quotes:
      | from     | to      | protocol | from port | to port | flags |
      | shop/web | shop/db | TCP      | 40000     | 5432    | SYN   |"#,
        run: forge_complaint,
    },
];

/// How much of a packet an ICMP error quotes: an IPv6 header and a whole TCP header.
const QUOTED: usize = 64;
const IPV6_HEADER: usize = 40;

fn send_segment(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let (from, to) = (arguments.endpoint(0)?, arguments.endpoint(3)?);
    let ports = Ports {
        source: arguments.port(2)?,
        destination: arguments.port(4)?,
    };
    let message = arguments.segment(1)?.with(ports);
    send_message(world, arguments, (from, to), 5, message)
}

fn send_echo(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let (from, to) = (arguments.endpoint(0)?, arguments.endpoint(3)?);
    let identifier = arguments.port(2)?;
    let message = match arguments.text(1) {
        "request" => Message::EchoRequest(identifier),
        _ => Message::EchoReply(identifier),
    };
    send_message(world, arguments, (from, to), 4, message)
}

fn send_message(
    world: &mut World,
    arguments: &Arguments<'_>,
    (from, to): (EndpointName, EndpointName),
    way: usize,
    message: Message,
) -> anyhow::Result<()> {
    let [source, destination] = one_pair(world, &from, &to, arguments.way(way)?)?;
    let packet = Packet::new((from, source), (to, destination), message);
    world.send(vec![Outgoing::packet(packet)?])
}

fn send_table(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let mut frames = Vec::new();
    for row in arguments.rows(COLUMNS)? {
        let in_row = || format!("line {}", row.line);
        let packet = draft::packet(world, &row).with_context(in_row)?;
        for _ in 0..draft::count(&row)? {
            frames.push(Outgoing::packet(packet.clone()).with_context(in_row)?);
        }
    }
    ensure!(!frames.is_empty(), "the table has no row: nothing is sent");
    world.send(frames)
}

fn send_bytes(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let frame = Frame::new(arguments.endpoint(0)?, bytes(arguments)?);
    send_frame(world, arguments, frame, None)
}

fn send_bytes_to(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let to = arguments.endpoint(1)?;
    let mut frame = Frame::new(arguments.endpoint(0)?, bytes(arguments)?);
    frame.towards = Some(to.clone());
    send_frame(world, arguments, frame, Some(to))
}

fn send_frame(
    world: &mut World,
    arguments: &Arguments<'_>,
    frame: Frame,
    to: Option<EndpointName>,
) -> anyhow::Result<()> {
    world.send(vec![Outgoing {
        text: arguments.step.value.clone(),
        to,
        frame,
        packet: None,
    }])
}

/// The hex digits of the doc string.
fn bytes(arguments: &Arguments<'_>) -> anyhow::Result<Vec<u8>> {
    let text = doc_string(arguments.step, arguments.source);
    let text = text.context("the step needs bytes in hex in a doc string below it")?;
    draft::hex(&text)
}

fn complain(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let packet = last_packet(world)?;
    let quoted: Vec<u8> = network(&packet)?.into_iter().take(QUOTED).collect();
    send_complaint(world, arguments, &packet, quoted, packet.from.clone())
}

fn complain_briefly(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let packet = last_packet(world)?;
    let whole = network(&packet)?;
    let header = match whole.first() {
        Some(first) if first >> 4 == 4 => usize::from(first & 0x0f) * 4,
        _ => IPV6_HEADER,
    };
    let length = header + usize::try_from(arguments.number(2)?)?;
    let quoted = whole.into_iter().take(length).collect();
    send_complaint(world, arguments, &packet, quoted, packet.from.clone())
}

fn forge_complaint(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let rows = arguments.rows(COLUMNS)?;
    let [row] = rows.as_slice() else {
        anyhow::bail!("an ICMP error quotes one packet: the table needs one row");
    };
    let packet = draft::packet(world, row).with_context(|| format!("line {}", row.line))?;
    let quoted = network(&packet)?.into_iter().take(QUOTED).collect();
    send_complaint(world, arguments, &packet, quoted, arguments.endpoint(1)?)
}

/// The last packet of the step before.
fn last_packet(world: &World) -> anyhow::Result<Packet> {
    let sent = world.sent()?.last();
    let packet = sent.and_then(|sent| sent.outgoing.packet.clone());
    packet.context("only a packet that was described can be answered, not bytes")
}

/// A packet from its IP header on.
fn network(packet: &Packet) -> anyhow::Result<Vec<u8>> {
    const ETHERTYPE: usize = 2;
    ensure!(packet.oddities.vlan.is_none(), "nobody quotes a VLAN tag");
    Ok(packet.to_frame()?.bytes()[ETHERTYPE..].to_vec())
}

/// An ICMP error of the family of the packet it is about.
fn send_complaint(
    world: &mut World,
    arguments: &Arguments<'_>,
    about: &Packet,
    quoted: Vec<u8>,
    to: EndpointName,
) -> anyhow::Result<()> {
    let from = arguments.endpoint(0)?;
    let gap = arguments
        .captures
        .iter()
        .position(|text| text.starts_with('"'));
    let error: IcmpError = arguments.text(gap.unwrap_or(0)).trim_matches('"').parse()?;
    let way = if about.source.is_ipv4() {
        crate::target::Way::V4
    } else {
        crate::target::Way::V6
    };
    let [source, destination] = one_pair(world, &from, &to, way)?;
    let complaint = Complaint {
        error,
        about: flow_of(about, &quoted),
        quotation: Some(Box::new(about.clone())),
        quoted,
    };
    let message = Message::Error(complaint);
    let packet = Packet::new((from, source), (to, destination), message);
    world.send(vec![Outgoing::packet(packet)?])
}

/// The flow of a quoted packet, if the quotation is whole enough to tell and the packet is part of one.
fn flow_of(about: &Packet, quoted: &[u8]) -> Option<Flow> {
    const MINIMAL: usize = 8;
    let header = if about.source.is_ipv4() {
        20
    } else {
        IPV6_HEADER
    };
    let has_flow = !matches!(about.message, Message::Error(_) | Message::Other(_));
    let is_plain = about.oddities == crate::packet::Oddities::default();
    (has_flow && is_plain && quoted.len() >= header + MINIMAL).then(|| about.flow())
}
