//! The nodes of a document.

use super::scalar::Scalar;
use std::rc::Rc;

/// Where a node or a key begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1, in characters.
    pub(crate) column: u32,
}

/// A value and where it is written. Aliases share the node of their anchor.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) content: Content,
    /// How many nodes this one stands for with all aliases written out.
    pub(crate) weight: usize,
    /// How many levels of collections there are, this one included.
    pub(crate) depth: usize,
    /// Whether this is text whose lines are lines of the input, all of them from the column of the mark on.
    pub(crate) is_literal: bool,
}

/// What a node holds.
#[derive(Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: Rc<Node>,
}

impl Node {
    pub(crate) fn scalar(mark: Mark, scalar: Scalar) -> Self {
        Self {
            mark,
            content: Content::Scalar(scalar),
            weight: 1,
            depth: 0,
            is_literal: false,
        }
    }

    pub(crate) fn sequence(mark: Mark, items: Vec<Rc<Self>>) -> Self {
        Self {
            mark,
            weight: weight(&items, |item| item),
            depth: depth(&items, |item| item),
            content: Content::Sequence(items),
            is_literal: false,
        }
    }

    pub(crate) fn mapping(mark: Mark, entries: Vec<Entry>) -> Self {
        Self {
            mark,
            weight: weight(&entries, |entry| &entry.value),
            depth: depth(&entries, |entry| &entry.value),
            content: Content::Mapping(entries),
            is_literal: false,
        }
    }

    /// Whether nothing is written here.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar(Scalar::Null))
    }

    /// The entries, if this is a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if this is a sequence.
    pub(crate) fn items(&self) -> Option<&[Rc<Self>]> {
        match &self.content {
            Content::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Where something is in the input that is at `inner` in this text; the beginning of the text if its lines do not
    /// stand there as they are.
    pub(crate) fn mark_in_text(&self, inner: Mark) -> Mark {
        if !self.is_literal {
            return self.mark;
        }
        let text = self.text().unwrap_or_default();
        let blank = text.bytes().take_while(|byte| *byte == b'\n').count();
        let blank = u32::try_from(blank).unwrap_or(u32::MAX);
        Mark {
            line: (self.mark.line + inner.line).saturating_sub(blank + 1),
            column: self.mark.column + inner.column.saturating_sub(1),
        }
    }

    /// The value of `key`, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries()?.iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }
}

fn weight<T>(children: &[T], node: impl Fn(&T) -> &Rc<Node>) -> usize {
    children
        .iter()
        .fold(1, |sum, child| sum.saturating_add(node(child).weight))
}

fn depth<T>(children: &[T], node: impl Fn(&T) -> &Rc<Node>) -> usize {
    let deepest = children.iter().map(|child| node(child).depth).max();
    1 + deepest.unwrap_or(0)
}
