//! The fields of a case file as they are written. Fields that are not listed (`source`, `notes`, …) are not looked at.

use super::action::Action;
use super::excerpt::{self, Policy};
use super::expect::{Expect, Verdict};
use super::{File, Step, line};
use crate::edit::Labels;
use crate::sheet::{PodDraft, Sheet};
use crate::steps::parse_addresses;
use crate::target::Service;
use anyhow::{anyhow, bail};
use manifest::{Addresses, Cluster, ContainerPort, ObjectName, Protocol};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use std::collections::{BTreeMap, BTreeSet};

/// A whole file.
#[derive(Deserialize)]
pub(super) struct Text {
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    namespaces: Vec<Spanned<NamespaceText>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    nodes: Vec<Spanned<NodeText>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    externals: Vec<Spanned<ExternalText>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pods: Vec<Spanned<PodText>>,
    /// Kubernetes objects by a key of the file's own.
    #[serde(default, deserialize_with = "null_is_empty")]
    policies: BTreeMap<String, Spanned<serde_json::Value>>,
    steps: Vec<Spanned<StepText>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    expect: Vec<Spanned<ExpectText>>,
    /// `allow`: what is probed and not listed is allowed, no policy involved.
    expect_default: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct NamespaceText {
    name: String,
    #[serde(default, deserialize_with = "labels")]
    labels: Labels,
}

#[derive(Deserialize)]
struct NodeText {
    name: String,
    #[serde(flatten)]
    addresses: AddressText,
    #[serde(default, deserialize_with = "labels")]
    labels: Labels,
}

#[derive(Deserialize)]
struct ExternalText {
    name: String,
    #[serde(flatten)]
    addresses: AddressText,
    #[serde(default, deserialize_with = "null_is_empty")]
    ports: Vec<PortText>,
}

/// One address in `ip`, or one of each family in `ips`.
#[derive(Clone, Deserialize)]
struct AddressText {
    ip: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    ips: Vec<String>,
}

/// A pod; every port it lists is served.
#[derive(Clone, Deserialize)]
pub(super) struct PodText {
    namespace: String,
    name: String,
    #[serde(flatten)]
    addresses: AddressText,
    #[serde(default, deserialize_with = "labels")]
    labels: Labels,
    #[serde(default, deserialize_with = "null_is_empty")]
    ports: Vec<PortText>,
    node: Option<String>,
    #[serde(default, rename = "hostNetwork", deserialize_with = "null_is_empty")]
    host_network: bool,
}

#[derive(Clone, Deserialize)]
struct PortText {
    name: Option<String>,
    #[serde(rename = "containerPort")]
    container_port: u16,
    protocol: Option<String>,
}

#[derive(Deserialize)]
struct StepText {
    #[serde(default, deserialize_with = "null_is_empty")]
    actions: Vec<Spanned<ActionText>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    probes: Vec<Spanned<ServiceText>>,
    /// Whether nothing is probed but what `expect` lists.
    #[serde(default, deserialize_with = "null_is_empty")]
    probes_from_expect: bool,
}

/// What a probe asks for; `port` is absent, null or 0 for ICMP.
#[derive(Deserialize)]
struct ServiceText {
    protocol: Option<String>,
    port: Option<u16>,
}

/// A change; which fields it needs depends on `op`.
#[derive(Deserialize)]
pub(super) struct ActionText {
    pub(super) op: String,
    pub(super) policy: Option<String>,
    pub(super) pod: Option<PodRef>,
    pub(super) namespace: Option<String>,
    #[serde(default, deserialize_with = "labels")]
    pub(super) labels: Labels,
}

/// A pod that exists, by name, or one to be created.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum PodRef {
    Name(String),
    Draft(Box<PodText>),
}

/// The expected verdict of one connection at one step.
#[derive(Deserialize)]
pub(super) struct ExpectText {
    /// Which step, from 1.
    pub(super) step: usize,
    pub(super) from: String,
    pub(super) to: String,
    #[serde(flatten)]
    service: ServiceText,
    pub(super) verdict: Verdict,
    pub(super) egress: Option<super::expect::SideText>,
    pub(super) ingress: Option<super::expect::SideText>,
    /// The verdict where an `ipBlock` never selects pods or nodes.
    pub(super) verdict_cilium: Option<Verdict>,
}

/// `labels:` with nothing behind it is as if it were not there.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Labels; a value that is not written is empty, as for an API server.
fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    let written: BTreeMap<String, Option<String>> = null_is_empty(deserializer)?;
    let written = written.into_iter();
    Ok(written
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

impl Text {
    /// Reads the YAML; the error has file, line, column and the text around it.
    pub(super) fn parse(file: &File<'_>) -> anyhow::Result<Self> {
        serde_saphyr::from_str(file.text).map_err(|error| {
            let options = serde_saphyr::render_options! { source_name: Some(file.name.as_str()) };
            let why = error.render_with_options(options);
            anyhow!("{}: not a case file\n{}", file.name, why.trim_end())
        })
    }

    /// Everybody before the first step, found good.
    pub(super) fn sheet(&self, file: &File<'_>) -> anyhow::Result<Sheet> {
        let mut sheet = Sheet::default();
        for Spanned { value, defined, .. } in &self.namespaces {
            sheet.namespace(line(*defined), &value.name, &value.labels);
        }
        for Spanned { value, defined, .. } in &self.nodes {
            let addresses = file.at(*defined, value.addresses.parse())?;
            sheet.node(line(*defined), &value.name, &value.labels, addresses);
        }
        for Spanned { value, defined, .. } in &self.externals {
            let addresses = file.at(*defined, value.addresses.parse())?;
            let ports = file.at(*defined, ports(&value.ports))?;
            sheet.external(line(*defined), &value.name, addresses, &ports);
        }
        for Spanned { value, defined, .. } in &self.pods {
            let mut draft = file.at(*defined, value.draft())?;
            if draft.host_network && draft.node.is_none() {
                draft.node = Some(self.host_of(value));
            }
            sheet.pod(line(*defined), &draft);
        }
        sheet.apply(&mut Cluster::default(), &file.name)?;
        Ok(sheet)
    }

    /// The node of a hostNetwork pod that names none: the one with its address, or one of its own.
    fn host_of(&self, pod: &PodText) -> String {
        let mut nodes = self.nodes.iter().map(|node| &node.value);
        let found = nodes.find(|node| node.addresses.shares_one_with(&pod.addresses));
        found.map_or_else(
            || format!("node-of-{}-{}", pod.namespace, pod.name),
            |node| node.name.clone(),
        )
    }

    /// The policies, read and checked as manifests are.
    pub(super) fn policies(&self, file: &File<'_>) -> anyhow::Result<BTreeMap<String, Policy>> {
        let policies = self.policies.iter();
        policies
            .map(|(key, Spanned { value, defined, .. })| {
                let policy = excerpt::policy(file, value, *defined);
                Ok((key.clone(), policy?))
            })
            .collect()
    }

    /// The steps in order.
    pub(super) fn steps(
        &self,
        file: &File<'_>,
        policies: &BTreeMap<String, Policy>,
    ) -> anyhow::Result<Vec<Step>> {
        let mut steps = Vec::new();
        for Spanned { value, defined, .. } in &self.steps {
            let mut actions = Vec::new();
            for action in &value.actions {
                let is_policy = |key: &str| policies.contains_key(key);
                let read = Action::read(&action.value, line(action.defined), is_policy);
                actions.push(file.at(action.defined, read)?);
            }
            let services = value.probes.iter().filter(|_| !value.probes_from_expect);
            let services = services.map(|probe| file.at(probe.defined, probe.value.service()));
            steps.push(Step {
                line: line(*defined),
                actions,
                probes: services.collect::<anyhow::Result<_>>()?,
            });
        }
        Ok(steps)
    }

    /// The expected verdicts, each of a step that there is.
    pub(super) fn expect(&self, file: &File<'_>, steps: usize) -> anyhow::Result<Vec<Expect>> {
        let read = |Spanned { value, defined, .. }: &Spanned<ExpectText>| {
            let expect = || {
                if !(1..=steps).contains(&value.step) {
                    bail!(
                        "there is no step {}: the steps are 1 to {steps}",
                        value.step
                    );
                }
                Expect::read(value, value.service.service()?)
            };
            file.at(*defined, expect())
        };
        self.expect.iter().map(read).collect()
    }

    /// What holds for probes that are not listed.
    pub(super) fn default(&self, file: &File<'_>) -> anyhow::Result<Option<Verdict>> {
        match &self.expect_default {
            None => Ok(None),
            Some(text) if text.value == "allow" => Ok(Some(Verdict::Allow)),
            Some(text) => file.at(
                text.defined,
                Err(anyhow!(
                    "`{}` is no expect_default: it can be `allow`",
                    text.value
                )),
            ),
        }
    }
}

impl AddressText {
    fn shares_one_with(&self, other: &Self) -> bool {
        let own = |text: &Self| {
            text.ip
                .iter()
                .chain(&text.ips)
                .cloned()
                .collect::<BTreeSet<_>>()
        };
        !own(self).is_disjoint(&own(other))
    }

    fn parse(&self) -> anyhow::Result<Addresses> {
        let mut all: Vec<&str> = self
            .ip
            .iter()
            .chain(&self.ips)
            .map(String::as_str)
            .collect();
        all.sort_unstable();
        all.dedup();
        parse_addresses(all.into_iter())
    }
}

impl PodText {
    /// The pod, ready to be applied.
    pub(super) fn draft(&self) -> anyhow::Result<PodDraft> {
        Ok(PodDraft {
            name: ObjectName::new(&self.namespace, &self.name),
            labels: self.labels.clone(),
            ports: ports(&self.ports)?,
            node: self.node.clone(),
            host_network: self.host_network,
            addresses: self.addresses.parse()?,
        })
    }
}

fn ports(texts: &[PortText]) -> anyhow::Result<Vec<ContainerPort>> {
    let read = |text: &PortText| {
        Ok(ContainerPort {
            name: text.name.clone(),
            port: text.container_port,
            protocol: protocol(text.protocol.as_deref())?,
        })
    };
    texts.iter().map(read).collect()
}

/// TCP where none is written, as in the API.
fn protocol(text: Option<&str>) -> anyhow::Result<Protocol> {
    Ok(text.map_or(Ok(Protocol::Tcp), str::parse)?)
}

impl ServiceText {
    fn service(&self) -> anyhow::Result<Service> {
        let protocol = protocol(self.protocol.as_deref())?;
        let is_no_port = |port: &u16| protocol == Protocol::Icmp && *port == 0;
        Service::new(protocol, self.port.filter(|port| !is_no_port(port)))
    }
}
