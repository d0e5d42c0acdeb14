//! Keys that were seen lately: in the order in which they came, and to be found.

use std::fmt;

use pelton_pool::{Budget, OverBudget};

use super::index::Index;
use super::queue::Queue;
use crate::fold::keys::Seed;

/// A set that forgets what came first. All it holds is reserved.
#[derive(Debug)]
pub(super) struct Seen {
    queue: Queue,
    index: Index,
    seed: Seed,
}

/// Why nothing more can be remembered.
#[derive(Debug)]
pub(super) enum Full {
    Memory(OverBudget),
    /// Keys have no numbers left.
    Numbers,
}

impl From<OverBudget> for Full {
    fn from(refused: OverBudget) -> Self {
        Self::Memory(refused)
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(refused) => refused.fmt(f),
            Self::Numbers => f.write_str("more than four billion keys at a time"),
        }
    }
}

impl Seen {
    pub(super) fn new(seed: Seed, budget: &Budget) -> Self {
        Self {
            queue: Queue::new(budget),
            index: Index::new(budget),
            seed,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Adds a key that came with `batch`; false when it is there.
    pub(super) fn insert(
        &mut self,
        key: u128,
        time: Option<i64>,
        batch: u64,
    ) -> Result<bool, Full> {
        let hash = self.seed.hash(key);
        let queue = &mut self.queue;
        if self.index.contains(hash, |number| queue.key(number) == key) {
            return Ok(false);
        }
        if queue.is_full() {
            return Err(Full::Numbers);
        }
        self.index.make_room(hash)?;
        let number = queue.push_back(key, time, batch)?;
        self.index.insert(hash, number);
        Ok(true)
    }

    pub(super) fn forget_oldest(&mut self) {
        if let Some((key, number)) = self.queue.pop_front() {
            self.index.remove(self.seed.hash(key), number);
        }
    }

    pub(super) fn forget_before(&mut self, time: i64) {
        while self.queue.front_time().is_some_and(|first| first < time) {
            self.forget_oldest();
        }
    }

    /// The batch of the oldest key, or one before it.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.queue.front_batch()
    }
}
