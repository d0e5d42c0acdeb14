//! Steady state allocates nothing: counted by the allocator itself.
#![cfg(not(loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use pelton_queue::dedup::Dedup;
use pelton_queue::{mpmc, spsc, unbounded, wait};
use pelton_sync::scaled;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates in `body`.
fn allocations(body: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    body();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn spsc_allocates_nothing() {
    let (mut producer, mut consumer) = spsc::channel(64);
    let mut values = Vec::with_capacity(64);
    let count = allocations(|| {
        for _ in 0..scaled(1000, 20) {
            producer.push(1).unwrap();
            producer.push_slice(&[2; 40]).unwrap();
            consumer.pop().unwrap();
            consumer.pop_into(&mut values, 64).unwrap();
            values.clear();
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn mpmc_allocates_nothing() {
    let (mut sender, mut receiver) = mpmc::channel(64);
    let mut values = Vec::with_capacity(64);
    let count = allocations(|| {
        for _ in 0..scaled(1000, 20) {
            sender.push(1).unwrap();
            sender.push_slice(&[2; 40]).unwrap();
            receiver.pop().unwrap();
            receiver.pop_into(&mut values, 64).unwrap();
            values.clear();
            drop(sender.clone());
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn unbounded_recycles_its_blocks() {
    let (mut sender, mut receiver) = unbounded::channel();
    let mut round = || {
        for value in 0..50 {
            sender.push(value).unwrap();
        }
        assert_eq!(receiver.iter().count(), 50);
    };
    (0..4).for_each(|_| round());
    assert_eq!(
        allocations(|| (0..scaled(1000, 20)).for_each(|_| round())),
        0
    );
}

#[test]
fn waiting_ends_allocate_nothing_when_nobody_waits() {
    let (mut producer, mut consumer) = wait::pair(spsc::channel(4));
    let count = allocations(|| {
        for value in 0..scaled(1000, 20) {
            producer.push(value).unwrap();
            assert_eq!(consumer.pop(), Ok(value));
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn a_table_with_room_allocates_nothing() {
    let mut seen = Dedup::<u64>::builder().expected(10_000).build().unwrap();
    // The thread's first operation makes it known to the epochs.
    seen.insert(0).unwrap();
    let count = allocations(|| {
        for key in 1..10_000 {
            assert_eq!(seen.insert(key), Ok(true));
        }
        let mut new = [false; 64];
        seen.insert_batch(&[1; 64], &mut new).unwrap();
    });
    assert_eq!(count, 0);
}
