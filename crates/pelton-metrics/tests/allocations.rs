//! Recording allocates nothing, and neither does a handle that finds a cell left by another.
//! Counted by an allocator that counts for each thread.
#![cfg(not(loom))]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;

use pelton_metrics::{Counter, Gauge, Histogram, Layout};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches only a
// thread-local cell without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, place: *mut u8, memory: Memory) {
        // SAFETY: `place` came from `alloc` above, hence from the system.
        unsafe { System.dealloc(place, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(body: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    body();
    ALLOCATIONS.get() - before
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn recording_allocates_nothing() {
    let (counter, gauge, histogram) = (Counter::new(), Gauge::new(), Histogram::new());
    let mut locals = (counter.local(), gauge.local(), histogram.local());
    let record = || {
        for value in 0..1000 {
            locals.0.add(value);
            locals.1.sub(1);
            locals.2.record(value << (value % 50));
            locals.2.record_many(value, 3);
            counter.add(1);
            gauge.set(1);
            histogram.record(value);
        }
    };
    assert_eq!(allocations(record), 0);
    assert_eq!(histogram.snapshot().count(), 5000);
}

#[test]
fn handles_that_follow_each_other_share_a_cell() {
    let (counter, histogram) = (Counter::new(), Histogram::new());
    drop((counter.local(), histogram.local()));
    let follow = || {
        for _ in 0..100 {
            counter.local().add(1);
            histogram.local().record(1);
        }
    };
    assert_eq!(allocations(follow), 0);
    assert_eq!((counter.value(), histogram.snapshot().count()), (100, 100));
}

#[test]
fn reading_values_allocates_nothing() {
    let (counter, gauge) = (Counter::new(), Gauge::new());
    let _locals = (counter.local(), gauge.local());
    let read = || assert_eq!((counter.value(), gauge.value()), (0, 0));
    assert_eq!(allocations(read), 0);
}

#[test]
fn cell_is_as_large_as_stated() {
    let layout = Layout::default();
    assert_eq!(layout.cell_bytes(), 4352 * 8);
}
