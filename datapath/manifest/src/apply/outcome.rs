//! What applying did.

use crate::{Diagnostic, Location};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// An object by its kind and name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectRef {
    /// The kind, as it is written.
    pub kind: String,
    /// The namespace, of kinds that have one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// What [`Cluster::apply`](crate::Cluster::apply) did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// The objects that came in, in the order of their names.
    pub objects: Vec<ObjectRef>,
    /// How many objects of each kind that says nothing about the network were left out.
    pub skipped: BTreeMap<String, usize>,
    /// How many pods were left out because they have run to their end.
    pub finished: usize,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
    /// What was read, by the name that locations give it.
    pub texts: BTreeMap<Arc<str>, String>,
}

impl Applied {
    /// The line of the input at `location`, without its line break. `None` for what was made by the program.
    #[must_use]
    pub fn line(&self, location: &Location) -> Option<&str> {
        let index = (location.line as usize).checked_sub(1)?;
        self.texts.get(&location.file)?.lines().nth(index)
    }

    /// What was left out, in one line: `skipped 3 ConfigMaps, 1 Ingress`. `None` if nothing was.
    #[must_use]
    pub fn skipped_line(&self) -> Option<String> {
        let kinds = self
            .skipped
            .iter()
            .map(|(kind, &count)| counted(count, kind));
        let finished = (self.finished > 0).then(|| counted(self.finished, "finished Pod"));
        let parts: Vec<_> = kinds.chain(finished).collect();
        (!parts.is_empty()).then(|| format!("skipped {}", parts.join(", ")))
    }
}

/// `1 Ingress`, `2 Ingresses`.
fn counted(count: usize, kind: &str) -> String {
    let plural = match kind {
        _ if count == 1 => kind.to_owned(),
        "Endpoints" => kind.to_owned(),
        _ if kind.ends_with(['s', 'x']) || kind.ends_with("ch") => format!("{kind}es"),
        _ => match kind.strip_suffix("cy") {
            Some(stem) => format!("{stem}cies"),
            None => format!("{kind}s"),
        },
    };
    format!("{count} {plural}")
}
