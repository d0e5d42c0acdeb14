//! The part of a lane that sees its records in order: windows, and what comes behind them.

use std::collections::VecDeque;
use std::sync::Arc;

use pelton_connect::stream::{Delivery, Positions, Shape};
use pelton_format::Encoder;
use pelton_pool::Budget;
use pelton_record::Batch;
use pelton_stage::{Ordered, Passed, Stage};

use super::intake::Fan;
use super::journal::{Changes, Journal};
use super::letter;
use super::outbox::Done;
use super::stats::LaneMetrics;
use crate::Error;
use crate::plan::PlanError;
use crate::run::{Account, Branch, apply};

/// How far the outcome of a stream has got that may have to come again for its state.
pub(super) const PUT: &str = "#put/";
/// The watermark of an ordered step, by its place.
const WATERMARK: &str = "#watermark/";
/// The entries of the journal before it are in effect.
pub(super) const STATE: &str = "#state";

/// The ordered steps of a lane, one behind the other, and the stages between them.
///
/// With a [`Journal`] their state is on the disk, and a position says what it says without a tail.
/// Otherwise it is lost with the process, and made again from the input: the positions that are put
/// away with the output stop before the first record that an open window holds. When that part of
/// the input comes again, its records go into the state, and the output that was put already is
/// not put again.
pub(super) struct Tail {
    parts: Vec<Part>,
    lane: Arc<str>,
    encoder: Box<dyn Encoder>,
    shape: Shape,
    /// See [`Branch::raw`].
    raw: Option<usize>,
    metrics: LaneMetrics,
    writes_letters: bool,
    /// What has passed, and may have to come again.
    held: VecDeque<Held>,
    /// What was put in an earlier process, by stream.
    put_before: Positions,
    /// Records came that nobody can send again once they are in a window.
    lone: bool,
    /// What the parts remember is in a journal: nothing has to come again for it.
    noted: bool,
}

struct Part {
    state: Box<dyn Ordered>,
    /// Batches that it has seen.
    batches: u64,
    stages: Vec<Arc<dyn Stage>>,
}

/// Something that passed, with what each part had seen by then.
struct Held {
    fan: Arc<Fan>,
    batches: Vec<u64>,
}

/// What goes to the store.
#[derive(Default)]
pub(super) struct Output {
    pub deliveries: Vec<Delivery>,
    pub letters: Vec<u8>,
    pub positions: Positions,
    /// What the parts remember since the last output, for the journal.
    pub changes: Option<Changes>,
    /// Whom the commit is told.
    pub fans: Vec<Arc<Fan>>,
}

impl Output {
    /// Adds the position that `fan` reaches, and the word of it.
    pub(super) fn commit(&mut self, fan: Arc<Fan>) {
        let (name, position) = fan.position();
        self.positions.insert(name.to_owned(), position);
        self.fans.push(fan);
    }
}

impl Tail {
    /// The ordered part of `branch`, if it has one.
    pub(super) fn new(
        lane: &Arc<str>,
        branch: &Branch,
        shape: Shape,
        budget: &Budget,
        (metrics, writes_letters): (&LaneMetrics, bool),
    ) -> Result<Option<Self>, Error> {
        let mut parts = Vec::new();
        for pair in branch.segments.windows(2) {
            let [before, after] = pair else { continue };
            let Some(fold) = &before.fold else { continue };
            let state = fold.ordered(budget).ok_or_else(|| {
                PlanError::new(format!(
                    "lane \"{lane}\": {} needs an input with an end; a window has one of its own",
                    fold.name()
                ))
            })?;
            parts.push(Part {
                state,
                batches: 0,
                stages: after.stages.clone(),
            });
        }
        let tail = Self {
            parts,
            lane: lane.clone(),
            encoder: branch.output.encoder(),
            shape,
            raw: branch.raw,
            metrics: metrics.clone(),
            writes_letters,
            held: VecDeque::new(),
            put_before: Positions::new(),
            lone: false,
            noted: false,
        };
        Ok((!tail.parts.is_empty()).then_some(tail))
    }

    /// Restores what the parts remembered from `journal`, and tells of changes from now on. `mark`
    /// is what the store has under [`STATE`].
    pub(super) fn keep_in(&mut self, journal: &mut Journal, mark: u64) -> Result<(), Error> {
        let lane = self.lane.clone();
        if !self.parts.iter_mut().all(|part| part.state.note_changes()) {
            let message = format!(
                "lane \"{lane}\": flow.state keeps what dedup remembers; a lane with a window has \
                 none, and is made again from input that can be read again"
            );
            return Err(PlanError::new(message).into());
        }
        self.noted = true;
        let mut foreign = false;
        journal.recover(mark, |changes| {
            for (part, change) in self.parts.iter_mut().zip(changes) {
                let known = change.is_empty() || part.state.restore(change).map_err(stage)?;
                part.batches += u64::from(known && !change.is_empty());
                foreign |= !known;
            }
            Ok(self.parts.iter().map(|part| part.batches).collect())
        })?;
        if foreign {
            tracing::warn!(%lane, "what a dedup with another key remembered is not used");
        }
        Ok(())
    }

    /// The batches from which on each part remembers something.
    pub(super) fn needs(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.state.needs()).collect()
    }

    /// Takes what it put away in an earlier process out of `positions`.
    pub(super) fn recover(&mut self, positions: &mut Positions) {
        let marks = positions.extract_if(.., |name, _| name.starts_with('#'));
        for (name, mark) in marks.collect::<Vec<_>>() {
            if let Some(stream) = name.strip_prefix(PUT) {
                self.put_before.insert(stream.to_owned(), mark);
            } else if let Some(part) = name.strip_prefix(WATERMARK)
                && let Some(part) = part
                    .parse()
                    .ok()
                    .and_then(|at: usize| self.parts.get_mut(at))
            {
                part.state.resume(mark.cast_signed());
            }
        }
    }

    /// Passes what workers have done through all parts.
    pub(super) fn pass(&mut self, ready: Vec<Done>) -> Result<Output, Error> {
        let mut output = Output::default();
        for done in ready {
            let again = done.fan.as_ref().is_some_and(|fan| self.was_put(fan));
            let kept = output.deliveries.len();
            let lettered = output.letters.len();
            let rereads = done.fan.as_ref().is_some_and(|fan| fan.rereads());
            self.lone |= !rereads && !done.deliveries.is_empty();
            for delivery in done.deliveries {
                if let Delivery::Rows(batch) = delivery {
                    self.flow(0, batch, !again, &mut output)?;
                }
            }
            output.letters.extend(done.letters);
            if again {
                output.deliveries.truncate(kept);
                output.letters.truncate(lettered);
            }
            if let Some(fan) = done.fan {
                if !rereads {
                    output.commit(fan);
                    continue;
                }
                let batches = self.parts.iter().map(|part| part.batches).collect();
                self.held.push_back(Held { fan, batches });
            }
        }
        self.release(&mut output);
        output.changes = self.changes();
        Ok(output)
    }

    /// What has changed since the last output, where that is kept.
    fn changes(&mut self) -> Option<Changes> {
        if !self.noted {
            return None;
        }
        let parts = self.parts.iter_mut().map(|part| part.state.changes());
        let parts: Vec<Vec<u8>> = parts.collect();
        let batches = self.parts.iter().map(|part| part.batches).collect();
        let any = parts.iter().any(|changes| !changes.is_empty());
        any.then_some(Changes { parts, batches })
    }

    /// Gives what is still held, where nobody can send it again.
    pub(super) fn finish(&mut self) -> Result<Output, Error> {
        let mut output = Output::default();
        if !self.lone {
            return Ok(output);
        }
        for index in 0..self.parts.len() {
            let mut given = Vec::new();
            let passed = self.parts[index].state.finish(&mut given).map_err(stage)?;
            self.count(passed);
            for batch in given {
                self.behind(index, batch, true, &mut output)?;
            }
        }
        self.held.drain(..).for_each(|held| output.commit(held.fan));
        Ok(output)
    }

    fn was_put(&self, fan: &Fan) -> bool {
        let (name, position) = fan.position();
        self.put_before
            .get(name)
            .is_some_and(|put| position <= *put)
    }

    /// Gives a batch to the part at `index`, and what it gives to what comes behind.
    fn flow(
        &mut self,
        index: usize,
        mut batch: Batch,
        fresh: bool,
        output: &mut Output,
    ) -> Result<(), Error> {
        let Some(part) = self.parts.get_mut(index) else {
            self.put(&mut batch, output);
            return Ok(());
        };
        let mut given = Vec::new();
        part.batches += 1;
        let passed = part.state.pass(&mut batch, &mut given).map_err(stage)?;
        self.count(passed);
        self.refuse(&mut batch, fresh, output);
        for batch in given {
            self.behind(index, batch, fresh, output)?;
        }
        Ok(())
    }

    /// Takes what the part at `index` gave through the stages behind it and on.
    fn behind(
        &mut self,
        index: usize,
        mut batch: Batch,
        fresh: bool,
        output: &mut Output,
    ) -> Result<(), Error> {
        let mut account = Account::default();
        apply(&self.parts[index].stages, &mut batch, &mut account)?;
        self.metrics.filtered.add(account.filtered);
        self.refuse(&mut batch, fresh, output);
        if batch.rows() == 0 {
            return Ok(());
        }
        self.flow(index + 1, batch, fresh, output)
    }

    fn put(&mut self, batch: &mut Batch, output: &mut Output) {
        let records = batch.rows() as u64;
        output.deliveries.push(match self.shape {
            Shape::Rows => Delivery::Rows(std::mem::take(batch)),
            Shape::Bytes => {
                let mut bytes = Vec::new();
                match self.raw {
                    Some(first) => self.encoder.encode_raw(batch, first, &mut bytes),
                    None => self.encoder.encode(batch, &mut bytes),
                }
                Delivery::Bytes { bytes, records }
            }
        });
    }

    fn refuse(&self, batch: &mut Batch, fresh: bool, output: &mut Output) {
        let rejected = batch.take_rejected();
        self.metrics.rejected.add(rejected.len() as u64);
        if self.writes_letters && fresh {
            for rejected in &rejected {
                letter::of_batch(&mut output.letters, &self.lane, batch, rejected);
            }
        }
    }

    fn count(&self, passed: Passed) {
        self.metrics.folded.add(passed.folded);
        self.metrics.made.add(passed.made);
        self.metrics.deduplicated.add(passed.deduplicated);
    }

    /// Adds the positions before which nothing has to come again, and how far the output goes.
    fn release(&mut self, output: &mut Output) {
        let needs: Vec<u64> = match self.noted {
            true => self.parts.iter().map(|part| part.batches).collect(),
            false => self.needs(),
        };
        if let Some(last) = self.held.back() {
            let (name, position) = last.fan.position();
            output.positions.insert(format!("{PUT}{name}"), position);
        }
        let released = |held: &Held| {
            held.batches
                .iter()
                .zip(&needs)
                .all(|(seen, need)| seen <= need)
        };
        while self.held.front().is_some_and(released)
            && let Some(held) = self.held.pop_front()
        {
            output.commit(held.fan);
        }
        if output.positions.is_empty() {
            return;
        }
        for (index, part) in self.parts.iter().enumerate() {
            if let Some(watermark) = part.state.watermark() {
                let mark = watermark.cast_unsigned();
                output.positions.insert(format!("{WATERMARK}{index}"), mark);
            }
        }
    }
}

fn stage(error: pelton_stage::Error) -> Error {
    Error::stage(error.to_string())
}
