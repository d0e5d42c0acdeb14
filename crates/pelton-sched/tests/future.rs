//! Futures as tasks: they wait without a worker, and every wake-up is answered.
#![cfg(not(loom))]

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, Waker};

use pelton_sched::{JoinError, JoinHandle, Priority, Scheduler, worker_index};
use pelton_sync::atomic::{AtomicUsize, Ordering::SeqCst};
use pelton_sync::{Arc, Mutex, scaled, thread};

fn scheduler(workers: usize) -> Scheduler {
    let builder = Scheduler::builder().workers(workers);
    builder.build().expect("threads")
}

/// A counter to wait on: enough of a queue for these tests.
#[derive(Default)]
struct Bell {
    rung: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        self.rung.fetch_add(1, SeqCst);
        let waker = self.waker.lock().expect("no panic").take();
        waker.into_iter().for_each(Waker::wake);
    }

    async fn wait_for(&self, count: usize) {
        poll_fn(|context| {
            *self.waker.lock().expect("no panic") = Some(context.waker().clone());
            if self.rung.load(SeqCst) < count {
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

#[test]
fn many_futures_wait_on_one_worker() {
    let pool = scheduler(1);
    let bells: Vec<_> = (0..scaled(100, 10))
        .map(|_| Arc::new(Bell::default()))
        .collect();
    let handles: Vec<_> = bells
        .iter()
        .map(|bell| {
            let bell = bell.clone();
            let future = async move { bell.wait_for(1).await };
            pool.spawn_future(Priority::Normal, future).unwrap()
        })
        .collect();
    // The worker is free although all of them wait.
    assert_eq!(pool.scope(|_| worker_index()), Some(0));
    bells.iter().rev().for_each(|bell| bell.ring());
    handles
        .into_iter()
        .for_each(|handle| handle.join().unwrap());
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    const ROUNDS: usize = scaled(2000, 20);
    let pool = scheduler(2);
    let (there, back) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let (listen, answer) = (there.clone(), back.clone());
    let echo = async move {
        for round in 1..=ROUNDS {
            listen.wait_for(round).await;
            answer.ring();
        }
    };
    let handle = pool.spawn_future(Priority::High, echo).unwrap();
    let caller = thread::spawn(move || {
        for round in 1..=ROUNDS {
            there.ring();
            while back.rung.load(SeqCst) < round {
                thread::yield_now();
            }
        }
    });
    handle.join().unwrap();
    caller.join().unwrap();
}

#[test]
fn a_future_that_wakes_itself_lets_others_run() {
    let pool = scheduler(1);
    let flag = Arc::new(AtomicUsize::new(0));
    let seen = flag.clone();
    let spinner = poll_fn(move |context| {
        context.waker().wake_by_ref();
        if seen.load(SeqCst) == 0 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
    let spinner = pool.spawn_future(Priority::High, spinner).unwrap();
    let body = move || flag.store(1, SeqCst);
    pool.spawn(Priority::Low, body).unwrap();
    spinner.join().unwrap();
}

#[test]
fn a_task_joins_another_on_the_same_worker() {
    let pool = Arc::new(scheduler(1));
    let inner = pool.clone();
    let outer = pool.spawn_with_handle(Priority::Normal, move || {
        let handle = inner.spawn_with_handle(Priority::Low, || 7).unwrap();
        handle.join().unwrap()
    });
    assert_eq!(outer.unwrap().join().unwrap(), 7);
}

#[test]
fn a_dropped_handle_lets_the_task_go_on() {
    let pool = scheduler(1);
    let count = Arc::new(AtomicUsize::new(0));
    let inner = count.clone();
    let future = async move { inner.fetch_add(1, SeqCst) };
    drop(pool.spawn_future(Priority::Normal, future).unwrap());
    assert!(pool.drain(None).is_complete);
    assert_eq!(count.load(SeqCst), 1);
}

/// It waits for its own end, until somebody takes the handle away and waits instead.
#[test]
fn a_future_that_only_its_own_handle_could_wake_is_cancelled() {
    let pool = scheduler(1);
    let own: Arc<Mutex<Option<JoinHandle<()>>>> = Arc::default();
    let inner = own.clone();
    let begun = Arc::new(Bell::default());
    let bell = begun.clone();
    let future = async move {
        bell.wait_for(1).await;
        poll_fn(|context| {
            if let Some(handle) = &mut *inner.lock().unwrap() {
                assert!(Pin::new(handle).poll(context).is_pending());
            }
            Poll::<()>::Pending
        })
        .await;
    };
    let handle = pool.spawn_future(Priority::Normal, future).unwrap();
    *own.lock().unwrap() = Some(handle);
    pool.scope(|_| ());
    begun.ring();
    pool.scope(|_| ());
    // From here on the handle alone keeps the future.
    *begun.waker.lock().unwrap() = None;
    let handle = own.lock().unwrap().take().unwrap();
    assert!(matches!(handle.join(), Err(JoinError::Cancelled)));
    assert!(pool.drain(None).is_complete);
}
