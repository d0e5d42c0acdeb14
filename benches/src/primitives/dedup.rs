//! Inserting ids unless they are there, from two threads.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::benchmark::{Benchmark, Goal, Sample};

pub(super) fn benchmarks() -> Vec<Benchmark> {
    let model = "insert ids of which one in ten was seen before, from two threads";
    let goal = Goal::Nanoseconds(25.0);
    let all = Benchmark::new("primitives/dedup", model, 10_000_000, goal).expecting(distinct);
    let all = all.peer("std HashSet in a lock", |items| {
        let seen = Mutex::new(HashSet::new());
        let insert = |id| seen.lock().is_ok_and(|mut seen| seen.insert(id));
        from_two(items, insert)
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("dashmap", |items| {
            let seen = dashmap::DashSet::new();
            from_two(items, |id| seen.insert(id))
        })
        .peer("papaya", |items| {
            let seen = papaya::HashSet::new();
            from_two(items, |id| seen.pin().insert(id))
        })
        .peer("scc", |items| {
            let seen = scc::HashSet::new();
            from_two(items, |id| seen.insert_sync(id).is_ok())
        });
    vec![all]
}

/// Every tenth item repeats the id of the item before.
fn id(item: u64) -> u64 {
    let first = if item % 10 == 9 { item - 1 } else { item };
    first.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn distinct(items: u64) -> u64 {
    items - items / 10
}

/// Each thread inserts half of the ids; counts what was new.
fn from_two(items: u64, insert: impl Fn(u64) -> bool + Sync) -> Sample {
    // Both halves begin with a full ten, so that no pair is torn apart.
    let middle = items / 20 * 10;
    let half = |from: u64, to: u64| (from..to).filter(|item| insert(id(*item))).count() as u64;
    let began = Instant::now();
    let count = thread::scope(|scope| {
        let first = scope.spawn(|| half(0, middle));
        let second = half(middle, items);
        first.join().map_or(0, |first| first + second)
    });
    Sample::new(began.elapsed(), count)
}
