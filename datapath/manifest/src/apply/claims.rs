//! Who has which address.

use crate::{Addresses, Diagnostic, Location, Origin, Severity};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Fields that addresses are written in.
const FIELDS: [&str; 4] = [
    "status.podIPs",
    "status.podIP",
    "status.addresses",
    "spec.addresses",
];

/// Every address in use, and the next one to try in each prefix.
#[derive(Default)]
pub(super) struct Claims {
    holders: HashMap<IpAddr, (String, Location)>,
    next: HashMap<IpNet, u128>,
}

impl Claims {
    pub(super) fn is_free(&self, address: IpAddr) -> bool {
        !self.holders.contains_key(&address)
    }

    /// Gives `addresses` to `holder`, for example `Pod shop/web`; a diagnostic for each that another one has.
    pub(super) fn claim(
        &mut self,
        holder: &str,
        addresses: Addresses,
        origin: &Origin,
    ) -> Vec<Diagnostic> {
        let mut diagnostics = vec![];
        let place = place(origin);
        for address in addresses.iter() {
            match self.holders.get(&address) {
                Some((other, elsewhere)) if other != holder => {
                    diagnostics.push(taken(holder, &place, address, other, elsewhere));
                }
                _ => {
                    _ = self
                        .holders
                        .insert(address, (holder.to_owned(), place.clone()));
                }
            }
        }
        diagnostics
    }

    /// A free address of `prefix` for `holder`; `None` if there is none left.
    ///
    /// The first address is the network's, the next one its gateway's, and the last one of IPv4 is for broadcast.
    pub(super) fn allocate(
        &mut self,
        prefix: IpNet,
        holder: &str,
        origin: &Origin,
    ) -> Option<IpAddr> {
        let (first, last) = bounds(prefix);
        let mut number = *self.next.get(&prefix).unwrap_or(&first);
        while number <= last && !self.is_free(address(prefix, number)) {
            number += 1;
        }
        self.next.insert(prefix, number);
        let free = (number <= last).then(|| address(prefix, number))?;
        self.holders
            .insert(free, (holder.to_owned(), origin.location.clone()));
        Some(free)
    }
}

/// Where the addresses of a pod, a node or an outside host are written; the object, if they are not.
pub(super) fn place(origin: &Origin) -> Location {
    let is_written = |field: &&str| origin.fields.contains_key(*field);
    let field = FIELDS.into_iter().find(is_written);
    origin.locate(field.unwrap_or_default())
}

/// The first and the last number of the addresses that pods can have; none if the first is above the last.
fn bounds(prefix: IpNet) -> (u128, u128) {
    match prefix {
        IpNet::V4(prefix) => {
            let first = u128::from(prefix.network().to_bits()) + 2;
            let broadcast = u128::from(prefix.broadcast().to_bits());
            (first, broadcast.saturating_sub(1))
        }
        IpNet::V6(prefix) => match prefix.network().to_bits().checked_add(2) {
            Some(first) => (first, prefix.broadcast().to_bits()),
            None => (1, 0),
        },
    }
}

fn address(prefix: IpNet, number: u128) -> IpAddr {
    match prefix {
        IpNet::V4(_) => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpNet::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

fn taken(
    holder: &str,
    place: &Location,
    address: IpAddr,
    other: &str,
    elsewhere: &Location,
) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: place.clone(),
        subject: holder.to_owned(),
        message: format!("{address} is already the address of {other} ({elsewhere})"),
        help: Some("every pod, node and External needs addresses of its own; only hostNetwork pods share their node's".to_owned()),
        snippet: None,
    }
}
