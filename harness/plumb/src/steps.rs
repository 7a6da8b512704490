//! `plumb steps`: the sentences that scenarios are made of.

use crate::exit::{Exit, Failure};
use crate::output::print;
use crate::style::{FAINT, HELP, STRONG};
use anyhow::anyhow;
use conformance::{PARAMETERS, Parameter, Step};
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  plumb steps           every step and what it means
  plumb steps connect   the steps about connecting, with examples
";

/// List the steps that scenarios are made of
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only steps with this word in them, and an example of each
    word: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When no step has the word.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let word = arguments.word.as_deref().unwrap_or_default().to_lowercase();
    let mut steps = conformance::steps();
    steps.retain(|step| has_word(step, &word));
    if steps.is_empty() {
        let failure = Failure::new(Exit::NothingRan, anyhow!("no step has `{word}` in it"));
        return Err(failure.help("`plumb steps` lists all of them"));
    }
    print(|out| write(out, &steps, !word.is_empty()))?;
    Ok(Exit::Passed)
}

fn has_word(step: &Step, word: &str) -> bool {
    let texts = [step.expression, step.meaning, step.example];
    texts.iter().any(|text| text.to_lowercase().contains(word))
}

fn write(out: &mut dyn Write, steps: &[&Step], with_examples: bool) -> io::Result<()> {
    for (index, step) in steps.iter().enumerate() {
        if with_examples && index > 0 {
            writeln!(out)?;
        }
        write_step(out, step)?;
        if with_examples {
            write_example(out, step)?;
        }
    }
    write_parameters(out, steps)
}

/// The keyword it usually has, the sentence with its gaps in colour, and what it means.
fn write_step(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    let keyword = step.example.split(' ').next().unwrap_or_default();
    let sentence = step.expression.replace('{', &format!("{HELP}{{"));
    let sentence = sentence.replace('}', &format!("}}{HELP:#}"));
    writeln!(out, "{STRONG}{keyword:<5}{STRONG:#} {sentence}")?;
    writeln!(out, "      {FAINT}{}{FAINT:#}", step.meaning)
}

/// The example as it stands in a feature; its table or text a little to the right.
fn write_example(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    for line in step.example.lines() {
        writeln!(out, "        {}", line.strip_prefix("    ").unwrap_or(line))?;
    }
    Ok(())
}

/// What to write in the gaps of these steps.
fn write_parameters(out: &mut dyn Write, steps: &[&Step]) -> io::Result<()> {
    let is_used = |parameter: &&Parameter| {
        let gap = format!("{{{}}}", parameter.name);
        steps.iter().any(|step| step.expression.contains(&gap))
    };
    let used: Vec<&Parameter> = PARAMETERS.iter().filter(is_used).collect();
    if used.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}In the gaps{STRONG:#}")?;
    for parameter in used {
        let gap = format!("{{{}}}", parameter.name);
        writeln!(out, "  {HELP}{gap:<12}{HELP:#} {}", parameter.meaning)?;
    }
    Ok(())
}
