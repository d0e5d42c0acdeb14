//! Columns: every level against plain iterators over optional values.

use pelton_simd::column::*;
use pelton_simd::{Level, bitmap};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::fmt::Debug;

/// PostgreSQL's order: NaN equals itself and is above everything.
fn order(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn bits(set: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (row, one) in set.enumerate() {
        if row % 64 == 0 {
            words.push(0);
        }
        *words.last_mut().expect("a word") |= u64::from(one) << (row % 64);
    }
    words
}

/// Words that are empty, full, and mixed.
fn validity() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()], 5)
}

fn fitted(mut words: Vec<u64>, rows: usize) -> Vec<u64> {
    words.truncate(rows.div_ceil(64));
    if let (1.., Some(last)) = (rows % 64, words.last_mut()) {
        *last &= (1 << (rows % 64)) - 1;
    }
    words
}

fn kept<T: Copy>(values: &[T], validity: Option<&[u64]>) -> Vec<T> {
    let valid = |row: &usize| validity.is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
    (0..values.len())
        .filter(valid)
        .map(|row| values[row])
        .collect()
}

fn same<T: Number + Debug>(a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) {
    match (a, b) {
        (Some(a), Some(b)) => assert!(order(&a, &b).is_eq(), "{a:?} {b:?}"),
        (a, b) => assert!(a.is_none() && b.is_none(), "{a:?} {b:?}"),
    }
}

fn extremes<T: Number + Debug>(
    values: &[T],
    validity: Option<&[u64]>,
    order: impl Fn(&T, &T) -> Ordering,
) {
    let rows = kept(values, validity);
    for level in Level::available() {
        let least = rows.iter().copied().min_by(&order);
        same(min_at(level, values, validity), least, &order);
        let greatest = rows.iter().copied().max_by(&order);
        same(max_at(level, values, validity), greatest, &order);
    }
}

fn comparisons<T: Number>(left: &[T], right: &[T], order: impl Fn(&T, &T) -> Ordering) {
    use Compare::{Eq, Ge, Gt, Le, Lt, Ne};
    let holds = |how, order: Ordering| match how {
        Eq => order.is_eq(),
        Ne => order.is_ne(),
        Lt => order.is_lt(),
        Le => order.is_le(),
        Gt => order.is_gt(),
        Ge => order.is_ge(),
    };
    let mut out = vec![1, 2, 3];
    for how in [Eq, Ne, Lt, Le, Gt, Ge] {
        for level in Level::available() {
            let pairs = left.iter().zip(right);
            columns_at(level, left, how, right, &mut out);
            assert_eq!(
                out,
                bits(pairs.map(|(a, b)| holds(how, order(a, b)))),
                "{level} {how:?}"
            );
            let constant = right.first().copied();
            if let Some(constant) = constant {
                with_constant_at(level, left, how, constant, &mut out);
                let expected = left.iter().map(|a| holds(how, order(a, &constant)));
                assert_eq!(out, bits(expected), "{level} {how:?}");
            }
        }
    }
}

fn special() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(1.5),
        Just(-1.5),
        any::<f64>(),
    ]
}

fn near() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), -2..3i64, any::<i64>()]
}

proptest! {
    // Each case already runs every level, comparison and validity.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn integers(values in prop::collection::vec(near(), 0..300), valid in validity()) {
        let valid = fitted(valid, values.len());
        for validity in [None, Some(&valid[..])] {
            extremes(&values, validity, Ord::cmp);
            let sum: i128 = kept(&values, validity).into_iter().map(i128::from).sum();
            for level in Level::available() {
                prop_assert_eq!(sum_i64_at(level, &values, validity), sum);
            }
        }
    }

    #[test]
    fn floats(values in prop::collection::vec(special(), 0..300), valid in validity()) {
        let valid = fitted(valid, values.len());
        for validity in [None, Some(&valid[..])] {
            extremes(&values, validity, order);
            let sum = sum_f64_at(Level::Scalar, &values, validity);
            for level in Level::available() {
                let other = sum_f64_at(level, &values, validity);
                prop_assert!(sum.to_bits() == other.to_bits() || sum.is_nan() && other.is_nan());
            }
        }
    }

    #[test]
    fn wide_integers(values in prop::collection::vec(any::<i128>(), 0..200), valid in validity()) {
        let values: Vec<i128> = values.into_iter().map(|value| value >> 9).collect();
        let valid = fitted(valid, values.len());
        for validity in [None, Some(&valid[..])] {
            extremes(&values, validity, Ord::cmp);
            let sum: i128 = kept(&values, validity).into_iter().sum();
            prop_assert_eq!(sum_i128(&values, validity), Some(sum));
        }
    }

    #[test]
    fn comparisons_of_integers(pairs in prop::collection::vec((near(), near()), 0..300)) {
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        comparisons(&left, &right, Ord::cmp);
        let wide = |column: &[i64]| column.iter().map(|v| i128::from(*v) << 40).collect::<Vec<_>>();
        comparisons(&wide(&left), &wide(&right), Ord::cmp);
    }

    #[test]
    fn comparisons_of_floats(pairs in prop::collection::vec((special(), special()), 0..300)) {
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        comparisons(&left, &right, order);
    }

    #[test]
    fn selections(values in prop::collection::vec(any::<u32>(), 0..300), valid in validity()) {
        let valid = fitted(valid, values.len());
        let expected = kept(&values, Some(&valid));
        for level in Level::available() {
            let (mut rows, mut compacted, mut gathered) = (vec![9], vec![9], vec![9]);
            bitmap::indices_at(level, &valid, &mut rows);
            compact_at(level, &values, &valid, &mut compacted);
            gather(&values, &rows, &mut gathered);
            prop_assert_eq!(&compacted[1..], &expected[..]);
            prop_assert_eq!(&gathered[1..], &expected[..]);
            prop_assert_eq!(bitmap::count_at(level, &valid), expected.len());
            let wide: Vec<i128> = values.iter().map(|value| i128::from(*value)).collect();
            let long: Vec<i64> = values.iter().map(|value| i64::from(*value)).collect();
            let (mut wides, mut longs) = (Vec::new(), Vec::new());
            compact_at(level, &wide, &valid, &mut wides);
            compact_at(level, &long, &valid, &mut longs);
            prop_assert!(wides.iter().zip(&expected).all(|(a, b)| *a == i128::from(*b)));
            prop_assert!(longs.iter().zip(&expected).all(|(a, b)| *a == i64::from(*b)));
            prop_assert_eq!((wides.len(), longs.len()), (expected.len(), expected.len()));
        }
    }

    #[test]
    fn bitmaps_follow_the_laws_of_logic(a in validity(), b in validity(), rows in 0..320usize) {
        let (a, b) = (fitted(a, rows), fitted(b, rows));
        let (mut both, mut either, mut only, mut neither) = (a.clone(), a.clone(), a.clone(), a.clone());
        bitmap::and(&mut both, &b);
        bitmap::or(&mut either, &b);
        bitmap::and_not(&mut only, &b);
        bitmap::or(&mut neither, &b);
        bitmap::not(&mut neither, rows);
        prop_assert_eq!(bitmap::count(&both) + bitmap::count(&only), bitmap::count(&a));
        prop_assert_eq!(bitmap::count(&either) + bitmap::count(&neither), rows);
        let mut all = Vec::new();
        bitmap::fill(rows, &mut all);
        bitmap::or(&mut neither, &either);
        prop_assert_eq!(all, neither);
    }
}

#[test]
fn sums_past_the_range_of_their_type() {
    assert_eq!(sum_i64(&[i64::MIN; 3], None), 3 * i128::from(i64::MIN));
    assert_eq!(sum_i128(&[i128::MAX, 1], None), None);
    assert_eq!(sum_i128(&[i128::MAX, 1], Some(&[1])), Some(i128::MAX));
}

#[test]
fn nothing_valid_has_no_extremes() {
    assert_eq!(min::<i64>(&[], None), None);
    assert_eq!(max(&[1.0], Some(&[0])), None);
}

#[test]
#[should_panic(expected = "another length")]
fn a_bitmap_must_fit_its_column() {
    let _ = sum_i64(&[1; 65], Some(&[1]));
}
