//! Running a batch pipeline from its first byte to its report.

mod account;
mod commit;
mod line;
mod process;
mod report;
mod turn;

use std::time::Instant;

use pelton_connect::{FileSink, ReadSource, Sink, Source, StdoutSink, TableSink, compressed};
use pelton_metrics::{Counter, Histogram};
use pelton_pool::{Budget, BufferPool, memory};
use pelton_sched::Scheduler;
use pelton_stage::{Crew, Spill};
use pelton_sync::atomic::AtomicBool;
use pelton_sync::{Mutex, PoisonError};

pub use account::Account;
use commit::{Committer, Rules};
pub(crate) use line::{Branch, Gauges, Pipeline, Segment};
use line::{Folds, Line};
pub(crate) use process::{Processor, apply, panic_message};
pub use report::{BranchReport, Latency, Memory, Report, WorkerReport};

use crate::Error;
use crate::plan::{FormatName, OnError, Plan, PlanError, SinkPlan};

/// How far a run has come; can be asked from any thread while it goes on.
#[derive(Clone, Debug)]
pub struct Progress {
    gauges: Gauges,
    total_bytes: Option<u64>,
}

impl Progress {
    /// Input bytes worked off.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.gauges.bytes.value()
    }

    /// Input bytes in all, when that is known.
    #[must_use]
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Records read.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.gauges.records.value()
    }
}

/// A pipeline that is bound to its input and ready to run once.
pub struct Run {
    pub(crate) plan: Plan,
    pub(crate) settings: Settings,
    pub(crate) pipeline: Pipeline,
    pub(crate) source: ReadSource,
    pub(crate) pool: BufferPool,
    /// For each branch, where it is not the plan that says where it writes.
    pub(crate) sinks: Vec<Option<Box<dyn Sink>>>,
    pub(crate) gauges: Gauges,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// The engine part of a plan with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub workers: usize,
    pub spill: Spill,
    /// The whole limit; blocks are paid from it.
    pub budget: Budget,
    /// The part of it that may go into state, so that there is always room for blocks.
    pub state_budget: Budget,
    pub block_bytes: usize,
    pub record_bytes_max: usize,
}

/// Parts of the memory limit for each worker, of which a block is one. Most of the others are for
/// state: a group takes several times the bytes of a short record, and one block may be all groups.
const BLOCKS_PER_WORKER: u64 = 48;
/// State that is spilled and merged leaves about as much again with the allocator: measured, with
/// 14 million groups in 50 MB the process held 95 MB when all that was left was given to state.
const STATE_SHARE: u64 = 2;
/// Threads that one engine may have.
const WORKERS_MAX: usize = 1024;
const BLOCK_BYTES_MIN: u64 = 16 << 10;
/// Half of a usual second-level cache: a block and what is decoded from it stay there.
const BLOCK_BYTES_MAX: u64 = 512 << 10;

impl Settings {
    pub(crate) fn of(plan: &Plan) -> Result<Self, PlanError> {
        let engine = &plan.engine;
        let workers = match engine.workers {
            None | Some(0) => pelton_sync::available_parallelism().map_or(1, usize::from),
            Some(given @ ..=WORKERS_MAX) => given,
            Some(given) => {
                let message = format!("engine.workers: {given} is more than {WORKERS_MAX}");
                return Err(PlanError::new(message));
            }
        };
        let limit = engine
            .memory_limit
            .map_or_else(default_memory_limit, |size| size.bytes());
        let fitting = limit / (workers as u64 * BLOCKS_PER_WORKER);
        let block_bytes = engine.block_size.map_or_else(
            || fitting.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX),
            |size| size.bytes().max(1),
        );
        let record_bytes_max = engine
            .record_limit
            .map_or(1 << 20, |size| size.bytes().max(1));
        let spill = match (&engine.spill_dir, engine.spill) {
            (_, false) => Spill::forbidden(),
            (Some(directory), true) => Spill::to(directory),
            (None, true) => Spill::to(std::env::temp_dir()),
        };
        let budget = Budget::new(limit);
        Ok(Self {
            workers,
            spill,
            state_budget: budget.child(
                "state",
                Some((limit - apart_from_state(limit, workers, block_bytes)) / STATE_SHARE),
            ),
            budget,
            block_bytes: block_bytes as usize,
            record_bytes_max: record_bytes_max as usize,
        })
    }
}

/// The part of `limit` that is not for state. Blocks: each worker has one, another waits for its
/// turn, and one is being read. What is decoded from a block takes up to four times its room. And
/// what the process holds before it has read anything counts like everything else.
fn apart_from_state(limit: u64, workers: usize, block_bytes: u64) -> u64 {
    let workers = workers as u64;
    let each = block_bytes.checked_next_power_of_two().unwrap_or(limit);
    let blocks = (2 * workers + 1).saturating_mul(each);
    let decoded = (4 * workers).saturating_mul(each);
    let resident = memory::process().map_or(0, |process| process.resident);
    blocks
        .saturating_add(decoded)
        .saturating_add(resident)
        .min(limit / 2)
}

/// A quarter of the memory there is for this process.
fn default_memory_limit() -> u64 {
    quarter_of_the_less(report::machine_memory(), memory::cgroup_limit())
}

/// A quarter of the machine's memory or of the control group's, whichever is less; 1 GiB where
/// neither is known.
fn quarter_of_the_less(machine: Option<u64>, group: Option<u64>) -> u64 {
    let known = machine.into_iter().chain(group).min();
    known.map_or(1 << 30, |bytes| bytes / 4)
}

impl Run {
    /// A handle that tells how far the run has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            gauges: self.gauges.clone(),
            total_bytes: self.source.size(),
        }
    }

    /// The types of the input's fields as they were declared or inferred.
    #[must_use]
    pub const fn schema(&self) -> &pelton_record::Schema {
        &self.pipeline.schema
    }

    /// The columns that leave, and their types; in the first branch when there are several.
    #[must_use]
    pub fn output_schema(&self) -> &pelton_record::Schema {
        &self.pipeline.branches[0].output_schema
    }

    /// The names of the branches, and the columns that leave there; nothing without branches.
    pub fn branches(&self) -> impl Iterator<Item = (&str, &pelton_record::Schema)> {
        let branches = self.pipeline.branches.iter();
        branches.filter_map(|branch| Some((branch.name.as_deref()?, &*branch.output_schema)))
    }

    /// Runs it to the end, on this thread and the workers.
    ///
    /// # Errors
    ///
    /// When reading or writing fails, a stage outgrows its memory, or a record is refused and the
    /// policy is to stop. Then there is no output file.
    pub fn run(mut self) -> Result<Report, Error> {
        let started = Instant::now();
        let scheduler = Scheduler::builder()
            .workers(self.settings.workers)
            .pin(self.plan.engine.pin)
            .name("pelton")
            .build()
            .map_err(|error| Error::internal(&error))?;
        let committer = self.committer()?;
        let names = self.source_names();
        let line = Line {
            pipeline: &self.pipeline,
            source: Mutex::new(Box::new(self.source)),
            committer,
            budget: self.settings.state_budget.clone(),
            gauges: self.gauges.clone(),
            record_bytes_max: self.settings.record_bytes_max,
            turns: self
                .pipeline
                .branches
                .iter()
                .map(|branch| branch.turns(0, &self.settings.state_budget))
                .collect(),
            satisfied: AtomicBool::new(false),
        };
        let folded = drive(&scheduler, &line, self.settings.workers);
        if !line.committer.is_stopped() {
            line.finish(folded, &Workers(&scheduler, self.settings.workers))
                .unwrap_or_else(|error| line.committer.fail(error));
        }
        let outcome = line.committer.finish()?;
        // A worker notes what a task cost after the task has said that it is done.
        scheduler.drain(None);
        Ok(report::assemble(report::Facts {
            outcome,
            branches: line
                .pipeline
                .branches
                .iter()
                .map(|branch| branch.name.clone())
                .collect(),
            sources: names,
            schema: &self.pipeline.schema,
            elapsed: started.elapsed(),
            settings: &self.settings,
            pool: &self.pool,
            scheduler: &scheduler,
            gauges: &self.gauges,
        }))
    }

    fn source_names(&self) -> Vec<String> {
        (0..self.source.inputs())
            .map(|index| self.source.input_name(index).to_owned())
            .collect()
    }

    fn committer(&mut self) -> Result<Committer, Error> {
        let mut sinks = Vec::new();
        let branches = self.pipeline.branches.iter().zip(&mut self.sinks);
        for ((branch, own), plan) in branches.zip(self.plan.sinks()) {
            let budget = &self.settings.budget;
            let mut sink = own.take().map_or_else(|| sink(plan, budget), Ok)?;
            if plan.format == Some(FormatName::Table) {
                let fields = branch.output_schema.fields().iter();
                let numeric = fields.map(|field| field.data_type.is_numeric()).collect();
                sink = Box::new(TableSink::new(sink, numeric));
            }
            let mut header = Vec::new();
            let encoder = branch.output.encoder();
            encoder.begin(&branch.output_schema, &mut header);
            sinks.push((sink, header));
        }
        let wanted = self.plan.engine.on_error == OnError::DeadLetter;
        let letters = self.plan.dead_letter.as_ref().filter(|_| wanted);
        let dead_letter = letters
            .map(|letters| FileSink::create(&letters.path))
            .transpose()?
            .map(|sink| Box::new(sink) as Box<dyn Sink>);
        let rules = Rules {
            window: self.settings.workers as u64 * 2,
            ordered: self.plan.engine.ordered,
            on_error: self.plan.engine.on_error,
            names: self.source_names(),
            header_lines: self.source.header_lines(),
        };
        Ok(Committer::new(sinks, dead_letter, rules))
    }
}

/// Lets the workers loose and collects what they folded.
fn drive(scheduler: &Scheduler, line: &Line<'_>, workers: usize) -> Vec<Folds> {
    // All before the first works, so that each finds the memory it cannot do without.
    let folds: Vec<_> = (0..workers).map(|_| line.folds()).collect();
    let folded = Mutex::new(Vec::new());
    let collected = &folded;
    scheduler.scope(|scope| {
        for folds in folds {
            scope.spawn(move || {
                let folded = line.drive(folds);
                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.push(folded);
            });
        }
    });
    folded.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The workers, for folds whose end can be cut into pieces.
struct Workers<'a>(&'a Scheduler, usize);

impl Crew for Workers<'_> {
    fn size(&self) -> usize {
        self.1
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        self.0.scope(|scope| {
            for piece in 0..pieces {
                scope.spawn(move || work(piece));
            }
        });
    }
}

fn sink(plan: &SinkPlan, budget: &Budget) -> Result<Box<dyn Sink>, Error> {
    let sink: Box<dyn Sink> = match plan.path.as_str() {
        "-" => Box::new(StdoutSink),
        path => Box::new(FileSink::create(path)?.synced(plan.sync)),
    };
    let (how, level) = (plan.compression, plan.level);
    Ok(compressed(&plan.path, sink, how, level, budget)?)
}

impl Gauges {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Counter::new(),
            records: Counter::new(),
            block_ns: Histogram::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quarter_of_the_less;

    #[test]
    fn the_default_limit_heeds_machine_and_group() {
        let (large, small) = (Some(16 << 30), Some(2 << 30));
        assert_eq!(quarter_of_the_less(large, small), 512 << 20);
        assert_eq!(quarter_of_the_less(small, large), 512 << 20);
        assert_eq!(quarter_of_the_less(large, None), 4 << 30);
        assert_eq!(quarter_of_the_less(None, small), 512 << 20);
        assert_eq!(quarter_of_the_less(None, None), 1 << 30);
    }
}
