//! Virtual ends as the programs see them.

use crate::identity::protocol_number;
use crate::sets::Numbering;
use abi::{
    FRONTEND_HAS_SOURCES, FRONTEND_HASHES, FRONTEND_IS_LOCAL, FRONTEND_IS_THERE, Frontend,
    FrontendKey, Port,
};
use service::{Choice, Services, VirtualEnd};
use std::collections::BTreeMap;

/// The values of the table of virtual ends, with sets of backends by number.
pub(crate) fn frontends(
    services: &Services,
    numbering: &Numbering,
) -> BTreeMap<FrontendKey, Frontend> {
    let addresses = services.addresses.iter().map(|address| {
        let nobody = Frontend {
            flags: FRONTEND_IS_THERE,
            ..Frontend::default()
        };
        (FrontendKey::address((*address).into()), nobody)
    });
    let ends = services.frontends.iter();
    let ends = ends.filter_map(|(end, frontend)| Some((key(end)?, row(frontend, numbering))));
    addresses.chain(ends).collect()
}

fn row(frontend: &service::Frontend, numbering: &Numbering) -> Frontend {
    let choices = [frontend.inside.choice, frontend.outside.choice];
    let hashes = if choices.contains(&Choice::Maglev) {
        FRONTEND_HASHES
    } else {
        0
    };
    let is_local = if frontend.is_local {
        FRONTEND_IS_LOCAL
    } else {
        0
    };
    let has_sources = if frontend.outside.sources.is_some() {
        FRONTEND_HAS_SOURCES
    } else {
        0
    };
    Frontend {
        number: frontend.number,
        flags: FRONTEND_IS_THERE | hashes | is_local | has_sources,
        inside: numbering.of(&frontend.inside),
        outside: numbering.of(&frontend.outside),
        affinity: frontend.affinity,
        reserved: 0,
    }
}

fn key(end: &VirtualEnd) -> Option<FrontendKey> {
    let protocol = protocol_number(end.protocol)?;
    Some(FrontendKey::exact(
        end.address.into(),
        protocol,
        Port::new(end.port),
    ))
}

/// What is found at an end without a row: the row of its whole address.
pub(crate) fn whole_address(
    rows: &BTreeMap<FrontendKey, Frontend>,
    key: FrontendKey,
) -> Option<Frontend> {
    rows.get(&FrontendKey::address(key.address)).copied()
}
