//! Models of the dedup table: of racing insertions one is new, through growth and generations.
#![cfg(loom)]

use pelton_queue::dedup::{Builder, Dedup};
use pelton_sync::atomic::{AtomicU64, Ordering};
use pelton_sync::{Arc, model, thread};

fn insert(seen: &mut Dedup<u64>, key: u64) -> bool {
    seen.insert(key).unwrap()
}

fn builder() -> Builder<u64> {
    Dedup::builder().seed(1)
}

#[test]
fn one_of_two_insertions_is_new() {
    model(|| {
        let mut seen = builder().build().unwrap();
        let mut other = seen.clone();
        let there = thread::spawn(move || insert(&mut other, 1));
        let here = insert(&mut seen, 1);
        assert!(here ^ there.join().unwrap());
        assert!(seen.contains(1));
    });
}

#[test]
fn one_of_two_insertions_of_a_long_key_is_new() {
    model(|| {
        let mut seen = Dedup::<u128>::builder().seed(1).build().unwrap();
        let mut other = seen.clone();
        let there = thread::spawn(move || other.insert(1).unwrap());
        let here = seen.insert(1).unwrap();
        assert!(here ^ there.join().unwrap());
    });
}

/// Both threads insert the same keys while the first array fills up and moves.
#[test]
fn insertions_meet_growth() {
    model(|| {
        let mut seen = builder().build().unwrap();
        for key in 0..6 {
            assert!(insert(&mut seen, key));
        }
        let mut other = seen.clone();
        let there = thread::spawn(move || [insert(&mut other, 6), insert(&mut other, 7)]);
        let here = [insert(&mut seen, 6), insert(&mut seen, 7)];
        let there = there.join().unwrap();
        assert!(
            here[0] ^ there[0] && here[1] ^ there[1],
            "{here:?} {there:?}"
        );
        for key in 0..8 {
            assert!(!insert(&mut seen, key), "{key} was forgotten");
        }
    });
}

/// The handle of one thread is a generation behind when it inserts.
#[test]
fn insertion_meets_the_next_generation() {
    model(|| {
        let mut seen = builder().window_time(10, 2).build().unwrap();
        let mut other = seen.clone();
        let there = thread::spawn(move || insert(&mut other, 1));
        seen.advance(10).unwrap();
        let here = insert(&mut seen, 1);
        assert!(here ^ there.join().unwrap());
    });
}

#[test]
fn growth_meets_the_next_generation() {
    model(|| {
        let mut seen = builder().window_time(10, 2).build().unwrap();
        for key in 0..7 {
            insert(&mut seen, key);
        }
        let mut other = seen.clone();
        let there = thread::spawn(move || insert(&mut other, 7));
        seen.advance(10).unwrap();
        let here = insert(&mut seen, 7);
        assert!(here ^ there.join().unwrap());
        assert!(!insert(&mut seen, 0));
    });
}

/// The twin: whoever goes on to the newer array without sealing the older one.
#[test]
#[should_panic(expected = "new twice")]
fn loom_rejects_going_on_without_sealing() {
    model(|| {
        let arrays = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let claim = |slot: &AtomicU64| {
            slot.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        };
        let other = arrays.clone();
        // One thread still takes the older array for the target.
        let there = thread::spawn(move || claim(&other.0));
        let absent = arrays.0.load(Ordering::Acquire) == 0;
        let here = absent && claim(&arrays.1);
        assert!(!(here && there.join().unwrap()), "new twice");
    });
}
