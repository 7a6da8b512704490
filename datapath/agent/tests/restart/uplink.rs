//! The node's uplink and tunnel device outlive their agent.

use crate::{AgentProcess, DB, DENIED, config, socket, wait_for_departure, watch_links};
use abi::{Address, Home, Hook, Identity, Node, Routing};
use agent::{Agent, Masquerade, unpin};
use lab::EndpointSpec;
use nix::poll::{PollFd, PollFlags, poll};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

/// This node in a cluster with one more.
pub(crate) const HOME: Home = Home {
    number: 1,
    routing: Routing::Native as u32,
    v4: Address::NONE,
    v6: Address::NONE,
};

pub(crate) fn nodes() -> BTreeMap<Identity, Node> {
    let node = |number| Node {
        number,
        ..Node::default()
    };
    [(256, 1), (257, 2)]
        .map(|(identity, number)| (Identity(identity), node(number)))
        .into()
}

/// Milliseconds after which the wait for what never comes ends, which fails the test.
const LIMIT: u16 = 10_000;
const OUTSIDE: [u8; 4] = [203, 0, 113, 9];

/// db on a node whose uplink leads to an outside host, and whose tunnel device leads nowhere.
fn a_node_with_an_uplink() -> lab::Node {
    let mut lab = lab::Node::new().unwrap();
    let specs = [("db", DB), ("outside", OUTSIDE), ("tunnel", [192, 0, 2, 9])];
    let specs = specs.map(|(name, v4)| EndpointSpec {
        name: name.to_owned(),
        v4: Some(v4.into()),
        v6: None,
    });
    lab.add(&specs).unwrap();
    lab
}

/// The names of what is pinned in a folder of the layout, without interfaces' indices.
fn pinned(folder: &Path, kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("layout-2").join(kind)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .map(|name| {
            name.split_once('-')
                .map_or(name.clone(), |(_, hook)| hook.to_owned())
        })
        .collect();
    names.sort();
    names
}

/// Waits for the next events about packets of the outside host, and says which hooks they are from.
fn hooks<const N: usize>(agent: &mut Agent) -> [u8; N] {
    let mut hooks = Vec::new();
    while hooks.len() < N {
        let descriptor = PollFd::new(agent.events_descriptor(), PollFlags::POLLIN);
        assert_eq!(poll(&mut [descriptor], LIMIT).unwrap(), 1, "{hooks:?}");
        agent.events(|event| {
            if event.source == Address::from_v4(OUTSIDE) {
                hooks.push(event.hook);
            }
        });
    }
    hooks.try_into().unwrap()
}

pub(crate) fn uplink_and_tunnel_device_are_taken_over(folder: &Path) {
    const ENDPOINT: [&str; 2] = ["from_endpoint", "to_endpoint"];
    const ALL: [&str; 6] = [
        "from_endpoint",
        "from_network",
        "from_overlay",
        "to_endpoint",
        "to_network",
        "to_overlay",
    ];
    let mut lab = a_node_with_an_uplink();
    let [uplink, tunnel] = ["outside", "tunnel"].map(|name| {
        let endpoint = lab.endpoint(name).unwrap();
        (endpoint.ifname(), endpoint.ifindex())
    });
    let mut agent = AgentProcess::start(&lab, folder);
    agent.attach_one(lab.endpoint("db").unwrap());
    assert_eq!(pinned(folder, "programs"), ENDPOINT);
    agent.order(&format!("uplink {} {}", uplink.0, uplink.1));
    agent.order(&format!("overlay {} {}", tunnel.0, tunnel.1));
    agent.order("nodes");
    agent.order("isolate");
    agent.kill();
    for kind in ["programs", "links"] {
        assert_eq!(pinned(folder, kind), ALL, "{kind}");
    }

    // While nobody is there, and by the next agent's own programs.
    let host = socket(&lab, "outside", OUTSIDE, 4000);
    let knock = || host.send_to(&[1], (Ipv4Addr::from(DB), DENIED)).unwrap();
    knock();
    let resume = || {
        lab.namespace()
            .run(|| Agent::resume(folder, &config()))
            .unwrap()
            .unwrap()
    };
    let mut agent = resume();
    knock();
    assert_eq!(hooks(&mut agent), [Hook::FromNetwork as u8; 2]);
    for kind in ["programs", "links"] {
        assert_eq!(pinned(folder, kind), ALL, "{kind}");
    }
    let pressure = agent.pressure().unwrap();
    let exceptions = u64::try_from(Masquerade::default().exceptions.len()).unwrap();
    for (name, entries) in [("NODES", 2), ("UNMASQUERADED", exceptions)] {
        let known = pressure.iter().find(|table| table.table == name);
        assert_eq!(known.unwrap().entries, Some(entries), "{name}");
    }
    let again = || {
        agent.attach_uplink(&uplink.0, uplink.1).unwrap();
        agent.attach_overlay(&tunnel.0, tunnel.1).unwrap();
        agent.detach([uplink.1]).unwrap();
    };
    lab.namespace().run(again).unwrap();
    assert_eq!(pinned(folder, "links"), [ALL[0], ALL[2], ALL[3], ALL[5]]);
    drop(agent);

    let departures = lab.namespace().run(watch_links).unwrap();
    lab.remove(["tunnel"]).unwrap();
    wait_for_departure(&departures, tunnel.1);
    let resume = || Agent::resume(folder, &config());
    drop(lab.namespace().run(resume).unwrap().unwrap());
    for kind in ["programs", "links"] {
        assert_eq!(pinned(folder, kind), ENDPOINT, "{kind}");
    }
    unpin(folder).unwrap();
}
