//! Workers come and go while tasks run, and no task is lost by it.
#![cfg(not(loom))]

use std::collections::HashSet;

use pelton_sched::{ErrorKind, Priority, Scheduler, worker_index};
use pelton_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use pelton_sync::{Arc, Parker, scaled};

const ROUNDS: usize = scaled(40, 4);
const TASKS: usize = scaled(200, 10);

fn scheduler(workers: usize, max: usize) -> Scheduler {
    let builder = Scheduler::builder().workers(workers).max_workers(max);
    builder.build().expect("threads")
}

#[test]
fn tasks_survive_a_pool_that_breathes() {
    let pool = scheduler(1, 4);
    let count = Arc::new(AtomicUsize::new(0));
    for round in 0..ROUNDS {
        pool.resize(1 + round % 4).unwrap();
        for i in 0..TASKS {
            let count = count.clone();
            let body = move || {
                count.fetch_add(1, Relaxed);
            };
            pool.spawn(Priority::ALL[i % 3], body).unwrap();
        }
    }
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(Relaxed), ROUNDS * TASKS);
}

#[test]
fn scopes_survive_a_pool_that_breathes() {
    let pool = scheduler(4, 4);
    let count = AtomicUsize::new(0);
    pool.scope(|scope| {
        for round in 0..ROUNDS {
            pool.resize(1 + round % 4).unwrap();
            for _ in 0..TASKS {
                scope.spawn(|| {
                    count.fetch_add(1, Relaxed);
                });
            }
        }
    });
    assert_eq!(count.into_inner(), ROUNDS * TASKS);
}

/// As many tasks as workers, none of which ends before all have begun.
fn meet(pool: &Scheduler, workers: usize) -> HashSet<Option<usize>> {
    let all = Arc::new(std::sync::Barrier::new(workers));
    let meet = || {
        let all = all.clone();
        let body = move || {
            all.wait();
            worker_index()
        };
        pool.spawn_with_handle(Priority::Normal, body)
    };
    let handles: Vec<_> = (0..workers).map(|_| meet().expect("open")).collect();
    let joined = handles.into_iter().map(|handle| handle.join());
    joined.map(|index| index.expect("it ends")).collect()
}

#[test]
fn every_worker_below_the_target_works_after_a_resize() {
    let pool = scheduler(2, 5);
    for workers in [2, 5, 1, 3, 5] {
        pool.resize(workers).unwrap();
        assert_eq!(pool.workers(), workers);
        assert_eq!(meet(&pool, workers).len(), workers);
    }
}

/// A worker that is sent away in the middle of a task leaves its queue to the others.
#[test]
fn queued_tasks_of_a_leaving_worker_go_on() {
    let pool = Arc::new(scheduler(2, 2));
    let gate = Parker::new();
    let key = gate.unparker();
    let inner = pool.clone();
    let body = move || {
        inner.resize(1).unwrap();
        let handles: Vec<_> = (0..100)
            .map(|i| inner.spawn_with_handle(Priority::Low, move || i).unwrap())
            .collect();
        gate.park();
        handles
    };
    let spawner = pool.spawn_with_handle(Priority::Normal, body).unwrap();
    key.unpark();
    let handles = spawner.join().unwrap();
    let sum: usize = handles
        .into_iter()
        .map(|handle| handle.join().unwrap())
        .sum();
    assert_eq!(sum, 4950);
}

#[test]
fn impossible_sizes_are_refused() {
    let pool = scheduler(1, 2);
    assert_eq!(pool.resize(0).unwrap_err().kind(), ErrorKind::NoWorkers);
    let error = pool.resize(3).unwrap_err();
    assert_eq!(error.to_string(), "3 workers requested, 2 places available");
    assert_eq!(pool.workers(), 1);
    let refused = Scheduler::builder().workers(3).max_workers(2).build();
    assert!(matches!(
        refused.unwrap_err().kind(),
        ErrorKind::TooManyWorkers {
            requested: 3,
            available: 2
        }
    ));
}
