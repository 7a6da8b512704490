//! The command line of a bench.

use crate::record;
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Rounds without `--rounds`.
const ROUNDS: u16 = 7;

/// What the command line asks for: `--rounds N`, `--record FILE`, and what the bench itself knows.
pub struct Arguments {
    /// How often each measurement is taken, at least once.
    pub rounds: u16,
    values: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the command line of this process. `known` are the flags of this bench, each with a value.
    ///
    /// # Errors
    /// A flag that nobody knows or that has no value.
    pub fn read(known: &[&str]) -> anyhow::Result<Self> {
        // cargo bench adds `--bench`.
        let words = std::env::args().skip(1).filter(|word| word != "--bench");
        Self::parse(words, known)
    }

    fn parse(mut words: impl Iterator<Item = String>, known: &[&str]) -> anyhow::Result<Self> {
        let known = [&["--rounds", "--record"], known].concat();
        let mut values = BTreeMap::new();
        while let Some(flag) = words.next() {
            if !known.contains(&flag.as_str()) {
                bail!("unknown argument {flag}: known are {}", known.join(", "));
            }
            let value = words
                .next()
                .with_context(|| format!("{flag} needs a value"))?;
            values.insert(flag, value);
        }
        let rounds = match values.get("--rounds") {
            Some(text) => text
                .parse()
                .with_context(|| format!("--rounds {text}: a number up to {}", u16::MAX))?,
            None => ROUNDS,
        };
        ensure!(rounds > 0, "--rounds 0: nothing would be measured");
        Ok(Self { rounds, values })
    }

    /// The value of a flag of this bench, if it was given.
    #[must_use]
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }

    /// Writes the results to the file of `--record`, with what is needed to read them: kernel, processors, rounds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&self, results: &[Value]) -> anyhow::Result<()> {
        match self.value("--record") {
            Some(path) => record::write(Path::new(path), self.rounds, results),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Arguments> {
        let words = line.split_whitespace().map(str::to_owned);
        Arguments::parse(words, &["--corpus"])
    }

    #[test]
    fn flags_have_values_and_rounds_a_default() {
        let arguments = parse("").unwrap();
        assert_eq!(arguments.rounds, ROUNDS);
        assert_eq!(arguments.value("--corpus"), None);
        let arguments = parse("--corpus cases --rounds 3").unwrap();
        assert_eq!(arguments.rounds, 3);
        assert_eq!(arguments.value("--corpus"), Some("cases"));
    }

    fn check_refused(line: &str, expected: &str) {
        let error = parse(line).err().expect(line);
        assert_eq!(error.to_string(), expected, "{line}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check_refused(
            "--round 3",
            "unknown argument --round: known are --rounds, --record, --corpus",
        );
        check_refused("--record", "--record needs a value");
        check_refused("--rounds few", "--rounds few: a number up to 65535");
        check_refused("--rounds 0", "--rounds 0: nothing would be measured");
    }
}
