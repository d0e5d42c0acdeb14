//! `cargo xtask bench`: builds the bench runner and hands the flags on.
//!
//! The runner is the crate in `benches/`; its `--help` knows the flags. A smoke run takes the
//! development profile, which the tests have built already, and only the light peers. The files
//! and events groups run programs: no peer has to be built for them. `crates` is criterion's: one
//! operation of one crate at a time.

use crate::Outcome;
use crate::command::Command;

/// Runs the bench runner with `arguments`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some((group, rest)) = arguments.split_first()
        && group == "crates"
    {
        return criterion(rest);
    }
    let asks = |word: &str| arguments.iter().any(|argument| argument.starts_with(word));
    let build = match (asks("--smoke"), asks("files") || asks("events")) {
        (true, _) => "cargo run --quiet -p pelton-benches --",
        (_, true) => "cargo run --quiet --release -p pelton-benches --",
        _ => "cargo run --quiet --profile bench --features peers -p pelton-benches --",
    };
    let command = arguments.iter().fold(Command::new(build), Command::arg);
    println!("$ {command}");
    match command.succeeds()? {
        true => Ok(()),
        false => Err("the bench runner reported a failure".to_owned()),
    }
}

/// Runs the criterion benchmarks; `arguments` are criterion's own.
fn criterion(arguments: &[String]) -> Outcome {
    let command = Command::new("cargo bench --quiet -p pelton-benches --bench crates --");
    let command = arguments.iter().fold(command, Command::arg);
    println!("$ {command}");
    match command.succeeds()? {
        true => Ok(()),
        false => Err("a benchmark failed".to_owned()),
    }
}
