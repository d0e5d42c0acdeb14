//! What a run tells about itself when it is over.

use std::fmt;
use std::fs;
use std::time::Duration;

use pelton_metrics::HistogramSnapshot;
use pelton_pool::{BufferPool, memory};
use pelton_record::Schema;
use pelton_sched::Scheduler;
use serde::Serialize;

use super::commit::Outcome;
use super::{Account, Gauges, Settings};

/// What a run tells about itself. As JSON this is stable: fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of Pelton.
    pub version: &'static str,
    /// The inputs, in order.
    pub sources: Vec<String>,
    /// The fields of the input and their types, as `name type, name type`.
    pub schema: String,
    /// What became of every record.
    pub records: Account,
    /// What became of the records that reached each branch; nothing without branches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchReport>,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written, without the dead letter.
    pub written_bytes: u64,
    /// Wall time from the first byte to the commit, in seconds.
    pub seconds: f64,
    /// Input per second, in millions of bytes.
    pub megabytes_per_second: f64,
    /// Records read per second.
    pub records_per_second: f64,
    /// Memory, in bytes.
    pub memory: Memory,
    /// Time from the end of reading a block to its commit.
    pub block_latency: Option<Latency>,
    /// What each worker of the scheduler did.
    pub workers: Vec<WorkerReport>,
}

/// What became of the records that reached a branch.
#[derive(Clone, Debug, Serialize)]
pub struct BranchReport {
    /// What the branch is called.
    pub name: String,
    /// Its account; `read` is how many records reached it.
    pub records: Account,
    /// Bytes written to its sink.
    pub written_bytes: u64,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// What was allowed.
    pub limit_bytes: u64,
    /// The most that was reserved from the limit at any time.
    pub reserved_bytes_max: u64,
    /// The most that the process held in memory, everything counted; where the system tells.
    pub resident_bytes_max: Option<u64>,
    /// Bytes of one block.
    pub block_bytes: u64,
    /// Bytes of state that were written to disk because they outgrew the limit.
    pub spilled_bytes: u64,
    /// Blocks that came from the pool without an allocation.
    pub pool_hits: u64,
    /// Blocks that had to be allocated.
    pub pool_misses: u64,
}

/// Percentiles of a time, in microseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50_us: f64,
    /// Nine in ten took no longer.
    pub p90_us: f64,
    /// All but one in a hundred took no longer.
    pub p99_us: f64,
    /// None took longer.
    pub max_us: f64,
}

/// What one worker did.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerReport {
    /// Tasks run.
    pub tasks: u64,
    /// Tasks taken from another worker.
    pub stolen: u64,
    /// Times it went to sleep.
    pub parked: u64,
    /// Time spent in tasks, in seconds.
    pub busy_seconds: f64,
}

/// What a report is made of.
pub(super) struct Facts<'a> {
    pub outcome: Outcome,
    /// The names of branches, where they have some.
    pub branches: Vec<Option<String>>,
    pub sources: Vec<String>,
    pub schema: &'a Schema,
    pub elapsed: Duration,
    pub settings: &'a Settings,
    pub pool: &'a BufferPool,
    pub scheduler: &'a Scheduler,
    pub gauges: &'a Gauges,
}

pub(super) fn assemble(facts: Facts<'_>) -> Report {
    let seconds = facts.elapsed.as_secs_f64().max(1e-9);
    let read_bytes = facts.gauges.bytes.value();
    let records = facts.outcome.account;
    debug_assert!(records.balances(), "{records:?}");
    let written_bytes = facts.outcome.branches.iter().map(|(_, bytes)| bytes).sum();
    let branches = branches(facts.branches, facts.outcome.branches);
    let pool = facts.pool.stats();
    let budget = &facts.settings.budget;
    Report {
        version: env!("CARGO_PKG_VERSION"),
        sources: facts.sources,
        schema: facts.schema.to_string(),
        branches,
        read_bytes,
        written_bytes,
        seconds,
        megabytes_per_second: read_bytes as f64 / 1e6 / seconds,
        records_per_second: records.read as f64 / seconds,
        records,
        memory: Memory {
            limit_bytes: budget.limit(),
            reserved_bytes_max: budget.high_water(),
            resident_bytes_max: memory::process().map(|process| process.peak),
            block_bytes: facts.settings.block_bytes as u64,
            spilled_bytes: facts.settings.spill.written_bytes(),
            pool_hits: pool.hits,
            pool_misses: pool.misses,
        },
        block_latency: latency(&facts.gauges.block_ns.snapshot()),
        workers: workers(facts.scheduler),
    }
}

fn branches(names: Vec<Option<String>>, outcomes: Vec<(Account, u64)>) -> Vec<BranchReport> {
    let report = |(name, (records, written_bytes)): (Option<String>, (Account, u64))| {
        debug_assert!(records.balances(), "{records:?}");
        name.map(|name| BranchReport {
            name,
            records,
            written_bytes,
        })
    };
    names.into_iter().zip(outcomes).filter_map(report).collect()
}

fn workers(scheduler: &Scheduler) -> Vec<WorkerReport> {
    let report = |worker: &pelton_sched::WorkerStats| WorkerReport {
        tasks: worker.run as u64,
        stolen: worker.stolen as u64,
        parked: worker.parked as u64,
        busy_seconds: worker.busy.as_secs_f64(),
    };
    scheduler.stats().workers.iter().map(report).collect()
}

fn latency(snapshot: &HistogramSnapshot) -> Option<Latency> {
    let us = |percent| Some(snapshot.percentile(percent)? as f64 / 1e3);
    Some(Latency {
        p50_us: us(50.0)?,
        p90_us: us(90.0)?,
        p99_us: us(99.0)?,
        max_us: snapshot.max()? as f64 / 1e3,
    })
}

/// A line `Name: 123 kB` of a file under /proc, in bytes.
fn proc_line(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The memory of the machine, in bytes.
pub(super) fn machine_memory() -> Option<u64> {
    proc_line("/proc/meminfo", "MemTotal")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account {
            read,
            made,
            branched,
            written,
            filtered,
            deduplicated,
            folded,
            rejected,
            ..
        } = self.records;
        let entered = [
            (read, "read"),
            (made, "made by aggregates and sorts"),
            (branched, "branched"),
        ];
        let left = [
            (written, "written"),
            (filtered, "filtered out"),
            (deduplicated, "duplicates"),
            (folded, "folded"),
            (rejected, "rejected"),
        ];
        writeln!(f, "records   {} = {}", terms(&entered), terms(&left))?;
        for branch in &self.branches {
            let Account { read, written, .. } = branch.records;
            let (read, written) = (grouped(read), grouped(written));
            writeln!(f, "branch    {}: {written} written of {read}", branch.name)?;
        }
        for (kind, count) in &self.records.rejected_by_kind {
            writeln!(f, "rejected  {} {kind}", grouped(*count))?;
        }
        writeln!(
            f,
            "time      {:.3} s, {:.0} MB/s, {} records/s, {} workers",
            self.seconds,
            self.megabytes_per_second,
            grouped(self.records_per_second as u64),
            self.workers.len()
        )?;
        write!(
            f,
            "memory    {:.1} MB peak",
            megabytes(self.memory.resident_bytes_max.unwrap_or(0))
        )?;
        write!(
            f,
            " of {:.0} MB allowed",
            megabytes(self.memory.limit_bytes)
        )?;
        match self.memory.spilled_bytes {
            0 => Ok(()),
            bytes => write!(f, ", {:.1} MB spilled to disk", megabytes(bytes)),
        }
    }
}

/// `3 read + 2 made`: the counts that are not zero, or the first of them.
fn terms(counts: &[(u64, &str)]) -> String {
    let first = counts.iter().take(1);
    let others = counts.iter().skip(1).filter(|(count, _)| *count > 0);
    let terms: Vec<String> = first
        .chain(others)
        .map(|(count, name)| format!("{} {name}", grouped(*count)))
        .collect();
    terms.join(" + ")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
