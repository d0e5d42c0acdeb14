//! Reading the clock: what a time stamp a batch costs.

use std::hint::black_box;
use std::time::Instant;

use crate::benchmark::{Benchmark, Goal, Sample};

/// Items a batch, in the engine's idle case; a loaded batch has thousands.
const BATCH: u64 = 64;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    let model = "a time stamp for each item; ours reads the clock once for 64 of them";
    let goal = Goal::Best(0.1);
    let all = Benchmark::new("primitives/clock", model, 1_280_000, goal);
    let all = all.ours("std, once a batch", once_a_batch);
    let all = all.peer("std", |items| readings(items, Instant::now));
    #[cfg(feature = "peers")]
    let all = all
        .peer("quanta raw", |items| {
            let clock = quanta::Clock::new();
            readings(items, || clock.raw())
        })
        .peer("minstant", |items| readings(items, minstant::Instant::now));
    vec![all]
}

fn once_a_batch(items: u64) -> Sample {
    let batches = readings(items / BATCH, Instant::now);
    Sample::new(batches.elapsed, batches.count * BATCH)
}

fn readings<T>(items: u64, mut read: impl FnMut() -> T) -> Sample {
    let began = Instant::now();
    for _ in 0..items {
        black_box(read());
    }
    Sample::new(began.elapsed(), items)
}
