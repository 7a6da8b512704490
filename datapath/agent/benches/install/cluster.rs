//! A cluster of any size, like those that people run: namespaces of teams, workloads of five pods, policies in groups.

use anyhow::Context as _;
use manifest::{Cluster, ObjectName, Source};
use std::fmt::Write as _;

/// Pods that share all their labels.
const REPLICAS: usize = 5;
/// Workloads of a namespace.
const WORKLOADS: usize = 10;
/// Teams; each owns every tenth namespace.
const TEAMS: usize = 10;
/// Pods of a node.
const PODS_OF_NODE: usize = 100;
/// Policies that are written together, for one namespace.
const GROUP: usize = 5;
/// The namespace in which things change: other namespaces allow its team.
pub(crate) const NAMESPACE: &str = "ns-4";

/// How much there is of what.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) pods: usize,
    pub(crate) policies: usize,
}

impl Size {
    pub(crate) const fn nodes(self) -> usize {
        self.pods / PODS_OF_NODE
    }

    fn namespaces(self) -> usize {
        self.pods / (REPLICAS * WORKLOADS)
    }

    /// The cluster, as its manifests give it.
    pub(crate) fn cluster(self) -> anyhow::Result<Cluster> {
        let mut text = String::new();
        for number in 0..self.nodes() {
            let _ = writeln!(
                text,
                "---\napiVersion: v1\nkind: Node\nmetadata: {{name: node-{number}}}"
            );
        }
        for number in 0..self.namespaces() {
            add_namespace(&mut text, number);
        }
        for number in 0..self.policies {
            self.add_policy(&mut text, number);
        }
        let mut cluster = Cluster::default();
        apply(&mut cluster, &text)?;
        Ok(cluster)
    }

    /// Every group isolates its namespace and then allows by name, by team, by address and by port.
    fn add_policy(self, text: &mut String, number: usize) {
        let group = number / GROUP;
        let namespace = group % self.namespaces();
        let turn = group / self.namespaces();
        let [one, other, third] = [turn, turn + 3, turn + 6].map(|number| number % WORKLOADS);
        let team = number % TEAMS;
        let (high, low) = (group / 256, group % 256);
        let spec = match number % GROUP {
            0 => DEFAULT.to_owned(),
            1 => format!(
                "podSelector: {{matchLabels: {{app: app-{one}}}}}, \
                 ingress: [{{from: [{{podSelector: {{matchLabels: {{app: app-{other}}}}}}}], ports: [{{port: http}}]}}]"
            ),
            2 => format!(
                "podSelector: {{matchLabels: {{app: app-{other}}}}}, policyTypes: [Egress], egress: [{{to: [\
                 {{namespaceSelector: {{matchLabels: {{team: team-{team}}}}}, podSelector: {{matchLabels: {{app: app-{third}}}}}}}], \
                 ports: [{{port: 8000, endPort: 8099}}]}}]"
            ),
            3 => format!(
                "podSelector: {{matchLabels: {{app: app-{third}}}}}, policyTypes: [Egress], egress: [{{to: [\
                 {{ipBlock: {{cidr: 198.{high}.{low}.0/24, except: [198.{high}.{low}.128/25]}}}}], \
                 ports: [{{port: 443}}, {{port: 443, protocol: UDP}}]}}]"
            ),
            _ => format!(
                "podSelector: {{matchExpressions: [{{key: tier, operator: In, values: [front, back]}}]}}, \
                 ingress: [{{from: [{{namespaceSelector: {{matchExpressions: [\
                 {{key: team, operator: In, values: [team-{team}, team-{other}]}}, {{key: env, operator: Exists}}]}}}}], \
                 ports: [{{port: 8080}}, {{port: 9090}}]}}]"
            ),
        };
        policy(
            text,
            &format!("ns-{namespace}"),
            &format!("policy-{number}"),
            &spec,
        );
    }
}

/// Nothing in, and nothing out but name look-ups.
const DEFAULT: &str = "podSelector: {}, policyTypes: [Ingress, Egress], egress: [{to: [{namespaceSelector: {matchLabels: \
     {kubernetes.io/metadata.name: ns-0}}, podSelector: {matchLabels: {app: app-0}}}], ports: [{port: 53, protocol: UDP}, \
     {port: 53}]}]";

fn add_namespace(text: &mut String, number: usize) {
    let team = number % TEAMS;
    let _ = writeln!(
        text,
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{number}, labels: {{team: team-{team}, env: prod}}}}"
    );
    for workload in 0..WORKLOADS {
        let tier = ["front", "back", "data"][workload % 3];
        let labels = format!("{{app: app-{workload}, tier: {tier}}}");
        let _ = writeln!(
            text,
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app-{workload}, namespace: ns-{number}}}
spec:
  replicas: {REPLICAS}
  selector: {{matchLabels: {{app: app-{workload}}}}}
  template:
    metadata: {{labels: {labels}}}
    spec: {{containers: [{{name: c, ports: [{{name: http, containerPort: 8080}}, {{name: metrics, containerPort: 9090}}]}}]}}"
        );
    }
}

/// Adds a policy to a text of manifests.
pub(crate) fn policy(text: &mut String, namespace: &str, name: &str, spec: &str) {
    let _ = writeln!(
        text,
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}"
    );
}

/// Does what `kubectl apply` does.
pub(crate) fn apply(cluster: &mut Cluster, text: &str) -> anyhow::Result<()> {
    let applied = cluster.apply(&[Source::text("bench", text)]);
    applied
        .map(|_| ())
        .map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// Gives one pod of this workload another value of the label `app`.
pub(crate) fn relabel(cluster: &mut Cluster, pod: &str, app: &str) -> anyhow::Result<()> {
    let name = ObjectName::new(NAMESPACE, pod);
    let pod = cluster
        .pods
        .get_mut(&name)
        .with_context(|| format!("no pod {name}"))?;
    pod.labels.insert("app".to_owned(), app.to_owned());
    Ok(())
}
