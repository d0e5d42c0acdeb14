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

/// What has been inserted is seen, whichever array it is in, and nothing else is.
#[test]
fn contains_meets_growth() {
    model(|| {
        let mut seen = builder().build().unwrap();
        for key in 0..7 {
            insert(&mut seen, key);
        }
        let other = seen.clone();
        let there = thread::spawn(move || (0..7).all(|key| other.contains(key)));
        for key in 7..9 {
            insert(&mut seen, key);
        }
        assert!(there.join().unwrap());
        assert!(seen.contains(8) && !seen.contains(9));
    });
}

#[test]
fn batches_meet_growth() {
    model(|| {
        let mut seen = builder().build().unwrap();
        for key in 0..6 {
            insert(&mut seen, key);
        }
        let mut other = seen.clone();
        let batch = |seen: &mut Dedup<u64>| {
            let mut new = [false; 2];
            seen.insert_batch(&[6, 7], &mut new).unwrap();
            new
        };
        let there = thread::spawn(move || batch(&mut other));
        let here = batch(&mut seen);
        let there = there.join().unwrap();
        assert!(here[0] ^ there[0] && here[1] ^ there[1]);
    });
}

/// Two handles count; the generation turns once, and what is in the window stays.
#[test]
fn counts_meet_at_the_end_of_a_generation() {
    model(|| {
        let mut seen = builder().window_keys(2, 2).build().unwrap();
        assert!(insert(&mut seen, 0));
        let mut other = seen.clone();
        let there = thread::spawn(move || insert(&mut other, 1));
        assert!(insert(&mut seen, 2));
        assert!(there.join().unwrap());
        assert!((0..3).all(|key| seen.contains(key)));
        assert!(!insert(&mut seen, 1));
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

/// What is in the window stays there while the generation turns, and figures stay in bounds.
#[test]
fn contains_meets_the_next_generation() {
    model(|| {
        let mut seen = builder().window_time(10, 2).build().unwrap();
        insert(&mut seen, 1);
        let other = seen.clone();
        let there = thread::spawn(move || (other.contains(1), other.len(), other.bytes()));
        seen.advance(10).unwrap();
        let (is_known, len, bytes) = there.join().unwrap();
        assert!(is_known);
        assert!(len <= 2 && bytes > 0, "{len} {bytes}");
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
