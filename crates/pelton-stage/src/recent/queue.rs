//! Keys in the order in which they came.
//!
//! They lie in chunks, so that the queue grows by one of them at a time and what is forgotten is
//! given back. What the chunks hold is reserved before it is allocated. A key is never moved: its
//! number says where it lies.

use std::collections::VecDeque;

use pelton_pool::{Budget, OverBudget, Reservation};

/// Keys of a chunk.
const CHUNK: usize = 1024;
/// More could not be told apart by their numbers.
const KEYS_MAX: usize = u32::MAX as usize - CHUNK;
/// Room for so many runs is made at first, then as much again each time.
const RUNS: usize = 4;

/// Oldest first. Numbers are given in turn, and begin anew behind the last `u32`.
#[derive(Debug)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    /// The number of the first key of the first chunk, forgotten or not.
    base: u32,
    /// Keys of the first chunk that are forgotten; fewer than it has.
    forgotten: usize,
    memory: Reservation,
}

/// Keys that came one after the other.
#[derive(Debug)]
struct Chunk {
    keys: Vec<u128>,
    /// Of each key, where keys are forgotten by time.
    times: Vec<i64>,
    /// The batch that the first key came with.
    batch: u64,
    /// Which keys came with the same batch.
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    /// How far it is behind the batch of the chunk; what is too far to say counts as nearer.
    batch: u32,
    /// The place in the chunk behind its last key.
    end: u32,
}

impl Queue {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            chunks: VecDeque::new(),
            // Numbers soon begin anew, so that every window that was tried has been through it.
            base: u32::MAX - 2 * CHUNK as u32,
            forgotten: 0,
            memory: budget.reserve(0).expect("zero bytes are always granted"),
        }
    }

    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        let last = self.chunks.back().map_or(0, |chunk| chunk.keys.len());
        full + last - self.forgotten
    }

    pub(super) fn is_full(&self) -> bool {
        KEYS_MAX <= self.len()
    }

    /// The key with this number.
    pub(super) fn key(&self, number: u32) -> u128 {
        let place = number.wrapping_sub(self.base) as usize;
        self.chunks[place / CHUNK].keys[place % CHUNK]
    }

    /// The time of the oldest key, where keys are forgotten by time.
    pub(super) fn front_time(&self) -> Option<i64> {
        self.chunks.front()?.times.get(self.forgotten).copied()
    }

    /// The batch that the oldest key came with, or one before it.
    pub(super) fn front_batch(&self) -> Option<u64> {
        let chunk = self.chunks.front()?;
        let over = |run: &Run| run.end as usize <= self.forgotten;
        let run = chunk.runs.get(chunk.runs.partition_point(over))?;
        Some(chunk.batch + u64::from(run.batch))
    }

    /// Adds a key that came with `batch`: its number.
    pub(super) fn push_back(
        &mut self,
        key: u128,
        time: Option<i64>,
        batch: u64,
    ) -> Result<u32, OverBudget> {
        let number = self.base.wrapping_add((self.forgotten + self.len()) as u32);
        if self.chunks.back().is_none_or(Chunk::is_full) {
            self.memory.grow(Chunk::bytes(time.is_some()))?;
            self.chunks.push_back(Chunk::new(time.is_some(), batch));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.count_run(batch, &mut self.memory)?;
            chunk.keys.push(key);
            chunk.times.extend(time);
        }
        Ok(number)
    }

    /// Takes the oldest key out, with its number.
    pub(super) fn pop_front(&mut self) -> Option<(u128, u32)> {
        let chunk = self.chunks.front()?;
        let key = *chunk.keys.get(self.forgotten)?;
        let number = self.base.wrapping_add(self.forgotten as u32);
        self.forgotten += 1;
        if self.forgotten == CHUNK {
            self.forgotten = 0;
            self.base = self.base.wrapping_add(CHUNK as u32);
            let bytes = chunk.held_bytes();
            self.chunks.pop_front();
            self.memory.shrink(bytes);
        }
        Some((key, number))
    }
}

impl Chunk {
    fn new(is_timed: bool, batch: u64) -> Self {
        Self {
            keys: Vec::with_capacity(CHUNK),
            times: Vec::with_capacity(if is_timed { CHUNK } else { 0 }),
            batch,
            runs: Vec::new(),
        }
    }

    /// What a new one holds.
    const fn bytes(is_timed: bool) -> u64 {
        let key = if is_timed { 16 + 8 } else { 16 };
        (CHUNK * key) as u64
    }

    fn held_bytes(&self) -> u64 {
        let runs = self.runs.capacity() * size_of::<Run>();
        Self::bytes(self.times.capacity() > 0) + runs as u64
    }

    const fn is_full(&self) -> bool {
        self.keys.len() == CHUNK
    }

    /// Notes that the next key comes with `batch`.
    fn count_run(&mut self, batch: u64, memory: &mut Reservation) -> Result<(), OverBudget> {
        let batch = u32::try_from(batch - self.batch).unwrap_or(u32::MAX);
        let end = self.keys.len() as u32 + 1;
        if let Some(last) = self.runs.last_mut().filter(|last| last.batch == batch) {
            last.end = end;
            return Ok(());
        }
        if self.runs.len() == self.runs.capacity() {
            let more = self.runs.len().max(RUNS);
            memory.grow((more * size_of::<Run>()) as u64)?;
            self.runs.reserve_exact(more);
        }
        self.runs.push(Run { batch, end });
        Ok(())
    }
}
