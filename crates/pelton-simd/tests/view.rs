//! Views: comparing and hashing them in bulk against doing it one by one.

use pelton_simd::Level;
use pelton_simd::hash::*;
use pelton_simd::view::{View, equal_at};
use proptest::prelude::*;

proptest! {
    #[test]
    fn levels_find_the_needle(
        block in prop::collection::vec(0..3u8, 1..200),
        places in prop::collection::vec((any::<u32>(), 0..40u32), 0..200),
        pick in any::<prop::sample::Index>(),
    ) {
        let size = block.len() as u32;
        let view = |(start, len): &(u32, u32)| {
            let start = start % (size + 1);
            View { start, len: (*len).min(size - start) }
        };
        let views: Vec<View> = places.iter().map(view).collect();
        let needle = if views.is_empty() { &[][..] } else { pick.get(&views).of(&block) };
        let mut expected = vec![0u64; views.len().div_ceil(64)];
        for (i, view) in views.iter().enumerate() {
            expected[i / 64] |= u64::from(view.of(&block) == needle) << (i % 64);
        }
        let mut bits = vec![7];
        for level in Level::available() {
            equal_at(level, &block, &views, needle, &mut bits);
            prop_assert_eq!(&bits, &expected);
        }
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        hash_views(&block, &views, 3, &mut narrow);
        hash128_views(&block, &views, 3, &mut wide);
        for (i, view) in views.iter().enumerate() {
            prop_assert_eq!(narrow[i], hash_bytes(view.of(&block), 3));
            prop_assert_eq!(wide[i], hash128(view.of(&block), 3));
        }
    }

    #[test]
    fn words_hash_alike_one_by_one_and_together(values: Vec<u64>, seed: u64) {
        let mut out = Vec::new();
        hash_u64s(&values, seed, &mut out);
        let expected: Vec<u64> = values.iter().map(|value| hash_u64(*value, seed)).collect();
        prop_assert_eq!(out, expected);
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn a_view_past_its_block() {
    let _ = View { start: 3, len: 2 }.of(b"abcd");
}
