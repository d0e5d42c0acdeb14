//! One worker's way from a block to the rows that the stages leave.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pelton_format::Decoder;
use pelton_record::{Batch, Bitmap, Block, Origin, Rejected, RejectedKind, View};
use pelton_stage::{Dropped, Stage};

use super::account::Account;
use super::line::Pipeline;
use crate::Error;

/// Decodes blocks and applies the stages that come before any fold.
///
/// Nobody suffers for a neighbour: where a stage panics, the rows are tried again in halves until
/// the one that is to blame stands alone.
pub(crate) struct Processor<'a> {
    decoder: Box<dyn Decoder>,
    stages: &'a [Arc<dyn Stage>],
}

/// What became of a block, but for the rows that were given on.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    /// Read, filtered and deduplicated records.
    pub account: Account,
    /// Refused records; not yet in the account.
    pub rejected: Vec<Rejected>,
    /// Line ends in the block.
    pub lines: u64,
}

/// Takes the rows that the stages left; more than none.
pub(crate) type Take<'a> = dyn FnMut(&mut Batch) -> Result<(), Error> + 'a;

impl<'a> Processor<'a> {
    /// A processor for one worker of `pipeline`.
    pub(crate) fn new(pipeline: &'a Pipeline) -> Self {
        Self {
            decoder: pipeline.input.decoder(&pipeline.schema, &pipeline.wanted),
            stages: &pipeline.segments[0].stages,
        }
    }

    /// Works on the records of `block` and gives what is left of them to `take`.
    pub(crate) fn process(
        &mut self,
        block: &Block,
        origin: Origin,
        take: &mut Take<'_>,
    ) -> Result<Processed, Error> {
        let mut batch = self.decoder.decode(block.clone(), origin);
        let mut processed = Processed {
            lines: batch.lines(),
            ..Processed::default()
        };
        processed.account.read = (batch.rows() + batch.rejected().len()) as u64;
        processed.rejected = batch.take_rejected();
        self.guarded(batch, &mut processed, take)?;
        Ok(processed)
    }

    fn guarded(
        &mut self,
        mut batch: Batch,
        processed: &mut Processed,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let (block, origin) = (batch.block().clone(), batch.origin());
        let extents = batch.extents().to_vec();
        let mut account = Account::default();
        let applied = catch_unwind(AssertUnwindSafe(|| {
            apply(self.stages, &mut batch, &mut account)
        }));
        match applied {
            Ok(applied) => {
                applied?;
                processed.account.merge(&account);
                if batch.rows() > 0 {
                    take(&mut batch)?;
                }
                processed.rejected.append(&mut batch.take_rejected());
                Ok(())
            }
            Err(panic) if extents.len() == 1 => {
                processed.rejected.push(panicked(extents[0], &*panic));
                Ok(())
            }
            Err(_) => {
                let (left, right) = extents.split_at(extents.len() / 2);
                for half in [left, right] {
                    let again = self.again(&block, origin, half);
                    self.guarded(again, processed, take)?;
                }
                Ok(())
            }
        }
    }

    /// The rows of `block` that lie at `extents`, as they were before any stage.
    fn again(&mut self, block: &Block, origin: Origin, extents: &[View]) -> Batch {
        let mut batch = self.decoder.decode(block.clone(), origin);
        batch.take_rejected();
        let keep = |row| extents.contains(&batch.extents()[row]);
        let keep = Bitmap::from_fn(batch.rows(), keep);
        batch.retain(&keep);
        batch
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
