//! A panic reaches whoever waits, and the hook, and nobody else.
#![cfg(not(loom))]

use std::future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pelton_sched::{JoinError, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use pelton_sync::{Arc, Mutex, Parker, scaled};

/// Never reached: only that a drain which does not end fails, rather than hangs.
const LONG: Option<Duration> = Some(Duration::from_secs(60));

const TASKS: usize = scaled(1000, 20);

type Log = Arc<Mutex<Vec<String>>>;

fn scheduler() -> (Scheduler, Log) {
    let log = Log::default();
    let lines = log.clone();
    let builder = Scheduler::builder().workers(2).panic_hook(move |panic| {
        let worker = panic
            .worker
            .map_or("none".into(), |worker| worker.to_string());
        assert!(panic.message() != "hook", "the hook panics too");
        let is_known = worker == "0" || worker == "1";
        let line = format!("{} {is_known}", panic.message());
        lines.lock().expect("no panic").push(line);
    });
    (builder.build().expect("threads"), log)
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic");
    (*payload.downcast::<&str>().expect("a text")).to_owned()
}

#[test]
fn a_detached_panic_goes_to_the_hook_and_the_worker_lives() {
    let (pool, log) = scheduler();
    pool.spawn(Priority::Normal, || panic!("one")).unwrap();
    pool.spawn(Priority::Normal, || panic_any(7)).unwrap();
    pool.spawn(Priority::Normal, || panic!("hook")).unwrap();
    assert_eq!(pool.scope(|_| 5), 5);
    assert!(pool.drain(None).is_complete);
    let mut lines = log.lock().unwrap().clone();
    lines.sort();
    assert_eq!(lines, ["a payload that is no text true", "one true"]);
    let panicked: usize = pool
        .stats()
        .workers
        .iter()
        .map(|worker| worker.panicked)
        .sum();
    assert_eq!(panicked, 3);
}

#[test]
fn a_handle_carries_the_payload() {
    let (pool, log) = scheduler();
    let handle = pool
        .spawn_with_handle(Priority::Normal, || panic_any(7))
        .unwrap();
    let Err(JoinError::Panicked(payload)) = handle.join() else {
        panic!("it panicked");
    };
    assert_eq!(*payload.downcast::<i32>().unwrap(), 7);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[test]
fn a_future_that_panics_is_reported_like_a_task() {
    let (pool, log) = scheduler();
    let handle = pool.spawn_future(Priority::Normal, async { panic!("poll") });
    let result: Result<(), _> = handle.unwrap().join();
    assert_eq!(result.unwrap_err().to_string(), "the task panicked: poll");
    assert_eq!(*log.lock().unwrap(), ["poll true"]);
}

#[test]
fn a_scope_resumes_a_panic_after_all_its_tasks() {
    let (pool, _) = scheduler();
    let count = AtomicUsize::new(0);
    let text = message(|| {
        pool.scope(|scope| {
            scope.spawn(|| panic!("task"));
            for _ in 0..TASKS {
                scope.spawn(|| {
                    count.fetch_add(1, Relaxed);
                });
            }
        });
    });
    assert_eq!((text.as_str(), count.into_inner()), ("task", TASKS));
}

#[test]
fn a_body_that_panics_still_waits_for_its_tasks() {
    let (pool, _) = scheduler();
    let count = AtomicUsize::new(0);
    let text = message(|| {
        pool.scope(|scope| {
            for _ in 0..TASKS {
                scope.spawn(|| {
                    count.fetch_add(1, Relaxed);
                });
            }
            panic!("body");
        })
    });
    assert_eq!((text.as_str(), count.into_inner()), ("body", TASKS));
}

#[test]
fn join_resumes_either_panic_after_both_ended() {
    let (pool, _) = scheduler();
    let count = AtomicUsize::new(0);
    let step = || {
        count.fetch_add(1, Relaxed);
    };
    assert_eq!(message(|| pool.join(|| panic!("a"), step).0), "a");
    assert_eq!(message(|| pool.join(step, || panic!("b")).1), "b");
    assert_eq!(count.load(Relaxed), 2);
}

#[test]
fn a_parallel_loop_resumes_the_panic_of_its_body() {
    let (pool, _) = scheduler();
    let text = message(|| pool.parallel_for(0..1000, |i| assert!(i != 500, "at 500")));
    assert_eq!(text, "at 500");
}

struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
        panic!("bomb");
    }
}

#[test]
fn destructors_that_panic_do_no_harm() {
    let (pool, _) = scheduler();
    let count = Arc::new(AtomicUsize::new(0));
    let bomb = Bomb(count.clone());
    pool.spawn(Priority::Normal, move || panic_any(bomb))
        .unwrap();
    let bomb = Bomb(count.clone());
    pool.spawn(Priority::Normal, move || drop(bomb)).unwrap();
    let bomb = Bomb(count.clone());
    drop(
        pool.spawn_with_handle(Priority::Normal, move || bomb)
            .unwrap(),
    );
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(Relaxed), 3);
}

#[test]
fn a_result_of_a_future_that_panics_when_dropped_holds_up_no_drain() {
    let (pool, log) = scheduler();
    let bomb = Bomb(Arc::default());
    drop(pool.spawn_future(Priority::Normal, async move { bomb }));
    assert!(pool.drain(LONG).is_complete);
    assert_eq!(*log.lock().unwrap(), ["bomb true"]);
}

/// Its wake-up panics, on the worker that ends the task.
struct Trap;

impl Wake for Trap {
    fn wake(self: Arc<Self>) {
        panic!("trap");
    }
}

#[test]
fn a_waker_that_panics_holds_up_no_drain() {
    let (pool, log) = scheduler();
    let gate = Parker::new();
    let key = gate.unparker();
    let handle = pool.spawn_future(Priority::Normal, async move { gate.park() });
    let mut handle = pin!(handle.unwrap());
    let trap = Waker::from(Arc::new(Trap));
    let polled = handle.as_mut().poll(&mut Context::from_waker(&trap));
    assert!(polled.is_pending());
    key.unpark();
    assert!(pool.drain(LONG).is_complete);
    assert_eq!(*log.lock().unwrap(), ["trap true"]);
    assert!(handle.is_finished());
}

/// A future that waits for ever goes with its last waker, and its panic to whoever dropped that.
#[test]
fn a_future_that_panics_when_dropped_is_cancelled_all_the_same() {
    let (pool, _) = scheduler();
    let bomb = Bomb(Arc::default());
    let (waiting, place) = (Parker::new(), Arc::new(Mutex::new(None)));
    let (bell, keeper) = (waiting.unparker(), place.clone());
    let future = future::poll_fn(move |context| {
        let _ = &bomb;
        *keeper.lock().unwrap() = Some(context.waker().clone());
        bell.unpark();
        Poll::<()>::Pending
    });
    let handle = pool.spawn_future(Priority::Normal, future).unwrap();
    waiting.park();
    pool.scope(|_| ());
    let waker = place.lock().unwrap().take();
    // The worker may still be on its way out of the poll; then the panic is its own.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    assert!(pool.drain(LONG).is_complete);
    assert!(matches!(handle.join(), Err(JoinError::Cancelled)));
}

#[test]
fn what_panics_when_dropped_does_not_replace_the_panic_that_is_resumed() {
    let (pool, _) = scheduler();
    let bomb = || Bomb(Arc::default());
    let (left, right) = (bomb(), bomb());
    assert_eq!(message(|| pool.join(|| panic!("a"), move || left).0), "a");
    assert_eq!(message(|| pool.join(move || right, || panic!("b")).1), "b");
    let text = message(|| {
        drop(pool.scope(|scope| {
            scope.spawn(|| panic!("task"));
            bomb()
        }));
    });
    assert_eq!(text, "task");
}

/// Brings a next one when it is dropped, so many times.
struct Chain(usize, Arc<AtomicUsize>);

impl Drop for Chain {
    fn drop(&mut self) {
        self.1.fetch_add(1, Relaxed);
        if self.0 > 0 {
            panic_any(Self(self.0 - 1, self.1.clone()));
        }
    }
}

#[test]
fn a_payload_that_brings_another_is_followed() {
    let (pool, _) = scheduler();
    let count = Arc::new(AtomicUsize::new(0));
    let chain = Chain(3, count.clone());
    pool.spawn(Priority::Normal, move || panic_any(chain))
        .unwrap();
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(Relaxed), 4);
}
