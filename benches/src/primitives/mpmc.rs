//! Several producers, one consumer: bounded and unbounded.

use std::thread;
use std::time::Instant;

use super::ring::{self, Batched, Shared};
use super::spsc::push_and_pop;
use super::sum_below;
use crate::benchmark::{Benchmark, Goal, Sample};

/// Slots of every ring.
const CAPACITY: usize = 1024;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![
        singles(),
        batches(),
        unbounded(),
        unbounded_batches(),
        unbounded_one_thread(),
    ]
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

fn unbounded() -> Benchmark {
    let model = "two producers, one consumer, never refused, u64";
    let goal = Goal::Peer("crossbeam-queue", 1.0);
    let all = Benchmark::new("primitives/unbounded/two-to-one", model, 1_000_000, goal);
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", two_to_one::<ring::Unbounded>);
    all.peer("crossbeam-queue", two_to_one::<ring::SegQueue>)
}

fn unbounded_batches() -> Benchmark {
    let model = "the same in batches of 64, which the peer has none of";
    let goal = Goal::Peer("crossbeam-queue", 0.5);
    let name = "primitives/unbounded/two-to-one-batch";
    let all = Benchmark::new(name, model, 1_000_000, goal).expecting(sum_below);
    let all = all.ours("pelton-queue", two_to_one_batches::<ring::Unbounded>);
    all.peer("crossbeam-queue", two_to_one::<ring::SegQueue>)
}

fn unbounded_one_thread() -> Benchmark {
    let model = "a push and a pop on one thread, never refused, u64";
    let goal = Goal::Peer("crossbeam-queue", 1.0);
    let name = "primitives/unbounded/one-thread";
    let all = Benchmark::new(name, model, 5_000_000, goal).expecting(sum_below);
    let all = all.ours("pelton-queue", push_and_pop::<ring::Unbounded>);
    all.peer("crossbeam-queue", push_and_pop::<ring::SegQueue>)
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
