//! `cargo xtask bench`: builds the bench runner and hands the flags on.
//!
//! The runner is the crate in `benches/`; its `--help` knows the flags. A smoke run takes the
//! development profile, which the tests have built already, and only the light peers.

use crate::Outcome;
use crate::command::Command;

/// Runs the bench runner with `arguments`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let smoke = arguments.iter().any(|argument| argument == "--smoke");
    let build = match smoke {
        true => "cargo run --quiet -p pelton-benches --",
        false => "cargo run --quiet --profile bench --features peers -p pelton-benches --",
    };
    let command = arguments.iter().fold(Command::new(build), Command::arg);
    println!("$ {command}");
    match command.succeeds()? {
        true => Ok(()),
        false => Err("the bench runner reported a failure".to_owned()),
    }
}
