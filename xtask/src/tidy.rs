//! `cargo xtask tidy`: the rules of the house, as far as a program can read them.
//!
//! - `floors`: who may import whom, against `cargo metadata`.
//! - `manifests`: inherited lints and versions.
//! - `sources`: what each Rust file must and must not say.
//! - `readmes`: a crate's README and its crate docs open with the same promise.
//!
//! A fault names its file, line, rule and remedy. The same check is a test of this crate, so
//! that plain `cargo test` enforces the house.

mod floors;
mod manifests;
mod readmes;
mod rust;
mod sources;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::Command;
use crate::workspace::Workspace;

/// A rule that a line breaks.
#[derive(Debug)]
struct Fault {
    path: PathBuf,
    /// From 1.
    line: usize,
    rule: &'static str,
    /// What is wrong, then what to do instead.
    remedy: String,
}

impl Fault {
    fn new(path: &Path, line: usize, rule: &'static str, remedy: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            remedy,
        } = self;
        write!(f, "{}:{line}: {rule}: {remedy}", path.display())
    }
}

/// Checks everything and prints each fault.
pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    warn_of_duplicates();
    let faults = faults(&workspace);
    for fault in &faults {
        eprintln!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err("tidy: 1 fault".to_owned()),
        many => Err(format!("tidy: {many} faults")),
    }
}

fn faults(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = floors::check(workspace);
    faults.extend(manifests::check(workspace));
    faults.extend(sources::check(workspace));
    faults.extend(readmes::check(workspace));
    for fault in &mut faults {
        if let Ok(short) = fault.path.strip_prefix(&workspace.root) {
            fault.path = short.to_owned();
        }
    }
    faults.sort_by(|one, two| (&one.path, one.line).cmp(&(&two.path, two.line)));
    faults
}

/// Two versions of one crate cost build time and bytes, yet a dependency may leave no choice: a
/// warning. The benches are left out, their peers bring what they bring.
fn warn_of_duplicates() {
    let tree = "cargo tree --offline --workspace --exclude pelton-benches --duplicates \
        --depth 0 --prefix none --edges normal,build";
    let Ok(text) = Command::new(tree).output() else {
        return;
    };
    let mut twice: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    twice.dedup();
    for line in twice {
        eprintln!("warning: more than one version of a crate: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let workspace = Workspace::load().unwrap();
        let faults: Vec<String> = faults(&workspace).iter().map(Fault::to_string).collect();
        assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    }
}
