//! The crates of the lower floors beside the crates that one would take otherwise.

mod allocator;
mod clock;
mod dedup;
mod metrics;
mod mpmc;
mod pool;
mod ring;
mod sched;
mod spsc;
mod store;

use crate::benchmark::Benchmark;

/// All of them, in the order of the floors.
pub(crate) fn benchmarks() -> Vec<Benchmark> {
    let mut all = spsc::benchmarks();
    all.extend(mpmc::benchmarks());
    all.extend(pool::benchmarks());
    all.extend(metrics::benchmarks());
    all.extend(sched::benchmarks());
    all.extend(dedup::benchmarks());
    all.extend(clock::benchmarks());
    all
}

/// The sum of `0..items`: the count of everything that passes numbers on.
fn sum_below(items: u64) -> u64 {
    items * items.saturating_sub(1) / 2
}
