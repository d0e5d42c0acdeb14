//! Models of the whole pool, with a locked stand-in for crossbeam's deque, which a model cannot
//! see: what was accepted is run, what waits is woken, and the pool ends.
#![cfg(loom)]

use pelton_sched::{JoinError, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, model, thread};

fn pool(workers: usize) -> Scheduler {
    Scheduler::builder()
        .workers(workers)
        .max_workers(workers)
        .build()
        .unwrap()
}

#[test]
fn an_accepted_task_is_run_before_the_pool_ends() {
    model(|| {
        let pool = pool(1);
        let count = Arc::new(AtomicUsize::new(0));
        let inner = count.clone();
        pool.spawn(Priority::Normal, move || {
            inner.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        drop(pool);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_handle_gives_the_result() {
    model(|| {
        let pool = pool(1);
        let handle = pool.spawn_with_handle(Priority::High, || 7).unwrap();
        assert_eq!(handle.join().unwrap(), 7);
    });
}

#[test]
fn a_fork_is_run_once() {
    model(|| {
        let pool = pool(1);
        let (a, b) = pool.join(|| 1, || 2);
        assert_eq!((a, b), (1, 2));
    });
}

#[test]
fn abort_cancels_or_comes_too_late() {
    model(|| {
        let pool = pool(1);
        let handle = pool.spawn_with_handle(Priority::Low, || 7).unwrap();
        pool.abort();
        assert!(matches!(handle.join(), Ok(7) | Err(JoinError::Cancelled)));
        assert!(pool.drain(None).is_complete);
    });
}

/// The twin: a pool that is told to end before its task was accepted loses the task.
#[test]
#[should_panic(expected = "the task was lost")]
fn loom_rejects_a_task_that_comes_after_the_end() {
    model(|| {
        let pool = Arc::new(pool(1));
        let count = Arc::new(AtomicUsize::new(0));
        let submitter = {
            let (pool, count) = (pool.clone(), count.clone());
            thread::spawn(move || {
                let body = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                };
                // The twin does not look whether the pool accepted it.
                drop(pool.spawn(Priority::Normal, body));
            })
        };
        pool.drain(None);
        submitter.join().unwrap();
        let has_run = count.load(Ordering::Relaxed) == 1;
        drop((pool, count));
        assert!(has_run, "the task was lost");
    });
}
