//! Two pods, on one node or on two.

use abi::Routing;
use anyhow::{Context as _, ensure};
use lab::{EndpointSpec, Lab, NodeSpec};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

/// Who opens connections, and to whom.
pub(crate) const PODS: [(&str, Ipv4Addr); 2] = [
    ("a", Ipv4Addr::new(10, 0, 0, 1)),
    ("b", Ipv4Addr::new(10, 0, 0, 2)),
];

/// The nodes: a is on the first; so is b if there is but one.
pub(crate) const NODES: [(&str, Ipv4Addr); 2] = [
    ("node-1", Ipv4Addr::new(172, 18, 0, 1)),
    ("node-2", Ipv4Addr::new(172, 18, 0, 2)),
];

/// How far it is from pod to pod.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distance {
    /// Both are on one node.
    OneNode,
    /// From node to node by routes.
    Native,
    /// From node to node by a tunnel.
    Vxlan,
}

impl Distance {
    /// The nodes that there are.
    pub(crate) fn nodes(self) -> &'static [(&'static str, Ipv4Addr)] {
        match self {
            Self::OneNode => &NODES[..1],
            Self::Native | Self::Vxlan => &NODES,
        }
    }

    /// The node of a pod.
    pub(crate) fn home(self, pod: usize) -> usize {
        pod.min(self.nodes().len() - 1)
    }

    pub(crate) const fn routing(self) -> Routing {
        match self {
            Self::OneNode | Self::Native => Routing::Native,
            Self::Vxlan => Routing::Vxlan,
        }
    }
}

/// Both pods and what is between them; with a tunnel, it leads nowhere yet.
pub(crate) fn lab(distance: Distance) -> anyhow::Result<Lab> {
    let mut lab = Lab::new(match distance.routing() {
        Routing::Native => lab::Routing::Native,
        Routing::Vxlan => lab::Routing::Vxlan,
    });
    let homes = || PODS.into_iter().enumerate();
    let nodes = distance.nodes().iter().enumerate();
    let nodes = nodes.map(|(number, (name, address))| NodeSpec {
        name: (*name).to_owned(),
        v4: Some(*address),
        v6: None,
        prefixes: homes()
            .filter(|(pod, _)| distance.home(*pod) == number)
            .map(|(_, (_, address))| address.into())
            .map(|address: std::net::IpAddr| address.into())
            .collect(),
    });
    lab.set_nodes(&nodes.collect::<Vec<_>>())?;
    for (pod, (name, address)) in homes() {
        let spec = EndpointSpec {
            name: name.to_owned(),
            v4: Some(address),
            v6: None,
        };
        lab.add(NODES[distance.home(pod)].0, &[spec])?;
    }
    let client = lab.endpoint(PODS[0].0).context("no such pod")?;
    // A connection a time: more than the ports that are free by default for a minute.
    let reuse = || std::fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
    client.namespace().run(reuse)??;
    Ok(lab)
}

/// Has the kernel itself send through the tunnel devices, by routes that name the other end.
pub(crate) fn lay_tunnel(lab: &Lab) -> anyhow::Result<()> {
    for (own, (name, _)) in NODES.iter().enumerate() {
        let other = 1 - own;
        let (to, by) = (PODS[other].1, NODES[other].1);
        // A frame from a device's own address would be taken for a loop: here the devices have two.
        let commands = format!(
            "link set dev vxlan0 address ee:ee:ee:ee:ee:1{own}\n\
             neigh replace 169.254.3.1 lladdr ee:ee:ee:ee:ee:1{other} dev vxlan0\n\
             route replace {to}/32 encap ip id 7 dst {by} ttl 64 via 169.254.3.1 dev vxlan0 onlink\n"
        );
        let node = lab.node(name).context("no such node")?;
        node.namespace().run(|| ip(&commands))??;
    }
    Ok(())
}

/// Runs these commands of `ip` in the calling thread's namespace.
fn ip(commands: &str) -> anyhow::Result<()> {
    let mut ip = Command::new("ip");
    let ip = ip.args(["-batch", "-"]).stdin(Stdio::piped());
    let mut ip = ip.spawn().context("running ip")?;
    let mut pipe = ip.stdin.take().context("a pipe")?;
    pipe.write_all(commands.as_bytes())?;
    drop(pipe);
    ensure!(ip.wait()?.success(), "ip refused a command");
    Ok(())
}
