//! Whole programs on whole files: a fresh process each time, output checked.
//!
//! Every engine reads the same generated file and writes its answer to a file of its own; the
//! answers must agree, counts exactly and sums to the cent, whatever the spelling of a number or
//! the quoting of a field. Wall time is that of the process from start to exit, the peak is what
//! the kernel says of its resident pages.

mod answer;
mod engine;
mod job;
mod process;
mod roofline;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::benchmark::Benchmark;
use crate::flags::Options;
use engine::Engines;
use job::{JOBS, Job};
pub(crate) use process::{Usage, spawn, usage};

/// The jobs whose name the filter matches, each with the engines that are installed. None in a
/// smoke run: a whole program has tests of its own.
pub(crate) fn benchmarks(options: &Options) -> Result<Vec<Benchmark>, String> {
    let jobs: Vec<&'static Job> = JOBS
        .iter()
        .filter(|job| name(job).contains(&options.filter))
        .collect();
    let roofline = Some(roofline::bare());
    let roofline = roofline.filter(|bare| bare.name.contains(&options.filter));
    if options.smoke || jobs.is_empty() && roofline.is_none() {
        return Ok(Vec::new());
    }
    if options.list {
        return Ok(roofline
            .into_iter()
            .chain(jobs.into_iter().map(bare))
            .collect());
    }
    let engines = Engines::find(build()?);
    let roofline = roofline.map(|bare| {
        let input = generated(("orders", "csv"), None, &engines, &options.size)?;
        roofline::benchmark(bare, &input, length(&input)?)
    });
    let jobs = jobs.into_iter().map(|job| prepare(job, &engines, options));
    roofline.into_iter().chain(jobs).collect()
}

fn name(job: &Job) -> String {
    format!("files/{}", job.name)
}

/// The job without its engines: a list needs no gigabytes.
fn bare(job: &Job) -> Benchmark {
    Benchmark::new(&name(job), job.model, 1, job.goal)
}

fn prepare(job: &'static Job, engines: &Engines, options: &Options) -> Result<Benchmark, String> {
    let input = generated(job.input, job.rows, engines, &options.size)?;
    let mut benchmark = bare(job).on_bytes(length(&input)?);
    for engine in job.engines {
        match engines.work(*engine, job, &input, options.simd.as_deref()) {
            Ok(work) => benchmark = benchmark.process(engine.name(), engine.ours(), work),
            Err(why) => benchmark
                .notes
                .push(format!("skipped: {}: {why}", engine.name())),
        }
    }
    Ok(benchmark)
}

/// How many bytes the file has.
fn length(path: &Path) -> Result<u64, String> {
    let metadata = path.metadata();
    let metadata = metadata.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(metadata.len())
}

/// Builds the command line tool as its users get it, and says where it is.
pub(crate) fn build() -> Result<PathBuf, String> {
    let arguments = ["build", "--quiet", "--release", "-p", "pelton-cli"];
    let status = Command::new("cargo").args(arguments).status();
    let status = status.map_err(|error| format!("cargo: {error}"))?;
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let pelton = here.with_file_name("pelton");
    match status.success() && pelton.exists() {
        true => Ok(pelton),
        false => Err(format!("{} was not built", pelton.display())),
    }
}

/// The input of a job, generated from the seed unless it is there: so many rows, or else `size`.
fn generated(
    (kind, extension): (&str, &str),
    rows: Option<&str>,
    engines: &Engines,
    size: &str,
) -> Result<PathBuf, String> {
    let folder = Path::new("data/generated");
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let amount = match rows {
        Some(rows) => ["--rows", rows],
        None => ["--size", size],
    };
    let path = folder.join(format!("{kind}-{}.{extension}", amount[1]));
    if !path.exists() {
        println!("generating {}", path.display());
        engines.generate(kind, amount, &path)?;
    }
    Ok(path)
}
