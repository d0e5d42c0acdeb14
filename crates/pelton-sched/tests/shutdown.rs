//! The end of a pool: what was accepted is run, nothing hangs, and what is left over is said.
#![cfg(not(loom))]

use std::future;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use pelton_sched::{ErrorKind, JoinError, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use pelton_sync::{Arc, Mutex, Parker, Unparker, scaled, thread};

const SOON: Option<Duration> = Some(Duration::from_millis(20));

fn scheduler(workers: usize) -> Scheduler {
    let builder = Scheduler::builder().workers(workers);
    builder.build().expect("threads")
}

/// A task that runs until it is told to end.
fn endless(pool: &Scheduler) -> Unparker {
    let (gate, begun) = (Parker::new(), Parker::new());
    let (key, bell) = (gate.unparker(), begun.unparker());
    let body = move || {
        bell.unpark();
        gate.park();
    };
    pool.spawn(Priority::Normal, body)
        .expect("the pool is open");
    begun.park();
    key
}

#[test]
fn drop_runs_what_was_accepted() {
    let count = Arc::new(AtomicUsize::new(0));
    let pool = scheduler(2);
    let tasks = scaled(5000, 20);
    for _ in 0..tasks {
        let count = count.clone();
        let body = move || {
            count.fetch_add(1, Relaxed);
        };
        pool.spawn(Priority::Low, body).unwrap();
    }
    drop(pool);
    assert_eq!(count.load(Relaxed), tasks);
}

#[test]
fn a_refused_task_is_given_back() {
    let pool = scheduler(1);
    pool.drain(None);
    let token = Arc::new(());
    let held = token.clone();
    let rejected = pool.spawn(Priority::High, move || drop(held)).unwrap_err();
    assert_eq!(Arc::strong_count(&token), 2);
    rejected.into_inner()();
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(pool.spawn_with_handle(Priority::High, || 1).is_err());
    assert!(pool.spawn_future(Priority::High, async {}).is_err());
    assert_eq!(pool.resize(1).unwrap_err().kind(), ErrorKind::Closed);
}

/// Submitters race with the drain: each task is either refused or run, none is neither.
#[test]
fn accepted_means_run_also_while_the_pool_closes() {
    for _ in 0..scaled(20, 2) {
        let pool = scheduler(2);
        let ran = Arc::new(AtomicUsize::new(0));
        let accepted: usize = thread::scope(|threads| {
            let submit = || {
                let ran = ran.clone();
                let body = move || {
                    ran.fetch_add(1, Relaxed);
                };
                pool.spawn(Priority::Normal, body).is_ok()
            };
            let submitters: Vec<_> = (0..2)
                .map(|_| {
                    threads.spawn(move || (0..scaled(2000, 50)).take_while(|_| submit()).count())
                })
                .collect();
            pool.drain(None);
            submitters.into_iter().map(|s| s.join().unwrap()).sum()
        });
        assert_eq!(ran.load(Relaxed), accepted);
    }
}

#[test]
fn tasks_of_a_draining_pool_may_spawn_more() {
    let pool = Arc::new(scheduler(2));
    let count = Arc::new(AtomicUsize::new(0));
    fn chain(pool: &Arc<Scheduler>, count: &Arc<AtomicUsize>, left: usize) {
        count.fetch_add(1, Relaxed);
        if left > 0 {
            let (inner, counter) = (pool.clone(), count.clone());
            let body = move || chain(&inner, &counter, left - 1);
            pool.spawn(Priority::ALL[left % 3], body)
                .expect("from a task");
        }
    }
    let (inner, counter) = (pool.clone(), count.clone());
    let key = endless(&pool);
    let body = move || chain(&inner, &counter, 100);
    pool.spawn(Priority::Low, body).unwrap();
    key.unpark();
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(Relaxed), 101);
}

#[test]
fn a_deadline_says_what_is_not_finished() {
    let pool = scheduler(1);
    let key = endless(&pool);
    for _ in 0..3 {
        pool.spawn(Priority::Normal, || ()).unwrap();
    }
    let report = pool.drain(SOON);
    assert!(!report.is_complete);
    assert_eq!((report.queued, report.running), (3, vec![0]));
    key.unpark();
    let report = pool.drain(None);
    assert!(report.is_complete && report.queued == 0 && report.running.is_empty());
}

#[test]
fn abort_cancels_what_was_not_begun() {
    let pool = scheduler(1);
    let key = endless(&pool);
    let queued = pool.spawn_with_handle(Priority::Normal, || 1).unwrap();
    assert_eq!(pool.abort(), 1);
    assert!(matches!(queued.join(), Err(JoinError::Cancelled)));
    assert!(!pool.drain(SOON).is_complete);
    key.unpark();
    assert!(pool.drain(None).is_complete);
}

#[test]
fn abort_lets_a_scope_end() {
    const TASKS: usize = scaled(500, 80);
    let pool = Arc::new(scheduler(2));
    let count = Arc::new(AtomicUsize::new(0));
    let (inner, counter) = (pool.clone(), count.clone());
    let handle = pool.spawn_with_handle(Priority::Normal, move || {
        inner.scope(|scope| {
            inner.abort();
            for _ in 0..TASKS {
                scope.spawn(|| {
                    counter.fetch_add(1, Relaxed);
                });
            }
        });
    });
    handle.unwrap().join().unwrap();
    assert_eq!(count.load(Relaxed), TASKS);
    assert!(pool.drain(None).is_complete);
}

#[test]
fn a_drop_with_a_task_that_never_ends_returns() {
    let builder = Scheduler::builder().workers(1);
    let pool = builder
        .drop_deadline(Duration::from_millis(20))
        .build()
        .unwrap();
    let key = endless(&pool);
    let queued = pool.spawn_with_handle(Priority::Normal, || 1).unwrap();
    drop(pool);
    assert!(matches!(queued.join(), Err(JoinError::Cancelled)));
    key.unpark();
}

/// A future that waits for a waker that somebody keeps.
fn suspended(pool: &Scheduler) -> Arc<Mutex<Option<Waker>>> {
    let place = Arc::new(Mutex::new(None));
    let (keeper, begun) = (place.clone(), Parker::new());
    let bell = begun.unparker();
    let future = future::poll_fn(move |context| {
        let waker = context.waker().clone();
        let before = keeper.lock().expect("no panic").replace(waker);
        bell.unpark();
        before.map_or(Poll::Pending, |_| Poll::Ready(()))
    });
    drop(
        pool.spawn_future(Priority::Normal, future)
            .expect("the pool is open"),
    );
    begun.park();
    place
}

#[test]
fn a_drain_waits_for_a_suspended_future() {
    let pool = scheduler(1);
    let place = suspended(&pool);
    let report = pool.drain(SOON);
    assert!(!report.is_complete);
    assert_eq!(report.suspended, 1);
    let waker = place.lock().unwrap().clone().unwrap();
    waker.wake();
    assert!(pool.drain(None).is_complete);
}

#[test]
fn a_future_that_nothing_can_wake_does_not_hold_up_a_drain() {
    let pool = scheduler(1);
    let handle = pool
        .spawn_future(Priority::Normal, future::pending::<()>())
        .unwrap();
    assert!(pool.drain(None).is_complete);
    assert!(matches!(handle.join(), Err(JoinError::Cancelled)));
}

#[test]
fn a_wake_after_an_abort_drops_the_future() {
    let pool = scheduler(1);
    let place = suspended(&pool);
    pool.abort();
    assert!(pool.drain(None).is_complete);
    let waker = place.lock().unwrap().take().unwrap();
    waker.wake();
}

#[test]
fn a_drain_from_a_task_does_not_wait_for_itself() {
    let pool = Arc::new(scheduler(1));
    let inner = pool.clone();
    let handle = pool.spawn_with_handle(Priority::Normal, move || inner.drain(None));
    let report = handle.unwrap().join().unwrap();
    assert!(!report.is_complete);
    assert_eq!(report.running, [0]);
    assert!(pool.drain(None).is_complete);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_task() {
    let pool = Arc::new(scheduler(2));
    let done = Parker::new();
    let (inner, bell) = (pool.clone(), done.unparker());
    let gate = Parker::new();
    let key = gate.unparker();
    let body = move || {
        gate.park();
        drop(inner);
        bell.unpark();
    };
    pool.spawn(Priority::Normal, body).unwrap();
    drop(pool);
    key.unpark();
    done.park();
}

#[test]
#[should_panic(expected = "the scheduler is shut down")]
fn a_scope_after_the_end_panics() {
    let pool = scheduler(1);
    pool.drain(None);
    pool.scope(|_| ());
}

#[test]
fn an_idle_pool_ends_at_once() {
    let begin = Instant::now();
    for _ in 0..20 {
        assert!(scheduler(4).drain(None).is_complete);
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
}
