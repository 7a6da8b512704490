//! A node whose pods are under the programs.

use abi::{Address, Link, Mac};
use agent::{Agent, Config};
use anyhow::Context as _;
use flow::Snapshot;
use lab::{EndpointSpec, GATEWAY_MAC, Namespace};
use manifest::{Cluster, IpBlockMode, Source};
use nix::poll::{PollFd, PollFlags, poll};
use policy::Compiler;
use std::fs;
use std::net::Ipv4Addr;

/// The pods: `web` may reach nothing of `db`, `app` may.
pub(crate) const PODS: [(&str, Ipv4Addr); 3] = [
    ("web", Ipv4Addr::new(10, 0, 0, 1)),
    ("app", Ipv4Addr::new(10, 0, 0, 2)),
    ("db", Ipv4Addr::new(10, 0, 0, 3)),
];
/// Milliseconds after which who waits for events looks around.
const LOOK_AROUND: u8 = 20;
/// Where `db` is.
pub(crate) const DB: Ipv4Addr = PODS[2].1;

const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: shop, labels: {app: app}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.3}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
  annotations: {policy.network.gke.io/enable-logging: 'true'}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: app}}}]}]
";

/// A node, its programs, and who is where.
pub(crate) struct Node {
    pub(crate) lab: lab::Node,
    pub(crate) agent: Agent,
    pub(crate) snapshot: Snapshot,
}

impl Node {
    /// The pods with their policy; `logging` is the spec of the `NetworkLogging`.
    pub(crate) fn new(logging: &str, config: &Config) -> anyhow::Result<Self> {
        let mut lab = lab::Node::new()?;
        let specs = PODS.map(|(name, address)| EndpointSpec {
            name: name.to_owned(),
            v4: Some(address),
            v6: None,
        });
        lab.add(&specs)?;
        let mut agent = Agent::load(config)?;
        let cluster = cluster(logging)?;
        agent.enforce(&Compiler::new(IpBlockMode::Any).compile(&cluster))?;
        for pod in lab.endpoints() {
            let link = Link {
                v4: pod.spec().v4.map_or(Address::NONE, Address::from),
                mac: Mac(pod.mac()),
                ..Link::default()
            };
            let attach = || agent.attach(&pod.ifname(), pod.ifindex(), link, Mac(GATEWAY_MAC));
            lab.namespace().run(attach)??;
        }
        let node = Self {
            lab,
            agent,
            snapshot: Snapshot::of(&cluster),
        };
        // A connection a time: more than the ports that are free by default for a minute.
        let reuse = || fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
        node.enter("app")?.run(reuse)??;
        Ok(node)
    }

    /// Returns when an event waits; after a while without any, too, so that who waits can look around.
    pub(crate) fn wait_for_events(&self) -> anyhow::Result<()> {
        let descriptor = PollFd::new(self.agent.events_descriptor(), PollFlags::POLLIN);
        poll(&mut [descriptor], LOOK_AROUND)?;
        Ok(())
    }

    /// A handle of a pod's namespace.
    pub(crate) fn enter(&self, pod: &str) -> anyhow::Result<Namespace> {
        let pod = self.lab.endpoint(pod).context("no such pod")?;
        Ok(pod.namespace().run(Namespace::current)??)
    }
}

fn cluster(logging: &str) -> anyhow::Result<Cluster> {
    let logging = format!(
        "{CLUSTER}---\napiVersion: networking.gke.io/v1alpha1\nkind: NetworkLogging\n\
         metadata: {{name: default}}\nspec: {{cluster: {logging}}}\n"
    );
    let mut cluster = Cluster::default();
    cluster
        .apply(&[Source::text("cluster", &logging)])
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(cluster)
}
