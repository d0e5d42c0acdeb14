//! Turns of a thread: who is woken when, and when it rests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pelton_connect::stream::turn::{self, Work};

/// Nobody waits for the end of this.
const LONG: Duration = Duration::from_secs(600);
/// Long enough on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts how often it was worked and woken for.
#[derive(Default)]
struct Count {
    worked: AtomicUsize,
    woken: AtomicUsize,
}

impl Count {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn counts(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.worked), count(&self.woken))
    }
}

impl Work for Count {
    fn wake(&self) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    fn work(&self) {
        self.worked.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_thread_without_turns_puts_nothing_off() {
    let count = Count::new();
    assert!(!turn::at_end(&count));
    turn::begin();
    assert!(turn::at_end(&count));
    turn::end(Duration::ZERO);
    // The turn is over.
    assert!(!turn::at_end(&count));
    assert_eq!(count.counts(), (1, 0));
}

#[test]
fn at_the_end_of_a_turn_everything_is_done_once() {
    let (one, two) = (Count::new(), Count::new());
    for turns in 1..=3 {
        turn::begin();
        for count in [&one, &two, &one] {
            assert!(turn::at_end(count));
        }
        assert_eq!([one.counts(), two.counts()], [(turns - 1, 0); 2]);
        turn::end(Duration::ZERO);
        assert_eq!([one.counts(), two.counts()], [(turns, 0); 2]);
    }
}

#[test]
fn what_is_done_cannot_put_anything_off() {
    struct Late(AtomicBool);
    impl Work for Late {
        fn wake(&self) {
            let put_off = turn::at_end(&Count::new());
            self.0.store(!put_off, Ordering::Relaxed);
        }
    }
    let late = Arc::new(Late(AtomicBool::new(false)));
    turn::begin();
    assert!(turn::at_end(&late));
    turn::end(Duration::ZERO);
    assert!(late.0.load(Ordering::Relaxed));
}

#[test]
fn work_that_does_not_say_how_wakes() {
    struct Woken(AtomicUsize);
    impl Work for Woken {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    turn::begin();
    assert!(turn::at_end(&woken));
    turn::end(Duration::ZERO);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
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
    let count = Count::new();
    turn::begin();
    assert!(turn::at_end(&count));
    let began = Instant::now();
    while count.counts() == (0, 0) {
        assert!(began.elapsed() < PATIENCE);
        turn::keep_short();
    }
    turn::end(Duration::ZERO);
    assert_eq!(count.counts(), (0, 1));
}
