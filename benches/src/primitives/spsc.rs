//! One producer, one consumer.

use std::thread;
use std::time::Instant;

use super::ring::{self, Batched, Payload, Ring};
use super::sum_below;
use crate::benchmark::{Benchmark, Goal, Sample};

/// Slots of every ring.
const CAPACITY: usize = 1024;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![
        streams::<u64>(
            "stream-u64",
            "a stream of 8-byte values between two threads",
        ),
        streams::<[u64; 8]>(
            "stream-64B",
            "a stream of 64-byte values between two threads",
        ),
        batches::<u64>(
            "batch-u64",
            "the same stream, pushed and popped 64 at a time",
        ),
        batches::<[u64; 8]>(
            "batch-64B",
            "64-byte values, pushed and popped 64 at a time",
        ),
        one_thread(),
        ping_pong(),
    ]
}

fn streams<T: Payload>(name: &str, model: &'static str) -> Benchmark {
    let name = format!("primitives/spsc/{name}");
    let all = Benchmark::new(&name, model, 2_000_000, Goal::Peer("rtrb", 1.0));
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", stream::<T, ring::Spsc>);
    let all = all.peer("rtrb", stream::<T, ring::Rtrb>);
    let all = all.peer("crossbeam-queue", stream::<T, ring::ArrayQueue>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("ringbuf", stream::<T, ring::Ringbuf>)
        .peer("gil", stream::<T, ring::Gil>)
        .peer("crossbeam-channel", stream::<T, ring::CrossbeamChannel>)
        .peer("flume", stream::<T, ring::Flume>);
    all
}

fn batches<T: Payload>(name: &str, model: &'static str) -> Benchmark {
    let name = format!("primitives/spsc/{name}");
    let all = Benchmark::new(&name, model, 4_000_000, Goal::Best(1.0)).expecting(sum_below);
    let all = all.ours("pelton-queue", stream_batches::<T, ring::Spsc>);
    let all = all.peer("rtrb", stream_batches::<T, ring::Rtrb>);
    #[cfg(feature = "peers")]
    let all = all.peer("ringbuf", stream_batches::<T, ring::Ringbuf>);
    all
}

fn one_thread() -> Benchmark {
    let model = "a push and a pop on one thread, u64";
    let goal = Goal::Nanoseconds(1.1);
    let all = Benchmark::new("primitives/spsc/one-thread", model, 10_000_000, goal);
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", push_and_pop::<ring::Spsc>);
    let all = all.peer("rtrb", push_and_pop::<ring::Rtrb>);
    let all = all.peer("crossbeam-queue", push_and_pop::<ring::ArrayQueue>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("gil", push_and_pop::<ring::Gil>)
        .peer("ringbuf", push_and_pop::<ring::Ringbuf>)
        .peer("crossbeam-channel", push_and_pop::<ring::CrossbeamChannel>);
    all
}

fn ping_pong() -> Benchmark {
    let model = "a value there and back between two threads, u64";
    let all = Benchmark::new("primitives/spsc/ping-pong", model, 200_000, Goal::Best(1.0));
    let all = all.expecting(sum_below);
    let all = all.ours("pelton-queue", there_and_back::<ring::Spsc>);
    let all = all.peer("rtrb", there_and_back::<ring::Rtrb>);
    let all = all.peer("crossbeam-queue", there_and_back::<ring::ArrayQueue>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("omango", there_and_back::<ring::Omango>)
        .peer("gil", there_and_back::<ring::Gil>);
    all
}

fn stream<T: Payload, R: Ring<T>>(items: u64) -> Sample {
    let (mut producer, mut consumer) = R::pair(CAPACITY);
    let began = Instant::now();
    let count = thread::scope(|scope| {
        let sum = scope.spawn(move || {
            let values = (0..items).map(|_| ring::pop::<T, R>(&mut consumer).value());
            values.sum()
        });
        for value in 0..items {
            ring::push::<T, R>(&mut producer, T::wrap(value));
        }
        sum.join().expect("the consumer does not panic")
    });
    Sample::new(began.elapsed(), count)
}

fn stream_batches<T: Payload, R: Batched<T>>(items: u64) -> Sample {
    let (mut producer, mut consumer) = R::pair(CAPACITY);
    let began = Instant::now();
    let count = thread::scope(|scope| {
        let sum = scope.spawn(move || ring::sum_batches::<T, R>(&mut consumer, items));
        ring::push_batches::<T, R>(&mut producer, 0, items);
        sum.join().expect("the consumer does not panic")
    });
    Sample::new(began.elapsed(), count)
}

pub(super) fn push_and_pop<R: Ring<u64>>(items: u64) -> Sample {
    let (mut producer, mut consumer) = R::pair(CAPACITY);
    let mut count = 0;
    let began = Instant::now();
    for value in 0..items {
        ring::push::<u64, R>(&mut producer, value);
        count += ring::pop::<u64, R>(&mut consumer);
    }
    Sample::new(began.elapsed(), count)
}

fn there_and_back<R: Ring<u64>>(items: u64) -> Sample {
    let (mut out, mut incoming) = R::pair(CAPACITY);
    let (mut reply, mut back) = R::pair(CAPACITY);
    let began = Instant::now();
    let count = thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..items {
                let value = ring::pop::<u64, R>(&mut incoming);
                ring::push::<u64, R>(&mut reply, value);
            }
        });
        let round_trip = |value| {
            ring::push::<u64, R>(&mut out, value);
            ring::pop::<u64, R>(&mut back)
        };
        (0..items).map(round_trip).sum()
    });
    Sample::new(began.elapsed(), count)
}
