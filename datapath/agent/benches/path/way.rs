//! The ways that are compared, each with two pods of its own.

use crate::network::{self, Distance};
use crate::nftables::{self, Shape};
use crate::policies;
use crate::proxy::Proxy;
use crate::services;
use crate::traffic::Ends;
use abi::{Address, Home, Identity, Link, Mac, Node};
use agent::{Agent, Config, ServiceAt};
use anyhow::{Context as _, ensure};
use lab::{GATEWAY_MAC, Lab, Namespace};
use manifest::{Cluster, IpBlockMode};
use policy::{Compiler, Desired};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What ways with programs are called, after their distance.
const PROGRAMS: &str = "programs,";

/// One way from pod to pod.
pub(crate) struct Way {
    pub(crate) distance: Distance,
    pub(crate) name: String,
    /// Where pod a asks for pod b.
    asked: Ipv4Addr,
    lab: Lab,
    /// Whose programs are on the way, an agent a node; none with plain routing and nftables.
    agents: Vec<Agent>,
}

/// What the way through our programs on one node is called.
pub(crate) fn with_programs(policies: u32) -> String {
    format!("{PROGRAMS} {policies} policies")
}

impl Way {
    /// Those to a service of many, after that to the pod itself, with which they are compared.
    pub(crate) fn to_services() -> anyhow::Result<Vec<Self>> {
        let mut ways = Vec::new();
        for services in [0, 1, 100, 10_000] {
            ways.push(Self::with_services(services, ServiceAt::Packet)?);
        }
        for services in [1, 10_000] {
            ways.push(Self::with_services(services, ServiceAt::Socket)?);
        }
        ways.push(Self::new(
            Distance::OneNode,
            "plain routing, the pod itself",
        )?);
        for proxy in Proxy::ALL {
            if proxy.is_installed() {
                for services in [1, 100, 10_000] {
                    ways.push(Self::with_proxy(proxy, services)?);
                }
            } else {
                eprintln!("{} is not installed: nothing to compare with", proxy.name());
            }
        }
        Ok(ways)
    }

    /// Those from pod to pod under policies; plain routing first of those with the same distance.
    pub(crate) fn under_policies() -> anyhow::Result<Vec<Self>> {
        let mut ways = vec![Self::new(Distance::OneNode, "plain routing")?];
        for policies in [0, 10, 1_000, 10_000] {
            ways.push(Self::with_programs(Distance::OneNode, policies)?);
        }
        if nftables::is_installed() {
            ways.push(Self::with_nftables(Shape::Linear, 10)?);
            ways.push(Self::with_nftables(Shape::Linear, 1_000)?);
            ways.push(Self::with_nftables(Shape::Set, 10_000)?);
        } else {
            eprintln!("nft is not installed: nothing to compare with nftables");
        }
        for (distance, name) in [
            (Distance::Native, "two nodes: plain routing"),
            (Distance::Vxlan, "two nodes, VXLAN: the kernel's own tunnel"),
        ] {
            let plain = Self::new(distance, name)?;
            if distance == Distance::Vxlan {
                network::lay_tunnel(&plain.lab)?;
            }
            ways.push(plain);
            ways.push(Self::with_programs(distance, 10)?);
        }
        Ok(ways)
    }

    fn new(distance: Distance, name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            distance,
            name: name.to_owned(),
            asked: network::PODS[1].1,
            lab: network::lab(distance)?,
            agents: Vec::new(),
        })
    }

    fn with_programs(distance: Distance, policies: u32) -> anyhow::Result<Self> {
        let prefix = match distance {
            Distance::OneNode => "",
            Distance::Native => "two nodes: ",
            Distance::Vxlan => "two nodes, VXLAN: ",
        };
        let mut way = Self::new(distance, &(prefix.to_owned() + &with_programs(policies)))?;
        let cluster = policies::cluster(distance, policies)?;
        way.run_agents(&cluster, ServiceAt::Packet)?;
        Ok(way)
    }

    /// A pod asked for at a service, one of so many; at its own address if there is none.
    fn with_services(services: u32, at: ServiceAt) -> anyhow::Result<Self> {
        let what = match at {
            ServiceAt::Packet => "programs",
            ServiceAt::Socket => "programs at sockets",
        };
        let name = match services {
            0 => format!("{what}, the pod itself"),
            1 => format!("{what}, 1 service"),
            many => format!("{what}, {many} services"),
        };
        let mut way = Self::new(Distance::OneNode, &name)?;
        let mut cluster = policies::cluster(Distance::OneNode, 0)?;
        services::add(&mut cluster, services)?;
        way.run_agents(&cluster, at)?;
        if services > 0 {
            way.asked = services::ADDRESS;
        }
        Ok(way)
    }

    /// The same with a rule set as kube-proxy writes it.
    fn with_proxy(proxy: Proxy, services: u32) -> anyhow::Result<Self> {
        let name = format!("{}, {services} services", proxy.name());
        let mut way = Self::new(Distance::OneNode, &name)?;
        for (_, node) in way.lab.nodes() {
            let install = || proxy.install(services);
            node.namespace().run(install)??;
        }
        way.asked = services::ADDRESS;
        Ok(way)
    }

    /// Puts the cluster's tables in force on every node.
    fn run_agents(&mut self, cluster: &Cluster, at: ServiceAt) -> anyhow::Result<()> {
        let desired = Compiler::new(IpBlockMode::Any).compile(cluster);
        let nodes = nodes(&desired, &self.lab);
        for (name, node) in self.lab.nodes() {
            let mut agent = Agent::load(&Config {
                service_at: at,
                ..Config::default()
            })?;
            agent.set_home(Home {
                number: desired.nodes[name].number,
                routing: self.distance.routing() as u32,
                ..Home::default()
            })?;
            agent.set_nodes(&nodes)?;
            agent.enforce(&desired.for_node(name))?;
            node.namespace().run(|| attach(&mut agent, node))??;
            if at == ServiceAt::Socket {
                for pod in node.endpoints() {
                    agent.attach_sockets(pod.ifindex(), pod.namespace().cookie()?)?;
                }
            }
            self.agents.push(agent);
        }
        Ok(())
    }

    fn with_nftables(shape: Shape, policies: u32) -> anyhow::Result<Self> {
        let name = match shape {
            Shape::Linear => format!("nftables, {policies} rules"),
            Shape::Set => format!("nftables, set of {policies}"),
        };
        let way = Self::new(Distance::OneNode, &name)?;
        for (_, node) in way.lab.nodes() {
            let install = || nftables::install(shape, policies);
            node.namespace().run(install)??;
        }
        Ok(way)
    }

    pub(crate) fn ends(&self) -> anyhow::Result<Ends> {
        let enter = |name| {
            let pod = self.lab.endpoint(name).context("no such pod")?;
            anyhow::Ok(pod.namespace().run(Namespace::current)??)
        };
        let [(client, _), (server, address)] = network::PODS;
        Ok(Ends {
            client: enter(client)?,
            server: enter(server)?,
            address,
            asked: self.asked,
        })
    }

    /// Reads what the programs report, as agents do.
    pub(crate) fn read_events(&mut self) {
        for agent in &mut self.agents {
            agent.events(|_| ());
        }
    }

    /// Makes room for new connections, and says when a packet was dropped: then the sample is none.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        for agent in &mut self.agents {
            agent.forget_connections()?;
            let drops = agent.drops()?;
            ensure!(
                drops.is_empty(),
                "{}: traffic was dropped: {drops:?}",
                self.name
            );
        }
        Ok(())
    }
}

/// The nodes as they know each other.
fn nodes(desired: &Desired, lab: &Lab) -> BTreeMap<Identity, Node> {
    let uplink = |name: &String| lab.node(name).and_then(lab::Node::uplink);
    let rows = desired.nodes.iter().flat_map(|(name, node)| {
        let row = Node {
            number: node.number,
            v4: node.addresses.v4.map_or(Address::NONE, Address::from),
            mac: Mac(uplink(name).map_or([0; 6], lab::Uplink::mac)),
            ..Node::default()
        };
        node.identities.iter().map(move |identity| (*identity, row))
    });
    rows.collect()
}

/// Puts the programs on every link of the node whose namespace this is.
fn attach(agent: &mut Agent, node: &lab::Node) -> anyhow::Result<()> {
    for pod in node.endpoints() {
        let link = Link {
            v4: pod.spec().v4.map_or(Address::NONE, Address::from),
            mac: Mac(pod.mac()),
            ..Link::default()
        };
        agent.attach(&pod.ifname(), pod.ifindex(), link, Mac(GATEWAY_MAC))?;
    }
    if let Some(uplink) = node.uplink() {
        agent.attach_uplink(uplink.ifname(), uplink.ifindex())?;
    }
    if let Some(overlay) = node.overlay() {
        agent.attach_overlay(overlay.ifname(), overlay.ifindex())?;
    }
    Ok(())
}
