//! A tree → a typed object, with every unknown field and every wrong type, not only the first.

use super::error::Error;
use super::scalar::Scalar;
use super::tree::{Content, Entry, Mark, Node};
use crate::report::Problem;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

/// Wrong types, and unknown fields, that are reported of one object.
const MOST_REPORTED: usize = 20;

/// What becomes of a field that the type does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// It is an error: it would silently change what the object means.
    Refused,
    /// It is left out: real objects have more fields than are read here.
    Ignored,
}

/// An object and where its fields are written.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) object: T,
    /// Line and column of every field that was read, by its path.
    pub(crate) fields: BTreeMap<String, (u32, u32)>,
    /// Unknown fields. The object is whole without them, so what else is wrong with it can be said as well.
    pub(crate) unknown: Vec<Problem>,
}

/// Reads `node` as a `T`.
///
/// A value of the wrong type ends the reading, so it is set aside and the object is read again without it,
/// until only right ones are left.
pub(crate) fn decode<'a, T: Deserialize<'a>>(
    node: &'a Node,
    unknown_fields: UnknownFields,
) -> Result<Decoded<T>, Vec<Problem>> {
    let notes = Notes {
        unknown_fields,
        wrong: RefCell::default(),
        unknown: RefCell::default(),
        fields: RefCell::default(),
    };
    let mut problems = vec![];
    let object = loop {
        match T::deserialize(Decoder {
            node,
            path: Path::Root,
            notes: &notes,
        }) {
            Ok(object) => break Some(object),
            Err(error) => {
                let (path, mark) = error.place.unwrap_or_else(|| (String::new(), node.mark));
                let hopeless = path.is_empty() || problems.len() >= MOST_REPORTED;
                let again = !notes.wrong.borrow_mut().insert(path.clone());
                let problem = Problem::new(error.message).path(path).mark(mark);
                problems.push(problem.maybe_help(error.help));
                if hopeless || again {
                    break None;
                }
            }
        }
    };
    let unknown = notes.unknown.into_inner().into_values();
    match object {
        Some(object) if problems.is_empty() => Ok(Decoded {
            object,
            fields: notes.fields.into_inner(),
            unknown: unknown.collect(),
        }),
        _ => {
            problems.extend(unknown);
            Err(problems)
        }
    }
}

/// What is noticed on the way.
struct Notes {
    unknown_fields: UnknownFields,
    wrong: RefCell<BTreeSet<String>>,
    unknown: RefCell<BTreeMap<String, Problem>>,
    fields: RefCell<BTreeMap<String, (u32, u32)>>,
}

impl Notes {
    fn unknown(&self, path: &Path<'_>, entry: &Entry, allowed: &[&str]) {
        let mut unknown = self.unknown.borrow_mut();
        if self.unknown_fields == UnknownFields::Ignored || unknown.len() >= MOST_REPORTED {
            return;
        }
        let path = path.to_string();
        let problem = Problem::new(format!("there is no field `{}` here", entry.key))
            .path(path.clone())
            .mark(entry.mark)
            .help(likely(&entry.key, allowed));
        unknown.insert(path, problem);
    }

    /// Notes where `path` is written; tells whether it is to be read.
    fn visit(&self, path: &Path<'_>, mark: Mark) -> bool {
        let path = path.to_string();
        let wanted = !self.wrong.borrow().contains(&path);
        self.fields
            .borrow_mut()
            .insert(path, (mark.line, mark.column));
        wanted
    }
}

/// The help for an unknown field: the one that was probably meant, and all there are.
fn likely(unknown: &str, allowed: &[&str]) -> String {
    let lower = unknown.to_lowercase();
    let distance = |field: &str| strsim::osa_distance(&lower, &field.to_lowercase());
    let nearest = allowed.iter().min_by_key(|field| distance(field));
    let all = allowed.join(", ");
    match nearest {
        Some(field) if distance(field) <= 1 + unknown.len() / 4 => {
            format!("did you mean `{field}`? Allowed here: {all}")
        }
        _ => format!("allowed here: {all}"),
    }
}

/// The way from the root of the object to a node, as an API server writes it.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Key(parent, key) => write!(f, "{parent}[{key}]"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
struct Decoder<'a, 'p> {
    node: &'a Node,
    path: Path<'p>,
    notes: &'p Notes,
}

impl<'a> Decoder<'a, '_> {
    fn scalar<V: Visitor<'a>>(scalar: &'a Scalar, visitor: V) -> Result<V::Value, Error> {
        match scalar {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(value) => visitor.visit_bool(*value),
            Scalar::Integer(value) => visitor.visit_i64(*value),
            Scalar::Float(value) => visitor.visit_f64(*value),
            Scalar::Text(text) => visitor.visit_borrowed_str(text),
        }
    }

    fn entries<V: Visitor<'a>>(
        self,
        entries: &'a [Entry],
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Entries {
            parent: self,
            rest: entries.iter(),
            fields,
            value: None,
        })
    }
}

impl<'a> Deserializer<'a> for Decoder<'a, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Scalar(scalar) => Self::scalar(scalar, visitor),
            Content::Sequence(items) => visitor.visit_seq(Items {
                parent: self,
                rest: items.iter().enumerate(),
            }),
            Content::Mapping(entries) => self.entries(entries, None, visitor),
        }
        .map_err(|error| error.at(self.path, self.node.mark))
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.is_null() {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Mapping(entries) => self.entries(entries, Some(fields), visitor),
            // A visitor of a struct may take a sequence, too; an API server does not.
            Content::Sequence(_) => Err(serde::de::Error::invalid_type(Unexpected::Seq, &visitor)),
            Content::Scalar(scalar) => Self::scalar(scalar, visitor),
        }
        .map_err(|error| error.at(self.path, self.node.mark))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier
    }
}

/// The items of a sequence.
struct Items<'a, 'p> {
    parent: Decoder<'a, 'p>,
    rest: std::iter::Enumerate<std::slice::Iter<'a, Rc<Node>>>,
}

impl<'a> SeqAccess<'a> for Items<'a, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Decoder { path, notes, .. } = self.parent;
        for (index, node) in self.rest.by_ref() {
            let path = Path::Index(&path, index);
            if notes.visit(&path, node.mark) {
                return seed.deserialize(Decoder { node, path, notes }).map(Some);
            }
        }
        Ok(None)
    }
}

/// The entries of a mapping: of a struct, if it has `fields`.
struct Entries<'a, 'p> {
    parent: Decoder<'a, 'p>,
    rest: std::slice::Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    value: Option<&'a Entry>,
}

impl<'p> Entries<'_, 'p> {
    fn path<'s>(&'s self, entry: &'s Entry) -> Path<'s>
    where
        'p: 's,
    {
        match self.fields {
            Some(_) => Path::Field(&self.parent.path, &entry.key),
            None => Path::Key(&self.parent.path, &entry.key),
        }
    }

    /// Whether there is something to read. In a struct `field: null` is the same as no field.
    fn wanted(&self, entry: &Entry) -> bool {
        let path = self.path(entry);
        let Some(fields) = self.fields else {
            return self.parent.notes.visit(&path, entry.value.mark);
        };
        if !fields.contains(&entry.key.as_str()) {
            self.parent.notes.unknown(&path, entry, fields);
            return false;
        }
        self.parent.notes.visit(&path, entry.value.mark) && !entry.value.is_null()
    }
}

impl<'a> MapAccess<'a> for Entries<'a, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        while let Some(entry) = self.rest.next() {
            if self.wanted(entry) {
                self.value = Some(entry);
                return seed
                    .deserialize(BorrowedStrDeserializer::new(&entry.key))
                    .map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(entry) = self.value.take() else {
            return Err(serde::de::Error::custom("a value without a key"));
        };
        let path = self.path(entry);
        let notes = self.parent.notes;
        seed.deserialize(Decoder {
            node: &entry.value,
            path,
            notes,
        })
    }
}
