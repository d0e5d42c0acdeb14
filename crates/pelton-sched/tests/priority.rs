//! Priorities: the urgent goes first, and nothing waits for ever.
#![cfg(not(loom))]

use pelton_sched::{Priority, Scheduler};
use pelton_sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use pelton_sync::{Arc, Mutex, Parker, scaled};

fn lone_worker() -> Scheduler {
    Scheduler::builder().workers(1).build().expect("a thread")
}

/// Spawns a task that keeps the only worker until the parker's token comes.
fn hold_worker(pool: &Scheduler) -> pelton_sync::Unparker {
    let gate = Parker::new();
    let key = gate.unparker();
    let begun = Parker::new();
    let bell = begun.unparker();
    let body = move || {
        bell.unpark();
        gate.park();
    };
    pool.spawn(Priority::High, body).expect("the pool is open");
    begun.park();
    key
}

#[test]
fn waiting_tasks_start_by_priority_then_by_age() {
    let pool = lone_worker();
    let key = hold_worker(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    for i in 0..4 {
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            let order = order.clone();
            let body = move || order.lock().unwrap().push((priority, i));
            pool.spawn(priority, body).unwrap();
        }
    }
    key.unpark();
    pool.drain(None);
    let order = order.lock().unwrap().clone();
    let mut expected = order.clone();
    expected.sort();
    assert_eq!(order.len(), 12);
    assert_eq!(order, expected);
}

/// A flood of one priority that goes on until a task of another has run.
fn survives_a_flood_of(flood: Priority, quiet: Priority) {
    let pool = Arc::new(lone_worker());
    let done = Arc::new(AtomicBool::new(false));
    let floods = Arc::new(AtomicUsize::new(0));
    fn pour(pool: &Arc<Scheduler>, flood: Priority, done: &Arc<AtomicBool>, n: &Arc<AtomicUsize>) {
        n.fetch_add(1, SeqCst);
        let (again, stop, count) = (pool.clone(), done.clone(), n.clone());
        let body = move || {
            if !stop.load(SeqCst) {
                pour(&again, flood, &stop, &count);
            }
        };
        // A closed pool refuses the last drop of the flood.
        drop(pool.spawn(flood, body));
    }
    for _ in 0..4 {
        pour(&pool, flood, &done, &floods);
    }
    let flag = done.clone();
    let body = move || flag.store(true, SeqCst);
    let handle = pool.spawn_with_handle(quiet, body);
    handle.expect("open").join().expect("it ends");
    assert!(floods.load(SeqCst) >= 4);
    pool.drain(None);
}

#[test]
fn no_priority_starves_another() {
    for flood in Priority::ALL {
        for quiet in Priority::ALL {
            survives_a_flood_of(flood, quiet);
        }
    }
}

#[test]
fn low_tasks_get_their_share_of_a_busy_worker() {
    let pool = lone_worker();
    let key = hold_worker(&pool);
    let highs_before_low = Arc::new(AtomicUsize::new(0));
    let highs = Arc::new(AtomicUsize::new(0));
    for _ in 0..scaled(1000, 80) {
        let highs = highs.clone();
        let body = move || {
            highs.fetch_add(1, SeqCst);
        };
        pool.spawn(Priority::High, body).unwrap();
    }
    let seen = highs_before_low.clone();
    let body = move || seen.store(highs.load(SeqCst), SeqCst);
    pool.spawn(Priority::Low, body).unwrap();
    key.unpark();
    pool.drain(None);
    assert!(highs_before_low.load(SeqCst) <= 64);
}

/// A scope that never runs dry does not keep out a task submitted from outside.
#[test]
fn forked_tasks_do_not_starve_detached_ones() {
    let pool = lone_worker();
    let done = AtomicBool::new(false);
    pool.scope(|scope| {
        fn fork<'s>(scope: &'s pelton_sched::Scope<'s, '_>, done: &'s AtomicBool) {
            scope.spawn(move || {
                if !done.load(SeqCst) {
                    fork(scope, done);
                }
            });
        }
        fork(scope, &done);
        fork(scope, &done);
        scope.spawn(|| done.store(true, SeqCst));
    });
    assert!(done.load(SeqCst));
}

#[test]
fn forks_inherit_the_priority_of_their_task() {
    let pool = Arc::new(lone_worker());
    let key = hold_worker(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let (inner, log) = (pool.clone(), order.clone());
    let low = pool.spawn_with_handle(Priority::Low, move || {
        inner.scope(|scope| {
            scope.spawn(|| log.lock().unwrap().push("low fork"));
            let late = log.clone();
            let body = move || late.lock().unwrap().push("normal");
            inner.spawn(Priority::Normal, body).unwrap();
        });
    });
    key.unpark();
    low.unwrap().join().unwrap();
    pool.drain(None);
    assert_eq!(*order.lock().unwrap(), ["normal", "low fork"]);
}
