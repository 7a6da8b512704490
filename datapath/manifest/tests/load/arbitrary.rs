//! No input makes the loader panic, and a refused one changes nothing.

use manifest::{Cluster, Source};
use proptest::prelude::*;

const VALID: &str = include_str!("good/cluster.yaml");

/// Pieces that mean something to YAML or to the loader.
const PIECES: [&str; 24] = [
    "\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "|",
    "? ",
    "!!str ",
    "null",
    "-1",
    "99999999999999999999",
    "\u{feff}",
    "é",
    "kind: List\nitems:\n",
];

/// Whether the loader keeps its promise for `text`.
fn check(text: &str) -> Result<(), TestCaseError> {
    let mut cluster = Cluster::default();
    let outcome = cluster.apply(&[Source::text("input", text)]);
    if let Err(errors) = outcome {
        prop_assert!(!errors.0.is_empty());
        prop_assert!(!errors.render(true).is_empty());
        prop_assert_eq!(cluster, Cluster::default());
    }
    Ok(())
}

/// A change to a text: from where, how many characters, what instead.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, String)> {
    let piece = prop::sample::select(&PIECES[..]).prop_map(str::to_owned);
    let with = prop_oneof![4 => piece, 1 => Just(String::new()), 1 => ".{0,3}"];
    (any::<prop::sample::Index>(), 0..12_usize, with)
}

fn changed(text: &str, changes: &[(prop::sample::Index, usize, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, length, with) in changes {
        let start = place.index(text.len() + 1);
        let end = (start + length).min(text.len());
        text.splice(start..end, with.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in ".{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_valid_manifest_with_changes(changes in prop::collection::vec(change(), 1..6)) {
        check(&changed(VALID, &changes))?;
    }
}

#[test]
fn the_valid_manifest_is_valid() {
    check(VALID).unwrap();
    assert!(
        Cluster::default()
            .apply(&[Source::text("input", VALID)])
            .is_ok()
    );
}

#[test]
fn any_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    proptest!(ProptestConfig::with_cases(100), |(bytes: Vec<u8>)| {
        std::fs::write(&path, bytes).unwrap();
        let mut cluster = Cluster::default();
        if cluster.apply(&[Source::Path(path.clone())]).is_err() {
            prop_assert_eq!(cluster, Cluster::default());
        }
    });
}
