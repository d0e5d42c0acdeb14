//! Turns of a thread: who is woken when, and when it rests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use pelton_connect::stream::turn;

/// Nobody waits for the end of this.
const LONG: Duration = Duration::from_secs(600);
/// Long enough on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts how often it was woken, and wakes another then.
#[derive(Default)]
struct Count {
    woken: AtomicUsize,
    next: Option<Waker>,
}

impl Count {
    fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), count.into())
    }

    fn woken(&self) -> usize {
        self.woken.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
        self.next.iter().for_each(turn::wake_at_end);
    }
}

#[test]
fn a_thread_without_turns_wakes_at_once() {
    let (count, waker) = Count::new();
    turn::wake_at_end(&waker);
    turn::wake_at_end(&waker);
    assert_eq!(count.woken(), 2);
}

#[test]
fn at_the_end_of_a_turn_everybody_is_woken_once() {
    let ((one, first), (two, second)) = (Count::new(), Count::new());
    for turns in 1..=3 {
        turn::begin();
        for waker in [&first, &second, &first] {
            turn::wake_at_end(waker);
        }
        assert_eq!((one.woken(), two.woken()), (turns - 1, turns - 1));
        turn::end(Duration::ZERO);
        assert_eq!((one.woken(), two.woken()), (turns, turns));
    }
    // Between turns nothing is put off.
    turn::wake_at_end(&first);
    assert_eq!(one.woken(), 4);
}

#[test]
fn whoever_is_woken_may_wake_another() {
    let (last, waker) = Count::new();
    let first = Arc::new(Count {
        next: Some(waker),
        ..Count::default()
    });
    turn::begin();
    turn::wake_at_end(&first.into());
    turn::end(Duration::ZERO);
    assert_eq!(last.woken(), 1);
}

#[test]
fn a_turn_rests_when_little_was_read_that_it_hardly_waited_for() {
    let rest = Duration::from_millis(40);
    // A thread that was kept from its core in between is right not to rest.
    let rested = (0..100).any(|_| {
        turn::end(Duration::ZERO);
        turn::begin();
        turn::gathers(200);
        let began = Instant::now();
        turn::end(rest);
        began.elapsed() >= rest
    });
    assert!(rested);
}

#[test]
fn a_turn_without_reason_does_not_rest() {
    let began = Instant::now();
    // The first of a thread, and one that had to wait.
    turn::begin();
    turn::gathers(200);
    turn::end(LONG);
    // Nothing was read, or what there was to read is not waited for; or much was. What one turn
    // has read is forgotten in the next.
    for bytes in [0, 64 << 10, 0, 1 << 20, 0] {
        turn::begin();
        turn::gathers(bytes);
        turn::end(LONG);
    }
    assert!(began.elapsed() < LONG);
}

#[test]
fn a_turn_that_lasts_long_wakes_before_its_end() {
    let (count, waker) = Count::new();
    turn::begin();
    turn::wake_at_end(&waker);
    let began = Instant::now();
    while count.woken() == 0 {
        assert!(began.elapsed() < PATIENCE);
        turn::keep_short();
    }
    turn::end(Duration::ZERO);
    assert_eq!(count.woken(), 1);
}
