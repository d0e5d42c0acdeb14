//! Steady state allocates nothing: counted over all threads, by an allocator of this test's own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use pelton::Engine;
use pelton::embed::{Receiver, Submitter};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: the system's allocator does the work; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

/// Submits and receives records one by one and in batches, never more than fit.
fn work(
    submitter: &mut Submitter,
    receiver: &mut Receiver,
    records: &mut VecDeque<pelton::Record>,
    received: &mut Vec<pelton::Processed>,
) {
    let payload = [7; 1024];
    for round in 0..200u64 {
        for id in 0..32 {
            let bytes = &payload[..(64 + (round * 31 + id) % 961) as usize];
            let record = submitter.record(id, 0, bytes).expect("no limit");
            submitter.submit(record).expect("room");
        }
        records.extend((0..32).map(|id| submitter.record(id, 0, &payload).expect("no limit")));
        submitter
            .submit_batch_blocking(records)
            .expect("not stopped");
        for _ in 0..16 {
            receiver.recv().expect("not stopped");
        }
        let mut count = 16;
        while count < 48 {
            count += receiver.recv_batch(received, 16).expect("not stopped");
            received.clear();
        }
    }
}

/// Rounds of 9,600 records in 200 batches each.
const ROUNDS: u64 = 20;
/// The lists of idle payloads may still grow, each by doubling: whenever more of a size are idle
/// than ever before, which is a matter of who is late. Anything else would be some for each batch.
const LISTS: u64 = 32;

// One test alone, because it counts what all threads do.
#[test]
fn steady_state_allocates_nothing() {
    drop(std::hint::black_box(Box::new(1)));
    assert!(
        ALLOCATIONS.load(Ordering::Relaxed) > 0,
        "the allocator counts"
    );
    for workers in [1, 0] {
        allocates_nothing(workers);
    }
}

fn allocates_nothing(workers: usize) {
    let (engine, mut submitter, mut receiver) = Engine::embedded()
        .workers(workers)
        .keep("some", |record| record.id % 4 != 0)
        .update("touch", |record| record.payload[0] ^= 1)
        .try_update("check", |record| match record.payload.len() {
            64.. => Ok(()),
            _ => Err("short"),
        })
        .update_batch("batch", |records| {
            records
                .iter_mut()
                .for_each(|(_, record)| record.payload[1] ^= 1);
        })
        .start()
        .expect("it makes sense");
    let mut records = VecDeque::with_capacity(64);
    let mut received = Vec::with_capacity(64);
    // Warm: the payloads of all that can be on the way at once, and each thread's parking place.
    for _ in 0..4 {
        work(&mut submitter, &mut receiver, &mut records, &mut received);
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..ROUNDS {
        work(&mut submitter, &mut receiver, &mut records, &mut received);
    }
    let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(allocated < LISTS, "{allocated} in {ROUNDS} rounds");
    assert_eq!(engine.stop().stats.pending, 0);
}
