//! The dedup table through its public door: answers, growth, windows, memory.
#![cfg(not(loom))]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelton_queue::dedup::{COUNT_LAG, Dedup, key_of};
use pelton_sync::{scaled, thread};

#[test]
fn smoke() {
    let mut seen = Dedup::<u64>::builder().build().unwrap();
    assert!(seen.is_empty());
    assert_eq!(seen.insert(1), Ok(true));
    assert_eq!(seen.insert(1), Ok(false));
    assert!(seen.contains(1) && !seen.contains(2));
}

#[test]
fn growth_forgets_nothing() {
    let count = scaled(200_000, 300) as u64;
    let mut seen = Dedup::<u64>::builder().build().unwrap();
    for key in 0..count {
        assert_eq!(seen.insert(key), Ok(true));
    }
    for key in 0..count {
        assert_eq!(seen.insert(key), Ok(false), "{key}");
    }
    assert!(seen.len() as u64 >= count - count / 8);
    assert!(seen.bytes() as u64 >= 8 * count);
}

/// Keys that scramble to the bits that mean empty and sealed must be remembered too. The mix is
/// undone by trying: with seed zero, key zero scrambles to zero.
#[test]
fn keys_that_look_reserved_are_exact() {
    let mut seen = Dedup::<u64>::builder().seed(0).build().unwrap();
    assert_eq!((seen.contains(0), seen.insert(0)), (false, Ok(true)));
    assert_eq!((seen.contains(0), seen.insert(0)), (true, Ok(false)));
    let mut seen = Dedup::<u128>::builder().seed(0).build().unwrap();
    assert_eq!((seen.insert(0), seen.insert(0)), (Ok(true), Ok(false)));
}

#[test]
fn reserved_keys_leave_with_their_generation() {
    let builder = Dedup::<u64>::builder().seed(0).window_time(10, 2);
    let mut seen = builder.build().unwrap();
    assert_eq!(seen.insert(0), Ok(true));
    seen.advance(10).unwrap();
    assert_eq!(seen.insert(0), Ok(false));
    seen.advance(20).unwrap();
    assert_eq!(seen.insert(0), Ok(true));
}

#[test]
fn long_keys_are_compared_in_full() {
    let mut seen = Dedup::<u128>::builder().build().unwrap();
    let keys: Vec<u128> = (0..64).map(|bit| 1 << (2 * bit)).collect();
    let mut new = vec![false; keys.len()];
    seen.insert_batch(&keys, &mut new).unwrap();
    assert!(new.iter().all(|new| *new));
    seen.insert_batch(&keys, &mut new).unwrap();
    assert!(new.iter().all(|new| !*new));
    let key = key_of(b"a longer value", [1, 2]);
    assert_eq!((seen.insert(key), seen.insert(key)), (Ok(true), Ok(false)));
}

#[test]
fn a_batch_answers_as_one_by_one() {
    let mut seen = Dedup::<u64>::builder().build().unwrap();
    let keys: Vec<u64> = (0..500).map(|key| key * key % 83).collect();
    let mut new = vec![true; keys.len()];
    seen.insert_batch(&keys, &mut new).unwrap();
    let mut oracle = HashSet::new();
    let expected: Vec<bool> = keys.iter().map(|key| oracle.insert(*key)).collect();
    assert_eq!(new, expected);
    assert_eq!(seen.insert_batch(&[], &mut []), Ok(()));
}

#[test]
#[should_panic(expected = "one answer for each key")]
fn a_batch_needs_an_answer_for_each_key() {
    let mut seen = Dedup::<u64>::builder().build().unwrap();
    let _ = seen.insert_batch(&[1, 2], &mut [false]);
}

#[test]
#[should_panic(expected = "at least two generations")]
fn one_generation() {
    let _ = Dedup::<u64>::builder().window_keys(10, 1);
}

/// Each key is remembered while the next `window` new keys come, and not much longer.
#[test]
fn a_window_by_count_keeps_its_bounds() {
    let window = scaled(1000, 20);
    for generations in [2, 3, 5] {
        let builder = Dedup::<u64>::builder().window_keys(window, generations);
        let mut seen = builder.build().unwrap();
        let each = window / (generations as usize - 1);
        let most = window + each + COUNT_LAG * generations as usize + generations as usize;
        for key in 0..10 * window {
            assert_eq!(seen.insert(key as u64), Ok(true));
            if key >= window {
                assert!(
                    seen.contains((key - window) as u64),
                    "{key} of {generations}"
                );
            }
            if key > most {
                assert!(
                    !seen.contains((key - most - 1) as u64),
                    "{key} of {generations}"
                );
            }
        }
    }
}

#[test]
fn a_window_by_time_keeps_its_bounds() {
    for generations in [2, 4] {
        let builder = Dedup::<u64>::builder().window_time(60, generations);
        let mut seen = builder.build().unwrap();
        let most = 60 + 60 / (u64::from(generations) - 1);
        for now in 0..scaled(600, 200) as u64 {
            seen.advance(now).unwrap();
            assert_eq!(seen.insert(now), Ok(true));
            assert!(seen.contains(now.saturating_sub(60)));
            assert!(now <= most || !seen.contains(now - most - 1));
        }
        seen.advance(10_000).unwrap();
        assert!(seen.is_empty());
        seen.advance(0).unwrap(); // time that goes back is ignored
        assert_eq!(seen.insert(1), Ok(true));
    }
}

/// Windows at the ends of their range: none forgets too early, and none calls a new key old.
#[test]
fn windows_of_nothing_and_of_everything() {
    let nothing = [
        Dedup::<u64>::builder().window_keys(0, 2),
        Dedup::builder().window_time(0, 2),
    ];
    for builder in nothing {
        let mut seen = builder.build().unwrap();
        for key in 0..scaled(20_000, 200) as u64 {
            seen.advance(key).unwrap();
            assert_eq!(seen.insert(key), Ok(true));
        }
    }
    for generations in [2, u32::MAX] {
        let everything = Dedup::<u64>::builder().window_time(u64::MAX, generations);
        let mut seen = everything.build().unwrap();
        assert_eq!(seen.insert(7), Ok(true));
        seen.advance(u64::MAX).unwrap();
        assert_eq!(seen.insert(7), Ok(false));
    }
}

#[test]
fn more_keys_than_memory_are_refused() {
    let expected = Dedup::<u64>::builder().expected(usize::MAX).build();
    assert!(expected.unwrap_err().needed_bytes > isize::MAX as usize / 64);
    let window = Dedup::<u128>::builder().window_keys(usize::MAX, 2).build();
    assert!(window.is_err());
}

/// All threads insert the same keys in different orders, while the table grows from nothing: each
/// key is new for exactly one of them.
#[test]
fn stampede() {
    let count = scaled(100_000, 300) as u64;
    let seen = Dedup::<u64>::builder().build().unwrap();
    let threads: Vec<_> = (0..3u64)
        .map(|id| {
            let mut seen = seen.clone();
            thread::spawn(move || {
                let order = |n: u64| (n + id * count / 3) % count;
                let keys: Vec<u64> = (0..count).map(order).collect();
                let mut new = vec![false; keys.len()];
                if id == 0 {
                    for (key, new) in keys.iter().zip(&mut new) {
                        *new = seen.insert(*key).unwrap();
                    }
                } else {
                    seen.insert_batch(&keys, &mut new).unwrap();
                }
                keys.into_iter()
                    .zip(new)
                    .filter_map(|(key, new)| new.then_some(key))
                    .collect()
            })
        })
        .collect();
    let mut all: Vec<u64> = Vec::new();
    for thread in threads {
        let new: Vec<u64> = thread.join().unwrap();
        all.extend(new);
    }
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..count), "{} of {count}", all.len());
}

/// The same with generations that change all the time: within one window nobody is new twice.
#[test]
fn stampede_through_generations() {
    let rounds = scaled(300, 5) as u64;
    let seen = Dedup::<u128>::builder().window_time(2, 2).build().unwrap();
    let new_keys = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (mut seen, new_keys) = (seen.clone(), new_keys.clone());
            thread::spawn(move || {
                for round in 0..rounds {
                    // Keys of a round are inserted at most one generation apart.
                    let keys: Vec<u128> =
                        (0..50).map(|key| u128::from(round) << 64 | key).collect();
                    let mut new = [false; 50];
                    seen.insert_batch(&keys, &mut new).unwrap();
                    new_keys.fetch_add(new.iter().filter(|new| **new).count(), Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut clock = seen;
    clock.advance(2).unwrap();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(new_keys.load(Ordering::Relaxed) as u64, rounds * 50);
}
