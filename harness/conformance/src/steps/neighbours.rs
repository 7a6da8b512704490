//! Steps about who has which address on a link: ARP for IPv4, neighbour discovery for IPv6.

use super::{Arguments, Step};
use crate::packet::{Arp, Discovery, Frame};
use crate::target;
use crate::traffic::Outgoing;
use crate::world::World;
use anyhow::Context;
use manifest::EndpointName;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{endpoint} asks who has {address}",
        meaning: "An ARP request or a neighbour solicitation from its own address. The gateway is 169.254.1.1 and fe80::1.",
        example: "When shop/web asks who has 169.254.1.1",
        run: ask,
    },
    Step {
        expression: "{endpoint} probes whether {address} is free",
        meaning: "Duplicate address detection: the same question from nobody's address.",
        example: "When shop/web probes whether 10.244.0.9 is free",
        run: probe,
    },
    Step {
        expression: "{endpoint} claims to have {address}",
        meaning: "An ARP reply or a neighbour advertisement, unasked.",
        example: "When shop/web claims to have 10.244.0.9",
        run: claim,
    },
    Step {
        expression: "{endpoint} claims to be a router",
        meaning: "An IPv6 router advertisement.",
        example: "When shop/web claims to be a router",
        run: claim_router,
    },
];

fn ask(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let from = arguments.endpoint(0)?;
    let target = arguments.address(1)?;
    let frame = match (own_address(world, &from, target)?, target) {
        (IpAddr::V4(sender), IpAddr::V4(target)) => {
            Arp::Request { sender, target }.to_frame(from.clone())
        }
        (source, target) => Discovery::Solicitation {
            source: v6(source),
            target: v6(target),
        }
        .to_frame(from.clone()),
    };
    send(world, arguments, frame)
}

fn probe(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let from = arguments.endpoint(0)?;
    let frame = match arguments.address(1)? {
        IpAddr::V4(target) => Arp::Request {
            sender: Ipv4Addr::UNSPECIFIED,
            target,
        }
        .to_frame(from),
        IpAddr::V6(target) => Discovery::Solicitation {
            source: Ipv6Addr::UNSPECIFIED,
            target,
        }
        .to_frame(from),
    };
    send(world, arguments, frame)
}

fn claim(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let from = arguments.endpoint(0)?;
    let claimed = arguments.address(1)?;
    let frame = match claimed {
        IpAddr::V4(sender) => Arp::Reply {
            sender,
            target: lab::GATEWAY_V4,
        }
        .to_frame(from),
        IpAddr::V6(target) => Discovery::Advertisement {
            source: v6(own_address(world, &from, claimed)?),
            target,
        }
        .to_frame(from),
    };
    send(world, arguments, frame)
}

fn claim_router(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let from = arguments.endpoint(0)?;
    let source = v6(own_address(world, &from, Ipv6Addr::UNSPECIFIED.into())?);
    let frame = Discovery::RouterAdvertisement { source }.to_frame(from);
    send(world, arguments, frame)
}

/// The sender's address of the other's family.
fn own_address(world: &World, from: &EndpointName, other: IpAddr) -> anyhow::Result<IpAddr> {
    let mut own = target::addresses(&world.cluster, from)?.iter();
    let address = own.find(|own| own.is_ipv4() == other.is_ipv4());
    address.with_context(|| format!("{from} has no address of the family of {other}"))
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

fn send(world: &mut World, arguments: &Arguments<'_>, frame: Frame) -> anyhow::Result<()> {
    world.send(vec![Outgoing {
        text: arguments.step.value.clone(),
        to: None,
        frame,
        packet: None,
    }])
}
