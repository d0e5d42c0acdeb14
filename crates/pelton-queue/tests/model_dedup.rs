//! The dedup table against a `HashSet`, and against a set of generations, under random operations.
#![cfg(not(loom))]

use std::collections::{HashMap, HashSet};

use pelton_queue::dedup::Dedup;
use proptest::prelude::*;

proptest! {
    #[test]
    fn endless_table_is_a_set(keys in prop::collection::vec(0..300u64, 0..2000), seed: u64) {
        let mut seen = Dedup::<u64>::builder().seed(seed).build().unwrap();
        let mut oracle = HashSet::new();
        for key in keys {
            prop_assert_eq!(seen.contains(key), oracle.contains(&key));
            prop_assert_eq!(seen.insert(key), Ok(oracle.insert(key)));
        }
    }

    #[test]
    fn long_keys_are_a_set(keys in prop::collection::vec((0..9u128, 0..9u128), 0..500), seed: u64) {
        let mut seen = Dedup::<u128>::builder().seed(seed).build().unwrap();
        let mut oracle = HashSet::new();
        for (high, low) in keys {
            let key = high << 64 | low;
            prop_assert_eq!(seen.insert(key), Ok(oracle.insert(key)));
        }
    }

    /// Steps of time and keys; the oracle remembers the generation in which a key was new.
    #[test]
    fn window_by_time_is_a_set_of_generations(
        steps in prop::collection::vec((0..4u64, 0..60u64), 0..800),
        generations in 2..5u32,
    ) {
        let span = u64::from(generations) - 1; // one tick a generation
        let mut seen = Dedup::<u64>::builder().window_time(span, generations).build().unwrap();
        let mut oracle = HashMap::new();
        let mut now = 0;
        for (step, key) in steps {
            now += step / 3;
            seen.advance(now).unwrap();
            oracle.retain(|_, since| now - *since < u64::from(generations));
            let new = !oracle.contains_key(&key);
            oracle.entry(key).or_insert(now);
            prop_assert_eq!(seen.insert(key), Ok(new));
        }
    }

    #[test]
    fn batches_are_a_set(
        batches in prop::collection::vec(prop::collection::vec(0..500u64, 0..90), 0..30),
    ) {
        let mut seen = Dedup::<u64>::builder().build().unwrap();
        let mut oracle = HashSet::new();
        for keys in batches {
            let mut new = vec![false; keys.len()];
            seen.insert_batch(&keys, &mut new).unwrap();
            for (key, new) in keys.iter().zip(new) {
                prop_assert_eq!(new, oracle.insert(*key));
            }
        }
    }
}
