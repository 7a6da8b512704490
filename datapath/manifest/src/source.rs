//! Where manifests come from.

use crate::{Diagnostic, Location, Severity};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that one file or stream may have.
const MOST_BYTES: u64 = 64 << 20;

/// What the files of a folder are called.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Manifests: YAML or JSON, any number of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a folder: then every `.yaml`, `.yml` and `.json` file in and below it, sorted by path.
    /// Hidden entries of a folder are left out.
    Path(PathBuf),
    /// The standard input.
    Stdin,
    /// Text from elsewhere.
    Text {
        /// What diagnostics call it.
        name: String,
        /// The manifests.
        text: String,
    },
}

impl Source {
    /// The source that a `-f` argument names: `-` is the standard input, all else a path.
    #[must_use]
    pub fn argument(argument: &str) -> Self {
        match argument {
            "-" => Self::Stdin,
            path => Self::Path(path.into()),
        }
    }

    /// Manifests in memory, called `name` in diagnostics.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// A source that was read.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) name: Arc<str>,
    pub(crate) content: String,
}

/// Reads every source; what cannot be read is a diagnostic each.
pub(crate) fn read(sources: &[Source], diagnostics: &mut Vec<Diagnostic>) -> Vec<Text> {
    let mut texts = vec![];
    for source in sources {
        match source {
            Source::Path(path) => read_path(path, &mut texts, diagnostics),
            Source::Stdin => keep(
                "<stdin>".into(),
                bytes(io::stdin().lock()),
                &mut texts,
                diagnostics,
            ),
            Source::Text { name, text } => texts.push(Text {
                name: name.as_str().into(),
                content: text.clone(),
            }),
        }
    }
    texts
}

fn read_path(path: &Path, texts: &mut Vec<Text>, diagnostics: &mut Vec<Diagnostic>) {
    let files = if path.is_dir() {
        files_below(path)
    } else {
        Ok(vec![path.to_owned()])
    };
    match files {
        Err(error) => diagnostics.push(unreadable(&name(path), &error)),
        Ok(files) if files.is_empty() => diagnostics.push(no_manifests(path)),
        Ok(files) => {
            for file in files {
                let content = fs::File::open(&file).and_then(bytes);
                keep(name(&file), content, texts, diagnostics);
            }
        }
    }
}

/// The manifests in and below a folder. Links to folders are not followed: they may lead around in a circle.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if is_manifest(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && !path.is_dir()
}

fn name(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// All of `reader`, or no more than one byte over what is allowed.
fn bytes(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    reader.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn keep(
    name: Arc<str>,
    bytes: io::Result<Vec<u8>>,
    texts: &mut Vec<Text>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let bytes = match bytes {
        Err(error) => return diagnostics.push(unreadable(&name, &error)),
        Ok(bytes) if bytes.len() as u64 > MOST_BYTES => return diagnostics.push(too_long(&name)),
        Ok(bytes) => bytes,
    };
    match String::from_utf8(bytes) {
        Ok(content) if !content.contains('\0') => texts.push(Text { name, content }),
        _ => diagnostics.push(not_text(&name)),
    }
}

fn unreadable(name: &Arc<str>, error: &io::Error) -> Diagnostic {
    whole(name, format!("cannot be read: {error}"), None)
}

fn too_long(name: &Arc<str>) -> Diagnostic {
    let message = format!("is longer than {} MiB", MOST_BYTES >> 20);
    whole(
        name,
        message,
        Some("split it, or leave out the kinds that are not needed"),
    )
}

fn not_text(name: &Arc<str>) -> Diagnostic {
    let help = "manifests are YAML or JSON in UTF-8";
    whole(name, "is not a text file".to_owned(), Some(help))
}

fn no_manifests(folder: &Path) -> Diagnostic {
    let help = "a folder is searched for .yaml, .yml and .json files";
    whole(
        &name(folder),
        "has no manifests in it".to_owned(),
        Some(help),
    )
}

/// A diagnostic about a whole file.
pub(crate) fn whole(name: &Arc<str>, message: String, help: Option<&str>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: Location {
            file: Arc::clone(name),
            line: 0,
            column: 0,
        },
        subject: name.to_string(),
        message,
        help: help.map(str::to_owned),
        snippet: None,
    }
}
