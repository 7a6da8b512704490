//! What every object has: a name, labels, and a place where it is written.

use super::known::{Kind, subject};
use crate::report::{Problem, location};
use crate::validate::{self, LogAnnotation};
use crate::yaml::{Node, UnknownFields, decode};
use crate::{Diagnostic, ObjectName, ObjectRef, Origin, Severity};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A result, or everything that is wrong.
pub(super) type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// An object as a tree.
pub(crate) struct RawObject<'a> {
    pub(crate) file: &'a Arc<str>,
    pub(crate) node: &'a Node,
    pub(crate) kind: &'static Kind,
}

/// The head of an object, and where its fields are written.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) meta: ObjectMeta,
    pub(crate) origin: Origin,
}

impl Head {
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.meta.labels.clone().unwrap_or_default()
    }

    /// What the annotation for audit mode says; what is wrong with it goes to `problems`.
    pub(crate) fn audit(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        let annotations = self.meta.annotations.as_ref()?;
        let audit = validate::audit(annotations.get(validate::AUDIT)?);
        let problem = |problem: Problem| {
            problems.push(problem.path(format!("metadata.annotations[{}]", validate::AUDIT)));
        };
        audit.map_err(problem).ok()
    }

    /// Whether `annotation` switches logging on; what only seems to goes to `warnings`.
    pub(crate) fn logs(&self, annotation: &LogAnnotation, warnings: &mut Vec<Problem>) -> bool {
        let Some(annotations) = &self.meta.annotations else {
            return false;
        };
        annotation.switch(annotations, warnings)
    }

    /// The name with the namespace; the namespace is empty for kinds that have none.
    pub(crate) fn object_name(&self) -> ObjectName {
        ObjectName::new(
            self.namespace.clone().unwrap_or_default(),
            self.name.clone(),
        )
    }
}

/// An object whose fields have the right types.
pub(crate) struct Typed<T> {
    pub(crate) head: Head,
    pub(crate) body: T,
    /// Fields that it does not have, and what is wrong with the head.
    pub(crate) problems: Vec<Problem>,
}

impl RawObject<'_> {
    /// Reads the object as a `T`, whose metadata `meta` finds.
    pub(crate) fn typed<T: DeserializeOwned>(
        &self,
        unknown_fields: UnknownFields,
        meta: impl FnOnce(&T) -> &ObjectMeta,
    ) -> Outcome<Typed<T>> {
        let decoded = decode::<T>(self.node, unknown_fields)
            .map_err(|problems| self.errors(problems, None))?;
        let origin = Origin {
            location: location(self.file, self.node.mark),
            fields: decoded.fields,
        };
        let meta = meta(&decoded.object).clone();
        let namespace = meta
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty());
        let mut problems = decoded.unknown;
        problems.extend(validate::metadata(&meta, self.kind.name));
        let head = Head {
            namespace: self
                .kind
                .namespaced
                .then(|| namespace.unwrap_or_else(|| "default".to_owned())),
            name: meta.name.clone().unwrap_or_default(),
            meta,
            origin,
        };
        Ok(Typed {
            head,
            body: decoded.object,
            problems,
        })
    }

    /// `problems` of this object as diagnostics.
    pub(crate) fn errors(
        &self,
        problems: Vec<Problem>,
        origin: Option<&Origin>,
    ) -> Vec<Diagnostic> {
        self.diagnostics(problems, origin, Severity::Error)
    }

    pub(crate) fn diagnostics(
        &self,
        problems: Vec<Problem>,
        origin: Option<&Origin>,
        severity: Severity,
    ) -> Vec<Diagnostic> {
        let subject = self.subject();
        let place = |problem: &Problem| match (problem.mark, origin) {
            (Some(mark), _) => location(self.file, mark),
            (None, Some(origin)) => origin.locate(&problem.path),
            (None, None) => location(self.file, self.node.mark),
        };
        problems
            .into_iter()
            .map(|problem| {
                let place = place(&problem);
                problem.about(&subject, place, severity)
            })
            .collect()
    }

    /// `Ok` if there are no problems.
    pub(crate) fn check(&self, problems: Vec<Problem>, origin: &Origin) -> Outcome<()> {
        if problems.is_empty() {
            return Ok(());
        }
        Err(self.errors(problems, Some(origin)))
    }

    /// The name that the object goes by in results and diagnostics, once it is known to be sound.
    pub(super) fn reference(&self) -> ObjectRef {
        let metadata = |field| {
            let text = self.node.get("metadata")?.get(field)?.text()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let namespace = || metadata("namespace").unwrap_or_else(|| "default".to_owned());
        ObjectRef {
            kind: self.kind.name.to_owned(),
            namespace: self.kind.namespaced.then(namespace),
            name: metadata("name").unwrap_or_default(),
        }
    }

    fn subject(&self) -> String {
        subject(self.node, Some(("", self.kind.name)))
    }
}
