//! Flows of a shop, made by hand.

use abi::{Disposition, DropReason, Hook, Identity, Occasion, PolicyAction, protocol};
use flow::{End, Flow, Party, PodParty, Side, SideVerdict};
use manifest::{ObjectName, Workload};
use std::sync::Arc;

/// What web sends to db on TCP port 5432, with no policy anywhere.
pub(crate) fn web_to_db() -> Flow {
    Flow {
        time: "2020-06-13T21:29:31.445836587Z".parse().unwrap(),
        generation: 7,
        hook: Hook::FromEndpoint,
        disposition: Disposition::Allowed,
        occasion: Some(Occasion::Opens),
        reason: None,
        source: pod("web", "10.0.0.1", 40_000),
        destination: pod("db", "10.0.0.2", 5432),
        frontend: None,
        protocol: protocol::TCP,
        length: 74,
        egress: Side::NoPolicy,
        ingress: Side::NoPolicy,
    }
}

/// The same, denied at its destination.
pub(crate) fn denied_at_ingress(by_default: bool) -> Flow {
    Flow {
        disposition: Disposition::Denied,
        reason: Some(DropReason::PolicyDeniedIngress),
        ingress: decided(PolicyAction::Deny, &["shop/db"], by_default),
        ..web_to_db()
    }
}

/// A side that policies decided.
pub(crate) fn decided(action: PolicyAction, policies: &[&str], by_default: bool) -> Side {
    let policies = policies.iter().map(|policy| policy.parse().unwrap());
    Side::Decided(SideVerdict {
        action,
        policies: policies.collect(),
        by_default,
    })
}

/// The end of whoever has the address.
pub(crate) fn end(address: &str, port: Option<u16>, party: Party) -> End {
    End {
        address: address.parse().unwrap(),
        port,
        identity: Identity::WORLD,
        party,
    }
}

fn pod(name: &str, address: &str, port: u16) -> End {
    let party = PodParty {
        name: ObjectName::new("shop", name),
        labels: [("app".to_owned(), name.to_owned())].into(),
        workload: Some(Workload {
            kind: "Deployment".to_owned(),
            name: name.to_owned(),
        }),
        node: "node-1".into(),
    };
    End {
        identity: Identity(256),
        ..end(address, Some(port), Party::Pod(Arc::new(party)))
    }
}
