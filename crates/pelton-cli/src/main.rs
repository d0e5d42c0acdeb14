//! The pelton command: data pipelines from the command line.
//!
//! Data goes to standard output or to files and nothing else does; reports, progress and errors go
//! to standard error. The exit code is 0 when all is done, 1 when it is done but records were
//! refused, 2 when it could not be done.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the crate that prints"
)]

mod command;
mod generate;
mod lines;
mod open_files;
mod outbound;
mod progress;
mod secure;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pelton::pool::memory;
use pelton::simd::Level;

use command::{check, demo, gen_data, run, send, serve, sql, text};

/// Process files at the speed of the machine: filter, compute, group and write, on all cores,
/// inside a memory limit, with an account of every record.
#[derive(Debug, Parser)]
#[command(name = "pelton", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a pipeline file (TOML, YAML or JSON).
    Run(run::Arguments),
    /// Run one SELECT over a file.
    Sql(sql::Arguments),
    /// Change lines of text, or count their words.
    Text(text::Arguments),
    /// Run a pipeline without an end: listen, and put away what comes.
    Serve(serve::Arguments),
    /// Make up data: any amount, the same for the same seed.
    Gen(gen_data::Arguments),
    /// Send files to a server, record by record, with acknowledgement if wanted.
    Send(send::Arguments),
    /// Show what it does: make up a million orders and run a pipeline over them.
    Demo(demo::Arguments),
    /// Check a pipeline file without running it.
    Check(check::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  pelton gen orders --rows 1000000 -o orders.csv
  pelton sql \"SELECT country, count(*) AS orders FROM 'orders.csv' GROUP BY country\"
  pelton run pipeline.toml --memory-limit 50MB
  pelton serve --listen 127.0.0.1:9000 --out events.ndjson

Exit codes: 0 done, 1 done but records were refused, 2 could not be done.";

/// Sets the instructions that kernels may use, for who compares them: `scalar`, `sse`, `avx2`,
/// `avx512`, or `auto`, the best there are.
const SIMD: &str = "PELTON_SIMD";

fn main() -> ExitCode {
    // What a limit is for is the memory of the process, not what the C library hands out of it.
    memory::return_large_blocks();
    let done = lower_level().and_then(|()| run_command(Cli::parse().command));
    done.unwrap_or_else(|message| {
        eprintln!("pelton: {message}");
        ExitCode::from(2)
    })
}

fn lower_level() -> Result<(), String> {
    let name = std::env::var(SIMD).unwrap_or_default();
    if !["", "auto"].contains(&name.as_str()) {
        let level = name.parse();
        let level = level.map_err(|error| format!("{SIMD}: expected auto or a level: {error}"))?;
        Level::lower_to(level);
    }
    Ok(())
}

fn run_command(command: Command) -> command::Done {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Sql(arguments) => sql::run(&arguments),
        Command::Text(arguments) => text::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Gen(arguments) => gen_data::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
    }
}
