//! One worker's way from a block to the rows that the stages leave.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pelton_format::Decoder;
use pelton_record::{Batch, Bitmap, Block, Origin, Rejected, RejectedKind, View, spare};
use pelton_stage::{Dropped, Stage};

use super::account::Account;
use super::line::Pipeline;
use crate::Error;

/// Decodes blocks and applies the stages that come before any fold.
///
/// Nobody suffers for a neighbour: where a stage panics, the rows are tried again in halves until
/// the one that is to blame stands alone.
pub(crate) struct Processor<'a> {
    decoder: &'a mut dyn Decoder,
    pipeline: &'a Pipeline,
}

/// A part of the way that stands between a record and a sink.
#[derive(Clone, Copy)]
enum Part {
    /// What all records pass.
    Trunk,
    /// The stages of one branch that come before any fold.
    Branch(usize),
}

/// What became of a block, but for the rows that were given on.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    /// Records that were read, and what became of them before the branches.
    pub account: Account,
    /// Records that reached each branch, and what became of them there.
    pub branches: Vec<Account>,
    /// Refused records, which are in the accounts.
    pub rejected: Vec<Rejected>,
    /// Line ends in the block.
    pub lines: u64,
}

/// Takes the rows that the stages of a branch left; more than none.
pub(crate) type Take<'a> = dyn FnMut(usize, &mut Batch) -> Result<(), Error> + 'a;

impl Processed {
    /// What became of the records, all parts together.
    pub(crate) fn whole(&self) -> Account {
        let mut whole = self.account.clone();
        self.branches
            .iter()
            .for_each(|branch| whole.merge_branch(branch));
        whole
    }

    /// The account of a part.
    fn of(&mut self, part: Part) -> &mut Account {
        match part {
            Part::Trunk => &mut self.account,
            Part::Branch(index) => &mut self.branches[index],
        }
    }

    /// Notes what a part refused.
    fn refuse(&mut self, part: Part, rejected: Vec<Rejected>) {
        rejected
            .iter()
            .for_each(|rejected| self.of(part).reject(rejected.kind));
        self.rejected.extend(rejected);
    }
}

impl<'a> Processor<'a> {
    /// A processor for `pipeline`, which a worker's [decoder](Pipeline::decoder) belongs to.
    pub(crate) fn new(pipeline: &'a Pipeline, decoder: &'a mut dyn Decoder) -> Self {
        Self { decoder, pipeline }
    }

    /// Works on the records of `block` and gives what is left of them to `take`, for each branch.
    pub(crate) fn process(
        &mut self,
        block: &Block,
        origin: Origin,
        take: &mut Take<'_>,
    ) -> Result<Processed, Error> {
        let mut batch = self.decoder.decode(block.clone(), origin);
        let mut processed = Processed {
            lines: batch.lines(),
            branches: vec![Account::default(); self.pipeline.branches.len()],
            ..Processed::default()
        };
        processed.account.read = (batch.rows() + batch.rejected().len()) as u64;
        processed.refuse(Part::Trunk, batch.take_rejected());
        match self.pipeline.trunk.is_empty() {
            true => self.part(batch, &mut processed, take)?,
            false => self.guarded(Part::Trunk, batch, &mut processed, take)?,
        }
        Ok(processed)
    }

    /// Gives the rows to every branch.
    fn part(
        &mut self,
        batch: Batch,
        processed: &mut Processed,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let (rows, last) = (batch.rows() as u64, self.pipeline.branches.len() - 1);
        processed.account.branched += rows * last as u64;
        for index in 0..last {
            processed.branches[index].read += rows;
            self.guarded(Part::Branch(index), batch.clone(), processed, take)?;
        }
        processed.branches[last].read += rows;
        self.guarded(Part::Branch(last), batch, processed, take)
    }

    fn guarded(
        &mut self,
        part: Part,
        mut batch: Batch,
        processed: &mut Processed,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let (block, origin) = (batch.block().clone(), batch.origin());
        let extents = spare::copy(batch.extents());
        let mut account = Account::default();
        let applied = catch_unwind(AssertUnwindSafe(|| {
            apply(self.stages(part), &mut batch, &mut account)
        }));
        match applied {
            Ok(applied) => {
                spare::give(extents);
                applied?;
                processed.of(part).merge(&account);
                if let Part::Branch(index) = part
                    && batch.rows() > 0
                {
                    take(index, &mut batch)?;
                }
                processed.refuse(part, batch.take_rejected());
                match part {
                    Part::Trunk => self.part(batch, processed, take),
                    Part::Branch(_) => Ok(()),
                }
            }
            Err(panic) if extents.len() == 1 => {
                processed.refuse(part, vec![panicked(extents[0], &*panic)]);
                Ok(())
            }
            Err(_) => {
                let (left, right) = extents.split_at(extents.len() / 2);
                for half in [left, right] {
                    let again = self.again(part, &block, origin, half)?;
                    self.guarded(part, again, processed, take)?;
                }
                Ok(())
            }
        }
    }

    fn stages(&self, part: Part) -> &'a [Arc<dyn Stage>] {
        match part {
            Part::Trunk => &self.pipeline.trunk,
            Part::Branch(index) => &self.pipeline.branches[index].segments[0].stages,
        }
    }

    /// The rows of `block` that lie at `extents`, as they were when they reached `part`.
    fn again(
        &mut self,
        part: Part,
        block: &Block,
        origin: Origin,
        extents: &[View],
    ) -> Result<Batch, Error> {
        let mut batch = self.decoder.decode(block.clone(), origin);
        batch.take_rejected();
        let keep = |row| extents.contains(&batch.extents()[row]);
        let keep = Bitmap::from_fn(batch.rows(), keep);
        batch.retain(&keep);
        if let Part::Branch(_) = part {
            apply(&self.pipeline.trunk, &mut batch, &mut Account::default())?;
        }
        Ok(batch)
    }
}

/// Applies `stages` in order and notes which rows they dropped.
pub(crate) fn apply(
    stages: &[Arc<dyn Stage>],
    batch: &mut Batch,
    account: &mut Account,
) -> Result<(), Error> {
    for stage in stages {
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

/// The error of a stage with its name, unless it says that already.
pub(crate) fn named(stage: &str, error: &dyn std::fmt::Display) -> Error {
    let (text, name) = (error.to_string(), format!("stage \"{stage}\""));
    if text.starts_with(&name) {
        return Error::stage(text);
    }
    Error::stage(format!("{name}: {text}"))
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
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
