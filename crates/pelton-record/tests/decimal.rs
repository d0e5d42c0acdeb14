//! Decimals against their digits, and against whole numbers of one scale.

use std::cmp::Ordering;

use pelton_record::Decimal;
use proptest::prelude::*;

/// Short numbers, long ones, and those at the ends of the range.
fn mantissa() -> impl Strategy<Value = i128> {
    prop_oneof![
        -1000..1000_i128,
        any::<i64>().prop_map(i128::from),
        any::<i128>(),
        Just(i128::MIN),
        Just(i128::MAX),
    ]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (mantissa(), 0..=Decimal::SCALE_MAX).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

/// What fits 128 bits at a scale of 18, whatever its own.
fn short() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0..=9_u8).prop_map(|(mantissa, scale)| Decimal::new(mantissa.into(), scale))
}

/// The value in units of 10⁻¹⁸.
fn units(value: Decimal) -> i128 {
    value.mantissa() * 10_i128.pow(18 - u32::from(value.scale()))
}

/// Sign, digits before the point and digits behind it, as they are written, made equally long.
fn written(value: Decimal) -> (bool, String) {
    let text = value.to_string();
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.as_str(), false),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    (is_negative, format!("{whole:0>40}{fraction:0<38}"))
}

fn compare_written(left: Decimal, right: Decimal) -> Ordering {
    match (written(left), written(right)) {
        ((false, a), (false, b)) => a.cmp(&b),
        ((true, a), (true, b)) => b.cmp(&a),
        ((is_negative, _), _) => match is_negative {
            true => Ordering::Less,
            false => Ordering::Greater,
        },
    }
}

proptest! {
    #[test]
    fn what_is_written_is_the_digits_with_a_point(value in decimal()) {
        let text = value.to_string();
        let behind = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        prop_assert_eq!(behind, usize::from(value.scale()));
        prop_assert_eq!(text.replace('.', "").parse(), Ok(value.mantissa()));
    }

    #[test]
    fn order_is_that_of_the_digits(left in decimal(), right in decimal()) {
        prop_assert_eq!(left.cmp(&right), compare_written(left, right));
        prop_assert_eq!(left == right, compare_written(left, right) == Ordering::Equal);
    }

    #[test]
    fn near_values_of_different_scales_are_told_apart(value in short(), step in -1..=1_i128) {
        let finer = value.rescale(18).expect("it fits");
        let beside = Decimal::new(finer.mantissa() + step, 18);
        prop_assert_eq!(beside.cmp(&value), step.cmp(&0));
    }

    #[test]
    fn sums_differences_and_products_are_exact(left in short(), right in short()) {
        let sum = left.checked_add(right).expect("it fits");
        prop_assert_eq!(units(sum), units(left) + units(right));
        let difference = left.checked_sub(right).expect("it fits");
        prop_assert_eq!(units(difference), units(left) - units(right));
        let product = left.checked_mul(right).expect("it fits");
        prop_assert_eq!(product.mantissa(), left.mantissa() * right.mantissa());
        prop_assert_eq!(product.scale(), left.scale() + right.scale());
    }

    #[test]
    fn a_coarser_scale_takes_the_nearest_and_of_two_the_one_further_from_zero(
        value in decimal(),
        scale in 0..=Decimal::SCALE_MAX,
    ) {
        prop_assume!(scale <= value.scale());
        let nearest = value.rescale(scale).expect("fewer digits fit");
        let step = 10_u128.pow(u32::from(value.scale() - scale));
        // The distance in units of the finer scale; no more than a step, though the step fits not.
        let rest = value.mantissa().unsigned_abs() % step;
        let down = value.mantissa().unsigned_abs() / step;
        let expected = if rest >= step - rest { down + 1 } else { down };
        prop_assert_eq!(nearest.mantissa().unsigned_abs(), expected);
        let sign = nearest.mantissa().signum();
        prop_assert!(sign == 0 || sign == value.mantissa().signum());
    }

    #[test]
    fn a_finer_scale_is_the_same_value_or_does_not_fit(value in decimal(), scale in any::<u8>()) {
        prop_assume!(value.scale() < scale);
        let zeros = "0".repeat(usize::from(scale - value.scale()));
        let digits = format!("{}{zeros}", value.mantissa());
        // Nought has no digits to be too many.
        let fits = scale <= Decimal::SCALE_MAX
            && (digits.parse::<i128>().is_ok() && zeros.len() <= 38);
        match value.rescale(scale) {
            Some(finer) => prop_assert!(fits && finer == value && finer.scale() == scale),
            None => prop_assert!(!fits),
        }
    }

    #[test]
    fn no_zeros_are_left_at_the_end_and_the_value_stays(value in decimal()) {
        let short = value.normalize();
        prop_assert_eq!(short, value);
        prop_assert!(short.scale() == 0 || short.mantissa() % 10 != 0);
    }

    #[test]
    fn the_float_is_the_one_that_is_read_from_the_digits(value in decimal()) {
        prop_assert_eq!(value.to_f64(), value.to_string().parse::<f64>().expect("a number"));
    }
}

#[test]
fn what_does_not_fit_is_none() {
    let most = Decimal::new(i128::MAX, 0);
    assert_eq!(most.checked_add(Decimal::from(1)), None);
    assert_eq!(
        Decimal::new(i128::MIN, 0).checked_sub(Decimal::from(1)),
        None
    );
    assert_eq!(most.checked_mul(Decimal::from(2)), None);
    assert_eq!(Decimal::new(1, 20).checked_mul(Decimal::new(1, 19)), None);
    // The scales cannot be made one.
    assert_eq!(most.checked_add(Decimal::new(1, 1)), None);
}

#[test]
#[should_panic(expected = "at most 38 digits")]
fn a_scale_past_the_limit_is_refused() {
    let _ = Decimal::new(1, 39);
}
