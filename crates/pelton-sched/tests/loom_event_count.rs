//! Models of the event-count: work that was announced is done, whoever sleeps or searches.
#![cfg(loom)]

mod held;

#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/event_count.rs"]
mod event_count;
#[allow(unused_imports, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;

use std::collections::VecDeque;

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Mutex, model, thread};

use event_count::EventCount;
use held::hold;

/// A queue whose length is read without its lock, as the real ones are.
struct Pool {
    events: EventCount,
    len: AtomicUsize,
    tasks: Mutex<VecDeque<usize>>,
    done: AtomicUsize,
}

impl Pool {
    fn new(workers: usize) -> Self {
        Self {
            events: EventCount::new(workers),
            len: AtomicUsize::new(0),
            tasks: Mutex::new(VecDeque::new()),
            done: AtomicUsize::new(0),
        }
    }

    fn submit(&self, task: usize) {
        self.queue(task);
        self.events.notify_one();
    }

    fn queue(&self, task: usize) {
        let mut tasks = self.tasks.lock().unwrap();
        tasks.push_back(task);
        self.len.store(tasks.len(), Ordering::Relaxed);
    }

    fn has_work(&self) -> bool {
        self.len.load(Ordering::Relaxed) > 0
    }

    fn take(&self) -> Option<usize> {
        if !self.has_work() {
            return None;
        }
        let mut tasks = self.tasks.lock().unwrap();
        let task = tasks.pop_front();
        self.len.store(tasks.len(), Ordering::Relaxed);
        task
    }

    /// The worker's search, with the steps that a twin leaves out.
    fn search(&self, worker: usize, looks_twice: bool, hands_on: bool) -> usize {
        self.events.begin_search();
        let task = loop {
            if let Some(task) = self.take() {
                break task;
            }
            self.events.prepare(worker);
            if looks_twice && self.has_work() {
                self.events.cancel(worker);
            } else {
                self.events.park(worker);
            }
        };
        let is_last = self.events.end_search();
        if hands_on && is_last && self.has_work() {
            self.events.notify_one();
        }
        task
    }
}

fn one_worker(looks_twice: bool) {
    hold(Pool::new(1), |pool| {
        let worker = thread::spawn(move || pool.search(0, looks_twice, true));
        pool.submit(7);
        assert_eq!(worker.join().unwrap(), 7);
    });
}

#[test]
fn announced_work_wakes_a_sleeper() {
    model(|| one_worker(true));
}

/// The twin: without the second look, work that came between the first look and lying down is
/// slept over.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_sleeping_without_a_second_look() {
    model(|| one_worker(false));
}

/// Two tasks for two workers that take one each.
fn two_workers(hands_on: bool) {
    hold(Pool::new(2), |pool| {
        let workers = [0, 1].map(|worker| {
            thread::spawn(move || {
                pool.search(worker, true, hands_on);
                pool.done.fetch_add(1, Ordering::AcqRel);
            })
        });
        pool.submit(1);
        pool.submit(2);
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
        assert_eq!(pool.done.load(Ordering::Acquire), 2);
    });
}

#[test]
fn the_last_searcher_hands_on_what_was_not_announced() {
    model(|| two_workers(true));
}

/// The twin: an announcement that fell to a searcher who then found something else is lost.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_searchers_that_do_not_hand_on() {
    model(|| two_workers(false));
}

/// A thief moves a batch to its own queue, and meanwhile it lies nowhere; the other worker may look
/// and lie down just then.
fn a_batch_is_moved(hands_on: bool) {
    hold(Pool::new(2), |pool| {
        pool.queue(1);
        pool.queue(2);
        let other = thread::spawn(move || pool.search(1, true, true));
        pool.events.begin_search();
        let batch = [pool.take(), pool.take()];
        batch[1].into_iter().for_each(|task| pool.queue(task));
        let is_last = pool.events.end_search();
        if hands_on && is_last && pool.has_work() {
            pool.events.notify_one();
        }
        assert!(batch[0] != Some(other.join().unwrap()));
    });
}

#[test]
fn who_lies_down_while_a_batch_is_moved_is_woken() {
    model(|| a_batch_is_moved(true));
}

/// The twin: the thief that keeps the batch to itself.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_a_batch_that_is_moved_unseen() {
    model(|| a_batch_is_moved(false));
}

/// A worker that waits for `done` alone, as the owner of a scope does.
fn wait_for_done(pool: &Pool) {
    let is_done = || pool.done.load(Ordering::Acquire) > 0;
    pool.events.begin_search();
    while !is_done() {
        pool.events.prepare(0);
        if is_done() {
            pool.events.cancel(0);
        } else {
            pool.events.park(0);
        }
    }
    let _ = pool.events.end_search();
}

#[test]
fn a_named_worker_is_woken_while_others_announce() {
    model(|| {
        hold(Pool::new(1), |pool| {
            let sleeper = thread::spawn(move || wait_for_done(pool));
            let other = thread::spawn(move || pool.events.notify_one());
            pool.done.store(1, Ordering::Release);
            pool.events.notify(0);
            other.join().unwrap();
            sleeper.join().unwrap();
        });
    });
}
