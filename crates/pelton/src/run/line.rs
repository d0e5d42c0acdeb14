//! The assembly line that all workers of a run share.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use pelton_connect::{Chunk, Content, Source};
use pelton_format::{Decoder, Encoder, Format};
use pelton_metrics::{Counter, Histogram, LocalCounter, LocalHistogram};
use pelton_pool::Budget;
use pelton_record::{Batch, Bitmap, Rejected, RejectedKind, Schema, View};
use pelton_stage::{Dropped, Fold, FoldState, Stage};
use pelton_sync::atomic::{AtomicBool, Ordering};
use pelton_sync::{Mutex, PoisonError};

use super::account::Account;
use super::commit::{Committer, Done};
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

/// Everything shared by the workers of one run.
pub(super) struct Line<'a> {
    pub pipeline: &'a Pipeline,
    pub source: Mutex<Box<dyn Source>>,
    pub committer: Committer,
    pub budget: Budget,
    pub gauges: Gauges,
    pub record_bytes_max: usize,
    /// What was folded so far is all that the outcome needs.
    pub satisfied: AtomicBool,
}

/// One worker's own tools.
struct Worker<'a> {
    line: &'a Line<'a>,
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
    fold: Option<Folded>,
    account: Account,
    bytes: LocalCounter,
    records: LocalCounter,
    block_ns: LocalHistogram,
}

/// The state of a fold, and how many rows went into it.
pub(super) struct Folded {
    state: Box<dyn FoldState>,
    rows: u64,
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

    fn merge(&mut self, other: Self) -> Result<(), pelton_stage::Error> {
        self.rows += other.rows;
        self.state.merge(other.state)
    }
}

impl Line<'_> {
    /// What a worker of the first segment folds into, when it ends in a fold.
    pub(super) fn fold(&self) -> Option<Folded> {
        let fold = self.pipeline.segments[0].fold.as_ref()?;
        Some(Folded::new(&**fold, &self.budget))
    }

    /// Works until there is nothing left; answers what it has folded into `fold`.
    pub(super) fn drive(&self, fold: Option<Folded>) -> Option<Folded> {
        let mut worker = Worker {
            line: self,
            decoder: self
                .pipeline
                .input
                .decoder(&self.pipeline.schema, &self.pipeline.wanted),
            encoder: self.pipeline.output.encoder(),
            fold,
            account: Account::default(),
            bytes: self.gauges.bytes.local(),
            records: self.gauges.records.local(),
            block_ns: self.gauges.block_ns.local(),
        };
        while let Some(chunk) = self.next_chunk() {
            let origin = chunk.origin;
            let wants = |fold: &Folded| fold.state.wants(origin.sequence);
            if !worker.fold.as_ref().is_none_or(wants) {
                self.satisfied.store(true, Ordering::Relaxed);
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
            }
            worker.block_ns.record(started.elapsed().as_nanos() as u64);
        }
        self.committer.add(&worker.account);
        worker.fold
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

    /// Applies the stages of segment `index`.
    fn apply(&self, index: usize, batch: &mut Batch, account: &mut Account) -> Result<(), Error> {
        for stage in &self.pipeline.segments[index].stages {
            let (rows, refused) = (batch.rows(), batch.rejected().len());
            if rows == 0 {
                break;
            }
            stage
                .apply(batch)
                .map_err(|error| named(stage.name(), &error))?;
            let gone = rows - batch.rows() - (batch.rejected().len() - refused);
            match stage.dropped() {
                Dropped::Filtered => account.filtered += gone as u64,
                Dropped::Deduplicated => account.deduplicated += gone as u64,
            }
        }
        Ok(())
    }

    /// Merges what the workers folded and passes it through the segments that follow.
    pub(super) fn finish(&self, folded: Vec<Folded>) -> Result<(), Error> {
        let mut account = Account::default();
        let mut encoder = self.pipeline.output.encoder();
        let mut others = folded.into_iter();
        let mut current = others.next();
        if let Some(first) = &mut current {
            let name = self.fold_name(0);
            others
                .try_for_each(|other| first.merge(other))
                .map_err(|error| named(name, &error))?;
        }
        for index in 1..self.pipeline.segments.len() {
            let Some(Folded { state, rows }) = current.take() else {
                break;
            };
            let name = self.fold_name(index - 1);
            let fold = self.pipeline.segments[index].fold.as_ref();
            let mut next = fold.map(|fold| Folded::new(&**fold, &self.budget));
            let mut given = 0;
            for batch in state.finish().map_err(|error| named(name, &error))? {
                let mut batch = batch.map_err(|error| named(name, &error))?;
                given += batch.rows() as u64;
                self.apply(index, &mut batch, &mut account)?;
                self.pass_on(&mut batch, &mut next, &mut *encoder, &mut account)?;
                self.committer.refuse(&batch.take_rejected());
            }
            match self.fold_dropped(index - 1) {
                Some(Dropped::Filtered) => account.filtered += rows - given,
                Some(Dropped::Deduplicated) => account.deduplicated += rows - given,
                None => {
                    account.folded += rows;
                    account.made += given;
                }
            }
            current = next;
        }
        self.committer.add(&account);
        Ok(())
    }

    /// Gives rows made by a fold to the next fold, or to the sink.
    fn pass_on(
        &self,
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
        self.committer.write(&output);
        Ok(())
    }

    fn fold_dropped(&self, index: usize) -> Option<Dropped> {
        self.pipeline.segments[index].fold.as_ref()?.dropped()
    }

    fn fold_name(&self, index: usize) -> &str {
        self.pipeline.segments[index]
            .fold
            .as_ref()
            .map_or("", |fold| fold.name())
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
        let mut batch = self.decoder.decode(chunk.block.clone(), chunk.origin);
        done.lines = batch.lines();
        let read = (batch.rows() + batch.rejected().len()) as u64;
        self.account.read += read;
        self.records.add(read);
        done.rejected = batch.take_rejected();
        done.output = self.line.committer.buffer();
        self.guarded(batch, done)
    }

    /// Applies the stages and lets nobody suffer for a neighbour: where a stage panics, the rows
    /// are tried again in halves until the one that is to blame stands alone.
    fn guarded(&mut self, mut batch: Batch, done: &mut Done) -> Result<(), Error> {
        let (block, origin, extents) = (
            batch.block().clone(),
            batch.origin(),
            batch.extents().to_vec(),
        );
        let mut account = Account::default();
        let applied = catch_unwind(AssertUnwindSafe(|| {
            self.line.apply(0, &mut batch, &mut account)
        }));
        match applied {
            Ok(applied) => {
                applied?;
                self.account.merge(&account);
                self.pass_on(batch, done)
            }
            Err(panic) if extents.len() == 1 => {
                done.rejected.push(panicked(extents[0], &*panic));
                Ok(())
            }
            Err(_) => {
                let (left, right) = extents.split_at(extents.len() / 2);
                for half in [left, right] {
                    let mut again = self.decoder.decode(block.clone(), origin);
                    again.take_rejected();
                    let keep = |row| half.contains(&again.extents()[row]);
                    let keep = Bitmap::from_fn(again.rows(), keep);
                    again.retain(&keep);
                    self.guarded(again, done)?;
                }
                Ok(())
            }
        }
    }

    /// Gives what the stages left to the fold, or to the sink.
    fn pass_on(&mut self, mut batch: Batch, done: &mut Done) -> Result<(), Error> {
        let rows = batch.rows();
        if rows > 0 {
            match (&mut self.fold, self.line.pipeline.raw) {
                (Some(fold), _) => {
                    let name = self.line.fold_name(0);
                    fold.fold(&mut batch).map_err(|error| named(name, &error))?;
                }
                (None, Some(first)) => self.encoder.encode_raw(&batch, first, &mut done.output),
                (None, None) => self.encoder.encode(&batch, &mut done.output),
            }
        }
        if self.fold.is_none() {
            self.account.written += rows as u64;
        }
        done.rejected.append(&mut batch.take_rejected());
        Ok(())
    }
}

/// The error of a stage with its name, unless it says that already.
fn named(stage: &str, error: &dyn std::fmt::Display) -> Error {
    let (text, name) = (error.to_string(), format!("stage \"{stage}\""));
    if text.starts_with(&name) {
        return Error::stage(text);
    }
    Error::stage(format!("{name}: {text}"))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn panicked(extent: View, panic: &(dyn Any + Send)) -> Rejected {
    let (stage, message) = ("stage".into(), panic_message(panic));
    let reason = format!("a stage panicked: {message}");
    Rejected {
        extent,
        stage,
        kind: RejectedKind::Panic,
        reason,
    }
}
