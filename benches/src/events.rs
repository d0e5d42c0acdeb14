//! A server under events: throughput, what it costs, how late they are.
//!
//! A round starts the server as its own process, sends it lines over four connections, and waits
//! until the last of them has come out at the other end. The peers are rsyslog, where it is
//! installed, and a program of a hundred lines that does this job and no other and checks nothing:
//! how far the machine goes.
//!
//! Latencies are those of an open loop: each event has a moment at which it is due, and its
//! latency counts from there, however late the sender itself was. So a server that stands still
//! for a while is charged for every event that was due meanwhile.

mod flood;
mod floor;
mod idle;
mod paced;
mod server;
mod tail;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::benchmark::{Benchmark, Goal, Sample, Work};
use crate::files;
use crate::flags::Options;
use flood::Load;
use paced::Percentile;
use server::Program;

pub(crate) use floor::serve as serve_floor;

/// The first argument that makes this program the peer's server.
pub(crate) const FLOOR: &str = "--events-floor";

const EVENTS: u64 = 1_000_000;
/// Events a second of the paced runs.
const RATE: u64 = 82_000;
const PACED: u64 = 2 * RATE;
/// Seconds of a round in which nothing comes.
const IDLE: u64 = 3;
/// The type of the events that are kept of what `pelton gen` makes.
const KIND: &str = "view";

/// What a benchmark asks of a server.
#[derive(Clone, Copy, Debug)]
enum Question {
    Flood,
    FloodCpu,
    Dedup,
    Overload,
    Latency(f64),
    PacedCpu,
    Tail,
    Wakeups,
    IdleCpu,
}

/// What the rounds need, made once.
struct Inputs {
    load: Rc<Load>,
    doubles: Rc<Load>,
    tail: PathBuf,
    tail_kept: u64,
}

/// The benchmarks whose name the filter matches; none in a smoke run.
pub(crate) fn benchmarks(options: &Options) -> Result<Vec<Benchmark>, String> {
    let mut all = questions();
    all.retain(|(benchmark, _)| benchmark.name.contains(&options.filter));
    if options.smoke || all.is_empty() {
        return Ok(Vec::new());
    }
    if options.list {
        return Ok(all.into_iter().map(|(benchmark, _)| benchmark).collect());
    }
    let pelton = files::build()?;
    let events = generated(&pelton, "rows", &EVENTS.to_string())?;
    let tail = generated(&pelton, "size", &options.size)?;
    let inputs = Inputs {
        load: Rc::new(Load::of_file(&events, EVENTS)?),
        doubles: Rc::new(Load::with_doubles(&events, EVENTS)?),
        tail_kept: tail::expected_bytes(&tail)?,
        tail,
    };
    let pelton = Program::Pelton(pelton);
    all.into_iter()
        .map(|(benchmark, question)| with(benchmark, question, &pelton, &inputs))
        .collect()
}

fn questions() -> Vec<(Benchmark, Question)> {
    let mut all = as_fast_as_it_goes();
    all.extend(paced_questions());
    all.extend(tail_and_rest());
    all
}

/// One benchmark, and what it asks.
fn ask(
    name: &str,
    model: &'static str,
    items: u64,
    goal: Goal,
    question: Question,
) -> (Benchmark, Question) {
    let benchmark = Benchmark::new(&format!("events/{name}"), model, items, goal);
    (benchmark, question)
}

fn as_fast_as_it_goes() -> Vec<(Benchmark, Question)> {
    let flood = "take a million events of about 180 bytes over four connections, keep those of \
                 one type, write a file";
    let cpu = "processor time of the server for each of the same events";
    let dedup = "the same, with a tenth of them twice: one of each id is kept, of a window of a \
                 million";
    let overload = "the same events, offered at twice the rate that is taken when the server sets \
                    the pace";
    let time = Goal::Nanoseconds;
    let peak = Goal::PeakKib;
    let steady = Goal::Peer(FLAT_OUT, 1.0 / 0.9);
    vec![
        ask("flood", flood, EVENTS, time(400.0), Question::Flood),
        ask("flood-cpu", cpu, EVENTS, time(500.0), Question::FloodCpu),
        ask("flood-memory", flood, EVENTS, peak(31_250), Question::Flood),
        ask("dedup", dedup, EVENTS, time(625.0), Question::Dedup),
        ask("dedup-memory", dedup, EVENTS, peak(62_500), Question::Dedup),
        ask("overload", overload, EVENTS, steady, Question::Overload),
    ]
}

fn paced_questions() -> Vec<(Benchmark, Question)> {
    let paced = "latency from the moment at which an event is due to the moment at which it comes \
                 out, at 82,000 a second over TCP";
    let cpu = "processor time of the server for each event at 82,000 a second; 3,049 ns are a \
               quarter of a core";
    let late = |name: &str, goal, part| {
        let goal = Goal::Nanoseconds(goal);
        ask(name, paced, PACED, goal, Question::Latency(part))
    };
    let quarter = Goal::Nanoseconds(0.25e9 / RATE as f64);
    vec![
        late("paced-p50", 250_000.0, 0.5),
        late("paced-p99", 1_000_000.0, 0.99),
        late("paced-p999", 6_000_000.0, 0.999),
        ask("paced-cpu", cpu, PACED, quarter, Question::PacedCpu),
    ]
}

fn tail_and_rest() -> Vec<(Benchmark, Question)> {
    let tail = "follow a file of events that is there already, keep those of one type, write a \
                file; from the start of the process";
    let wakeups = "wake-ups a second of a server with an open connection on which nothing comes; \
                   a nanosecond in the table is a wake-up";
    let cpu = "processor time a second of the same";
    let time = Goal::Nanoseconds;
    vec![
        // How long it may take goes by the size of the file, which is not known yet.
        ask("tail", tail, 1, time(f64::INFINITY), Question::Tail),
        ask("idle-wakeups", wakeups, IDLE, time(5.0), Question::Wakeups),
        ask("idle-cpu", cpu, IDLE, time(1e6), Question::IdleCpu),
    ]
}

/// The engine that overload is held against.
const FLAT_OUT: &str = "pelton flat out";

/// Adds the servers that take part.
fn with(
    mut benchmark: Benchmark,
    question: Question,
    pelton: &Program,
    inputs: &Inputs,
) -> Result<Benchmark, String> {
    if let Question::Overload = question {
        return Ok(overload(benchmark, pelton, &inputs.load));
    }
    if let Question::Tail = question {
        let bytes = inputs
            .tail
            .metadata()
            .map_err(|error| error.to_string())?
            .len();
        // As many nanoseconds as bytes are 1000 MB/s.
        benchmark.goal = Goal::Nanoseconds(bytes as f64);
        benchmark.bytes = Some(bytes);
    }
    let mut programs = vec![pelton.clone(), Program::Floor];
    let is_for_rsyslog = matches!(
        question,
        Question::Flood | Question::FloodCpu | Question::Latency(_) | Question::PacedCpu
    );
    if is_for_rsyslog {
        match Program::rsyslog() {
            Some(rsyslog) => programs.push(rsyslog),
            None => benchmark
                .notes
                .push("rsyslog is not installed (apt-get install rsyslog)".to_owned()),
        }
    }
    Ok(programs.into_iter().fold(benchmark, |benchmark, program| {
        let (name, ours) = (program.name(), program.is_ours());
        benchmark.process(name, ours, work(question, program, inputs))
    }))
}

fn work(question: Question, program: Program, inputs: &Inputs) -> Work {
    let load = match question {
        Question::Dedup => inputs.doubles.clone(),
        _ => inputs.load.clone(),
    };
    let (tail, kept) = (inputs.tail.clone(), inputs.tail_kept);
    Box::new(move |items| match question {
        Question::Flood | Question::Dedup | Question::Overload => {
            flood::run(&program, &load, items, None).map(|flood| flood.wall())
        }
        Question::FloodCpu => flood::run(&program, &load, items, None).map(|flood| flood.cpu()),
        Question::Latency(part) => {
            paced::run(&program, items, RATE).map(|paced| paced.latency(Percentile(part)))
        }
        Question::PacedCpu => paced::run(&program, items, RATE).map(|paced| paced.cpu()),
        Question::Tail => tail::run(&program, &tail, kept),
        Question::Wakeups => idle::run(&program, items).map(|idle| idle.wakeups()),
        Question::IdleCpu => idle::run(&program, items).map(|idle| idle.cpu()),
    })
}

/// Ours with twice as much as it takes, beside ours with as much as it takes.
fn overload(benchmark: Benchmark, pelton: &Program, load: &Rc<Load>) -> Benchmark {
    let flat_out = Rc::new(Cell::new(Duration::ZERO));
    let (program, events, taken) = (pelton.clone(), load.clone(), flat_out.clone());
    let twice = move |items| -> Result<Sample, String> {
        flood::overload(&program, &events, items, &taken).map(|flood| flood.wall())
    };
    let (program, events) = (pelton.clone(), load.clone());
    let once = move |items| {
        let flood = flood::run(&program, &events, items, None)?;
        flat_out.set(flood.wall().elapsed);
        Ok(flood.wall())
    };
    benchmark
        .process("pelton offered twice", true, Box::new(twice))
        .process(FLAT_OUT, false, Box::new(once))
}

/// Waits until the file at `path` has so many bytes, a minute at most; how many it has.
fn wait_for_size(path: &Path, bytes: u64) -> u64 {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        if size >= bytes || Instant::now() > patience {
            return size;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A file of events, so many rows or bytes, generated unless it is there.
fn generated(pelton: &Path, measure: &str, amount: &str) -> Result<PathBuf, String> {
    let folder = Path::new("data/generated");
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join(format!("events-{amount}.ndjson"));
    if !path.exists() {
        let status = std::process::Command::new(pelton)
            .args(["gen", "events", &format!("--{measure}"), amount, "-o"])
            .arg(&path)
            .status();
        let status = status.map_err(|error| format!("{}: {error}", pelton.display()))?;
        if !status.success() {
            return Err("pelton gen events failed".to_owned());
        }
    }
    Ok(path)
}
