//! Models of the whole pool, with a locked stand-in for crossbeam's deque, which a model cannot
//! see: what was accepted is run, what waits is woken, and the pool ends.
#![cfg(loom)]

use std::task::{Context, Poll, Waker};

use pelton_sched::{JoinError, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Mutex, model, model_within, thread};

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
fn a_fork_is_run_once() {
    model(|| {
        let pool = pool(1);
        let (a, b) = pool.join(|| 1, || 2);
        assert_eq!((a, b), (1, 2));
    });
}

#[test]
fn abort_cancels_or_comes_too_late() {
    model(|| {
        let pool = pool(1);
        let handle = pool.spawn_with_handle(Priority::Low, || 7).unwrap();
        pool.abort();
        assert!(matches!(handle.join(), Ok(7) | Err(JoinError::Cancelled)));
        assert!(pool.drain(None).is_complete);
    });
}

#[test]
fn a_submission_beside_the_end_is_run_or_given_back() {
    model(|| {
        let pool = Arc::new(pool(1));
        let count = Arc::new(AtomicUsize::new(0));
        let submitter = {
            let (pool, count) = (pool.clone(), count.clone());
            thread::spawn(move || {
                let body = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                };
                pool.spawn(Priority::Normal, body).is_ok()
            })
        };
        assert!(pool.drain(None).is_complete);
        let is_accepted = submitter.join().unwrap();
        assert_eq!(count.load(Ordering::Relaxed), usize::from(is_accepted));
    });
}

/// Two workers and a third thread: more than one preemption takes hours.
#[test]
fn a_fork_is_run_once_by_its_owner_or_a_thief() {
    model_within(1, || {
        let pool = pool(2);
        assert_eq!(pool.join(|| 1, || 2), (1, 2));
    });
}

/// As above.
#[test]
fn a_task_is_run_while_the_pool_shrinks() {
    model_within(1, || {
        let pool = pool(2);
        let handle = pool.spawn_with_handle(Priority::Normal, || 7).unwrap();
        pool.resize(1).unwrap();
        assert_eq!(handle.join().unwrap(), 7);
    });
}

/// A drain waits for a future, whose event comes from a third thread.
#[test]
fn a_wake_beside_the_end_is_answered() {
    model(|| {
        let pool = pool(1);
        let event = Arc::new(Event::default());
        let inner = event.clone();
        let future = std::future::poll_fn(move |context| inner.poll(context));
        let handle = pool.spawn_future(Priority::Normal, future).unwrap();
        let rival = thread::spawn(move || event.happen());
        assert!(pool.drain(None).is_complete);
        rival.join().unwrap();
        assert!(handle.is_finished());
    });
}

/// Something that happens once, and who waits for it.
#[derive(Default)]
struct Event {
    has_happened: Mutex<bool>,
    waker: Mutex<Option<Waker>>,
}

impl Event {
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        *self.waker.lock().unwrap() = Some(context.waker().clone());
        match *self.has_happened.lock().unwrap() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn happen(&self) {
        *self.has_happened.lock().unwrap() = true;
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }
}

/// The twin: a pool that is told to end before its task was accepted loses the task.
#[test]
#[should_panic(expected = "the task was lost")]
fn loom_rejects_a_task_that_comes_after_the_end() {
    model(|| {
        let pool = Arc::new(pool(1));
        let count = Arc::new(AtomicUsize::new(0));
        let submitter = {
            let (pool, count) = (pool.clone(), count.clone());
            thread::spawn(move || {
                let body = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                };
                // The twin does not look whether the pool accepted it.
                drop(pool.spawn(Priority::Normal, body));
            })
        };
        pool.drain(None);
        submitter.join().unwrap();
        let has_run = count.load(Ordering::Relaxed) == 1;
        drop((pool, count));
        assert!(has_run, "the task was lost");
    });
}
