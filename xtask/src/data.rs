//! `cargo xtask data`: the inputs of benches and examples.
//!
//! Small samples lie in `data/`, each with its row in the table of `data/README.md` (file, bytes,
//! rows, sha256, origin, licence); `--check` compares them with it. Large inputs are made by
//! `pelton gen` from a seed, into `data/generated/`, which git does not see.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::command::Command;
use crate::sha256;
use crate::workspace::root;

/// The large inputs: file, kind, size.
const LARGE: &[(&str, &str, &str)] = &[
    ("orders.csv", "orders", "1GiB"),
    ("events.ndjson", "events", "1GiB"),
    ("access.log", "log", "1GiB"),
    ("numbers.csv", "numbers", "1GiB"),
];

/// The seed of every generated input.
const SEED: &str = "1";

/// Generates the large inputs, or with `check` compares the samples with their sums.
pub(crate) fn run(check: bool) -> Outcome {
    let folder = root().join("data");
    match check {
        true => check_samples(&folder),
        false => generate(&folder.join("generated")),
    }
}

fn generate(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, kind, size) in LARGE {
        let path = folder.join(name);
        if path.exists() {
            println!("{} is there", path.display());
            continue;
        }
        let command = Command::new("cargo run --quiet --release -p pelton-cli -- gen")
            .args(&format!("{kind} --size {size} --seed {SEED} -o"))
            .arg(path.to_string_lossy());
        println!("$ {command}");
        if !command.succeeds()? {
            return Err(format!("{} was not generated", path.display()));
        }
    }
    Ok(())
}

fn check_samples(folder: &Path) -> Outcome {
    let readme = folder.join("README.md");
    let text = fs::read_to_string(&readme).map_err(|e| format!("{}: {e}", readme.display()))?;
    let samples: Vec<Sample<'_>> = text.lines().filter_map(Sample::from_row).collect();
    for sample in &samples {
        sample.check(folder)?;
    }
    println!("{} samples are as `data/README.md` says", samples.len());
    Ok(())
}

/// One row of the table.
struct Sample<'a> {
    name: &'a str,
    bytes: &'a str,
    rows: &'a str,
    sum: &'a str,
}

impl<'a> Sample<'a> {
    /// Reads `| file | bytes | rows | sha256 | origin | licence |`; none of any other line.
    fn from_row(line: &'a str) -> Option<Self> {
        let plain = |cell: &'a str| cell.trim().trim_matches('`');
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(plain)
            .collect();
        let [name, bytes, rows, sum, _, _] = cells[..] else {
            return None;
        };
        (sum.len() == 64).then_some(Self {
            name,
            bytes,
            rows,
            sum,
        })
    }

    fn check(&self, folder: &Path) -> Outcome {
        let path = folder.join(self.name);
        let contents = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let sum = sha256::hex(&contents);
        let bytes = contents.len().to_string();
        for (what, said, found) in [("bytes", self.bytes, &bytes), ("sha256", self.sum, &sum)] {
            if said != found {
                let Self { name, rows, .. } = self;
                return Err(format!(
                    "data/{name} ({rows} rows): {what} is {found}, data/README.md says {said}"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_table_are_samples_and_nothing_else_is() {
        let sum = "0".repeat(64);
        let row = format!("| `a.csv` | 12 | 3 | `{sum}` | generated | CC0-1.0 |");
        let sample = Sample::from_row(&row).unwrap();
        assert_eq!(
            (sample.name, sample.bytes, sample.rows),
            ("a.csv", "12", "3")
        );
        assert!(Sample::from_row("| file | bytes | rows | sha256 | origin | licence |").is_none());
        assert!(Sample::from_row("some text").is_none());
    }

    #[test]
    fn a_changed_sample_is_named() {
        let sum = "0".repeat(64);
        let row = format!("| Cargo.toml | 1 | 3 | {sum} | here | MIT |");
        let sample = Sample::from_row(&row).unwrap();
        let fault = sample.check(&root()).unwrap_err();
        assert!(
            fault.contains("data/Cargo.toml (3 rows): bytes is"),
            "{fault}"
        );
    }
}
