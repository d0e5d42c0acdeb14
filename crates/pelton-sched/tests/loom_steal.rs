//! Models of the steal hand-off: each task goes to the owner or to one thief, and none is slept
//! over.
#![cfg(loom)]

#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/deque.rs"]
mod deque;
#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/event_count.rs"]
mod event_count;
mod held;
#[allow(unused_imports, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;

/// What the queues carry here.
mod task {
    #[derive(Debug)]
    pub(crate) struct Task(pub(crate) usize);
}

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Mutex, model, thread};

use deque::{Local, Remote};
use event_count::EventCount;
use held::hold;
use task::Task;

struct Pool {
    events: EventCount,
    remote: Remote,
    /// How often each task was run.
    runs: [AtomicUsize; 2],
}

impl Pool {
    fn new(remote: Remote) -> Self {
        Self {
            events: EventCount::new(1),
            remote,
            runs: [AtomicUsize::new(0), AtomicUsize::new(0)],
        }
    }

    fn run(&self, task: &Task) {
        self.runs[task.0].fetch_add(1, Ordering::Relaxed);
    }

    /// A thief that sleeps until it has stolen once.
    fn steal(&self) {
        let own = Local::newest_first();
        self.events.begin_search();
        let first = loop {
            if let Some(task) = self.remote.steal_batch(&own) {
                break task;
            }
            self.events.prepare(0);
            if self.remote.is_empty() {
                self.events.park(0);
            } else {
                self.events.cancel(0);
            }
        };
        let _ = self.events.end_search();
        self.run(&first);
        while let Some(task) = own.pop() {
            self.run(&task);
        }
    }
}

/// The owner forks two tasks and keeps at most one of them.
#[test]
fn each_task_is_run_once_by_owner_or_thief() {
    model(|| {
        let local = Local::newest_first();
        hold(Pool::new(local.remote()), |pool| {
            let thief = thread::spawn(move || pool.steal());
            for task in [0, 1] {
                local.push(Task(task)).unwrap();
                pool.events.notify_one();
            }
            if let Some(task) = local.pop() {
                pool.run(&task);
            }
            thief.join().unwrap();
            while let Some(task) = local.pop() {
                pool.run(&task);
            }
            assert!(
                pool.runs
                    .iter()
                    .all(|runs| runs.load(Ordering::Relaxed) == 1)
            );
        });
    });
}

/// The twin: a thief that looks at the oldest task and takes it in two steps runs it twice.
#[test]
#[should_panic(expected = "a task ran twice")]
fn loom_rejects_a_steal_in_two_steps() {
    fn steal(queue: &Mutex<Vec<usize>>) -> usize {
        let task = queue.lock().unwrap()[0];
        queue.lock().unwrap().remove(0);
        task
    }
    model(|| {
        hold(Mutex::new(vec![1, 2]), |queue| {
            let thief = thread::spawn(move || steal(queue));
            let mine = steal(queue);
            let stolen = thief.join().unwrap();
            assert!(mine != stolen, "a task ran twice");
        });
    });
}
