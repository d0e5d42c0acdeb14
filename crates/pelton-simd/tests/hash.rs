//! Quality of the hashes: each input bit turns each output bit half the time, and nothing collides
//! that should not.

use pelton_simd::hash::{hash_bytes, hash_u64, hash128};
use std::collections::HashSet;

/// Inputs tried for each bit.
const TRIES: u64 = 1000;

/// Turns each input bit in many inputs and checks how often each output bit turns with it.
///
/// With 1000 tries the share has a standard deviation of 1.6 %; 9 % off is more than five of them.
fn avalanche(bytes: usize, hash: impl Fn(&[u8]) -> u64) {
    for bit in 0..bytes * 8 {
        let mut turned = [0u32; 64];
        for i in 0..TRIES {
            let mut input: Vec<u8> = (0..bytes)
                .map(|k| hash_u64(i * 977 + k as u64, 5) as u8)
                .collect();
            let before = hash(&input);
            input[bit / 8] ^= 1 << (bit % 8);
            let difference = before ^ hash(&input);
            for (place, count) in turned.iter_mut().enumerate() {
                *count += (difference >> place & 1) as u32;
            }
        }
        for (place, count) in turned.into_iter().enumerate() {
            let share = f64::from(count) / TRIES as f64;
            assert!(
                (share - 0.5).abs() < 0.09,
                "{bytes} bytes: bit {bit} to {place}: {share}"
            );
        }
    }
}

#[test]
fn words_avalanche() {
    avalanche(8, |bytes| {
        hash_u64(u64::from_le_bytes(bytes.try_into().expect("8")), 0)
    });
}

#[test]
fn seeds_avalanche() {
    avalanche(8, |bytes| {
        hash_u64(17, u64::from_le_bytes(bytes.try_into().expect("8")))
    });
}

#[test]
fn short_strings_avalanche() {
    for length in [2, 3, 4, 8, 15, 16] {
        avalanche(length, |bytes| hash_bytes(bytes, 0));
        avalanche(length, |bytes| hash128(bytes, 0) as u64);
    }
}

#[test]
fn long_strings_avalanche() {
    for length in [17, 33, 49, 70] {
        avalanche(length, |bytes| hash_bytes(bytes, 1));
    }
}

/// Counters, the commonest keys, in both halves of the hash: tables use the low bits, partitions
/// the high ones.
#[test]
fn counters_spread_over_low_and_high_bits() {
    for shift in [0, 16, 48, 56] {
        let mut low = [0u32; 256];
        let mut high = [0u32; 256];
        for i in 0..65_536u64 {
            let hash = hash_u64(i << shift.min(48), 0);
            low[(hash & 255) as usize] += 1;
            high[(hash >> 56) as usize] += 1;
        }
        // 256 on average, standard deviation 16.
        let even = |buckets: &[u32]| buckets.iter().all(|count| (160..360).contains(count));
        assert!(even(&low) && even(&high), "shift {shift}");
    }
}

#[test]
fn no_two_of_many_similar_strings_collide() {
    let mut seen = HashSet::new();
    let mut wide = HashSet::new();
    for i in 0..100_000u32 {
        for text in [format!("{i}"), format!("order-{i:08}"), format!("{i:040}")] {
            assert!(seen.insert(hash_bytes(text.as_bytes(), 0)), "{text}");
            assert!(wide.insert(hash128(text.as_bytes(), 0)), "{text}");
        }
    }
}

#[test]
fn zeros_of_every_length_differ() {
    let zeros = [0; 300];
    let hashes: HashSet<u64> = (0..=300)
        .map(|length| hash_bytes(&zeros[..length], 0))
        .collect();
    assert_eq!(hashes.len(), 301);
}

#[test]
fn every_byte_counts() {
    for length in 1..200 {
        let mut text = vec![b'x'; length];
        let before = (hash_bytes(&text, 0), hash128(&text, 0));
        for place in 0..length {
            text[place] = b'y';
            assert_ne!(
                (hash_bytes(&text, 0), hash128(&text, 0)),
                before,
                "{length} {place}"
            );
            assert_ne!(hash_bytes(&text, 0), before.0, "{length} {place}");
            text[place] = b'x';
        }
    }
}
