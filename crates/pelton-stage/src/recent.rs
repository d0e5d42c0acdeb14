//! Rows whose key has not been seen lately.

mod changes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pelton_pool::{Budget, OverBudget};
use pelton_queue::dedup::key_of;
use pelton_record::{Batch, Bitmap, DataType, Schema, Values};

use self::changes::{Change, Changes};
use crate::fold::keys::{Keys, Seed, is_long, pieces};
use crate::fold::memory::Memory;
use crate::{Dropped, Error, ErrorKind, Fold, FoldState, Ordered, Passed};

/// Drops a row whose key is that of one of the last rows kept: the last so many, or those within a
/// time before the latest. [`Dedup`](crate::Dedup) remembers all.
///
/// It [needs the order](Fold::needs_order) of rows, and is its [`Ordered`] state alone.
///
/// Keys of up to 15 bytes are compared as they are, longer ones by 128 bits made of them with a
/// secret: among a million of those, two different ones meet with a chance of 10⁻²⁷. A key takes
/// 24 bytes, and 8 more with a time.
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
        self.reserve(batch.rows())?;
        let mut fresh = Bitmap::new(batch.rows(), true);
        for row in 0..batch.rows() {
            let time = times.map(|times| times[row]);
            let key = Self::key(&self.keys, row);
            if !self.remember(key, time) {
                fresh.set(row, false);
            } else if let Some(noted) = &mut self.noted {
                noted.kept(key, time.map(|time| (time, self.latest)));
            }
        }
        Ok(fresh)
    }

    fn reserve(&mut self, keys: usize) -> Result<(), Error> {
        self.seen.reserve(keys).map_err(|error| {
            let message = format!(
                "stage \"{}\": {error}; a smaller window needs less",
                self.plan.name
            );
            Error::new(ErrorKind::Memory, message)
        })
    }

    /// Remembers a key for which there is room, and forgets those whose time is over; false when
    /// it was remembered already.
    fn remember(&mut self, key: u128, time: Option<i64>) -> bool {
        if let Some(time) = time {
            self.move_on(time);
        }
        if !self.seen.insert(key, time, self.batches) {
            return false;
        }
        if let Within::Rows(rows) = self.plan.window
            && self.seen.len() > rows as usize
        {
            self.seen.forget_oldest();
        }
        true
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
        self.reserve(change.keys.len())?;
        for (key, time) in change.keys {
            // It was as late as that when the key came, not only as late as its own time.
            if let Some((_, latest)) = time {
                self.move_on(latest);
            }
            self.remember(key, time.map(|(time, _)| time));
        }
        self.move_on(change.latest);
        self.batches += 1;
        if let Some(noted) = &mut self.noted {
            noted.told(self.latest);
        }
        Ok(true)
    }
}

/// Keys in the order in which they came, with an index to find them.
///
/// The index is a table of the keys' numbers with linear probing; a number minus that of the
/// oldest key is a place in the queue. Removal moves what follows back, so that no graves are left
/// (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm R).
struct Seen {
    keys: VecDeque<u128>,
    /// Of each key, where keys are forgotten by time.
    times: VecDeque<i64>,
    /// How many of the keys came with each batch, oldest first.
    batches: VecDeque<(u64, u32)>,
    /// The number of the oldest key.
    first: u32,
    /// A key's number and 1, or 0 for none. A power of two of them, at most half in use.
    slots: Vec<u32>,
    seed: Seed,
    memory: Memory,
}

/// What a key takes at the most: itself, its time, four slots when the table has just grown.
const KEY_BYTES: usize = 16 + 8 + 16;

impl Seen {
    fn new(seed: Seed, budget: &Budget) -> Self {
        Self {
            keys: VecDeque::new(),
            times: VecDeque::new(),
            batches: VecDeque::new(),
            first: 0,
            slots: vec![0; 64],
            seed,
            memory: Memory::new(budget, 0),
        }
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    /// Where the search for `key` begins.
    fn home(&self, key: u128) -> usize {
        self.seed.hash(key) as usize & (self.slots.len() - 1)
    }

    fn key_of_slot(&self, slot: u32) -> u128 {
        self.keys[(slot - 1 - self.first) as usize]
    }

    /// Makes room for `more` keys.
    fn reserve(&mut self, more: usize) -> Result<(), OverBudget> {
        let keys = self.keys.len() + more;
        if keys * 2 <= self.slots.len() && keys <= self.keys.capacity() {
            return Ok(());
        }
        let room = keys.next_power_of_two();
        self.memory.resize(room * KEY_BYTES)?;
        self.keys.reserve_exact(room - self.keys.len());
        if keys * 2 > self.slots.len() {
            self.slots = vec![0; room * 2];
            for index in 0..self.keys.len() {
                let number = self.first + index as u32;
                let free = self.find(self.keys[index]).unwrap_or_else(|free| free);
                self.slots[free] = number + 1;
            }
        }
        Ok(())
    }

    /// The slot of `key`, or the free one in which it would be.
    fn find(&self, key: u128) -> Result<usize, usize> {
        let mut at = self.home(key);
        loop {
            match self.slots[at] {
                0 => return Err(at),
                slot if self.key_of_slot(slot) == key => return Ok(at),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// Adds a key for which there is room; false when it is there.
    fn insert(&mut self, key: u128, time: Option<i64>, batch: u64) -> bool {
        let Err(free) = self.find(key) else {
            return false;
        };
        let number = self.first + self.keys.len() as u32;
        self.slots[free] = number + 1;
        self.keys.push_back(key);
        self.times.extend(time);
        match self.batches.back_mut() {
            Some((last, keys)) if *last == batch => *keys += 1,
            _ => self.batches.push_back((batch, 1)),
        }
        true
    }

    fn forget_oldest(&mut self) {
        let Some(&key) = self.keys.front() else {
            return;
        };
        if let Ok(at) = self.find(key) {
            self.vacate(at);
        }
        self.keys.pop_front();
        self.times.pop_front();
        self.first += 1;
        if let Some((_, keys)) = self.batches.front_mut() {
            *keys -= 1;
            if *keys == 0 {
                self.batches.pop_front();
            }
        }
        self.renumber();
    }

    /// Frees a slot, and moves back what was put behind it for want of room.
    fn vacate(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut at = hole;
        loop {
            self.slots[hole] = 0;
            loop {
                at = (at + 1) & mask;
                let slot = self.slots[at];
                if slot == 0 {
                    return;
                }
                let home = self.home(self.key_of_slot(slot));
                // It may move when its home does not lie between the hole and where it is.
                if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                    break;
                }
            }
            self.slots[hole] = self.slots[at];
            hole = at;
        }
    }

    /// Numbers begin anew long before they run out.
    fn renumber(&mut self) {
        if self.first < 1 << 31 {
            return;
        }
        let first = std::mem::take(&mut self.first);
        let used = self.slots.iter_mut().filter(|slot| **slot > 0);
        used.for_each(|slot| *slot -= first);
    }

    fn forget_before(&mut self, time: i64) {
        while self.times.front().is_some_and(|first| *first < time) {
            self.forget_oldest();
        }
    }

    /// The first batch with a key that is remembered.
    fn oldest(&self) -> Option<u64> {
        self.batches.front().map(|(batch, _)| *batch)
    }
}
