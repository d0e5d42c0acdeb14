//! Submitting allocates nothing in steady state: counted by an allocator that counts.
#![cfg(not(loom))]

use std::alloc::{GlobalAlloc, Layout, System};

use pelton_sched::{INLINE_BYTES, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering::SeqCst};
use pelton_sync::{Arc, Parker};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Submits from outside, waits, and lets tasks spawn, fork, join and loop.
fn one_round(pool: &Arc<Scheduler>, done: &Parker) {
    const TASKS: usize = 500;
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    LEFT.store(TASKS, SeqCst);
    for i in 0..TASKS {
        let (inner, bell) = (pool.clone(), done.unparker());
        let outer = move || {
            let ballast = [i; 2];
            let body = move || {
                if LEFT.fetch_sub(1, SeqCst) == 1 && ballast[0] < TASKS {
                    bell.unpark();
                }
            };
            assert!(size_of_val(&body) <= INLINE_BYTES);
            inner
                .spawn(Priority::ALL[i % 3], body)
                .expect("the pool is open");
        };
        pool.spawn(Priority::ALL[i % 3], outer)
            .expect("the pool is open");
    }
    done.park();
    let sum = AtomicUsize::new(0);
    pool.scope(|scope| {
        for i in 0..300 {
            let sum = &sum;
            scope.spawn(move || {
                sum.fetch_add(i, SeqCst);
            });
        }
        pool.join(|| sum.fetch_add(1, SeqCst), || sum.fetch_add(1, SeqCst));
        pool.parallel_for(0..1000, |_| {
            sum.fetch_add(1, SeqCst);
        });
    });
    assert_eq!(sum.into_inner(), 299 * 300 / 2 + 2 + 1000);
}

#[test]
fn steady_state_allocates_nothing() {
    let pool = Arc::new(Scheduler::builder().workers(2).build().unwrap());
    let done = Parker::new();
    // How many cells are in use at once depends on how the workers meet: the quietest of many
    // rounds after the warm-up has reached the steady state, and any allocation per task would
    // show in it.
    (0..100).for_each(|_| one_round(&pool, &done));
    let quietest = (0..100)
        .map(|_| {
            let before = ALLOCATIONS.load(SeqCst);
            one_round(&pool, &done);
            ALLOCATIONS.load(SeqCst) - before
        })
        .min();
    assert_eq!(quietest, Some(0));
}

#[test]
fn a_larger_closure_is_boxed_and_runs() {
    let pool = Scheduler::builder().workers(1).build().unwrap();
    let ballast = [7_u64; INLINE_BYTES];
    let sum = pool.spawn_with_handle(Priority::Normal, move || ballast.iter().sum::<u64>());
    assert_eq!(sum.unwrap().join().unwrap(), 7 * INLINE_BYTES as u64);
}
