//! The manifests that a command works on.

use crate::exit::{Exit, Failure};
use crate::output::warn;
use crate::style::{BAD, CARE, FAINT};
use anyhow::anyhow;
use manifest::{Applied, Cluster, Diagnostic, Diagnostics, Severity, Source};

/// The flag that names them.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Manifests {
    /// Manifests: a YAML or JSON file, a folder of them, or - for standard input; may be given several times
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|DIR|-",
        value_delimiter = ','
    )]
    filename: Vec<String>,
    /// Nodes that there are at least; pods that name none are spread over all of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    nodes: Option<u16>,
}

/// What was read.
pub(crate) struct Loaded {
    /// The objects.
    pub(crate) cluster: Cluster,
    /// What the reading came to, the text included.
    pub(crate) applied: Applied,
}

impl Manifests {
    /// How many nodes there are at least.
    pub(crate) fn nodes(&self) -> u16 {
        self.nodes.unwrap_or(0)
    }

    /// Reads them and prints warnings.
    ///
    /// # Errors
    /// When none were given, they hold no pods, or something in them is wrong: then that is printed.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let loaded = self.load_if_given()?.ok_or_else(none_given)?;
        if loaded.cluster.pods.is_empty() {
            let failure = Failure::new(Exit::BadInput, anyhow!("the manifests have no pods"));
            return Err(failure.help(
                "pods come from Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs",
            ));
        }
        Ok(loaded)
    }

    /// The same, if there are any.
    ///
    /// # Errors
    /// When something in them is wrong: then that is printed.
    pub(crate) fn load_if_given(&self) -> Result<Option<Loaded>, Failure> {
        if self.filename.is_empty() {
            return Ok(None);
        }
        let sources: Vec<Source> = self
            .filename
            .iter()
            .map(|name| Source::argument(name))
            .collect();
        let mut cluster = Cluster::spread(self.nodes());
        match cluster.apply(&sources) {
            Ok(applied) => {
                warn(&notes(&applied));
                Ok(Some(Loaded { cluster, applied }))
            }
            Err(diagnostics) => {
                warn(&errors(&diagnostics));
                Err(Failure::reported())
            }
        }
    }
}

fn none_given() -> Failure {
    let failure = Failure::new(Exit::BadInput, anyhow!("no manifests were given"));
    failure.help(
        "name a file or folder with -f, or pipe them in: kubectl get ns,no,po,netpol -A -o yaml | plumb … -f -",
    )
}

/// What the user should know of an input that can be used.
fn notes(applied: &Applied) -> String {
    let warnings = applied.warnings.iter();
    let warnings = warnings.map(|warning| format!("{}\n\n", warning.render(true)));
    let skipped = applied.skipped_line();
    let skipped = skipped.map(|line| format!("{FAINT}{line}{FAINT:#}\n"));
    warnings.chain(skipped).collect()
}

/// What is wrong with an input that cannot be used, and how much of it there is.
fn errors(diagnostics: &Diagnostics) -> String {
    let count = |severity| {
        let is_it = |diagnostic: &&Diagnostic| diagnostic.severity == severity;
        diagnostics.0.iter().filter(is_it).count()
    };
    let counted = |count, word| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let errors = counted(count(Severity::Error), "error");
    let warnings = match count(Severity::Warning) {
        0 => String::new(),
        some => format!(", {CARE}{}{CARE:#}", counted(some, "warning")),
    };
    format!(
        "{}\n\n{BAD}{errors}{BAD:#}{warnings}\n",
        diagnostics.render(true)
    )
}
