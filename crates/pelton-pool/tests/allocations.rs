//! Steady state allocates nothing: counted by an allocator that counts for this thread.
#![cfg(not(loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;

use pelton_pool::{Budget, BufferPool, ObjectPool};
use pelton_sync::{Mutex, scaled, thread};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does the work; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocated once it had run before.
fn allocations_when_warm(mut work: impl FnMut()) -> u64 {
    work();
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_allocator_counts() {
    assert!(allocations_when_warm(|| drop(Box::new(1))) > 0);
}

#[test]
fn leasing_allocates_nothing() {
    let pool = BufferPool::new(Budget::new(64 << 20));
    let mut held = Vec::with_capacity(500);
    let work = || {
        for round in 0..scaled(1000, 20) {
            held.push(pool.lease(round * 13).unwrap());
            if round % 2 == 0 {
                held.pop();
            }
        }
        held.clear();
    };
    assert_eq!(allocations_when_warm(work), 0);
}

#[test]
fn taking_objects_allocates_nothing() {
    let pool = ObjectPool::new(1000, || [0u8; 576]);
    let mut local = pool.local();
    let mut held = Vec::with_capacity(500);
    let work = || {
        held.extend((0..500).map(|_| local.take()));
        held.drain(..250).for_each(|object| local.put(object));
        held.clear();
    };
    assert_eq!(allocations_when_warm(work), 0);
}

/// What one thread takes another gives back, round after round.
#[test]
fn crossing_threads_allocates_nothing() {
    const WARM: usize = 10;
    let pool = BufferPool::new(Budget::new(64 << 20));
    let objects = ObjectPool::new(1000, || [0u8; 576]);
    let held = Mutex::new((Vec::with_capacity(500), Vec::with_capacity(500)));
    let turn = Barrier::new(2);
    let fill = || {
        let (buffers, taken) = &mut *held.lock().unwrap();
        buffers.extend((0..500).map(|_| pool.lease(1000).unwrap()));
        taken.extend((0..500).map(|_| objects.take()));
    };
    let empty = || {
        let (buffers, taken) = &mut *held.lock().unwrap();
        buffers.clear();
        taken.clear();
    };
    let take = || {
        fill();
        turn.wait();
        turn.wait();
    };
    let give = || {
        turn.wait();
        empty();
        turn.wait();
    };
    thread::scope(|scope| {
        let giver = scope.spawn(|| {
            (0..WARM).for_each(|_| give());
            allocations_when_warm(give)
        });
        (0..WARM).for_each(|_| take());
        assert_eq!(allocations_when_warm(take), 0);
        assert_eq!(giver.join().unwrap(), 0);
    });
    assert_eq!(objects.stats().misses, 0);
}

#[test]
fn reserving_allocates_nothing() {
    let budget = Budget::new(1000);
    let lane = budget.child("lane", Some(500));
    let work = || {
        let mut held = lane.reserve(100).unwrap();
        held.grow(350).unwrap();
        drop(held.split(50));
    };
    assert_eq!(allocations_when_warm(work), 0);
}
