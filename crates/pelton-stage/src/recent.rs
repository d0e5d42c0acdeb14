//! Rows whose key has not been seen lately.

mod changes;
mod index;
mod queue;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use pelton_pool::Budget;
use pelton_queue::dedup::key_of;
use pelton_record::{Batch, Bitmap, DataType, Schema, Values};

use self::changes::{Change, Changes};
use self::seen::{Full, Seen};
use crate::fold::keys::{Keys, Seed, is_long, pieces};
use crate::{Dropped, Error, ErrorKind, Fold, FoldState, Ordered, Passed};

/// Drops a row whose key is that of one of the last rows kept: the last so many, or those within a
/// time before the latest. [`Dedup`](crate::Dedup) remembers all.
///
/// It [needs the order](Fold::needs_order) of rows, and is its [`Ordered`] state alone.
///
/// Keys of up to 15 bytes are compared as they are, longer ones by 128 bits made of them with a
/// secret: among a million of those, two different ones meet with a chance of 10⁻²⁷. A key takes
/// 28 bytes at the most, 8 more with a time, and up to 16 more where it comes alone in its batch;
/// all of them are reserved, in small steps as the window grows.
#[derive(Clone, Debug)]
pub struct Recent {
    plan: Arc<Plan>,
}

#[derive(Clone, Debug)]
struct Plan {
    name: Arc<str>,
    by: Vec<usize>,
    window: Within,
    schema: Arc<Schema>,
    seed: Seed,
}

/// How long keys are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// For so many rows kept, at least 1.
    Rows(u32),
    /// For so long before the latest value of a timestamp column.
    Time {
        /// The column.
        column: usize,
        /// How long.
        span: Duration,
    },
}

impl Recent {
    /// Compares batches of `input` by the columns `by`.
    ///
    /// # Errors
    ///
    /// When there are no columns, or the window makes no sense.
    pub fn new(by: Vec<usize>, window: Within, input: &Arc<Schema>) -> Result<Self, Error> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::Type, message.to_owned()));
        if by.is_empty() || by.iter().any(|&index| index >= input.len()) {
            return wrong("dedup needs at least one column");
        }
        match window {
            Within::Rows(0) => return wrong("a dedup window holds at least one row"),
            Within::Time { column, .. }
                if input.fields().get(column).map(|field| field.data_type)
                    != Some(DataType::Timestamp) =>
            {
                return wrong("a dedup window by time needs a timestamp column");
            }
            _ => {}
        }
        Ok(Self {
            plan: Arc::new(Plan {
                name: "dedup".into(),
                by,
                window,
                schema: input.clone(),
                seed: Seed::random(),
            }),
        })
    }

    /// The same under another name in reports and errors; it is `dedup` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.plan).name = name.into();
        self
    }
}

impl Fold for Recent {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.plan.schema
    }

    fn dropped(&self) -> Option<Dropped> {
        Some(Dropped::Deduplicated)
    }

    fn needs_order(&self) -> bool {
        true
    }

    fn state(&self, _budget: &Budget) -> Box<dyn FoldState> {
        Box::new(OutOfOrder)
    }

    fn ordered(&self, budget: &Budget) -> Option<Box<dyn Ordered>> {
        Some(Box::new(State {
            plan: self.plan.clone(),
            seen: Seen::new(self.plan.seed, budget),
            keys: Keys::default(),
            batches: 0,
            latest: i64::MIN,
            noted: None,
        }))
    }
}

/// A worker on its own cannot tell what came lately.
struct OutOfOrder;

impl FoldState for OutOfOrder {
    fn fold(&mut self, _batch: &mut Batch) -> Result<(), Error> {
        let message = "a dedup window needs its rows in order".to_owned();
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    fn merge(&mut self, _other: Box<dyn FoldState>) -> Result<(), Error> {
        Ok(())
    }

    fn finish(
        self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        Ok(Box::new(std::iter::empty()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

struct State {
    plan: Arc<Plan>,
    seen: Seen,
    keys: Keys,
    batches: u64,
    latest: i64,
    /// What changed, once somebody wants to know.
    noted: Option<Changes>,
}

impl State {
    /// The secret that long keys are shortened with: one for all runs, so that a run that goes on
    /// where another ended comes to the same.
    const SECRET: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03];

    fn key(keys: &Keys, row: usize) -> u128 {
        let word = keys.words[row];
        if !is_long(word) {
            return word;
        }
        let mut room = [0; 16];
        key_of(pieces(word, keys.side(), &mut room), Self::SECRET)
    }

    fn pass_rows(&mut self, batch: &Batch, times: Option<&[i64]>) -> Result<Bitmap, Error> {
        let columns = self.plan.by.iter().map(|&index| batch.column(index));
        self.keys.encode(columns, 0, batch.rows(), self.plan.seed);
        let mut fresh = Bitmap::new(batch.rows(), true);
        for row in 0..batch.rows() {
            let time = times.map(|times| times[row]);
            let key = Self::key(&self.keys, row);
            if !self.remember(key, time)? {
                fresh.set(row, false);
            } else if let Some(noted) = &mut self.noted {
                noted.kept(key, time.map(|time| (time, self.latest)));
            }
        }
        Ok(fresh)
    }

    /// Why the step cannot go on.
    fn full(&self, full: &Full) -> Error {
        let message = format!(
            "stage \"{}\": {full}; a smaller window needs less",
            self.plan.name
        );
        Error::new(ErrorKind::Memory, message)
    }

    /// Remembers a key, and forgets those whose time is over; false when it was remembered already.
    fn remember(&mut self, key: u128, time: Option<i64>) -> Result<bool, Error> {
        if let Some(time) = time {
            self.move_on(time);
        }
        let added = self.seen.insert(key, time, self.batches);
        if !added.map_err(|full| self.full(&full))? {
            return Ok(false);
        }
        if let Within::Rows(rows) = self.plan.window
            && self.seen.len() > rows as usize
        {
            self.seen.forget_oldest();
        }
        Ok(true)
    }

    /// It is as late as `time`, or later.
    fn move_on(&mut self, time: i64) {
        if let Within::Time { span, .. } = self.plan.window {
            self.latest = self.latest.max(time);
            let span = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
            self.seen.forget_before(self.latest.saturating_sub(span));
        }
    }
}

impl Ordered for State {
    fn pass(&mut self, batch: &mut Batch, out: &mut Vec<Batch>) -> Result<Passed, Error> {
        let times = match self.plan.window {
            Within::Rows(_) => None,
            Within::Time { column, .. } => match batch.column(column).values() {
                Values::Timestamp(times) => Some(times.clone()),
                _ => None,
            },
        };
        let fresh = self.pass_rows(batch, times.as_deref())?;
        self.batches += 1;
        let before = batch.rows();
        let mut kept = std::mem::take(batch);
        kept.retain(&fresh);
        let deduplicated = (before - kept.rows()) as u64;
        if kept.rows() > 0 {
            out.push(kept);
        }
        Ok(Passed {
            deduplicated,
            ..Passed::default()
        })
    }

    fn finish(&mut self, _out: &mut Vec<Batch>) -> Result<Passed, Error> {
        Ok(Passed::default())
    }

    fn needs(&self) -> u64 {
        self.seen.oldest().unwrap_or(self.batches)
    }

    fn note_changes(&mut self) -> bool {
        self.noted = Some(Changes::new(&self.plan, self.latest));
        true
    }

    fn changes(&mut self) -> Vec<u8> {
        let latest = self.latest;
        self.noted
            .as_mut()
            .map_or_else(Vec::new, |noted| noted.take(latest))
    }

    fn restore(&mut self, changes: &[u8]) -> Result<bool, Error> {
        let Some(change) = Change::read(&self.plan, changes) else {
            return Ok(false);
        };
        for (key, time) in change.keys {
            // It was as late as that when the key came, not only as late as its own time.
            if let Some((_, latest)) = time {
                self.move_on(latest);
            }
            self.remember(key, time.map(|(time, _)| time))?;
        }
        self.move_on(change.latest);
        self.batches += 1;
        if let Some(noted) = &mut self.noted {
            noted.told(self.latest);
        }
        Ok(true)
    }
}
