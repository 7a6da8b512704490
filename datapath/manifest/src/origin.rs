//! Where things are written.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A place in the user's input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Location {
    /// Path as the user gave it, `<stdin>`, or the name of an in-memory text.
    pub file: Arc<str>,
    /// Line, from 1. Zero: the object was made by the program, not read.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.pad(&self.file);
        }
        f.pad(&format!("{}:{}:{}", self.file, self.line, self.column))
    }
}

/// Where an object and each of its fields is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Where the object begins.
    pub location: Location,
    /// Line and column of each field, by its path as an API server writes it (`spec.ingress[0].ports[1].endPort`).
    pub fields: BTreeMap<String, (u32, u32)>,
}

impl Origin {
    /// An object that was made by the program: it is nowhere in the input.
    #[must_use]
    pub fn synthetic(what: &str) -> Self {
        Self {
            location: Location {
                file: what.into(),
                line: 0,
                column: 0,
            },
            fields: BTreeMap::new(),
        }
    }

    /// Where the field at `path` is written; its nearest written parent, or the object, when it is not.
    #[must_use]
    pub fn locate(&self, path: &str) -> Location {
        let mut path = path;
        loop {
            if let Some(&(line, column)) = self.fields.get(path) {
                return Location {
                    file: self.location.file.clone(),
                    line,
                    column,
                };
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.location.clone(),
            }
        }
    }
}
