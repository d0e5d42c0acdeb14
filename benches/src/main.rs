//! Benchmarks beside the peers: data in, a checked answer and a ratio out.
//!
//! A benchmark names its work, its expected count and its engines: ours and the peers'. The
//! runner lets all engines do the work in turn, round after round, so that whatever else the
//! machine does falls on all alike, and reports medians. A wrong answer is an error, which makes
//! every benchmark a test: `--smoke` runs each once with little work.
//!
//! Called as `cargo xtask bench`; `docs/BENCHMARKING.md` explains the method.
#![deny(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks by printing"
)]

mod benchmark;
mod calendar;
mod embed;
mod events;
mod files;
mod flags;
mod machine;
mod primitives;
mod record;
mod runner;
mod statistics;
mod table;

use std::process::ExitCode;

use benchmark::Benchmark;
use flags::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [events::FLOOR, rest @ ..] = &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        return floor(rest);
    }
    match flags::parse(&arguments).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn floor(arguments: &[&str]) -> ExitCode {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    match events::serve_floor(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    if options.help {
        println!("{}", flags::HELP);
        return Ok(());
    }
    let mut benchmarks = select(options)?;
    if options.list {
        benchmarks.iter().for_each(|b| println!("{}", b.name));
        return Ok(());
    }
    if options.smoke {
        return smoke(&mut benchmarks);
    }
    let mut results = Vec::new();
    let mut wrong = Vec::new();
    for benchmark in &mut benchmarks {
        match runner::measure(benchmark, options.rounds) {
            Ok(result) => {
                table::print(&result);
                results.push(result);
            }
            // One wrong answer spoils its benchmark, not the others.
            Err(message) => {
                eprintln!("{message}");
                wrong.push(message);
            }
        }
    }
    table::print_verdict(&results);
    report(options, &results)?;
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

/// Compares with an earlier record and writes a new one, as asked.
fn report(options: &Options, results: &[runner::Measured]) -> Result<(), String> {
    if let Some(path) = &options.against {
        record::compare(results, path)?;
    }
    match options.record {
        true => record::write(results),
        false => Ok(()),
    }
}

fn select(options: &Options) -> Result<Vec<Benchmark>, String> {
    let mut benchmarks = primitives::benchmarks();
    benchmarks.extend(embed::benchmarks());
    benchmarks.retain(|benchmark| benchmark.name.contains(&options.filter));
    benchmarks.extend(files::benchmarks(options)?);
    benchmarks.extend(events::benchmarks(options)?);
    match benchmarks.is_empty() {
        true => Err(format!(
            "no benchmark matches `{}`; see --list",
            options.filter
        )),
        false => Ok(benchmarks),
    }
}

fn smoke(benchmarks: &mut [Benchmark]) -> Result<(), String> {
    let mut engines = 0;
    for benchmark in &mut *benchmarks {
        engines += runner::smoke(benchmark)?;
    }
    println!(
        "smoke: {} benchmarks, {engines} engines, every answer right",
        benchmarks.len()
    );
    Ok(())
}
