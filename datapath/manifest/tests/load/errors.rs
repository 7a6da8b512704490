//! Every kind of error and warning, as users see it: `bad/NAME.yaml` → `snapshots/load__errors__NAME.snap`.

use manifest::{Cluster, Source};
use std::fs;
use std::path::PathBuf;

#[test]
fn bad_input_is_explained() {
    for path in files() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let mut cluster = Cluster::default();
        let said = match cluster.apply(&[Source::text(name, text)]) {
            Ok(applied) => {
                assert!(!applied.warnings.is_empty(), "{name} loads without a word");
                let warnings: Vec<_> = applied
                    .warnings
                    .iter()
                    .map(std::string::ToString::to_string)
                    .collect();
                warnings.join("\n\n")
            }
            Err(errors) => {
                assert_eq!(
                    cluster,
                    Cluster::default(),
                    "{name} is refused and yet changed something"
                );
                errors.to_string()
            }
        };
        insta::assert_snapshot!(stem, said);
    }
}

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/load/bad");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn colours_are_only_those_asked_for() {
    let errors = crate::world::refuse("kind: Pod\n");
    assert!(!errors.render(false).contains('\x1b'));
    insta::assert_snapshot!("in_colour", errors.render(true).replace('\x1b', "ESC"));
}
