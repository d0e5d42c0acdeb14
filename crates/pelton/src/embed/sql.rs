//! Built-in stages over payloads: decoded together, worked on by columns, and given back to the
//! records they came from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pelton_format::{Decoder, Encoder};
use pelton_pool::{BufferPool, OverBudget};
use pelton_record::{Batch, Bitmap, Block, Origin, Rejected, View};
use pelton_stage::Stage as BuiltIn;

use super::record::{Failure, FailureKind};
use super::records::Records;
use crate::plan::{Plan, PlanError};
use crate::run::{Account, Branch, Pipeline, Settings, apply, panic_message};
use crate::{Error, planner};

/// Built-in stages, bound to the columns of payloads.
pub(super) struct Sql {
    pipeline: Pipeline,
    stages: Vec<Arc<dyn BuiltIn>>,
}

impl Sql {
    /// Binds the stages of `plan`, whose source says what payloads look like.
    pub(super) fn bind(plan: &Plan) -> Result<Self, Error> {
        let settings = Settings::of(plan)?;
        let mut drafts = planner::lanes(plan, None, &settings, &|_, _| false)?;
        let pipeline = drafts.remove(0).pipeline;
        let [segment] = &pipeline.branches[0].segments[..] else {
            let message = "an embedded engine works on one record at a time: aggregate, sort, \
                           limit, skip, distinct and window need an input with an end";
            return Err(PlanError::new(message).into());
        };
        let stages = pipeline.trunk.iter().chain(&segment.stages);
        let stages = stages.cloned().collect();
        Ok(Self { pipeline, stages })
    }

    pub(super) fn branch(&self) -> &Branch {
        &self.pipeline.branches[0]
    }
}

/// One worker's tools for [`Sql`].
pub(super) struct SqlWorker {
    sql: Arc<Sql>,
    pool: BufferPool,
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
    encoded: Vec<u8>,
}

/// Where the payload of a record lies in a block.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    start: u32,
    end: u32,
}

impl SqlWorker {
    pub(super) fn new(sql: Arc<Sql>, pool: BufferPool) -> Self {
        let Pipeline {
            input,
            schema,
            wanted,
            ..
        } = &sql.pipeline;
        Self {
            decoder: input.decoder(schema, wanted),
            encoder: sql.branch().output.encoder(),
            encoded: Vec::new(),
            sql,
            pool,
        }
    }

    pub(super) fn work(&mut self, records: &mut Records) {
        let indices: Vec<usize> = records.iter().map(|(index, _)| index).collect();
        self.some(records, &indices);
    }

    /// Works on the records at `indices` together; in halves where one of them gets in the way of
    /// the others, until it stands alone.
    fn some(&mut self, records: &mut Records, indices: &[usize]) {
        let Err(trouble) = self.together(records, indices) else {
            return;
        };
        match indices {
            [] => {}
            [alone] => records.refuse(*alone, trouble.kind, trouble.reason),
            _ => {
                let (left, right) = indices.split_at(indices.len() / 2);
                self.some(records, left);
                self.some(records, right);
            }
        }
    }

    fn together(&mut self, records: &mut Records, indices: &[usize]) -> Result<(), Trouble> {
        let (block, places) = self.block(records, indices)?;
        let mut batch = self.decoder.decode(block, Origin::default());
        check_one_each(&batch, &places)?;
        let mut account = Account::default();
        let stages = &self.sql.stages;
        let applied = catch_unwind(AssertUnwindSafe(|| apply(stages, &mut batch, &mut account)));
        applied.map_err(|panic| Trouble {
            kind: FailureKind::Panic,
            reason: format!("panicked: {}", panic_message(&*panic)),
        })??;
        let payloads = self.payloads(&batch);
        for rejected in batch.take_rejected() {
            let place = place_of(&places, rejected.extent);
            refuse(records, place.map(|place| place.index), rejected);
        }
        give_back(records, &places, &batch, payloads.as_deref());
        Ok(())
    }

    /// The payloads one behind the other, each with a line end.
    fn block(
        &self,
        records: &Records,
        indices: &[usize],
    ) -> Result<(Block, Vec<Place>), OverBudget> {
        let live = indices
            .iter()
            .filter_map(|&index| Some((index, records.get(index)?)));
        let bytes: usize = live
            .clone()
            .map(|(_, record)| record.payload.len() + 1)
            .sum();
        let mut buffer = self.pool.lease(bytes)?;
        let mut places = Vec::with_capacity(indices.len());
        for (index, record) in live {
            let payload = &record.payload[..];
            let start = buffer.len() as u32;
            buffer.extend_from_slice(payload.strip_suffix(b"\n").unwrap_or(payload))?;
            let end = buffer.len() as u32;
            buffer.extend_from_slice(b"\n")?;
            places.push(Place { index, start, end });
        }
        Ok((Block::new(buffer), places))
    }

    /// What the rows that are left have as payloads now, where that is not what they had.
    fn payloads(&mut self, batch: &Batch) -> Option<Vec<Vec<u8>>> {
        let raw = self.sql.branch().raw;
        if raw == Some(batch.columns().len()) {
            return None;
        }
        let rows = batch.rows();
        let all: Vec<Vec<u8>> = self
            .lines(batch, raw)
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        // What stands behind the last line end is empty.
        if all.len() == rows + 1 {
            return Some(all);
        }
        // A value with a line end in it, in a format that does not escape it: one at a time.
        let one = |row| {
            let mut alone = batch.clone();
            alone.retain(&Bitmap::from_fn(rows, |other| other == row));
            let line = self.lines(&alone, raw);
            line.strip_suffix(b"\n").unwrap_or(line).to_vec()
        };
        Some((0..rows).map(one).collect())
    }

    fn lines(&mut self, batch: &Batch, raw: Option<usize>) -> &[u8] {
        self.encoded.clear();
        match raw {
            Some(first) => self.encoder.encode_raw(batch, first, &mut self.encoded),
            None => self.encoder.encode(batch, &mut self.encoded),
        }
        &self.encoded
    }
}

impl Place {
    fn holds(&self, extent: View) -> bool {
        self.start <= extent.start && extent.start + extent.len <= self.end
    }
}

/// Tells each record what became of its row.
fn give_back(records: &mut Records, places: &[Place], batch: &Batch, payloads: Option<&[Vec<u8>]>) {
    let mut rows = batch.extents().iter().enumerate().peekable();
    for place in places {
        let Some((row, _)) = rows.next_if(|(_, extent)| place.holds(**extent)) else {
            // A refused one stays refused.
            records.filter(place.index);
            continue;
        };
        if let Some(payload) = payloads.map(|payloads| &payloads[row]) {
            replace(records, place.index, payload);
        }
    }
}

/// Why records could not be worked on together.
struct Trouble {
    kind: FailureKind,
    reason: String,
}

impl From<OverBudget> for Trouble {
    fn from(refused: OverBudget) -> Self {
        Self {
            kind: FailureKind::Stage,
            reason: refused.to_string(),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self {
            kind: FailureKind::Stage,
            reason: error.to_string(),
        }
    }
}

/// Each payload is one record, good or bad.
fn check_one_each(batch: &Batch, places: &[Place]) -> Result<(), Trouble> {
    let refused = batch.rejected().iter().map(|rejected| rejected.extent);
    let mut found = vec![0; places.len()];
    for extent in batch.extents().iter().copied().chain(refused) {
        if let Some(place) = place_of(places, extent) {
            // Indices ascend as places do.
            let at = places.partition_point(|other| other.index < place.index);
            found[at] += 1;
        }
    }
    match found.iter().find(|found| **found != 1) {
        None => Ok(()),
        Some(found) => Err(Trouble {
            kind: FailureKind::Stage,
            reason: format!("expected one record as the payload, found {found}"),
        }),
    }
}

fn place_of(places: &[Place], extent: View) -> Option<Place> {
    let at = places.partition_point(|place| place.end < extent.start);
    places.get(at).copied().filter(|place| place.holds(extent))
}

fn refuse(records: &mut Records, index: Option<usize>, rejected: Rejected) {
    let Some(index) = index else { return };
    let failure = Failure {
        stage: rejected.stage,
        kind: FailureKind::Data(rejected.kind),
        reason: rejected.reason,
    };
    records.refuse_with(index, failure);
}

fn replace(records: &mut Records, index: usize, payload: &[u8]) {
    let Some(record) = records.get_mut(index) else {
        return;
    };
    record.payload.clear();
    if let Err(refused) = record.payload.extend_from_slice(payload) {
        records.refuse(index, FailureKind::Stage, refused.to_string());
    }
}
