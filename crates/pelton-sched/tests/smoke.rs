//! Every way to submit work runs it once, and waits for it.
#![cfg(not(loom))]

use pelton_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use pelton_sync::{Arc, scaled};

use pelton_sched::{JoinError, Priority, Scheduler, worker_index};

fn scheduler(workers: usize) -> Scheduler {
    Scheduler::builder()
        .workers(workers)
        .build()
        .expect("threads")
}

#[test]
fn spawned_tasks_run_once_before_a_drain_ends() {
    let count = Arc::new(AtomicUsize::new(0));
    let pool = scheduler(3);
    let tasks = scaled(10_000, 100);
    for i in 0..tasks {
        let count = count.clone();
        let body = move || {
            count.fetch_add(1, Relaxed);
        };
        pool.spawn(Priority::ALL[i % 3], body).unwrap();
    }
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(Relaxed), tasks);
    assert_eq!(pool.stats().run(), tasks);
}

#[test]
fn scope_waits_for_nested_tasks_that_borrow() {
    const EACH: usize = scaled(100, 8);
    let pool = scheduler(2);
    let count = AtomicUsize::new(0);
    let result = pool.scope(|scope| {
        for _ in 0..EACH {
            scope.spawn(|| {
                for _ in 0..EACH {
                    scope.spawn(|| {
                        count.fetch_add(1, Relaxed);
                    });
                }
            });
        }
        7
    });
    assert_eq!((result, count.into_inner()), (7, EACH * EACH));
}

fn fibonacci(pool: &Scheduler, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = pool.join(|| fibonacci(pool, n - 1), || fibonacci(pool, n - 2));
    a + b
}

#[test]
fn join_nests() {
    for workers in [1, 2, 4] {
        assert_eq!(fibonacci(&scheduler(workers), 16), 987);
    }
}

#[test]
fn parallel_for_visits_each_index_once() {
    let pool = scheduler(3);
    for len in [0, 1, 2, 3, 100, 100_000] {
        let seen: Vec<AtomicUsize> = (0..len).map(|_| AtomicUsize::new(0)).collect();
        pool.parallel_for(0..len, |i| {
            seen[i].fetch_add(1, Relaxed);
        });
        assert!(seen.iter().all(|count| count.load(Relaxed) == 1));
    }
}

#[test]
fn handles_give_results_and_panics() {
    let pool = scheduler(2);
    let good = pool.spawn_with_handle(Priority::High, || 5).unwrap();
    let bad = pool
        .spawn_with_handle(Priority::Low, || panic!("no {}", 5))
        .unwrap();
    assert_eq!(good.join().unwrap(), 5);
    let result: Result<(), JoinError> = bad.join();
    assert_eq!(result.unwrap_err().to_string(), "the task panicked: no 5");
}

#[test]
fn futures_wait_for_each_other_on_one_worker() {
    let pool = scheduler(1);
    let first = pool.spawn_future(Priority::Normal, async { 1 }).unwrap();
    let second = pool
        .spawn_future(Priority::Normal, async { first.await.unwrap() + 1 })
        .unwrap();
    assert_eq!(second.join().unwrap(), 2);
}

#[test]
fn worker_index_is_known_on_workers_only() {
    let pool = scheduler(2);
    assert_eq!(worker_index(), None);
    let index = pool.scope(|_| worker_index()).unwrap();
    assert!(index < 2);
}
