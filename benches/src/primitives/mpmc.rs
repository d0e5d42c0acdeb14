//! Several producers, one consumer.

use std::thread;
use std::time::Instant;

use super::ring::{self, Batched, Shared};
use super::sum_below;
use crate::benchmark::{Benchmark, Goal, Sample};

/// Slots of every ring.
const CAPACITY: usize = 1024;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![singles(), batches()]
}

fn singles() -> Benchmark {
    let model = "two producers, one consumer, u64";
    let goal = Goal::Peer("crossbeam-queue", 0.8);
    let all = Benchmark::new("primitives/mpmc/two-to-one", model, 1_000_000, goal);
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", two_to_one::<ring::Mpmc>);
    let all = all.peer("crossbeam-queue", two_to_one::<ring::ArrayQueue>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("crossbeam-channel", two_to_one::<ring::CrossbeamChannel>)
        .peer("kanal", two_to_one::<ring::Kanal>)
        .peer("flume", two_to_one::<ring::Flume>);
    all
}

fn batches() -> Benchmark {
    let model = "the same in batches of 64, which the peer has none of";
    let goal = Goal::Peer("crossbeam-queue", 0.25);
    let all = Benchmark::new("primitives/mpmc/two-to-one-batch", model, 1_000_000, goal);
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", two_to_one_batches::<ring::Mpmc>);
    all.peer("crossbeam-queue", two_to_one::<ring::ArrayQueue>)
}

fn two_to_one_batches<R: Batched<u64> + Shared<u64>>(items: u64) -> Sample {
    let (mut low, mut consumer) = R::pair(CAPACITY);
    let mut high = low.clone();
    let began = Instant::now();
    let count = thread::scope(|scope| {
        scope.spawn(move || ring::push_batches::<u64, R>(&mut low, 0, items / 2));
        scope.spawn(move || ring::push_batches::<u64, R>(&mut high, items / 2, items));
        ring::sum_batches::<u64, R>(&mut consumer, items)
    });
    Sample::new(began.elapsed(), count)
}

fn two_to_one<R: Shared<u64>>(items: u64) -> Sample {
    let (mut even, mut consumer) = R::pair(CAPACITY);
    let mut odd = even.clone();
    let began = Instant::now();
    let count = thread::scope(|scope| {
        scope.spawn(move || push_each::<R>(&mut even, (0..items).step_by(2)));
        scope.spawn(move || push_each::<R>(&mut odd, (1..items).step_by(2)));
        (0..items).map(|_| ring::pop::<u64, R>(&mut consumer)).sum()
    });
    Sample::new(began.elapsed(), count)
}

fn push_each<R: Shared<u64>>(producer: &mut R::Producer, values: impl Iterator<Item = u64>) {
    for value in values {
        ring::push::<u64, R>(producer, value);
    }
}
