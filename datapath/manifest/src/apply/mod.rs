//! What `kubectl apply` and `kubectl delete` do to a cluster.

mod claims;
mod delete;
mod expand;
mod nodes;
mod outcome;
mod placement;
mod slot;

pub use outcome::{Applied, ObjectRef};

use crate::kind::{Intake, labelled};
use crate::source::{self, Text, whole};
use crate::{
    Cluster, Diagnostic, Diagnostics, NetworkPolicy, ObjectName, Origin, Severity, Source,
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
        let warnings = verdict(&texts, diagnostics)?;
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
        self.services.extend(intake.services);
        self.endpoint_slices.extend(intake.endpoint_slices);
        let nodes = nodes::drafts(self, intake.nodes, &intake.pods, &intake.workloads);
        let names = nodes.keys().chain(self.nodes.keys()).cloned().collect();
        let expansion = expand::expand(intake.pods, &intake.workloads, &names);
        self.retire(&expansion);
        let mut diagnostics = placement::place(self, nodes, expansion.pods);
        self.create_namespaces_of_pods();
        diagnostics.extend(self.homeless(&intake.policies));
        self.policies.extend(intake.policies);
        diagnostics
    }

    /// Removes the pods that an applied workload had and has no longer, and those that have finished.
    fn retire(&mut self, expansion: &expand::Expansion) {
        let stay: BTreeSet<_> = expansion.pods.iter().map(|pod| &pod.name).collect();
        self.pods.retain(|name, pod| {
            let gone = expansion.finished.contains(name) || expansion.replaces(name, pod);
            stay.contains(name) || !gone
        });
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

    /// A warning for each policy whose namespace does not exist.
    fn homeless(&self, policies: &[(ObjectName, NetworkPolicy)]) -> Vec<Diagnostic> {
        let exists = |name: &String| {
            self.namespaces.contains_key(name) || ALWAYS_THERE.contains(&name.as_str())
        };
        let homeless = policies.iter().filter(|(name, _)| !exists(&name.namespace));
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
    intake.diagnostics = verdict(&texts, diagnostics)?;
    Ok((texts, intake))
}

/// `diagnostics` in the order of the input, with the lines they are about: an error if one of them is.
fn verdict(
    texts: &[Text],
    mut diagnostics: Vec<Diagnostic>,
) -> Result<Vec<Diagnostic>, Diagnostics> {
    for diagnostic in &mut diagnostics {
        let place = &diagnostic.location;
        let text = texts
            .iter()
            .find(|text| text.name == place.file && place.line > 0);
        let line = text.and_then(|text| text.content.lines().nth(place.line as usize - 1));
        diagnostic.snippet = line.map(|line| line.chars().take(LONGEST_SNIPPET).collect());
    }
    let order = |text: &Diagnostic| {
        texts
            .iter()
            .position(|read| read.name == text.location.file)
    };
    diagnostics.sort_by_cached_key(|diagnostic| {
        (
            order(diagnostic),
            diagnostic.location.line,
            diagnostic.location.column,
        )
    });
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    if diagnostics.iter().any(is_error) {
        return Err(Diagnostics(diagnostics));
    }
    Ok(diagnostics)
}

/// Characters of a line that diagnostics show.
const LONGEST_SNIPPET: usize = 400;
