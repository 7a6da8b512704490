//! What `kubectl apply` and `kubectl delete` do to a cluster.

mod claims;
mod delete;
mod endpoints;
mod expand;
mod nodes;
mod outcome;
mod owners;
mod placement;
mod precedence;
mod prefixes;
mod services;
mod slot;

pub use outcome::{Applied, ObjectRef};

use crate::kind::{Intake, NewTierPolicy, labelled};
use crate::report::{refuse_errors, shown};
use crate::source::{self, Text, whole};
use crate::{
    Cluster, Diagnostic, Diagnostics, NetworkPolicy, ObjectName, Origin, PolicyName, Severity,
    Source,
};
use std::collections::{BTreeMap, BTreeSet};

/// Namespaces that every cluster has, written or not.
const ALWAYS_THERE: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

impl Cluster {
    /// Adds the objects of `sources`, and replaces those of the same kind and name. Workloads become pods; what
    /// has no node or address gets one, and keeps it from then on.
    ///
    /// # Errors
    /// Everything that is wrong with the input, of all documents at once. Then the cluster is as it was.
    pub fn apply(&mut self, sources: &[Source]) -> Result<Applied, Diagnostics> {
        let (texts, mut intake) = read(sources)?;
        let applied = Applied {
            objects: intake.objects.keys().cloned().collect(),
            skipped: std::mem::take(&mut intake.skipped),
            finished: intake.pods.iter().filter(|pod| pod.finished).count(),
            warnings: vec![],
            texts: BTreeMap::new(),
        };
        let mut next = self.clone();
        let mut diagnostics = std::mem::take(&mut intake.diagnostics);
        diagnostics.extend(next.merge(intake));
        let warnings = shown(&texts, refuse_errors(&texts, diagnostics)?);
        *self = next;
        let texts = texts.into_iter().map(|text| (text.name, text.content));
        Ok(Applied {
            warnings,
            texts: texts.collect(),
            ..applied
        })
    }

    /// Puts the objects in place; returns what is wrong with them together.
    fn merge(&mut self, intake: Intake) -> Vec<Diagnostic> {
        self.namespaces.extend(intake.namespaces);
        self.externals.extend(intake.externals);
        if let Some(logging) = intake.network_logging {
            self.network_logging = Some(logging);
        }
        self.host_policies.extend(intake.host_policies);
        if let Some(masquerade) = intake.masquerade {
            self.masquerade = Some(masquerade);
        }
        let names = |name: &ObjectName| name.clone();
        let applied_services: Vec<_> = intake
            .services
            .iter()
            .map(|(name, _)| names(name))
            .collect();
        let applied_slices = intake.endpoint_slices.iter().map(|(name, _)| names(name));
        let applied_slices: Vec<_> = applied_slices.collect();
        self.endpoint_slices.extend(intake.endpoint_slices);
        let nodes = nodes::drafts(self, intake.nodes, &intake.pods, &intake.workloads);
        let names = nodes.keys().chain(self.nodes.keys()).cloned().collect();
        let expansion = expand::expand(intake.pods, &intake.workloads, &names, &self.pods);
        expansion.retire(&mut self.pods);
        let mut diagnostics = nodes::undescribed(self, &nodes, &expansion.pods);
        let applied_nodes = nodes.keys().cloned().collect();
        let applied_pods: Vec<_> = expansion.pods.iter().map(|pod| pod.name.clone()).collect();
        diagnostics.extend(placement::place(self, nodes, expansion.pods));
        diagnostics.extend(services::assign(self, intake.services));
        diagnostics.extend(endpoints::of_services(self, &applied_services));
        diagnostics.extend(endpoints::of_slices(self, &applied_slices));
        diagnostics.extend(prefixes::clashes(self, &applied_nodes));
        diagnostics.extend(prefixes::strays(self, &applied_pods));
        self.create_namespaces_of_pods();
        diagnostics.extend(self.homeless(&intake.policies));
        self.policies.extend(intake.policies);
        diagnostics.extend(self.enter_tier_policies(intake.tier_policies));
        diagnostics
    }

    /// Puts the policies for the whole cluster in place; returns a warning for each priority that is not theirs alone.
    fn enter_tier_policies(&mut self, policies: Vec<(String, NewTierPolicy)>) -> Vec<Diagnostic> {
        let mut names = vec![];
        for (name, policy) in policies {
            names.push(PolicyName::cluster(policy.kind(), name.as_str()));
            policy.enter(name, self);
        }
        precedence::shared(self, &names)
    }

    fn create_namespaces_of_pods(&mut self) {
        for name in self.pods.keys() {
            let namespace = &name.namespace;
            self.namespaces.entry(namespace.clone()).or_insert_with(|| {
                let origin = Origin::synthetic(&format!("the namespace of Pod {name}"));
                labelled(namespace, BTreeMap::new(), origin)
            });
        }
    }

    /// A warning for each namespace that has policies and does not exist.
    fn homeless(&self, policies: &[(ObjectName, NetworkPolicy)]) -> Vec<Diagnostic> {
        let exists = |namespace: &str| {
            self.namespaces.contains_key(namespace) || ALWAYS_THERE.contains(&namespace)
        };
        let mut warned = BTreeSet::new();
        let homeless = policies
            .iter()
            .filter(|(name, _)| !exists(&name.namespace) && warned.insert(name.namespace.as_str()));
        homeless
            .map(|(name, policy)| Diagnostic {
                severity: Severity::Warning,
                location: policy.origin.locate("metadata.namespace"),
                subject: format!("NetworkPolicy {name}"),
                message: format!("there is no namespace {}", name.namespace),
                help: Some("the policy selects nothing until the namespace has pods".to_owned()),
                snippet: None,
            })
            .collect()
    }
}

/// Reads all objects of `sources`. What is wrong with each for itself is an error here; warnings stay in the intake.
fn read(sources: &[Source]) -> Result<(Vec<Text>, Intake), Diagnostics> {
    let mut diagnostics = vec![];
    let texts = source::read(sources, &mut diagnostics);
    let mut intake = Intake::read(&texts);
    diagnostics.append(&mut intake.diagnostics);
    if diagnostics.is_empty() && intake.is_empty() {
        diagnostics.extend(
            texts
                .iter()
                .map(|text| whole(&text.name, "has no objects in it".to_owned(), None)),
        );
    }
    intake.diagnostics = refuse_errors(&texts, diagnostics)?;
    Ok((texts, intake))
}
