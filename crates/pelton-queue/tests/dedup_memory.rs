//! What memory the dedup table takes, asks for and gives back.
//!
//! Memory that is no longer used comes back when no thread is inside an operation, so these tests
//! take turns.
#![cfg(not(loom))]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pelton_queue::dedup::{Allowance, Dedup, Exhausted};
use pelton_sync::scaled;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A limit, what is used of it, and the most that was.
struct AtMost {
    limit: AtomicUsize,
    used: AtomicUsize,
}

impl AtMost {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(limit),
            used: AtomicUsize::new(0),
        })
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Allowance for AtMost {
    fn grow(&self, bytes: usize) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .is_ok()
    }

    fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Works on another table until `done`, which takes a few hundred operations at most.
fn work_until(done: impl Fn() -> bool) {
    let mut other = Dedup::<u64>::builder().build().expect("no limit");
    for key in 0..10_000 {
        if done() {
            return;
        }
        other.insert(key).expect("no limit");
    }
    panic!("memory did not come back");
}

#[test]
fn a_refusal_is_an_error_and_the_table_stays() {
    let _turn = turn();
    let allowance = AtMost::new(32 << 10);
    let builder = Dedup::<u64>::builder().allowance(allowance.clone());
    let mut seen = builder.build().unwrap();
    let refused = (0..)
        .find(|key| match seen.insert(*key) {
            Ok(new) => !new,
            Err(Exhausted { needed_bytes, done }) => {
                assert!(needed_bytes > 0 && needed_bytes < 1024 && done == 0);
                true
            }
        })
        .unwrap();
    assert!(refused > 800, "gave up after {refused}");
    // What comes back late is not to be had again.
    allowance.limit.store(0, Ordering::Relaxed);
    assert!((0..refused).all(|key| seen.insert(key) == Ok(false)));
    assert!(!seen.contains(refused));
    let mut new = [false; 3];
    let error = seen.insert_batch(&[0, 1, refused], &mut new).unwrap_err();
    assert_eq!(error.done, 2);
    assert!(error.to_string().contains("refused"));
    // More memory, and it goes on.
    allowance.limit.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(seen.insert(refused), Ok(true));
    drop(seen);
    work_until(|| allowance.used() == 0);
}

#[test]
fn nothing_is_built_without_memory() {
    let _turn = turn();
    let allowance = AtMost::new(1000);
    let builder = Dedup::<u64>::builder().allowance(allowance.clone());
    assert!(builder.build().is_err());
    assert_eq!(allowance.used(), 0);
}

#[test]
fn a_window_gives_back_the_memory_of_what_it_forgets() {
    let _turn = turn();
    let allowance = AtMost::new(usize::MAX);
    let window = scaled(20_000, 2_000);
    let builder = Dedup::<u64>::builder()
        .window_keys(window, 2)
        .allowance(allowance.clone());
    let mut seen = builder.build().unwrap();
    let generation = allowance.used();
    for key in 0..10 * window as u64 {
        seen.insert(key).unwrap();
        let used = allowance.used();
        assert!(used <= 3 * generation, "{used} bytes at {key}");
    }
}

/// The next generation cannot be had: nothing is forgotten too early, and what is too old goes.
#[test]
fn a_window_without_memory_remembers_for_longer() {
    let _turn = turn();
    let allowance = AtMost::new(usize::MAX);
    let builder = Dedup::<u64>::builder()
        .window_time(1, 2)
        .allowance(allowance.clone());
    let mut seen = builder.build().unwrap();
    assert_eq!(seen.insert(0), Ok(true));
    seen.advance(1).unwrap();
    assert_eq!(seen.insert(1), Ok(true));
    allowance.limit.store(0, Ordering::Relaxed);
    assert!(seen.advance(2).is_err());
    assert!(!seen.contains(0) && seen.contains(1));
    assert_eq!(seen.insert(2), Ok(true));
    allowance.limit.store(usize::MAX, Ordering::Relaxed);
    seen.advance(3).unwrap();
    assert!(seen.contains(1) && seen.contains(2));
    seen.advance(4).unwrap();
    assert!(!seen.contains(1) && !seen.contains(2));
}

/// Shards take their turns to grow, so there is no moment at which all keys are there twice.
#[test]
fn a_growing_table_takes_at_most_fifteen_bytes_a_key() {
    let _turn = turn();
    let mut seen = Dedup::<u64>::builder().build().unwrap();
    let mut worst: f64 = 0.0;
    let known = scaled(60_000, 6_000) as u64;
    for key in 1..=scaled(600_000, 12_000) as u64 {
        seen.insert(key).unwrap();
        if key > known && key % 64 == 0 {
            worst = worst.max(seen.bytes() as f64 / key as f64);
        }
    }
    assert!(worst > 10.0 && worst < 15.0, "{worst}");
}
