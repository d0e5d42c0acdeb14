//! Taking memory, touching it, giving it back.

use std::thread;
use std::time::Instant;

use super::allocator::{Blocks, System};
use super::ring::{self, Ring, Rtrb};
use super::store::{self, Store};
use crate::benchmark::{Benchmark, Goal, Sample};

/// Objects of every pool.
const CAPACITY: usize = 4096;

/// Objects held at once in the benchmark that holds some.
const HELD: u64 = 1024;

/// The event, and the block of a file.
const EVENT: usize = 576;
const BLOCK: usize = 64 * 1024;

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![
        one_thread(),
        held(),
        crossing::<EVENT>("cross-576B", Goal::Peer("tikv-jemalloc-sys", 1.0)),
        crossing::<BLOCK>("cross-64KiB", Goal::Nanoseconds(80.0)),
    ]
}

fn one_thread() -> Benchmark {
    let model = "take, touch and give back 576 bytes on one thread";
    let goal = Goal::Nanoseconds(1.8);
    let all = Benchmark::new("primitives/pool/one-thread", model, 4_000_000, goal);
    let all = all
        .expecting(touched)
        .ours("pelton-pool", take_and_give::<store::Pelton<EVENT>>);
    let all = all
        .peer("slab", take_and_give::<store::Slab<EVENT>>)
        .peer("crossbeam-queue", take_and_give::<store::FreeList<EVENT>>)
        .peer("system", take_and_give::<Blocks<System, EVENT>>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("opool", take_and_give::<store::Opool<EVENT>>)
        .peer("sharded-slab", take_and_give::<store::ShardedSlab<EVENT>>)
        .peer("libmimalloc-sys", take_and_give::<Blocks<Mimalloc, EVENT>>)
        .peer(
            "tikv-jemalloc-sys",
            take_and_give::<Blocks<Jemalloc, EVENT>>,
        );
    all
}

fn held() -> Benchmark {
    let model = "take 1024 of 576 bytes, then give them back in order";
    let goal = Goal::Nanoseconds(4.0);
    let all = Benchmark::new("primitives/pool/hold-1024", model, HELD * 2000, goal);
    let all = all
        .expecting(touched)
        .ours("pelton-pool", hold::<store::Pelton<EVENT>>);
    let all = all
        .peer("slab", hold::<store::Slab<EVENT>>)
        .peer("crossbeam-queue", hold::<store::FreeList<EVENT>>)
        .peer("system", hold::<Blocks<System, EVENT>>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("libmimalloc-sys", hold::<Blocks<Mimalloc, EVENT>>)
        .peer("tikv-jemalloc-sys", hold::<Blocks<Jemalloc, EVENT>>);
    all
}

fn crossing<const BYTES: usize>(name: &str, goal: Goal) -> Benchmark {
    let model = "taken on one thread, handed over, given back on another";
    let all = Benchmark::new(&format!("primitives/pool/{name}"), model, 400_000, goal);
    let all = all
        .expecting(touched)
        .ours("pelton-pool", hand_over::<store::Pelton<BYTES>>);
    let all = all
        .peer("crossbeam-queue", hand_over::<store::FreeList<BYTES>>)
        .peer("system", hand_over::<Blocks<System, BYTES>>);
    #[cfg(feature = "peers")]
    let all = all
        .peer("opool", hand_over::<store::Opool<BYTES>>)
        .peer("libmimalloc-sys", hand_over::<Blocks<Mimalloc, BYTES>>)
        .peer("tikv-jemalloc-sys", hand_over::<Blocks<Jemalloc, BYTES>>);
    all
}

#[cfg(feature = "peers")]
use super::allocator::{Jemalloc, Mimalloc};

/// Every touch writes one at both ends and counts two.
fn touched(items: u64) -> u64 {
    2 * items
}

fn take_and_give<S: Store>(items: u64) -> Sample {
    let (mut end, _other) = S::ends(CAPACITY);
    let mut count = 0;
    let began = Instant::now();
    for _ in 0..items {
        let mut held = S::take(&mut end);
        count += S::touch(&mut end, &mut held, 1);
        S::give(&mut end, held);
    }
    Sample::new(began.elapsed(), count)
}

fn hold<S: Store>(items: u64) -> Sample {
    let (mut end, _other) = S::ends(CAPACITY);
    let mut list = Vec::with_capacity(HELD as usize);
    let mut count = 0;
    let began = Instant::now();
    for first in (0..items).step_by(HELD as usize) {
        for _ in first..items.min(first + HELD) {
            let mut held = S::take(&mut end);
            count += S::touch(&mut end, &mut held, 1);
            list.push(held);
        }
        list.drain(..).for_each(|held| S::give(&mut end, held));
    }
    Sample::new(began.elapsed(), count)
}

fn hand_over<S: Store>(items: u64) -> Sample {
    let (mut taker, mut giver) = S::ends(CAPACITY);
    let (mut out, mut incoming) = <Rtrb as Ring<S::Held>>::pair(CAPACITY / 4);
    let began = Instant::now();
    let count = thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..items {
                S::give(&mut giver, ring::pop::<S::Held, Rtrb>(&mut incoming));
            }
        });
        let mut count = 0;
        for _ in 0..items {
            let mut held = S::take(&mut taker);
            count += S::touch(&mut taker, &mut held, 1);
            ring::push::<S::Held, Rtrb>(&mut out, held);
        }
        count
    });
    Sample::new(began.elapsed(), count)
}
