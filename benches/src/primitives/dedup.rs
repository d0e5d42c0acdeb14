//! Inserting ids unless they are there, from two threads.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use pelton_queue::dedup::Dedup;

use crate::benchmark::{Benchmark, Goal, Sample};

/// Ids a batch.
const BATCH: usize = 64;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    let model = "insert ids of which one in ten was seen before, from two threads";
    let goal = Goal::Nanoseconds(25.0);
    let all = Benchmark::new("primitives/dedup", model, 10_000_000, goal).expecting(distinct);
    let all = all.ours("pelton-queue, batches", ours_in_batches);
    let all = all.ours("pelton-queue, singly", |items| {
        let seen = Dedup::<u64>::builder().build().expect("no limit was set");
        let insert = |seen: &mut Dedup<u64>, id| seen.insert(id).expect("no limit was set");
        from_two(items, || seen.clone(), insert)
    });
    let all = all.peer("std HashSet in a lock", |items| {
        let seen = Mutex::new(HashSet::new());
        let insert = |(): &mut (), id| seen.lock().is_ok_and(|mut seen| seen.insert(id));
        from_two(items, || (), insert)
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("dashmap", |items| {
            let seen = dashmap::DashSet::new();
            from_two(items, || (), |(), id| seen.insert(id))
        })
        .peer("papaya", |items| {
            let seen = papaya::HashSet::new();
            from_two(items, || (), |(), id| seen.pin().insert(id))
        })
        .peer("scc", |items| {
            let seen = scc::HashSet::new();
            from_two(items, || (), |(), id| seen.insert_sync(id).is_ok())
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

/// Each thread inserts half of the ids with a handle of its own; counts what was new.
fn from_two<H>(
    items: u64,
    handle: impl Fn() -> H + Sync,
    insert: impl Fn(&mut H, u64) -> bool + Sync,
) -> Sample {
    halves(items, |from, to| {
        let mut handle = handle();
        (from..to)
            .filter(|item| insert(&mut handle, id(*item)))
            .count() as u64
    })
}

fn ours_in_batches(items: u64) -> Sample {
    let seen = Dedup::<u64>::builder().build().expect("no limit was set");
    halves(items, |from, to| {
        let (mut seen, mut ids, mut new) = (seen.clone(), [0; BATCH], [false; BATCH]);
        let mut count = 0;
        for first in (from..to).step_by(BATCH) {
            let length = BATCH.min((to - first) as usize);
            let (ids, new) = (&mut ids[..length], &mut new[..length]);
            for (slot, item) in ids.iter_mut().zip(first..) {
                *slot = id(item);
            }
            seen.insert_batch(ids, new).expect("no limit was set");
            count += new.iter().filter(|new| **new).count() as u64;
        }
        count
    })
}

/// Runs `half` on both halves of the items, in a thread each, and sums up what they count.
fn halves(items: u64, half: impl Fn(u64, u64) -> u64 + Sync) -> Sample {
    // Both begin with a full ten, so that no pair is torn apart.
    let middle = items / 20 * 10;
    let began = Instant::now();
    let count = thread::scope(|scope| {
        let first = scope.spawn(|| half(0, middle));
        let second = half(middle, items);
        first.join().map_or(0, |first| first + second)
    });
    Sample::new(began.elapsed(), count)
}
