//! Bits against a vector of truths.

use pelton_record::Bitmap;
use proptest::prelude::*;

/// Lengths on both sides of a word's end, with bits that come in runs as often as mixed.
fn truths() -> impl Strategy<Value = Vec<bool>> {
    let run = (any::<bool>(), 0..100_usize).prop_map(|(bit, length)| vec![bit; length]);
    let mixed = prop::collection::vec(any::<bool>(), 0..100);
    prop::collection::vec(prop_oneof![run, mixed], 0..4).prop_map(|runs| runs.concat())
}

fn pairs() -> impl Strategy<Value = Vec<(bool, bool)>> {
    prop::collection::vec(any::<(bool, bool)>(), 0..200)
}

fn apart(pairs: &[(bool, bool)]) -> (Bitmap, Bitmap) {
    let (left, right) = (
        pairs.iter().map(|pair| pair.0),
        pairs.iter().map(|pair| pair.1),
    );
    (left.collect(), right.collect())
}

fn bits(truths: &[bool]) -> Bitmap {
    truths.iter().copied().collect()
}

proptest! {
    #[test]
    fn bits_are_what_was_put_in(truths in truths()) {
        let bits = bits(&truths);
        prop_assert_eq!(bits.len(), truths.len());
        prop_assert_eq!(bits.is_empty(), truths.is_empty());
        for (index, truth) in truths.iter().enumerate() {
            prop_assert_eq!(bits.get(index), *truth);
        }
        prop_assert_eq!(&bits, &Bitmap::from_fn(truths.len(), |index| truths[index]));
    }

    #[test]
    fn questions_about_all_bits_are_answered_as_one_by_one(truths in truths()) {
        let bits = bits(&truths);
        let ones: Vec<usize> = (0..truths.len()).filter(|index| truths[*index]).collect();
        prop_assert_eq!(bits.count_ones(), ones.len());
        prop_assert_eq!(bits.all(), truths.iter().all(|truth| *truth));
        prop_assert_eq!(bits.any(), truths.contains(&true));
        prop_assert_eq!(bits.ones().collect::<Vec<_>>(), ones);
    }

    #[test]
    fn two_rows_of_bits_are_combined_bit_by_bit(pairs in pairs()) {
        let (left, right): (Bitmap, Bitmap) = apart(&pairs);
        let each = |combine: fn((bool, bool)) -> bool| pairs.iter().copied().map(combine).collect();
        let expected: [Bitmap; 4] = [
            each(|(a, b)| a && b),
            each(|(a, b)| a || b),
            each(|(a, b)| a && !b),
            each(|(a, _)| !a),
        ];
        let combined = [left.and(&right), left.or(&right), left.and_not(&right), left.not()];
        prop_assert_eq!(combined, expected);
    }

    #[test]
    fn retained_bits_keep_their_order(pairs in pairs()) {
        let (mut bits, keep): (Bitmap, Bitmap) = apart(&pairs);
        bits.retain(&keep);
        let expected = pairs.iter().filter(|(_, keep)| *keep).map(|(bit, _)| *bit);
        prop_assert_eq!(bits, expected.collect::<Bitmap>());
    }

    #[test]
    fn words_that_are_missing_are_zero_and_bits_past_the_end_are_cleared(
        words in prop::collection::vec(any::<u64>(), 0..4),
        length in 0..300_usize,
    ) {
        let word = |index: usize| words.get(index / 64).copied().unwrap_or(0);
        let bit = |index: usize| word(index) >> (index % 64) & 1 == 1;
        let bits = Bitmap::from_words(words.clone(), length);
        prop_assert_eq!(&bits, &Bitmap::from_fn(length, bit));
        let set: u32 = bits.words().iter().map(|word| word.count_ones()).sum();
        prop_assert_eq!(set as usize, bits.count_ones());
    }

    #[test]
    fn a_bit_is_set_and_cleared_alone(
        mut truths in truths(),
        last in any::<bool>(),
        at in any::<prop::sample::Index>(),
        to in any::<bool>(),
    ) {
        truths.push(last);
        let mut bits = bits(&truths);
        let at = at.index(truths.len());
        bits.set(at, to);
        truths[at] = to;
        prop_assert_eq!(bits, truths.into_iter().collect::<Bitmap>());
    }
}

#[test]
fn bits_of_one_value_end_where_they_should() {
    for length in [0, 1, 63, 64, 65, 128, 1000] {
        let (ones, zeros) = (Bitmap::new(length, true), Bitmap::new(length, false));
        assert_eq!((ones.count_ones(), zeros.count_ones()), (length, 0));
        assert_eq!(ones.not(), zeros);
    }
}

#[test]
#[should_panic(expected = "bit 3 of 3")]
fn a_bit_past_the_end_cannot_be_set() {
    Bitmap::new(3, false).set(3, true);
}

#[test]
#[should_panic(expected = "bitmaps of one length")]
fn bits_of_two_lengths_are_not_combined() {
    let _ = Bitmap::new(3, true).and(&Bitmap::new(4, true));
}
