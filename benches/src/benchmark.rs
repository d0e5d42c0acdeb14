//! A benchmark as data.

use std::time::Duration;

/// What an engine answers for one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// The time of the work, without its preparation.
    pub(crate) elapsed: Duration,
    /// What the work came to; compared with the expected count.
    pub(crate) count: u64,
    /// The peak of resident memory in KiB, for whole processes.
    pub(crate) peak_kib: Option<u64>,
}

impl Sample {
    /// A sample of work within this process.
    pub(crate) fn new(elapsed: Duration, count: u64) -> Self {
        Self {
            elapsed,
            count,
            peak_kib: None,
        }
    }
}

/// Does `items` pieces of work, or says why it could not.
pub(crate) type Work = Box<dyn FnMut(u64) -> Result<Sample, String>>;

/// Which count is right.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// The one that follows from the number of items.
    Rule(fn(u64) -> u64),
    /// The one that the first engine came to: all must agree.
    Agreement,
}

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
    /// None: it is there to be compared with.
    None,
    /// At most so many nanoseconds.
    Nanoseconds(f64),
    /// At most so many times what the fastest peer takes.
    Best(f64),
    /// At most so many times what the named peer takes.
    Peer(&'static str, f64),
    /// At most so many KiB of resident memory, whatever the time.
    PeakKib(u64),
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
    /// Bytes of input a round, where the work is a file.
    pub(crate) bytes: Option<u64>,
    pub(crate) expected: Expected,
    pub(crate) goal: Goal,
    pub(crate) engines: Vec<Engine>,
    /// What the reader of the figures must know: who is missing, and why.
    pub(crate) notes: Vec<String>,
}

impl Benchmark {
    /// Makes a benchmark whose count is the number of items, without engines yet.
    pub(crate) fn new(name: &str, model: &'static str, items: u64, goal: Goal) -> Self {
        Self {
            name: name.to_owned(),
            model,
            items,
            smoke_items: 256,
            bytes: None,
            expected: Expected::Rule(|items| items),
            goal,
            engines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets how the right count follows from the number of items.
    pub(crate) fn expecting(mut self, expected: fn(u64) -> u64) -> Self {
        self.expected = Expected::Rule(expected);
        self
    }

    /// Makes it the work on one file of so many bytes, on whose answer all must agree.
    pub(crate) fn on_bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self.expected = Expected::Agreement;
        self
    }

    /// Adds our way. Benchmarks with several of ours are judged by the first.
    pub(crate) fn ours(self, name: &'static str, work: impl Fn(u64) -> Sample + 'static) -> Self {
        self.process(name, true, Box::new(move |items| Ok(work(items))))
    }

    /// Adds a peer's way.
    pub(crate) fn peer(self, name: &'static str, work: impl Fn(u64) -> Sample + 'static) -> Self {
        self.process(name, false, Box::new(move |items| Ok(work(items))))
    }

    /// Adds a way that may fail.
    pub(crate) fn process(mut self, name: &'static str, ours: bool, work: Work) -> Self {
        self.engines.push(Engine { name, ours, work });
        self
    }
}
