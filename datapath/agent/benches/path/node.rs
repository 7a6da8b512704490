//! The ways that are compared, each a node with two pods.

use crate::nftables::{self, Shape};
use crate::policies;
use crate::traffic::Ends;
use abi::{Address, Link, Mac};
use agent::{Agent, Config};
use anyhow::{Context as _, ensure};
use lab::{EndpointSpec, GATEWAY_MAC, Namespace};
use manifest::IpBlockMode;
use policy::Compiler;
use std::fs;
use std::net::Ipv4Addr;

const PODS: [(&str, Ipv4Addr); 2] = [
    ("a", Ipv4Addr::new(10, 0, 0, 1)),
    ("b", Ipv4Addr::new(10, 0, 0, 2)),
];

/// One way from pod to pod.
pub(crate) struct Way {
    pub(crate) name: String,
    lab: lab::Node,
    /// Whose programs are on the way; none with plain routing and nftables.
    agent: Option<Agent>,
}

/// What the way through our programs is called.
pub(crate) fn with_programs(policies: u32) -> String {
    format!("programs, {policies} policies")
}

impl Way {
    /// All of them, plain routing first.
    pub(crate) fn all() -> anyhow::Result<Vec<Self>> {
        let mut ways = vec![Self::new("plain routing")?];
        for policies in [0, 10, 1_000, 10_000] {
            ways.push(Self::with_programs(policies)?);
        }
        if nftables::is_installed() {
            ways.push(Self::with_nftables(Shape::Linear, 10)?);
            ways.push(Self::with_nftables(Shape::Linear, 1_000)?);
            ways.push(Self::with_nftables(Shape::Set, 10_000)?);
        } else {
            eprintln!("nft is not installed: nothing to compare with nftables");
        }
        Ok(ways)
    }

    fn new(name: &str) -> anyhow::Result<Self> {
        let mut lab = lab::Node::new()?;
        let specs = PODS.map(|(name, address)| EndpointSpec {
            name: name.to_owned(),
            v4: Some(address),
            v6: None,
        });
        lab.add(&specs)?;
        let client = pod(&lab, "a")?.namespace();
        // A connection a time: more than the ports that are free by default for a minute.
        client.run(|| fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1"))??;
        Ok(Self {
            name: name.to_owned(),
            lab,
            agent: None,
        })
    }

    fn with_programs(policies: u32) -> anyhow::Result<Self> {
        let mut way = Self::new(&with_programs(policies))?;
        let mut agent = Agent::load(&Config::default())?;
        let cluster = policies::cluster(policies)?;
        agent.enforce(&Compiler::new(IpBlockMode::Any).compile(&cluster))?;
        for (name, address) in PODS {
            let pod = pod(&way.lab, name)?;
            let link = Link {
                v4: address.into(),
                v6: Address::NONE,
                mac: Mac(pod.mac()),
                ..Link::default()
            };
            let attach = || agent.attach(&pod.ifname(), pod.ifindex(), link, Mac(GATEWAY_MAC));
            way.lab.namespace().run(attach)??;
        }
        way.agent = Some(agent);
        Ok(way)
    }

    fn with_nftables(shape: Shape, policies: u32) -> anyhow::Result<Self> {
        let name = match shape {
            Shape::Linear => format!("nftables, {policies} rules"),
            Shape::Set => format!("nftables, set of {policies}"),
        };
        let way = Self::new(&name)?;
        way.lab
            .namespace()
            .run(|| nftables::install(shape, policies))??;
        Ok(way)
    }

    pub(crate) fn ends(&self) -> anyhow::Result<Ends> {
        let enter = |name| {
            anyhow::Ok(
                pod(&self.lab, name)?
                    .namespace()
                    .run(Namespace::current)??,
            )
        };
        Ok(Ends {
            client: enter("a")?,
            server: enter("b")?,
            address: PODS[1].1,
        })
    }

    /// Reads what the programs report, as an agent does.
    pub(crate) fn read_events(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.events(|_| ());
        }
    }

    /// Makes room for new connections, and says when a packet was dropped: then the sample is none.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(agent) = &mut self.agent else {
            return Ok(());
        };
        agent.forget_connections()?;
        let drops = agent.drops()?;
        ensure!(
            drops.is_empty(),
            "{}: traffic was dropped: {drops:?}",
            self.name
        );
        Ok(())
    }
}

fn pod<'a>(lab: &'a lab::Node, name: &str) -> anyhow::Result<&'a lab::Endpoint> {
    lab.endpoint(name).context("no such pod")
}
