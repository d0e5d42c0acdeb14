//! A server under events: throughput, what it costs, how late they are.
//!
//! A round starts the server as its own process, sends it lines over four connections, and waits
//! until the last of them has come out at the other end. The peer is a program of a hundred lines
//! that does this job and no other and checks nothing: how far the machine goes.
//!
//! Latencies are those of an open loop: each event has a moment at which it is due, and its
//! latency counts from there, however late the sender itself was. So a server that stands still
//! for a while is charged for every event that was due meanwhile.

mod flood;
mod floor;
mod paced;
mod server;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::benchmark::{Benchmark, Goal, Sample};
use crate::files;
use crate::flags::Options;
use paced::Percentile;
use server::Program;

pub(crate) use floor::serve as serve_floor;

/// The first argument that makes this program the peer's server.
pub(crate) const FLOOR: &str = "--events-floor";

const EVENTS: u64 = 1_000_000;
/// Events a second of the paced runs.
const RATE: u64 = 82_000;
const PACED: u64 = 2 * RATE;

/// The benchmarks whose name the filter matches; none in a smoke run.
pub(crate) fn benchmarks(options: &Options) -> Result<Vec<Benchmark>, String> {
    let mut all = bare();
    all.retain(|benchmark| benchmark.name.contains(&options.filter));
    if options.smoke || all.is_empty() {
        return Ok(Vec::new());
    }
    if options.list {
        return Ok(all);
    }
    let pelton = files::build()?;
    let input: Rc<PathBuf> = Rc::new(generated(&pelton)?);
    let programs = [Program::Pelton(pelton), Program::Floor];
    Ok(all
        .into_iter()
        .map(|benchmark| {
            programs.iter().fold(benchmark, |benchmark, program| {
                with(benchmark, program.clone(), input.clone())
            })
        })
        .collect())
}

fn bare() -> Vec<Benchmark> {
    let paced = |name: &str, goal: f64| {
        let model = "latency from the moment at which an event is due to the moment at which it \
                     comes out, at 82,000 a second over TCP";
        Benchmark::new(name, model, PACED, Goal::Nanoseconds(goal))
    };
    vec![
        Benchmark::new(
            "events/flood",
            "take a million events of about 180 bytes over four connections, keep those of one \
             type, write a file",
            EVENTS,
            Goal::Nanoseconds(400.0),
        ),
        Benchmark::new(
            "events/flood-cpu",
            "processor time of the server for each of the same events",
            EVENTS,
            Goal::Nanoseconds(500.0),
        ),
        paced("events/paced-p50", 250_000.0),
        paced("events/paced-p99", 1_000_000.0),
        paced("events/paced-p999", 6_000_000.0),
        Benchmark::new(
            "events/paced-cpu",
            "processor time of the server for each event at 82,000 a second; 3,049 ns are a \
             quarter of a core",
            PACED,
            Goal::Nanoseconds(0.25e9 / RATE as f64),
        ),
    ]
}

fn with(benchmark: Benchmark, program: Program, input: Rc<PathBuf>) -> Benchmark {
    let (name, ours) = (program.name(), program.is_ours());
    let wanted = benchmark.name.clone();
    let work = move |items: u64| -> Result<Sample, String> {
        match wanted.as_str() {
            "events/flood" => flood::run(&program, &input, items).map(|flood| flood.wall()),
            "events/flood-cpu" => flood::run(&program, &input, items).map(|flood| flood.cpu()),
            "events/paced-cpu" => paced::run(&program, items, RATE).map(|paced| paced.cpu()),
            name => {
                let percentile = match name {
                    "events/paced-p50" => Percentile(0.5),
                    "events/paced-p99" => Percentile(0.99),
                    _ => Percentile(0.999),
                };
                paced::run(&program, items, RATE).map(|paced| paced.latency(percentile))
            }
        }
    };
    benchmark.process(name, ours, Box::new(work))
}

/// A file of events, generated unless it is there.
fn generated(pelton: &Path) -> Result<PathBuf, String> {
    let folder = Path::new("data/generated");
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join("events-1000000.ndjson");
    if !path.exists() {
        let rows = EVENTS.to_string();
        let status = std::process::Command::new(pelton)
            .args(["gen", "events", "--rows", &rows, "-o"])
            .arg(&path)
            .status();
        let status = status.map_err(|error| format!("{}: {error}", pelton.display()))?;
        if !status.success() {
            return Err("pelton gen events failed".to_owned());
        }
    }
    Ok(path)
}
