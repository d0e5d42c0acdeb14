//! A benchmark as data.

use std::time::Duration;

/// What an engine answers for one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// The time of the work, without its preparation.
    pub(crate) elapsed: Duration,
    /// What the work came to; compared with the expected count.
    pub(crate) count: u64,
}

/// Does `items` pieces of work.
pub(crate) type Work = Box<dyn FnMut(u64) -> Sample>;

/// One way to do the work.
pub(crate) struct Engine {
    /// The crate, and which of its ways where it has several: `rtrb`, `prometheus local`.
    pub(crate) name: &'static str,
    /// True for ours.
    pub(crate) ours: bool,
    pub(crate) work: Work,
}

/// What ours has to reach, in time per item.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At most so many nanoseconds.
    Nanoseconds(f64),
    /// At most so many times what the fastest peer takes.
    Best(f64),
    /// At most so many times what the named peer takes.
    Peer(&'static str, f64),
}

/// A named piece of work with everyone who does it.
pub(crate) struct Benchmark {
    /// `primitives/spsc/stream-u64`.
    pub(crate) name: String,
    /// What is done, in one sentence.
    pub(crate) model: &'static str,
    /// Pieces of work a round.
    pub(crate) items: u64,
    /// Pieces of work in a smoke run.
    pub(crate) smoke_items: u64,
    /// The right count for so many items.
    pub(crate) expected: fn(u64) -> u64,
    pub(crate) goal: Goal,
    pub(crate) engines: Vec<Engine>,
}

impl Benchmark {
    /// Makes a benchmark whose count is the number of items, without engines yet.
    pub(crate) fn new(name: &str, model: &'static str, items: u64, goal: Goal) -> Self {
        Self {
            name: name.to_owned(),
            model,
            items,
            smoke_items: 256,
            expected: |items| items,
            goal,
            engines: Vec::new(),
        }
    }

    /// Sets how the right count follows from the number of items.
    pub(crate) fn expecting(mut self, expected: fn(u64) -> u64) -> Self {
        self.expected = expected;
        self
    }

    /// Adds our way. Benchmarks with several of ours are judged by the first.
    pub(crate) fn ours(
        self,
        name: &'static str,
        work: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.engine(name, true, Box::new(work))
    }

    /// Adds a peer's way.
    pub(crate) fn peer(
        self,
        name: &'static str,
        work: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.engine(name, false, Box::new(work))
    }

    fn engine(mut self, name: &'static str, ours: bool, work: Work) -> Self {
        self.engines.push(Engine { name, ours, work });
        self
    }
}
