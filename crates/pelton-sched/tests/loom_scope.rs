//! Models of the countdown: a scope ends after its tasks, sees what they did, and is woken.
#![cfg(loom)]

mod held;

#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/scope/countdown.rs"]
mod countdown;
#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/event_count.rs"]
mod event_count;
#[allow(unused_imports, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{UnsafeCell, model, thread};

use countdown::Countdown;
use event_count::EventCount;
use held::hold;

struct Scope {
    events: EventCount,
    countdown: Countdown,
    /// Written by the tasks, read by the owner after the end: loom watches the accesses.
    results: [UnsafeCell<usize>; 2],
}

// SAFETY: the countdown orders the accesses, which is what the model shows.
unsafe impl Sync for Scope {}
// SAFETY: as above.
unsafe impl Send for Scope {}

impl Scope {
    fn new() -> Self {
        Self {
            events: EventCount::new(1),
            countdown: Countdown::new(0),
            results: [UnsafeCell::new(0), UnsafeCell::new(0)],
        }
    }

    fn run_task(&self, task: usize) {
        // SAFETY: the owner reads after the end only.
        self.results[task].with_mut(|result| unsafe { *result = task + 1 });
    }

    fn give_back(&self, units: usize) {
        // SAFETY: the callers hold the units, and the scope is held to the end.
        unsafe { Countdown::give_back(&raw const self.countdown, units, &self.events) };
    }

    fn wait(&self) {
        self.events.begin_search();
        while !self.countdown.is_over() {
            self.events.prepare(0);
            if self.countdown.is_over() {
                self.events.cancel(0);
            } else {
                self.events.park(0);
            }
        }
        let _ = self.events.end_search();
    }

    fn results(&self) -> [usize; 2] {
        // SAFETY: called after the end.
        [0, 1].map(|task| self.results[task].with(|result| unsafe { *result }))
    }
}

#[test]
fn the_owner_wakes_and_sees_what_two_tasks_did() {
    model(|| {
        hold(Scope::new(), |scope| {
            // Two tasks and one unit of credit that was counted ahead.
            scope.countdown.add(3);
            let thieves = [0, 1].map(|task| {
                thread::spawn(move || {
                    scope.run_task(task);
                    scope.give_back(1);
                })
            });
            scope.give_back(2);
            scope.wait();
            assert_eq!(scope.results(), [1, 2]);
            thieves.into_iter().for_each(|thief| thief.join().unwrap());
        });
    });
}

/// A task that spawns counts the new one while its own unit is out.
#[test]
fn a_nested_task_is_waited_for() {
    model(|| {
        hold(Scope::new(), |scope| {
            scope.countdown.add(1);
            let thief = thread::spawn(move || {
                scope.countdown.add(1);
                let nested = thread::spawn(move || {
                    scope.run_task(1);
                    scope.give_back(1);
                });
                scope.run_task(0);
                scope.give_back(1);
                nested.join().unwrap();
            });
            scope.give_back(1);
            scope.wait();
            assert_eq!(scope.results(), [1, 2]);
            thief.join().unwrap();
        });
    });
}

/// The twin: a task that is counted by who runs it, not by who spawns it, comes too late.
#[test]
#[should_panic(expected = "the scope ended without its task")]
fn loom_rejects_tasks_that_count_themselves() {
    model(|| {
        hold((Scope::new(), AtomicUsize::new(0)), |(scope, has_run)| {
            let thief = thread::spawn(move || {
                scope.countdown.add(1);
                has_run.store(1, Ordering::Relaxed);
                scope.give_back(1);
            });
            scope.give_back(1);
            scope.wait();
            let has_run = has_run.load(Ordering::Relaxed);
            thief.join().unwrap();
            assert_eq!(has_run, 1, "the scope ended without its task");
        });
    });
}

/// The twin: given back with Relaxed, the results are not there yet.
#[test]
#[should_panic(expected = "Causality violation")]
fn loom_rejects_a_relaxed_give_back() {
    model(|| {
        hold((Scope::new(), AtomicUsize::new(1)), |(scope, units)| {
            let thief = thread::spawn(move || {
                scope.run_task(0);
                units.fetch_sub(1, Ordering::Relaxed);
            });
            while units.load(Ordering::Acquire) > 0 {
                thread::yield_now();
            }
            scope.results();
            thief.join().unwrap();
        });
    });
}
