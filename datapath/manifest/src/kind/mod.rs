//! Documents → objects of the kinds that matter here, each checked for itself.

mod external;
mod head;
mod host;
mod known;
mod logging;
mod masquerade;
mod node;
mod pod;
mod port;
mod service;
mod strict;
mod tier;
mod workload;

pub(crate) use node::{NodeDraft, labelled};
pub(crate) use pod::{Owner, PodDraft};
pub(crate) use tier::NewTierPolicy;
pub(crate) use workload::WorkloadDraft;

use crate::report::{Problem, location};
use crate::source::Text;
use crate::yaml::{Node, compose};
use crate::{
    Diagnostic, EndpointSlice, External, HostPolicy, Location, Masquerade, Namespace,
    NetworkLogging, NetworkPolicy, ObjectName, ObjectRef, Service, Severity,
};
use head::{Outcome, RawObject};
use known::{Recognised, recognise};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The objects of some texts, in the order they are written.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    pub(crate) namespaces: Vec<(String, Namespace)>,
    pub(crate) nodes: Vec<NodeDraft>,
    pub(crate) pods: Vec<PodDraft>,
    pub(crate) workloads: Vec<WorkloadDraft>,
    pub(crate) externals: Vec<(String, External)>,
    pub(crate) policies: Vec<(ObjectName, NetworkPolicy)>,
    pub(crate) tier_policies: Vec<(String, NewTierPolicy)>,
    pub(crate) host_policies: Vec<(String, HostPolicy)>,
    pub(crate) network_logging: Option<NetworkLogging>,
    pub(crate) masquerade: Option<Masquerade>,
    pub(crate) services: Vec<(ObjectName, Service)>,
    pub(crate) endpoint_slices: Vec<(ObjectName, EndpointSlice)>,
    /// Every object of a known kind, and where it is written.
    pub(crate) objects: BTreeMap<ObjectRef, Location>,
    /// Those of them that change nothing when they are applied.
    pub(crate) inert: BTreeSet<ObjectRef>,
    /// How many objects of each other kind there are.
    pub(crate) skipped: BTreeMap<String, usize>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Intake {
    /// Reads every object of every text.
    pub(crate) fn read(texts: &[Text]) -> Self {
        let mut intake = Self::default();
        for text in texts {
            intake.text(text);
        }
        intake
    }

    fn text(&mut self, text: &Text) {
        for document in compose(&text.content) {
            match document {
                Ok(root) if root.is_null() => {}
                Ok(root) => self.object(&text.name, &root, None),
                Err(problem) => self.syntax(&text.name, problem),
            }
        }
    }

    /// Whether there was no object at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.skipped.is_empty()
    }

    fn syntax(&mut self, file: &Arc<str>, problem: Problem) {
        let place = location(file, problem.mark.unwrap_or_default());
        self.diagnostics
            .push(problem.about("", place, Severity::Error));
    }

    /// One object; of a typed list, with the apiVersion and kind that its items may leave out.
    fn object(&mut self, file: &Arc<str>, node: &Node, implied: Option<(&str, &str)>) {
        match recognise(node, implied) {
            Ok(Recognised::List { items, implied }) => {
                for item in items {
                    self.object(file, item, implied);
                }
            }
            Ok(Recognised::Skipped { kind }) => {
                *self.skipped.entry(kind.to_owned()).or_default() += 1;
            }
            Ok(Recognised::Known(kind)) => {
                let object = RawObject { file, node, kind };
                if let Err(diagnostics) = self.known(&object) {
                    self.diagnostics.extend(diagnostics);
                }
            }
            Err(problem) => {
                let mark = problem.mark.unwrap_or(node.mark);
                let subject = known::subject(node, implied);
                self.diagnostics.push(problem.about(
                    &subject,
                    location(file, mark),
                    Severity::Error,
                ));
            }
        }
    }

    fn known(&mut self, object: &RawObject<'_>) -> Outcome<()> {
        match object.kind.name {
            "Namespace" => {
                let namespace = node::namespace(object, &mut self.diagnostics)?;
                self.namespaces.push(namespace);
            }
            "Node" => self.nodes.push(node::node(object)?),
            "Pod" => self.pods.push(pod::pod(object)?),
            "External" => self.externals.push(external::external(object)?),
            "NetworkPolicy" => {
                let policy = strict::network_policy(object, &mut self.diagnostics)?;
                self.policies.push(policy);
            }
            "ClusterNetworkPolicy" | "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" => {
                let policy = tier::policy(object, &mut self.diagnostics)?;
                self.tier_policies.push(policy);
            }
            "CiliumClusterwideNetworkPolicy" => {
                let policy = host::policy(object, &mut self.diagnostics)?;
                self.host_policies.push(policy);
            }
            "NetworkLogging" => self.network_logging(object)?,
            "ConfigMap" => {
                let masquerade = masquerade::masquerade(object, &mut self.diagnostics)?;
                self.masquerade = Some(masquerade);
            }
            "Service" => {
                let service = service::service(object, &mut self.diagnostics)?;
                self.services.push(service);
            }
            "EndpointSlice" => {
                let slice = service::endpoint_slice(object, &mut self.diagnostics)?;
                self.endpoint_slices.push(slice);
            }
            _ => self.workloads.push(workload::workload(object)?),
        }
        self.enter(object)
    }

    fn network_logging(&mut self, object: &RawObject<'_>) -> Outcome<()> {
        match logging::network_logging(object, &mut self.diagnostics)? {
            Some(logging) => self.network_logging = Some(logging),
            None => _ = self.inert.insert(object.reference()),
        }
        Ok(())
    }

    /// Notes the object; two of the same name in one input contradict each other.
    fn enter(&mut self, object: &RawObject<'_>) -> Outcome<()> {
        let name = object.reference();
        let place = location(object.file, object.node.mark);
        let Some(first) = self.objects.get(&name) else {
            self.objects.insert(name, place);
            return Ok(());
        };
        let problem = Problem::new(format!("is written twice, first at {first}"))
            .help("rename or remove one of them");
        Err(vec![problem.about(
            &name.to_string(),
            place,
            Severity::Error,
        )])
    }
}
