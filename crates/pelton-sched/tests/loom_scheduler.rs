//! Models of the whole pool, with a locked stand-in for crossbeam's deque, which a model cannot
//! see: what was accepted is run, what waits is woken, and the pool ends.
#![cfg(loom)]

use pelton_sched::{Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Mutex, model, thread};

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
fn a_fork_is_stolen_or_kept_but_run_once() {
    model(|| {
        let pool = pool(2);
        let (a, b) = pool.join(|| 1, || 2);
        assert_eq!((a, b), (1, 2));
    });
}

#[test]
fn abort_races_with_a_submission() {
    model(|| {
        let pool = Arc::new(pool(1));
        let other = {
            let pool = pool.clone();
            thread::spawn(move || match pool.spawn_with_handle(Priority::Low, || 7) {
                Ok(handle) => handle.join().map_or(0, |seven| seven - 7),
                Err(_) => 0,
            })
        };
        pool.abort();
        assert_eq!(other.join().unwrap(), 0);
        assert!(pool.drain(None).is_complete);
    });
}

/// The twin: a thief that looks at the oldest task and takes it in two steps runs it twice.
#[test]
#[should_panic(expected = "a task ran twice")]
fn loom_rejects_a_steal_in_two_steps() {
    model(|| {
        let queue = Arc::new(Mutex::new(vec![1, 2]));
        let steal = |queue: &Mutex<Vec<usize>>| {
            let task = queue.lock().unwrap()[0];
            queue.lock().unwrap().remove(0);
            task
        };
        let thief = {
            let queue = queue.clone();
            thread::spawn(move || steal(&queue))
        };
        let mine = steal(&queue);
        let stolen = thief.join().unwrap();
        drop(queue);
        assert!(mine != stolen, "a task ran twice");
    });
}
