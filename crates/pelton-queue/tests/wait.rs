//! Waiting ends: threads, tasks, time-outs and closing.
#![cfg(not(loom))]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pelton_queue::{Closed, Pop, PopError, Push, PushError, mpmc, spsc, unbounded, wait};
use pelton_sync::{Mutex, Parker, Unparker, scaled, thread};

struct Wakes(Unparker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let parker = Parker::new();
    let waker: Waker = Arc::new(Wakes(parker.unparker())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => parker.park(),
        }
    }
}

/// A stream through `pair`, both sides waiting whenever they have to.
fn stream<P, C>(pair: (P, C))
where
    P: Push<Item = usize> + Send + 'static,
    C: Pop<Item = usize>,
{
    let total = scaled(20_000, 50);
    let (mut pushing, mut popping) = wait::pair(pair);
    let thread = thread::spawn(move || {
        (0..total).for_each(|value| pushing.push(value).expect("the other end is alive"))
    });
    for expected in 0..total {
        assert_eq!(popping.pop(), Ok(expected));
    }
    assert_eq!(popping.pop(), Err(Closed(())));
    thread.join().expect("the pushing thread panicked");
}

#[test]
fn threads_stream_through_each_queue() {
    stream(spsc::channel(1));
    stream(spsc::channel(16));
    stream(mpmc::channel(1));
    stream(unbounded::channel());
}

#[test]
fn tasks_stream() {
    let total = scaled(20_000, 50);
    let (mut producer, mut consumer) = wait::pair(spsc::channel(2));
    let thread = thread::spawn(move || {
        block_on(async {
            for value in 0..total {
                producer.push_async(value).await.unwrap();
            }
        });
    });
    block_on(async {
        for expected in 0..total {
            assert_eq!(consumer.pop_async().await, Ok(expected));
        }
        assert_eq!(consumer.pop_async().await, Err(Closed(())));
    });
    thread.join().unwrap();
}

#[test]
fn threads_and_tasks_wait_side_by_side() {
    let each = scaled(5_000, 50);
    let (mut sender, mut receiver) = wait::pair(mpmc::channel(2));
    let mut other = receiver.clone();
    let thread = thread::spawn(move || std::iter::from_fn(|| other.pop().ok()).count());
    let task = thread::spawn(move || {
        let mut count = 0;
        while block_on(receiver.pop_async()).is_ok() {
            count += 1;
        }
        count
    });
    (0..2 * each).for_each(|value| sender.push(value).unwrap());
    drop(sender);
    assert_eq!(thread.join().unwrap() + task.join().unwrap(), 2 * each);
}

#[test]
fn time_outs_give_back_and_say_why() {
    let (mut producer, mut consumer) = wait::pair(spsc::channel(1));
    let short = Duration::from_millis(1);
    assert_eq!(consumer.pop_timeout(short), Err(PopError::Empty));
    assert_eq!(producer.push_timeout(1, short), Ok(()));
    assert_eq!(producer.push_timeout(2, short), Err(PushError::Full(2)));
    assert_eq!(consumer.pop_timeout(Duration::MAX), Ok(1));
    drop(producer);
    assert_eq!(consumer.pop_timeout(short), Err(PopError::Closed));
}

#[test]
fn a_dropped_end_wakes_who_waits() {
    let (mut producer, consumer) = wait::pair(spsc::channel(1));
    producer.push(1).unwrap();
    let thread = thread::spawn(move || producer.push(2));
    drop(consumer);
    assert_eq!(thread.join().unwrap(), Err(Closed(2)));
}

#[test]
fn closing_wakes_both_sides() {
    let (mut sender, mut receiver) = wait::pair(mpmc::channel::<u8>(1));
    let closer = sender.clone();
    let thread = thread::spawn(move || receiver.pop());
    closer.close_with(mpmc::Sender::close);
    assert_eq!(thread.join().unwrap(), Err(Closed(())));
    assert_eq!(sender.push(1), Err(Closed(1)));
}

/// A task that was chosen and is dropped hands the wake-up on.
#[test]
fn a_dropped_future_passes_its_wake_up_on() {
    let (mut sender, mut receiver) = wait::pair(mpmc::channel(2));
    let mut other = receiver.clone();
    let (parker, late) = (Parker::new(), Parker::new());
    let first: Waker = Arc::new(Wakes(parker.unparker())).into();
    let second: Waker = Arc::new(Wakes(late.unparker())).into();
    let mut chosen = Box::pin(receiver.pop_async());
    let mut next = Box::pin(other.pop_async());
    assert!(
        chosen
            .as_mut()
            .poll(&mut Context::from_waker(&first))
            .is_pending()
    );
    assert!(
        next.as_mut()
            .poll(&mut Context::from_waker(&second))
            .is_pending()
    );
    sender.try_push(7).unwrap();
    assert!(
        parker.park_timeout(Duration::ZERO),
        "the first in line is woken"
    );
    assert!(!late.park_timeout(Duration::ZERO));
    drop(chosen);
    assert!(late.park_timeout(Duration::ZERO), "then the next");
    let polled = next.as_mut().poll(&mut Context::from_waker(&second));
    assert_eq!(polled, Poll::Ready(Ok(7)));
}

#[test]
fn batches_wait_for_something_and_take_what_is_there() {
    let (mut sender, mut receiver) = wait::pair(mpmc::channel(64));
    let thread = thread::spawn(move || {
        for start in 0..scaled(1000, 20) {
            sender
                .wait(|end| match end.push_slice(&[start; 3]) {
                    Err(PushError::Full(())) => Poll::Pending,
                    result => Poll::Ready(result),
                })
                .unwrap();
        }
    });
    let mut values = Vec::new();
    let mut attempt = |end: &mut mpmc::Receiver<usize>| match end.pop_into(&mut values, 16) {
        Err(PopError::Empty) => Poll::Pending,
        result => Poll::Ready(result),
    };
    while receiver.wait(&mut attempt).is_ok() {}
    assert_eq!(
        block_on(receiver.wait_async(attempt)),
        Err(PopError::Closed)
    );
    thread.join().unwrap();
    assert_eq!(receiver.end().len(), 0);
    assert!(values.len() >= scaled(1000, 20));
}

#[test]
fn a_quiet_push_wakes_nobody_until_somebody_says_so() {
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let waker = Waker::from(counts.clone());
    let (mut sender, mut receiver) = wait::pair(mpmc::channel(4));
    let mut popped = pin!(receiver.pop_async());
    let mut context = Context::from_waker(&waker);
    assert!(popped.as_mut().poll(&mut context).is_pending());
    sender.try_push_quietly(7).unwrap();
    assert_eq!(counts.0.load(Ordering::Relaxed), 0);
    sender.wake();
    assert_eq!(counts.0.load(Ordering::Relaxed), 1);
    assert_eq!(popped.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
}

#[test]
fn waiting_in_line_gets_what_is_there_and_what_comes_and_the_end() {
    let (mut sender, mut receiver) = wait::pair(mpmc::channel(4));
    sender.try_push(1).unwrap();
    assert_eq!(receiver.pop_in_line(None), Ok(1));
    let none = receiver.pop_in_line(Some(Duration::ZERO));
    assert_eq!(none, Err(PopError::Empty));
    let thread = thread::spawn(move || (receiver.pop_in_line(None), receiver.pop_in_line(None)));
    sender.try_push(2).unwrap();
    drop(sender);
    assert_eq!(thread.join().unwrap(), (Ok(2), Err(PopError::Closed)));
}

/// Goes back to the queue when the last of its wakers is dropped.
struct PushesAtLast(Mutex<wait::Waiting<mpmc::Sender<u8>>>);

impl Wake for PushesAtLast {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PushesAtLast {
    fn drop(&mut self) {
        let sender = self.0.get_mut().expect("no panic");
        sender.try_push(7).expect("there is room");
    }
}

#[test]
fn a_waker_may_use_the_queue_when_it_is_dropped() {
    let (sender, mut receiver) = wait::pair(mpmc::channel(2));
    let mut other = receiver.clone();
    let last = || Waker::from(Arc::new(PushesAtLast(Mutex::new(sender.clone()))));
    let mut rest = Context::from_waker(Waker::noop());
    let mut first = Box::pin(receiver.pop_async());
    let mut second = Box::pin(other.pop_async());
    // Another waker takes its place while the line is not empty.
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&last()))
            .is_pending()
    );
    assert_eq!(first.as_mut().poll(&mut rest), Poll::Ready(Ok(7)));
    drop(first);
    // Its future leaves the line while another waits.
    let mut first = Box::pin(receiver.pop_async());
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&last()))
            .is_pending()
    );
    assert!(second.as_mut().poll(&mut rest).is_pending());
    drop(first);
    assert_eq!(second.as_mut().poll(&mut rest), Poll::Ready(Ok(7)));
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker's own fault");
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_waker_that_panics_leaves_nobody_asleep() {
    let (sender, mut first) = wait::pair(mpmc::channel::<u8>(1));
    let mut second = first.clone();
    let counts = Arc::new(Counts::default());
    let (panics, counting) = (Arc::new(Panics).into(), counts.clone().into());
    let mut first = Box::pin(first.pop_async());
    let mut second = Box::pin(second.pop_async());
    for (waiting, waker) in [(&mut first, &panics), (&mut second, &counting)] {
        let polled = waiting.as_mut().poll(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    let closing = AssertUnwindSafe(|| sender.close_with(mpmc::Sender::close));
    catch_unwind(closing).expect_err("the waker panics");
    assert_eq!(counts.0.load(Ordering::Relaxed), 1);
}

/// A receiver with a glance of its own.
struct Glancing(mpmc::Receiver<usize>, fn(&mpmc::Receiver<usize>) -> bool);

impl Pop for Glancing {
    type Item = usize;

    fn pop(&mut self) -> Result<usize, PopError> {
        self.0.pop()
    }

    fn looks_ready(&self) -> bool {
        self.1(&self.0)
    }
}

#[test]
fn a_glance_that_shows_nothing_only_delays() {
    const VALUES: usize = scaled(10_000, 100);
    let glances: [fn(&mpmc::Receiver<usize>) -> bool; 3] =
        [mpmc::Receiver::looks_ready, |_| true, |_| false];
    for glance in glances {
        let (sender, receiver) = mpmc::channel(4);
        let (mut sender, mut receiver) = wait::pair((sender, Glancing(receiver, glance)));
        let pushing = thread::spawn(move || (0..VALUES).try_for_each(|value| sender.push(value)));
        let mut pop = || {
            receiver.wait_glancing(|end| match end.pop() {
                Err(PopError::Empty) => Poll::Pending,
                popped => Poll::Ready(popped),
            })
        };
        for value in 0..VALUES {
            assert_eq!(pop(), Ok(value));
        }
        // That nothing comes any more is no glance's business.
        assert_eq!(pop(), Err(PopError::Closed));
        assert_eq!(receiver.pop(), Err(Closed(())));
        pushing.join().unwrap().unwrap();
    }
}
