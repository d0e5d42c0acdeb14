//! The engine inside a program, beside a pipeline of threads and channels written by hand.
//!
//! Records of 64 to 1024 bytes go through the same four stages. One thread submits, one works, one
//! receives; `inline` the one that receives works. Where the latency is asked for, one thread
//! submits what is due and receives what is there, so that two cores suffice for it and a worker,
//! and it is judged without one, as one would choose it there. The peers' payloads are vectors from
//! the global allocator, as one would write it.

mod channels;
mod pelton;

use std::time::{Duration, Instant};

use pelton_metrics::Histogram;

use crate::benchmark::{Benchmark, Goal, Sample};

/// Slots of every queue.
const CAPACITY: usize = 4096;
/// Records that are submitted or received together, where they are.
const BATCH: usize = 256;
/// Records that are submitted before any is received, where one thread does both: more of them
/// leave the nearest caches.
const FEW: u64 = 64;
/// Half of the goal for records one by one.
const HALF_LOAD_PER_SECOND: u64 = 2_500_000;

pub(crate) fn benchmarks() -> Vec<Benchmark> {
    vec![
        one_by_one(),
        batches(),
        latency("embed/latency-p50", 50.0, Duration::from_micros(10)),
        latency("embed/latency-p99", 99.0, Duration::from_micros(100)),
    ]
}

fn one_by_one() -> Benchmark {
    let model = "records of 64-1024 B through four stages, submitted and received one by one";
    let goal = Goal::Nanoseconds(200.0);
    let all = Benchmark::new("embed/one-by-one", model, 1_000_000, goal).expecting(kept);
    let all = all.ours("pelton", |items| pelton::one_by_one(items, 1));
    let all = all.ours("inline", |items| pelton::one_by_one(items, 0));
    let all = all.peer("std mpsc", channels::one_by_one::<channels::Std>);
    all.peer(
        "crossbeam-channel",
        channels::one_by_one::<channels::Crossbeam>,
    )
}

fn batches() -> Benchmark {
    let model = "the same in batches of 256; the peers send vectors of records";
    let goal = Goal::Nanoseconds(50.0);
    let all = Benchmark::new("embed/batches", model, 2_000_000, goal).expecting(kept);
    let all = all.ours("pelton", |items| pelton::batches(items, 1));
    let all = all.ours("inline", |items| pelton::batches(items, 0));
    let all = all.peer("std mpsc", channels::batches::<channels::Std>);
    all.peer(
        "crossbeam-channel",
        channels::batches::<channels::Crossbeam>,
    )
}

/// The time of an item is that percentile.
fn latency(name: &'static str, percentile: f64, goal: Duration) -> Benchmark {
    let model = "from the moment a record is due to its receipt, at 2.5 M/s one by one, submitted \
                 and received by one thread: so great a part comes sooner";
    let goal = Goal::Nanoseconds(goal.as_nanos() as f64);
    let all = Benchmark::new(name, model, 2_500_000, goal).expecting(kept);
    let all = all.ours("inline", move |items| pelton::paced(items, 0, percentile));
    let all = all.ours("pelton", move |items| pelton::paced(items, 1, percentile));
    let all = all.peer("no engine", move |items| channels::bare(items, percentile));
    let all = all.peer("std mpsc", move |items| {
        channels::paced::<channels::Std>(items, percentile)
    });
    all.peer("crossbeam-channel", move |items| {
        channels::paced::<channels::Crossbeam>(items, percentile)
    })
}

/// Records that the last stage lets pass.
fn kept(items: u64) -> u64 {
    items - items / 16
}

/// The length of payload `id`: 64 to 1024 bytes, 304 in the mean.
fn length(id: u64) -> usize {
    let (scattered, _) = id.overflowing_mul(0x9E37_79B9_7F4A_7C15);
    [64, 64, 128, 128, 256, 256, 512, 1024][(scattered >> 61) as usize]
}

/// What payloads are copied from.
static SOURCE: [u8; 1024] = [b'x'; 1024];

/// The payload of record `id`.
fn payload(id: u64) -> &'static [u8] {
    &SOURCE[..length(id)]
}

fn is_long_enough(payload: &[u8]) -> bool {
    payload.len() >= 64
}

fn mark(payload: &mut [u8], id: u64) {
    payload[..8].copy_from_slice(&id.to_le_bytes());
}

fn verify(payload: &[u8], id: u64) -> Result<(), &'static str> {
    match payload.first_chunk() {
        Some(first) if u64::from_le_bytes(*first) == id => Ok(()),
        _ => Err("the mark of another record"),
    }
}

const fn is_kept(id: u64) -> bool {
    id % 16 != 15
}

/// When record `id` is due, from the start.
fn due(id: u64) -> Duration {
    Duration::from_nanos(id * 1_000_000_000 / HALF_LOAD_PER_SECOND)
}

/// In an open loop: submits those of `items` records that are due, a few of them at once, receives
/// what is there, and begins again, as a program with other things to do would. `submit` says
/// whether there was room, `receive` which record came out. The time of an item is that
/// `percentile` of those from when one was due to its receipt. The first one comes back before the
/// clock starts: until then a worker may not have begun.
fn paced(
    items: u64,
    percentile: f64,
    mut submit: impl FnMut(u64) -> bool,
    mut receive: impl FnMut() -> Option<u64>,
) -> Sample {
    let latency = Histogram::new();
    let mut mine = latency.local();
    let (mut submitted, mut received) = (1, 1);
    while !submit(0) {}
    while receive().is_none() {}
    let began = Instant::now();
    while received < kept(items) {
        let most = items.min(submitted + FEW);
        while submitted < most && due(submitted) <= began.elapsed() && submit(submitted) {
            submitted += 1;
        }
        while let Some(id) = receive() {
            let late = began.elapsed().saturating_sub(due(id));
            mine.record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
            received += 1;
        }
    }
    let late_ns = latency.snapshot().percentile(percentile).unwrap_or(0);
    Sample::new(
        Duration::from_nanos(late_ns.saturating_mul(items)),
        received,
    )
}
