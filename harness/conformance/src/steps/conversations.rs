//! Steps about connections that stay open while other things happen.

use super::{Arguments, Step};
use crate::conversation::{Conversation, End, Kind, Word};
use crate::packet::Packet;
use crate::target::{self, Service};
use crate::traffic::Outgoing;
use crate::world::World;
use anyhow::Context;
use manifest::{EndpointName, Protocol};
use std::net::IpAddr;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{endpoint} has an open {conversation} to/with {endpoint} on port {number} from port {number}{way}",
        meaning: "Sends the packets that open it, both ways; each must arrive. From now on it is `it`. TCP: SYN, \
                  SYN/ACK, ACK. UDP: a datagram each way. SCTP: INIT, INIT-ACK, COOKIE-ECHO, COOKIE-ACK.",
        example: "Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000",
        run: open,
    },
    Step {
        expression: "{endpoint} sends data on it",
        meaning: "100 bytes from this end of the connection.",
        example: "When shop/web sends data on it",
        run: send_data,
    },
    Step {
        expression: "{endpoint} sends {segment} on it",
        meaning: "Any packet from this end of the connection.",
        example: "When shop/db sends TCP FIN/ACK on it",
        run: send_segment,
    },
    Step {
        expression: "{endpoint} half-closes it",
        meaning: "This end has no more to say: TCP FIN, SCTP SHUTDOWN.",
        example: "When shop/web half-closes it",
        run: half_close,
    },
    Step {
        expression: "{endpoint} closes it",
        meaning: "This end closes and the other agrees: TCP FIN both ways and the last ACK, SCTP SHUTDOWN to \
                  SHUTDOWN-COMPLETE.",
        example: "When shop/web closes it",
        run: close,
    },
    Step {
        expression: "{endpoint} resets it",
        meaning: "This end breaks it off: TCP RST, SCTP ABORT.",
        example: "When shop/db resets it",
        run: reset,
    },
];

fn open(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let kind = match arguments.text(1) {
        "TCP connection" => Kind::Tcp,
        "UDP conversation" => Kind::Udp,
        _ => Kind::Sctp,
    };
    let (from, to) = (arguments.endpoint(0)?, arguments.endpoint(2)?);
    let (port, own_port) = (arguments.port(3)?, arguments.port(4)?);
    let [source, destination] = one_pair(world, &from, &to, arguments.way(5)?)?;
    let conversation = Conversation {
        kind,
        opener: End {
            name: from,
            address: source,
            port: own_port,
        },
        other: End {
            name: to,
            address: destination,
            port,
        },
    };
    say_all(world, conversation.opening()?)?;
    world.traffic.conversation = Some(conversation);
    world.expect_each("it arrives", |sent| sent.has_arrived(&world.cluster))
}

/// The addresses of both ends, of the first family that they share.
pub(super) fn one_pair(
    world: &World,
    from: &EndpointName,
    to: &EndpointName,
    way: target::Way,
) -> anyhow::Result<[IpAddr; 2]> {
    let service = Service {
        protocol: Protocol::Icmp,
        port: None,
    };
    let probes = target::probes(&world.cluster, from, to, service, way)?;
    let destination = probes
        .first()
        .context("there is no address to send to")?
        .address;
    let mut own = target::addresses(&world.cluster, from)?.iter();
    let source = own.find(|own| own.is_ipv4() == destination.is_ipv4());
    let source = source.with_context(|| format!("{from} has no address to send from"))?;
    Ok([source, destination])
}

fn send_data(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    say(world, arguments, Word::Data)
}

fn half_close(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    say(world, arguments, Word::Farewell)
}

fn reset(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    say(world, arguments, Word::Reset)
}

fn say(world: &mut World, arguments: &Arguments<'_>, what: Word) -> anyhow::Result<()> {
    let packet = conversation(world)?.say(&arguments.endpoint(0)?, what)?;
    say_all(world, vec![packet])
}

fn send_segment(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let (from, segment) = (arguments.endpoint(0)?, arguments.segment(1)?);
    let packet = conversation(world)?.packet(&from, segment, 0)?;
    say_all(world, vec![packet])
}

fn close(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let packets = conversation(world)?.closing(&arguments.endpoint(0)?)?;
    say_all(world, packets)
}

fn conversation(world: &World) -> anyhow::Result<&Conversation> {
    let conversation = world.traffic.conversation.as_ref();
    conversation.context("no connection is open: `… has an open TCP connection to …` opens one")
}

fn say_all(world: &mut World, packets: Vec<Packet>) -> anyhow::Result<()> {
    let frames = packets.into_iter().map(Outgoing::packet);
    world.send(frames.collect::<anyhow::Result<_>>()?)
}
