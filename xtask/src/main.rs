//! The tasks of the project: `cargo xtask verify | tidy | bench | data | package`.
//!
//! One binary, std alone, no pelton crate: it must build in seconds, also while the workspace
//! itself does not. The flags are in `flags.rs`; each command is one file with a short `run`.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks by printing"
)]

mod bench;
mod command;
mod data;
mod flags;
mod json;
mod package;
mod sha256;
mod tidy;
mod verify;
mod workspace;

use std::process::ExitCode;

/// What a task answers: nothing, or one sentence that says what is wrong.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match flags::parse(&arguments).and_then(from_the_root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Every path a task shows or takes is one from the root of the project.
fn from_the_root(task: flags::Task) -> Outcome {
    let root = workspace::root();
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    dispatch(task)
}

fn dispatch(task: flags::Task) -> Outcome {
    match task {
        flags::Task::Help => {
            println!("{}", flags::HELP);
            Ok(())
        }
        flags::Task::Verify(options) => verify::run(&options),
        flags::Task::Tidy => tidy::run(),
        flags::Task::Bench(options) => bench::run(&options),
        flags::Task::Data { check } => data::run(check),
        flags::Task::Package { only } => package::run(only.as_deref()),
    }
}
