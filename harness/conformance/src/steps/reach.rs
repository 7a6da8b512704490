//! Steps about everybody at once: closed-world statements and reachability tables.
//!
//! "Everybody" is every pod, node and outside host, as far as policy has a say: one end must be a pod that policies
//! can select (no hostNetwork pod), the ends must differ in their address, and the source must not be the
//! destination's own node, which is always let in.

use super::{Arguments, Step};
use crate::judge::{Expectation, Expected};
use crate::target::{self, Service, Way};
use crate::world::World;
use anyhow::bail;
use manifest::{Cluster, EndpointName};
use oracle::Probe;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "only {endpoints} reach(es) {endpoint} on {service}{way}",
        meaning: "These arrive, and every other pod, node and outside host is denied. The destination's own node \
                  (with the hostNetwork pods on it) is always let in and not asked.",
        example: "Then only shop/web, shop/api reach shop/db on TCP 5432",
        run: only_reach,
    },
    Step {
        expression: "nobody reaches {endpoint} on {service}{way}",
        meaning: "Every pod, node and outside host is denied, the destination's own node excepted.",
        example: "Then nobody reaches shop/db on TCP 5432",
        run: nobody_reaches,
    },
    Step {
        expression: "everybody reaches {endpoint} on {service}{way}",
        meaning: "Every pod, node and outside host arrives.",
        example: "Then everybody reaches shop/web on TCP 80",
        run: everybody_reaches,
    },
    Step {
        expression: "{endpoint} reaches only {endpoints} on {service}{way}",
        meaning: "It arrives at these, and is denied to every other pod, node and outside host.",
        example: "Then shop/web reaches only shop/db, external/office on TCP 5432",
        run: reaches_only,
    },
    Step {
        expression: "{endpoint} reaches nobody on {service}{way}",
        meaning: "It is denied to every pod, node and outside host.",
        example: "Then shop/web reaches nobody on TCP 80",
        run: reaches_nobody,
    },
    Step {
        expression: "{endpoint} reaches everybody on {service}{way}",
        meaning: "It arrives at every pod, node and outside host.",
        example: "Then shop/web reaches everybody on TCP 80",
        run: reaches_everybody,
    },
    Step {
        expression: "the reachability on {service}{way} is:",
        meaning: "Rows are sources, columns destinations. `✓` arrives, `x` is denied, `.` is not asked.",
        example: "Then the reachability on TCP 80 is:
      |          | shop/web | shop/db |
      | shop/web | .        | ✓       |
      | shop/db  | x        | .       |",
        run: table,
    },
];

/// One end of a statement; the other is everybody.
enum Fixed {
    From(EndpointName),
    To(EndpointName),
}

impl Fixed {
    /// The connection with this other end, as source and destination.
    fn with<'a>(&'a self, other: &'a EndpointName) -> (&'a EndpointName, &'a EndpointName) {
        match self {
            Self::From(source) => (source, other),
            Self::To(destination) => (other, destination),
        }
    }

    const fn end(&self) -> &EndpointName {
        match self {
            Self::From(end) | Self::To(end) => end,
        }
    }
}

fn only_reach(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::To(arguments.endpoint(1)?);
    let (service, way) = (arguments.service(2)?, arguments.way(3)?);
    only(world, &fixed, &arguments.endpoints(0)?, service, way)
}

fn nobody_reaches(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::To(arguments.endpoint(0)?);
    only(world, &fixed, &[], arguments.service(1)?, arguments.way(2)?)
}

fn everybody_reaches(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::To(arguments.endpoint(0)?);
    everybody(world, &fixed, arguments.service(1)?, arguments.way(2)?)
}

fn reaches_only(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::From(arguments.endpoint(0)?);
    let (service, way) = (arguments.service(2)?, arguments.way(3)?);
    only(world, &fixed, &arguments.endpoints(1)?, service, way)
}

fn reaches_nobody(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::From(arguments.endpoint(0)?);
    only(world, &fixed, &[], arguments.service(1)?, arguments.way(2)?)
}

fn reaches_everybody(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let fixed = Fixed::From(arguments.endpoint(0)?);
    everybody(world, &fixed, arguments.service(1)?, arguments.way(2)?)
}

/// These arrive, everybody else is denied.
fn only(
    world: &mut World,
    fixed: &Fixed,
    named: &[EndpointName],
    service: Service,
    way: Way,
) -> anyhow::Result<()> {
    let mut expectations = Vec::new();
    for other in named {
        let (from, to) = fixed.with(other);
        let probes = target::probes(&world.cluster, from, to, service, way)?;
        expectations.extend(expect_all(probes, Expected::Reaches));
    }
    let others = target::endpoints(&world.cluster).filter(|other| !named.contains(other));
    for other in others {
        let probes = governed_probes(&world.cluster, fixed, &other, service, way)?;
        expectations.extend(expect_all(probes, Expected::Denied));
    }
    world.expect(&expectations)
}

/// Everybody arrives.
fn everybody(world: &mut World, fixed: &Fixed, service: Service, way: Way) -> anyhow::Result<()> {
    let mut expectations = Vec::new();
    for other in target::endpoints(&world.cluster) {
        let probes = governed_probes(&world.cluster, fixed, &other, service, way)?;
        expectations.extend(expect_all(probes, Expected::Reaches));
    }
    world.expect(&expectations)
}

fn expect_all(probes: Vec<Probe>, expected: Expected) -> impl Iterator<Item = Expectation> {
    probes
        .into_iter()
        .map(move |probe| Expectation::verdict(probe, expected))
}

/// The probes between two ends; none where policy has no say or the ends share no family.
fn governed_probes(
    cluster: &Cluster,
    fixed: &Fixed,
    other: &EndpointName,
    service: Service,
    way: Way,
) -> anyhow::Result<Vec<Probe>> {
    target::addresses(cluster, fixed.end())?;
    let (from, to) = fixed.with(other);
    if !target::is_governed(cluster, from, to) {
        return Ok(Vec::new());
    }
    target::shared_probes(cluster, from, to, service, way)
}

fn table(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let (service, way) = (arguments.service(0)?, arguments.way(1)?);
    let mut expectations = Vec::new();
    for (from, to, cell) in arguments.matrix()? {
        let expected = match cell {
            "✓" => Expected::Reaches,
            "x" => Expected::Denied,
            "~" => Expected::Audited,
            "." => continue,
            _ => bail!("`{cell}` in row {from}, column {to}: write ✓, x, ~ or ."),
        };
        let probes = target::probes(&world.cluster, &from, &to, service, way)?;
        expectations.extend(expect_all(probes, expected));
    }
    world.expect(&expectations)
}
