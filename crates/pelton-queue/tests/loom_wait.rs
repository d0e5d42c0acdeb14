//! Models of waiting: no wake-up is lost, whoever waits and whoever goes. A lost one is a deadlock,
//! which loom reports.
#![cfg(loom)]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pelton_queue::{Closed, Pop, PopError, Push, PushError, mpmc, spsc, wait};
use pelton_sync::atomic::{AtomicBool, Ordering};
use pelton_sync::{Arc, Condvar, Mutex, Parker, Unparker, model, thread};

struct Wakes(Unparker);

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let parker = Parker::new();
    let waker: Waker = StdArc::new(Wakes(parker.unparker())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => parker.park(),
        }
    }
}

#[test]
fn blocking_pop_meets_push() {
    model(|| {
        let (mut producer, mut consumer) = wait::pair(spsc::channel(1));
        let pushing = thread::spawn(move || producer.try_push(1).unwrap());
        assert_eq!(consumer.pop(), Ok(1));
        pushing.join().unwrap();
    });
}

#[test]
fn blocking_push_meets_pop() {
    model(|| {
        let (mut producer, mut consumer) = wait::pair(spsc::channel(1));
        producer.try_push(1).unwrap();
        let popping = thread::spawn(move || {
            assert_eq!(consumer.try_pop(), Ok(1));
            consumer
        });
        producer.push(2).unwrap();
        drop(popping.join().unwrap());
    });
}

#[test]
fn waiting_meets_the_others_drop() {
    model(|| {
        let (producer, mut consumer) = wait::pair(spsc::channel::<u8>(1));
        let gone = thread::spawn(move || drop(producer));
        assert_eq!(consumer.pop(), Err(Closed(())));
        gone.join().unwrap();
    });
}

#[test]
fn waiting_meets_close() {
    model(|| {
        let (sender, mut receiver) = wait::pair(mpmc::channel::<u8>(1));
        let closing = thread::spawn(move || {
            sender.close_with(mpmc::Sender::close);
            sender
        });
        assert_eq!(receiver.pop(), Err(Closed(())));
        closing.join().unwrap();
    });
}

#[test]
fn awaited_push_meets_pop() {
    model(|| {
        let (mut producer, mut consumer) = wait::pair(spsc::channel(1));
        producer.try_push(1).unwrap();
        let popping = thread::spawn(move || {
            assert_eq!(consumer.try_pop(), Ok(1));
            consumer
        });
        block_on(producer.push_async(2)).unwrap();
        drop(popping.join().unwrap());
    });
}

#[test]
fn awaited_pop_meets_push() {
    model(|| {
        let (mut producer, mut consumer) = wait::pair(spsc::channel(1));
        let pushing = thread::spawn(move || producer.try_push(1).unwrap());
        assert_eq!(block_on(consumer.pop_async()), Ok(1));
        pushing.join().unwrap();
    });
}

/// A queue that never spins, so that a model of two who wait does not go round for ever.
#[derive(Clone)]
struct Locked(Arc<Mutex<VecDeque<usize>>>);

impl Push for Locked {
    type Item = usize;

    fn push(&mut self, value: usize) -> Result<(), PushError<usize>> {
        self.0.lock().unwrap().push_back(value);
        Ok(())
    }
}

impl Pop for Locked {
    type Item = usize;

    fn pop(&mut self) -> Result<usize, PopError> {
        self.0.lock().unwrap().pop_front().ok_or(PopError::Empty)
    }
}

#[test]
fn two_waiters_each_get_one() {
    model(|| {
        let queue = Locked(Arc::new(Mutex::new(VecDeque::new())));
        let (mut sender, mut receiver) = wait::pair((queue.clone(), queue));
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        let pushing = thread::spawn(move || {
            sender.try_push(1).unwrap();
            sender.try_push(2).unwrap();
            sender
        });
        let mine = receiver.pop().unwrap();
        assert_eq!(mine + popping.join().unwrap(), 3);
        pushing.join().unwrap();
    });
}

type Popping = wait::Waiting<mpmc::Receiver<i32>>;

/// One of two who wait for a push goes when it likes: `tries` says whether it got the value.
fn one_who_goes_meets_push(tries: fn(Popping) -> bool) {
    model(move || {
        let (mut sender, mut receiver) = wait::pair(mpmc::channel(1));
        let other = receiver.clone();
        let trying = thread::spawn(move || tries(other));
        let pushing = thread::spawn(move || {
            sender.try_push(1).unwrap();
            sender
        });
        // Either the one that goes has it, and closing ends the wait, or this one gets it.
        if trying.join().unwrap() {
            drop(pushing.join().unwrap());
            assert_eq!(receiver.pop(), Err(Closed(())));
        } else {
            assert_eq!(receiver.pop(), Ok(1));
            drop(pushing.join().unwrap());
        }
    });
}

/// A waiter that gives up after it was chosen passes the wake-up on.
#[test]
fn time_out_meets_push() {
    one_who_goes_meets_push(|mut other| other.pop_timeout(Duration::ZERO).is_ok());
}

/// A future that is dropped after it was chosen passes the wake-up on.
#[test]
fn a_dropped_future_meets_push() {
    one_who_goes_meets_push(|mut other| {
        let mut context = Context::from_waker(Waker::noop());
        pin!(other.pop_async()).poll(&mut context).is_ready()
    });
}

#[test]
fn waiting_in_line_meets_a_quiet_push_and_its_wake() {
    model(|| {
        let (mut producer, mut consumer) = wait::pair(spsc::channel(2));
        let pushing = thread::spawn(move || {
            producer.try_push_quietly(1).unwrap();
            producer.try_push_quietly(2).unwrap();
            producer.wake();
            producer
        });
        assert_eq!(consumer.pop_in_line(None), Ok(1));
        assert_eq!(consumer.pop_in_line(None), Ok(2));
        pushing.join().unwrap();
    });
}

/// One batch wakes all who wait for a part of it.
#[test]
fn two_waiters_meet_a_batch() {
    model(|| {
        let queue = Locked(Arc::new(Mutex::new(VecDeque::new())));
        let (mut sender, mut receiver) = wait::pair((queue.clone(), queue));
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        let pushing = thread::spawn(move || {
            sender.wait(|end| {
                end.0.lock().unwrap().extend([1, 2]);
                Poll::Ready(())
            });
            sender
        });
        let mine = receiver.pop().unwrap();
        assert_eq!(mine + popping.join().unwrap(), 3);
        pushing.join().unwrap();
    });
}

/// An end that works on what is in before it pops what is out, one at a time.
#[derive(Clone)]
struct Working {
    input: Locked,
    output: Locked,
    at_work: Arc<Mutex<()>>,
    /// Whether to look again at what is out when there was nothing in.
    looks_again: bool,
}

impl Working {
    /// Moves all that is in out; false when nothing is.
    fn work(&self) -> bool {
        let _at_work = self.at_work.lock().unwrap();
        let mut taken = std::mem::take(&mut *self.input.0.lock().unwrap());
        let worked = !taken.is_empty();
        self.output.0.lock().unwrap().append(&mut taken);
        worked
    }
}

impl Pop for Working {
    type Item = usize;

    fn pop(&mut self) -> Result<usize, PopError> {
        self.output
            .pop()
            .or_else(|_| match self.work() || self.looks_again {
                true => self.output.pop(),
                false => Err(PopError::Empty),
            })
    }
}

type Both = (wait::Waiting<Locked>, wait::Waiting<Working>);

/// A way in, and an end that works at its other side.
fn working(looks_again: bool) -> Both {
    let [input, output] = [(); 2].map(|()| Locked(Arc::new(Mutex::new(VecDeque::new()))));
    let (sender, gate) = wait::pair((input.clone(), input.clone()));
    let receiver = gate.beside(Working {
        input,
        output,
        at_work: Arc::new(Mutex::new(())),
        looks_again,
    });
    (sender, receiver)
}

/// Two wait, and one works on what the other waits for.
#[test]
fn two_who_work_wait_for_one_each() {
    model(|| {
        let (mut sender, mut receiver) = working(true);
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        sender.try_push(1).unwrap();
        sender.try_push(2).unwrap();
        let mine = receiver.pop().unwrap();
        assert_eq!(mine + popping.join().unwrap(), 3);
    });
}

/// Two values are in, and two try to pop one: who gets how many?
fn two_who_work_try(looks_again: bool) {
    model(move || {
        let (mut sender, mut receiver) = working(looks_again);
        sender.try_push(1).unwrap();
        sender.try_push(2).unwrap();
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.try_pop().is_ok());
        let both = receiver.try_pop().is_ok() & popping.join().unwrap();
        drop((sender, receiver));
        assert!(both, "nothing there for one of two");
    });
}

#[test]
fn two_who_work_get_one_each() {
    two_who_work_try(true);
}

/// The twin: one waits for the other's work to end, and finds nothing in.
#[test]
#[should_panic(expected = "nothing there for one of two")]
fn loom_rejects_an_end_that_does_not_look_again() {
    two_who_work_try(false);
}

/// A line of those who wait, each with a bed of its own.
#[derive(Default)]
struct Line {
    is_ready: AtomicBool,
    waiting: Mutex<VecDeque<usize>>,
    beds: [(Mutex<bool>, Condvar); 2],
}

impl Line {
    fn wait(&self, bed: usize) {
        self.waiting.lock().unwrap().push_back(bed);
        if !self.is_ready.load(Ordering::Acquire) {
            let (is_woken, wake) = &self.beds[bed];
            let mut woken = is_woken.lock().unwrap();
            while !*woken {
                woken = wake.wait(woken).unwrap();
            }
        }
    }

    fn wake_first(&self) {
        if let Some(bed) = self.waiting.lock().unwrap().pop_front() {
            *self.beds[bed].0.lock().unwrap() = true;
            self.beds[bed].1.notify_one();
        }
    }
}

/// The twin: the first in line goes, and keeps to itself that it was chosen.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_a_waiter_that_keeps_its_wake_up() {
    model(|| {
        // Leaked, because loom's types must not be dropped while loom unwinds.
        let line: &Line = Box::leak(Box::default());
        line.waiting.lock().unwrap().push_back(0);
        let waiting = thread::spawn(move || line.wait(1));
        line.is_ready.store(true, Ordering::Release);
        line.wake_first();
        waiting.join().unwrap();
    });
}

/// The twin: without the two fences, waiter and changer can miss each other.
#[test]
#[should_panic(expected = "lost wake-up")]
fn loom_rejects_lines_without_fences() {
    model(|| {
        let queue = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
        let changer = queue.clone();
        let changing = thread::spawn(move || {
            let (ready, waiting) = &*changer;
            ready.store(true, Ordering::Release);
            waiting.load(Ordering::Acquire)
        });
        let (ready, waiting) = &*queue;
        waiting.store(true, Ordering::Release);
        let saw_change = ready.load(Ordering::Acquire);
        let woken = changing.join().unwrap();
        assert!(saw_change || woken, "lost wake-up");
    });
}
