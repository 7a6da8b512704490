//! Parser events → a tree a document.

use super::scalar::Scalar;
use super::tree::{Entry, Mark, Node};
use crate::report::Problem;
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Values that one document may have, with its aliases written out; a bomb stands for billions.
const MOST_VALUES: usize = 4_000_000;

/// Collections inside collections; no Kubernetes object comes near.
const DEEPEST: usize = 128;

/// The documents of `text`, in order. After a syntax error reading goes on at the next document.
pub(crate) fn compose(text: &str) -> impl Iterator<Item = Result<Rc<Node>, Problem>> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    std::iter::from_fn(move || next_document(&mut parser))
}

fn next_document<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Option<Result<Rc<Node>, Problem>> {
    let mut document = Document::default();
    loop {
        let step = match parser.next_event()? {
            Ok((event, span)) => document.accept(event, span),
            Err(error) => Err(syntax_problem(&error)),
        };
        match step {
            Ok(None) => {}
            Ok(Some(root)) => return Some(Ok(root)),
            Err(problem) => {
                // An error of the recovery itself ends the text: the next event is `None`.
                let _ = parser.proceed_next_document();
                return Some(Err(problem));
            }
        }
    }
}

fn syntax_problem(error: &ScanError) -> Problem {
    Problem::new(format!("this is not valid YAML: {}", error.info())).mark(mark(*error.marker()))
}

fn mark(marker: Marker) -> Mark {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Mark {
        line: count(marker.line().max(1)),
        column: count(marker.col().saturating_add(1)),
    }
}

/// A document that is being read.
#[derive(Default)]
struct Document {
    open: Vec<Collection>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    values: usize,
}

/// A collection whose end has not come yet.
struct Collection {
    mark: Mark,
    anchor: usize,
    parts: Parts,
}

enum Parts {
    Sequence(Vec<Rc<Node>>),
    Mapping {
        entries: Vec<Entry>,
        positions: HashMap<String, Mark>,
        key: Option<(String, Mark)>,
        merges: Vec<Rc<Node>>,
    },
}

impl Document {
    /// Takes the next event; gives the root at the end of the document.
    fn accept(&mut self, event: Event<'_>, span: Span) -> Result<Option<Rc<Node>>, Problem> {
        let mark = mark(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), mark)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(mark, anchor, Parts::Sequence(vec![])),
            Event::MappingStart(_, anchor, _) => self.begin(mark, anchor, Parts::mapping()),
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor, mark)?,
            Event::DocumentEnd => return Ok(self.root.take()),
            _ => {}
        }
        Ok(None)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        mark: Mark,
    ) -> Result<(), Problem> {
        if let Some(Collection {
            parts:
                Parts::Mapping {
                    key: key @ None,
                    positions,
                    ..
                },
            ..
        }) = self.open.last_mut()
        {
            let first = *positions.entry(text.to_owned()).or_insert(mark);
            if first != mark && text != "<<" {
                return Err(duplicate_key(text, mark, first));
            }
            *key = Some((text.to_owned(), mark));
            return Ok(());
        }
        let is_string = tag.and_then(Tag::core_suffix) == Some("str");
        let scalar = match style {
            ScalarStyle::Plain if !is_string => Scalar::plain(text),
            _ => Scalar::Text(text.to_owned()),
        };
        let mut node = Node::scalar(mark, scalar);
        node.is_literal = style == ScalarStyle::Literal;
        self.finish(node, anchor)
    }

    fn begin(&mut self, mark: Mark, anchor: usize, parts: Parts) {
        self.open.push(Collection {
            mark,
            anchor,
            parts,
        });
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(Collection {
            mark,
            anchor,
            parts,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let node = match parts {
            Parts::Sequence(items) => Node::sequence(mark, items),
            Parts::Mapping {
                entries, merges, ..
            } => Node::mapping(mark, merge(entries, &merges)?),
        };
        if node.depth > DEEPEST {
            return Err(
                Problem::new(format!("more than {DEEPEST} collections inside each other"))
                    .mark(mark),
            );
        }
        self.finish(node, anchor)
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(
                Problem::new("this alias stands for a value that contains it")
                    .mark(mark)
                    .help("write the value out"),
            );
        };
        self.count(node.weight, mark)?;
        self.place(node)
    }

    fn count(&mut self, values: usize, mark: Mark) -> Result<(), Problem> {
        self.values = self.values.saturating_add(values);
        if self.values > MOST_VALUES {
            return Err(Problem::new(format!(
                "the document has more than {MOST_VALUES} values, aliases written out"
            ))
            .mark(mark)
            .help("split it into several documents"));
        }
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.count(1, node.mark)?;
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.place(node)
    }

    /// Puts a complete node where it belongs: into the innermost open collection, or at the root.
    fn place(&mut self, node: Rc<Node>) -> Result<(), Problem> {
        match self.open.last_mut().map(|collection| &mut collection.parts) {
            None => self.root = Some(node),
            Some(Parts::Sequence(items)) => items.push(node),
            Some(Parts::Mapping {
                entries,
                key,
                merges,
                ..
            }) => match key.take() {
                None => {
                    return Err(
                        Problem::new("a key must be a single word or a quoted string")
                            .mark(node.mark),
                    );
                }
                Some((key, _)) if key == "<<" => merges.push(node),
                Some((key, mark)) => entries.push(Entry {
                    key,
                    mark,
                    value: node,
                }),
            },
        }
        Ok(())
    }
}

impl Parts {
    fn mapping() -> Self {
        Self::Mapping {
            entries: vec![],
            positions: HashMap::new(),
            key: None,
            merges: vec![],
        }
    }
}

fn duplicate_key(key: &str, mark: Mark, first: Mark) -> Problem {
    Problem::new(format!(
        "the key `{key}` is written twice, first in line {}",
        first.line
    ))
    .mark(mark)
    .help("keep one of them")
}

/// `<<: *defaults`: the entries of `merges` wherever the mapping itself does not say otherwise.
fn merge(mut entries: Vec<Entry>, merges: &[Rc<Node>]) -> Result<Vec<Entry>, Problem> {
    let mut known: HashSet<String> = match merges {
        [] => return Ok(entries),
        _ => entries.iter().map(|entry| entry.key.clone()).collect(),
    };
    for source in merges {
        for node in source.items().unwrap_or(std::slice::from_ref(source)) {
            let Some(defaults) = node.entries() else {
                return Err(
                    Problem::new("`<<` needs a mapping or a list of mappings").mark(node.mark)
                );
            };
            let missing = defaults
                .iter()
                .filter(|entry| known.insert(entry.key.clone()));
            entries.extend(missing.cloned());
        }
    }
    Ok(entries)
}
