//! Models of the end: a closed pool ends exactly when its last task has, whoever counts last.
#![cfg(loom)]

mod held;

#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/shutdown.rs"]
mod shutdown;
#[allow(dead_code, unreachable_pub, reason = "each model uses a part")]
#[path = "../src/stats.rs"]
mod stats;
#[allow(unused_imports, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{model, thread};

use held::hold;
use shutdown::{Phase, Shutdown};
use stats::Cells;

struct Pool {
    shutdown: Shutdown,
    accepted: AtomicUsize,
    cells: [Cells; 2],
    /// True once the second task of a chain can be stolen.
    handed: AtomicUsize,
    /// Tasks whose effects are there; for the assertions alone.
    effects: AtomicUsize,
}

impl Pool {
    fn new(accepted: usize) -> Self {
        Self {
            shutdown: Shutdown::new(),
            accepted: AtomicUsize::new(accepted),
            cells: [Cells::default(), Cells::default()],
            handed: AtomicUsize::new(0),
            effects: AtomicUsize::new(0),
        }
    }

    fn outstanding(&self) -> usize {
        let run: usize = self.cells.iter().map(|cells| cells.run.get()).sum();
        let spawned: usize = self.cells.iter().map(|cells| cells.spawned.get()).sum();
        self.accepted.load(Ordering::Acquire) + spawned - run
    }

    fn run_task(&self, worker: usize) {
        self.effects.fetch_add(1, Ordering::Relaxed);
        self.cells[worker].run.add(1);
    }

    fn end_if_quiescent(&self) -> bool {
        self.shutdown.end_if_quiescent(|| self.outstanding())
    }

    fn close(&self) {
        self.shutdown.advance(Phase::Draining);
        self.end_if_quiescent();
    }
}

#[test]
fn the_end_comes_when_two_workers_finish_and_one_thread_closes() {
    model(|| {
        hold(Pool::new(2), |pool| {
            let workers = [0, 1].map(|worker| {
                thread::spawn(move || {
                    pool.run_task(worker);
                    pool.end_if_quiescent();
                })
            });
            pool.close();
            pool.shutdown.wait(None);
            assert_eq!(pool.effects.load(Ordering::Relaxed), 2);
            workers
                .into_iter()
                .for_each(|worker| worker.join().unwrap());
        });
    });
}

fn steal_and_run(pool: &Pool) {
    while pool.handed.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    pool.run_task(1);
    pool.end_if_quiescent();
}

/// A task that spawns another, which the other worker steals: the pool must not end between.
#[test]
fn a_task_that_spawns_keeps_the_pool_alive() {
    model(|| {
        hold(Pool::new(1), |pool| {
            pool.shutdown.advance(Phase::Draining);
            let thief = thread::spawn(move || steal_and_run(pool));
            pool.cells[0].spawned.add(1);
            pool.handed.store(1, Ordering::Release);
            pool.run_task(0);
            pool.end_if_quiescent();
            pool.shutdown.wait(None);
            assert_eq!(pool.effects.load(Ordering::Relaxed), 2);
            thief.join().unwrap();
        });
    });
}

/// The twin: a task that is counted after it was handed over is not waited for.
#[test]
#[should_panic(expected = "the pool ended before its last task")]
fn loom_rejects_counting_a_task_too_late() {
    model(|| {
        hold(Pool::new(1), |pool| {
            pool.shutdown.advance(Phase::Draining);
            let thief = thread::spawn(move || steal_and_run(pool));
            pool.handed.store(1, Ordering::Release);
            pool.run_task(0);
            let has_ended = pool.end_if_quiescent();
            let effects = pool.effects.load(Ordering::Relaxed);
            pool.cells[0].spawned.add(1);
            thief.join().unwrap();
            let is_right = !has_ended || effects == 2;
            assert!(is_right, "the pool ended before its last task");
        });
    });
}

/// The twin: without the fence both workers can miss the other's count, and nobody ends the pool.
#[test]
#[should_panic(expected = "nobody ended the pool")]
fn loom_rejects_looking_without_a_fence() {
    model(|| {
        hold(Pool::new(2), |pool| {
            pool.shutdown.advance(Phase::Draining);
            let other = thread::spawn(move || {
                pool.run_task(1);
                pool.outstanding() == 0
            });
            pool.run_task(0);
            let is_seen = pool.outstanding() == 0;
            let is_seen_by_other = other.join().unwrap();
            assert!(is_seen || is_seen_by_other, "nobody ended the pool");
        });
    });
}
