//! Criteria about the ends of a flow.

use crate::hubble::{Endpoint, Flow, Layer4};
use ipnet::IpNet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::str::FromStr;

/// A criterion for the source, for the destination, and for at least one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sided<T> {
    /// What the source must be.
    pub from: Vec<T>,
    /// What the destination must be.
    pub to: Vec<T>,
    /// What one of them must be.
    pub either: Vec<T>,
}

impl<T> Default for Sided<T> {
    fn default() -> Self {
        Self {
            from: Vec::new(),
            to: Vec::new(),
            either: Vec::new(),
        }
    }
}

/// One end, with what the flow says of it elsewhere.
pub(super) struct FlowEnd<'a> {
    pub(super) endpoint: Option<&'a Endpoint>,
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl<'a> FlowEnd<'a> {
    /// Source and destination.
    pub(super) fn of(flow: &'a Flow) -> (Self, Self) {
        let ports = flow.l4.as_ref().and_then(Layer4::ports);
        let source = Self {
            endpoint: flow.source.as_ref(),
            address: flow.ip.as_ref().map(|ip| ip.source),
            port: ports.map(|ports| ports.source_port),
        };
        let destination = Self {
            endpoint: flow.destination.as_ref(),
            address: flow.ip.as_ref().map(|ip| ip.destination),
            port: ports.map(|ports| ports.destination_port),
        };
        (source, destination)
    }
}

/// What can be said of an end.
pub(super) trait Criterion {
    /// Whether it is so.
    fn holds(&self, end: &FlowEnd) -> bool;
}

/// Whether these ends are as they must be.
pub(super) fn hold<T: Criterion>(
    wanted: &Sided<T>,
    (source, destination): &(FlowEnd, FlowEnd),
) -> bool {
    let any = |criteria: &[T], end: &FlowEnd| criteria.iter().any(|it| it.holds(end));
    (wanted.from.is_empty() || any(&wanted.from, source))
        && (wanted.to.is_empty() || any(&wanted.to, destination))
        && (wanted.either.is_empty()
            || any(&wanted.either, source)
            || any(&wanted.either, destination))
}

/// Pods by how their names begin: `shop/web` for those of a namespace, `web` for those of any, `shop/` for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PodPrefix {
    namespace: Option<String>,
    name: String,
}

impl FromStr for PodPrefix {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, text),
        };
        let name = name.to_owned();
        Ok(Self { namespace, name })
    }
}

impl Criterion for PodPrefix {
    fn holds(&self, end: &FlowEnd) -> bool {
        end.endpoint.is_some_and(|endpoint| {
            let namespace = self.namespace.as_ref();
            !endpoint.pod_name.is_empty()
                && endpoint.pod_name.starts_with(&self.name)
                && namespace.is_none_or(|namespace| *namespace == endpoint.namespace)
        })
    }
}

/// A namespace by its whole name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespaceName(String);

impl FromStr for NamespaceName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Criterion for NamespaceName {
    fn holds(&self, end: &FlowEnd) -> bool {
        let endpoint = end.endpoint;
        endpoint.is_some_and(|endpoint| endpoint.namespace == self.0)
    }
}

impl Criterion for IpNet {
    fn holds(&self, end: &FlowEnd) -> bool {
        end.address.is_some_and(|address| self.contains(&address))
    }
}

impl Criterion for u16 {
    fn holds(&self, end: &FlowEnd) -> bool {
        end.port == Some(*self)
    }
}
