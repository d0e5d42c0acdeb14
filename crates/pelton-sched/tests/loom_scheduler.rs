//! Models of the whole pool, with a locked stand-in for crossbeam's deque, which a model cannot
//! see: what was accepted is run, what waits is woken, and the pool ends.
#![cfg(loom)]

mod held;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use pelton_sched::{JoinError, Priority, Scheduler};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Condvar, Mutex, Parker, Unparker, model, model_within, thread};

use held::hold;

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

/// Three preemptions take minutes.
#[test]
fn abort_cancels_or_comes_too_late() {
    model_within(2, || {
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

/// Three threads, as in the next model: more than two preemptions take long.
#[test]
fn two_submissions_are_both_run() {
    model_within(2, || {
        let pool = Arc::new(pool(1));
        let count = Arc::new(AtomicUsize::new(0));
        let submit = |pool: &Scheduler, count: &Arc<AtomicUsize>| {
            let count = count.clone();
            let body = move || {
                count.fetch_add(1, Ordering::Relaxed);
            };
            pool.spawn(Priority::Normal, body).unwrap();
        };
        let (other, counter) = (pool.clone(), count.clone());
        let rival = thread::spawn(move || submit(&other, &counter));
        submit(&pool, &count);
        rival.join().unwrap();
        assert!(pool.drain(None).is_complete);
        assert_eq!(count.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn two_drains_both_come_to_the_end() {
    model_within(2, || {
        let pool = Arc::new(pool(1));
        pool.spawn(Priority::Normal, || ()).unwrap();
        let other = pool.clone();
        let rival = thread::spawn(move || other.drain(None).is_complete);
        assert!(pool.drain(None).is_complete);
        assert!(rival.join().unwrap());
    });
}

/// Three threads, of which two close the pool: more than one preemption takes long.
#[test]
fn an_abort_ends_the_drain_beside_it() {
    model_within(1, || {
        let pool = Arc::new(pool(1));
        let handle = pool.spawn_with_handle(Priority::Low, || 7).unwrap();
        let other = pool.clone();
        let rival = thread::spawn(move || other.abort());
        assert!(pool.drain(None).is_complete);
        rival.join().unwrap();
        assert!(matches!(handle.join(), Ok(7) | Err(JoinError::Cancelled)));
    });
}

#[test]
fn a_scope_from_outside_waits_for_its_tasks() {
    model(|| {
        let pool = pool(1);
        let count = AtomicUsize::new(0);
        pool.scope(|scope| {
            scope.spawn(|| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn an_awaited_handle_gives_the_result() {
    model(|| {
        let pool = pool(1);
        let handle = pool.spawn_with_handle(Priority::Normal, || 7).unwrap();
        assert_eq!(block_on(handle).unwrap(), 7);
    });
}

#[test]
fn a_handle_that_goes_leaves_the_result_to_be_dropped_once() {
    model(|| {
        let pool = pool(1);
        let result = Arc::new(());
        let inner = result.clone();
        drop(pool.spawn_with_handle(Priority::Normal, move || inner));
        drop(pool);
        assert_eq!(Arc::strong_count(&result), 1);
    });
}

#[test]
fn figures_never_tell_of_more_than_was_submitted() {
    model(|| {
        let pool = pool(1);
        pool.spawn(Priority::Normal, || ()).unwrap();
        let stats = pool.stats();
        assert!(stats.run() <= stats.submitted, "{stats:?}");
        assert!(stats.queued <= stats.submitted, "{stats:?}");
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

/// A future, whose event comes from a third thread beside what `end` does.
fn a_wake_beside(end: impl FnOnce(&Scheduler)) {
    let pool = pool(1);
    let event = Arc::new(Event::default());
    let inner = event.clone();
    let future = std::future::poll_fn(move |context| inner.poll(context));
    let handle = pool.spawn_future(Priority::Normal, future).unwrap();
    let rival = thread::spawn(move || event.happen());
    end(&pool);
    assert!(pool.drain(None).is_complete);
    rival.join().unwrap();
    assert!(handle.is_finished());
}

/// A drain waits for the future.
#[test]
fn a_wake_beside_the_end_is_answered() {
    model(|| a_wake_beside(|_| ()));
}

/// As with the other abort.
#[test]
fn a_wake_beside_an_abort_polls_or_drops_the_future() {
    model_within(2, || {
        a_wake_beside(|pool| {
            pool.abort();
        });
    });
}

/// A place is filled beside the end: whoever comes to it finds the pool ended, and leaves.
#[test]
fn growing_beside_the_end_holds_nothing_up() {
    model_within(1, || {
        let builder = Scheduler::builder().workers(1).max_workers(2);
        let pool = Arc::new(builder.build().unwrap());
        let other = pool.clone();
        let rival = thread::spawn(move || drop(other.resize(2)));
        assert!(pool.drain(None).is_complete);
        rival.join().unwrap();
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

struct Bell(Unparker);

impl Wake for Bell {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let parker = Parker::new();
    let waker = Waker::from(StdArc::new(Bell(parker.unparker())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => parker.park(),
        }
    }
}

/// The twin: the end told to one of two who wait for it.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_an_end_that_one_hears_of() {
    let wait = |(has_ended, end): &(Mutex<bool>, Condvar)| {
        let mut ended = has_ended.lock().unwrap();
        while !*ended {
            ended = end.wait(ended).unwrap();
        }
    };
    model(move || {
        hold((Mutex::new(false), Condvar::new()), move |pool| {
            let waiting = [0, 1].map(|_| thread::spawn(move || wait(pool)));
            *pool.0.lock().unwrap() = true;
            pool.1.notify_one();
            waiting.into_iter().for_each(|one| one.join().unwrap());
        });
    });
}

/// The twin: a handle that looks, lets go, and only then says whom to wake.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_a_handle_that_lets_go_between_looking_and_waiting() {
    model(|| {
        let packet = (Mutex::new(false), Mutex::new(None::<Unparker>));
        hold(packet, |(is_done, waiter)| {
            let task = thread::spawn(move || {
                *is_done.lock().unwrap() = true;
                let waiter = waiter.lock().unwrap().take();
                waiter.into_iter().for_each(|waiter| waiter.unpark());
            });
            let is_pending = !*is_done.lock().unwrap();
            if is_pending {
                let parker = Parker::new();
                *waiter.lock().unwrap() = Some(parker.unparker());
                hold(parker, |parker| parker.park());
            }
            task.join().unwrap();
        });
    });
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
