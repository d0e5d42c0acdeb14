//! The assembly line that all workers of a run share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use pelton_connect::{Chunk, Content, Source};
use pelton_format::{Decoder, Encoder, Format};
use pelton_metrics::{Counter, Histogram, LocalCounter, LocalHistogram};
use pelton_pool::Budget;
use pelton_record::{Batch, Rejected, RejectedKind, Schema, View};
use pelton_stage::{Crew, Dropped, Fold, FoldState, Stage};
use pelton_sync::atomic::{AtomicBool, Ordering};
use pelton_sync::{Mutex, PoisonError};

use super::account::Account;
use super::commit::{Committer, Done};
use super::process::{Processor, apply, named, panic_message};
use super::turn::InTurn;
use crate::Error;

/// Stages, and what takes in their rows at the end: a fold, or the sink when there is none.
pub(crate) struct Segment {
    pub stages: Vec<Arc<dyn Stage>>,
    pub fold: Option<Arc<dyn Fold>>,
}

/// All that a plan has become.
pub(crate) struct Pipeline {
    pub input: Arc<dyn Format>,
    /// All fields of the input, with their types.
    pub schema: Schema,
    /// The fields to decode.
    pub wanted: Vec<usize>,
    /// What all records pass before they take every branch.
    pub trunk: Vec<Arc<dyn Stage>>,
    /// One at the least.
    pub branches: Vec<Branch>,
}

/// A way from the trunk to a sink.
pub(crate) struct Branch {
    /// What it is called, where the plan has branches.
    pub name: Option<String>,
    pub segments: Vec<Segment>,
    pub output: Arc<dyn Format>,
    /// The columns that leave.
    pub output_schema: Arc<Schema>,
    /// Rows leave as their raw records, followed by the columns from this index on.
    pub raw: Option<usize>,
}

/// What workers report while they run.
#[derive(Clone, Debug)]
pub(crate) struct Gauges {
    pub bytes: Counter,
    pub records: Counter,
    /// Nanoseconds that a block takes from the end of reading to the commit.
    pub block_ns: Histogram,
}

impl Pipeline {
    /// What a worker decodes with.
    pub(crate) fn decoder(&self) -> Box<dyn Decoder> {
        self.input.decoder(&self.schema, &self.wanted)
    }
}

/// Everything shared by the workers of one run.
pub(super) struct Line<'a> {
    pub pipeline: &'a Pipeline,
    pub source: Mutex<Box<dyn Source>>,
    pub committer: Committer,
    pub budget: Budget,
    pub gauges: Gauges,
    pub record_bytes_max: usize,
    /// For each branch the steps at its beginning that see rows in their order.
    pub turns: Vec<Vec<InTurn>>,
    /// What was folded so far is all that the outcome needs.
    pub satisfied: AtomicBool,
}

/// One worker's own tools.
struct Worker<'a> {
    line: &'a Line<'a>,
    decoder: Box<dyn Decoder>,
    /// For each branch.
    encoders: Vec<Box<dyn Encoder>>,
    folds: Folds,
    account: Account,
    branches: Vec<Account>,
    bytes: LocalCounter,
    records: LocalCounter,
    block_ns: LocalHistogram,
}

/// The state of a fold, and how many rows went into it.
pub(super) struct Folded {
    state: Box<dyn FoldState>,
    rows: u64,
}

/// For each branch what its first segment folds into that is not done in turn, when that ends in a
/// fold.
pub(super) type Folds = Vec<Option<Folded>>;

impl Branch {
    /// The steps from segment `first` on, one behind the other, that see rows in their order.
    pub(super) fn turns(&self, first: usize, budget: &Budget) -> Vec<InTurn> {
        let pairs = self.segments[first..].windows(2);
        let turn = |pair: &[Segment]| InTurn::new(pair[0].fold.as_ref()?, &pair[1].stages, budget);
        pairs.map_while(turn).collect()
    }

    fn fold(&self, segment: usize, budget: &Budget) -> Option<Folded> {
        let fold = self.segments[segment].fold.as_ref()?;
        Some(Folded::new(&**fold, budget))
    }

    fn fold_dropped(&self, index: usize) -> Option<Dropped> {
        self.segments[index].fold.as_ref()?.dropped()
    }

    fn fold_name(&self, index: usize) -> &str {
        let fold = self.segments[index].fold.as_ref();
        fold.map_or("", |fold| fold.name())
    }

    /// Gives what the stages left to the fold of `segment`, or encodes it for the sink.
    fn take(
        &self,
        segment: usize,
        batch: &mut Batch,
        fold: Option<&mut Folded>,
        encoder: &mut dyn Encoder,
        (account, output): (&mut Account, &mut Vec<u8>),
    ) -> Result<(), Error> {
        match (fold, self.raw) {
            (Some(fold), _) => {
                let name = self.fold_name(segment);
                return fold.fold(batch).map_err(|error| named(name, &error));
            }
            (None, Some(first)) => encoder.encode_raw(batch, first, output),
            (None, None) => encoder.encode(batch, output),
        }
        account.written += batch.rows() as u64;
        Ok(())
    }
}

impl Folded {
    fn new(fold: &dyn Fold, budget: &Budget) -> Self {
        Self {
            state: fold.state(budget),
            rows: 0,
        }
    }

    fn fold(&mut self, batch: &mut Batch) -> Result<(), pelton_stage::Error> {
        self.state.fold(batch)?;
        self.rows += batch.rows() as u64;
        Ok(())
    }
}

impl Line<'_> {
    /// What a worker folds into.
    pub(super) fn folds(&self) -> Folds {
        let branches = self.pipeline.branches.iter().zip(&self.turns);
        branches
            .map(|(branch, turns)| branch.fold(turns.len(), &self.budget))
            .collect()
    }

    /// Works until there is nothing left; answers what it has folded into `folds`.
    pub(super) fn drive(&self, folds: Folds) -> Folds {
        let branches = &self.pipeline.branches;
        let mut worker = Worker {
            line: self,
            decoder: self.pipeline.decoder(),
            encoders: branches
                .iter()
                .map(|branch| branch.output.encoder())
                .collect(),
            folds,
            account: Account::default(),
            branches: vec![Account::default(); branches.len()],
            bytes: self.gauges.bytes.local(),
            records: self.gauges.records.local(),
            block_ns: self.gauges.block_ns.local(),
        };
        while let Some(chunk) = self.next_chunk() {
            let origin = chunk.origin;
            let wants = |fold: &Folded| fold.state.wants(origin.sequence);
            if !worker
                .folds
                .iter()
                .any(|fold| fold.as_ref().is_none_or(wants))
            {
                self.satisfied.store(true, Ordering::Relaxed);
                self.done(origin.sequence);
                self.committer.commit(Done {
                    origin,
                    ..Done::default()
                });
                break;
            }
            let started = Instant::now();
            // Others may wait for this block: whatever happens to it, they must hear of it.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| worker.work(chunk))) {
                self.committer
                    .fail(Error::internal(&panic_message(&*panic)));
                self.done(origin.sequence);
            }
            worker.block_ns.record(started.elapsed().as_nanos() as u64);
        }
        self.committer.add(&worker.account, &worker.branches);
        worker.folds
    }

    /// Nobody has to wait for block `sequence` any more.
    fn done(&self, sequence: u64) {
        let turns = self.turns.iter().flatten();
        turns.for_each(|turn| turn.done(sequence));
    }

    fn next_chunk(&self) -> Option<Chunk> {
        if self.satisfied.load(Ordering::Relaxed) || self.committer.is_stopped() {
            return None;
        }
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.next_chunk().unwrap_or_else(|error| {
            self.committer.fail(error.into());
            None
        })
    }

    /// Merges what the workers folded and passes it through the segments that follow.
    pub(super) fn finish(&self, folded: Vec<Folds>, crew: &dyn Crew) -> Result<(), Error> {
        let mut accounts = vec![Account::default(); self.pipeline.branches.len()];
        let mut folded: Vec<_> = folded.into_iter().map(Vec::into_iter).collect();
        for (index, account) in accounts.iter_mut().enumerate() {
            let states = folded.iter_mut().filter_map(|folds| folds.next().flatten());
            self.finish_branch(index, states.collect(), crew, account)?;
        }
        self.committer.add(&Account::default(), &accounts);
        Ok(())
    }

    fn finish_branch(
        &self,
        index: usize,
        mut folded: Vec<Folded>,
        crew: &dyn Crew,
        account: &mut Account,
    ) -> Result<(), Error> {
        let branch = &self.pipeline.branches[index];
        let mut encoder = branch.output.encoder();
        // The segment whose fold holds the rows.
        let mut holds = self.turns[index].len();
        loop {
            let rows: u64 = folded.iter().map(|folded| folded.rows).sum();
            let mut states = folded.into_iter().map(|folded| folded.state);
            let Some(state) = states.next() else {
                return Ok(());
            };
            let name = branch.fold_name(holds);
            let turns = branch.turns(holds + 1, &self.budget);
            let mut next = branch.fold(holds + 1 + turns.len(), &self.budget);
            let mut given = 0;
            let batches = state.finish_with(states.collect(), crew);
            for (number, batch) in batches.map_err(|error| named(name, &error))?.enumerate() {
                let mut batch = batch.map_err(|error| named(name, &error))?;
                given += batch.rows() as u64;
                apply(&branch.segments[holds + 1].stages, &mut batch, account)?;
                let mut rejected = batch.take_rejected();
                let mut batches = vec![batch];
                for turn in &turns {
                    batches = turn.pass(number as u64, batches, account, &mut rejected)?;
                }
                for mut batch in batches {
                    self.pass_on(index, &mut batch, &mut next, &mut *encoder, account)?;
                    rejected.append(&mut batch.take_rejected());
                }
                rejected
                    .iter()
                    .for_each(|rejected| account.reject(rejected.kind));
                self.committer.refuse(&rejected);
            }
            match branch.fold_dropped(holds) {
                Some(Dropped::Filtered) => account.filtered += rows - given,
                Some(Dropped::Deduplicated) => account.deduplicated += rows - given,
                None => {
                    account.folded += rows;
                    account.made += given;
                }
            }
            folded = next.into_iter().collect();
            holds += 1 + turns.len();
        }
    }

    /// Gives rows made by a fold to the next fold, or to the sink.
    fn pass_on(
        &self,
        branch: usize,
        batch: &mut Batch,
        next: &mut Option<Folded>,
        encoder: &mut dyn Encoder,
        account: &mut Account,
    ) -> Result<(), Error> {
        if let Some(next) = next {
            return next
                .fold(batch)
                .map_err(|error| Error::stage(error.to_string()));
        }
        let mut output = self.committer.buffer();
        encoder.encode(batch, &mut output);
        account.written += batch.rows() as u64;
        self.committer.write(branch, &output);
        Ok(())
    }
}

impl Worker<'_> {
    /// Takes one chunk from its bytes to the commit.
    fn work(&mut self, chunk: Chunk) {
        let mut done = Done {
            origin: chunk.origin,
            ..Done::default()
        };
        let worked = match chunk.content {
            Content::Records => self.records(&chunk, &mut done),
            Content::TooLarge { bytes } => {
                self.too_large(&chunk, bytes, &mut done);
                Ok(())
            }
        };
        self.line.done(chunk.origin.sequence);
        if !done.rejected.is_empty() {
            done.block = chunk.block;
        }
        self.bytes.add(chunk.consumed);
        match worked {
            Ok(()) => self.line.committer.commit(done),
            Err(error) => self.line.committer.fail(error),
        }
    }

    fn too_large(&mut self, chunk: &Chunk, bytes: u64, done: &mut Done) {
        let limit = self.line.record_bytes_max;
        self.account.read += 1;
        self.account.reject(RejectedKind::TooLarge);
        self.records.add(1);
        done.lines = 1;
        done.rejected.push(Rejected {
            extent: View {
                start: 0,
                len: chunk.block.len() as u32,
            },
            stage: self.line.pipeline.input.name().into(),
            kind: RejectedKind::TooLarge,
            reason: format!(
                "a record of {bytes} bytes, more than engine.record_limit of {limit}; its first {} \
                 bytes are kept",
                chunk.block.len()
            ),
        });
    }

    fn records(&mut self, chunk: &Chunk, done: &mut Done) -> Result<(), Error> {
        let Self {
            line,
            decoder,
            encoders,
            folds,
            ..
        } = self;
        let branches = &line.pipeline.branches;
        done.outputs = branches.iter().map(|_| line.committer.buffer()).collect();
        let mut written = vec![Account::default(); branches.len()];
        let mut held: Vec<Vec<Batch>> = vec![Vec::new(); branches.len()];
        let mut give = |index: usize, batch: &mut Batch, account: &mut Account| {
            branches[index].take(
                line.turns[index].len(),
                batch,
                folds[index].as_mut(),
                &mut *encoders[index],
                (account, &mut done.outputs[index]),
            )
        };
        let mut processor = Processor::new(line.pipeline, &mut **decoder);
        let processed = processor.process(&chunk.block, chunk.origin, &mut |index, batch| {
            if line.turns[index].is_empty() {
                return give(index, batch, &mut written[index]);
            }
            held[index].push(rows_of(batch));
            Ok(())
        })?;
        let mut rejected = Vec::new();
        for (index, (mut batches, account)) in held.into_iter().zip(&mut written).enumerate() {
            let before = rejected.len();
            for turn in &line.turns[index] {
                batches = turn.pass(chunk.origin.sequence, batches, account, &mut rejected)?;
            }
            for mut batch in batches.into_iter().filter(|batch| batch.rows() > 0) {
                give(index, &mut batch, account)?;
                rejected.append(&mut batch.take_rejected());
            }
            rejected[before..]
                .iter()
                .for_each(|rejected| account.reject(rejected.kind));
        }
        self.records.add(processed.account.read);
        self.account.merge(&processed.account);
        let parts = processed.branches.iter().zip(&written);
        for (account, (processed, written)) in self.branches.iter_mut().zip(parts) {
            account.merge(processed);
            account.merge(written);
        }
        done.lines = processed.lines;
        done.rejected = processed.rejected;
        done.rejected.append(&mut rejected);
        Ok(())
    }
}

/// The rows of `batch`, without what was refused: that stays.
fn rows_of(batch: &mut Batch) -> Batch {
    let rejected = batch.take_rejected();
    let rows = std::mem::take(batch);
    rejected
        .into_iter()
        .for_each(|rejected| batch.push_rejected(rejected));
    rows
}
