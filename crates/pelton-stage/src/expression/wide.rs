//! Arithmetic of mantissas that keeps what 128 bits would lose.

/// Ten to the power of `exponent`, which is at most 38.
pub(crate) const fn power_of_ten(exponent: u8) -> i128 {
    10i128.pow(exponent as u32)
}

/// The product; the usual case, both within 64 bits, is one instruction and cannot overflow.
#[inline]
pub(crate) const fn overflowing_mul(a: i128, b: i128) -> (i128, bool) {
    let (low_a, low_b) = (a as i64, b as i64);
    if low_a as i128 == a && low_b as i128 == b {
        (low_a as i128 * low_b as i128, false)
    } else {
        a.overflowing_mul(b)
    }
}

/// `a / b` with `digits` more, rounded half away from zero; `None` when it does not fit.
pub(crate) fn divide(a: i128, b: i128, digits: u8) -> Option<i128> {
    let negative = (a < 0) != (b < 0);
    let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
    let factor = 10u128.checked_pow(u32::from(digits));
    let (quotient, rest) = match factor.and_then(|factor| a.checked_mul(factor)) {
        Some(scaled) => (scaled / b, scaled % b),
        None => long_division(a, b, digits)?,
    };
    let up = b - rest <= rest;
    signed(quotient.checked_add(u128::from(up))?, negative)
}

/// Digit by digit, as on paper: for what does not fit once scaled.
#[cold]
fn long_division(a: u128, b: u128, digits: u8) -> Option<(u128, u128)> {
    let mut state = (a / b, a % b);
    for _ in 0..digits {
        let (digit, rest) = next_digit(state.1, b);
        state = (state.0.checked_mul(10)?.checked_add(digit)?, rest);
    }
    Some(state)
}

/// `10 * rest / b` and what remains, by adding up, as ten times `rest` may not fit.
fn next_digit(rest: u128, b: u128) -> (u128, u128) {
    (0..10).fold((0, 0), |(digit, sum), _| match b - rest <= sum {
        true => (digit + 1, sum - (b - rest)),
        false => (digit, sum + rest),
    })
}

fn signed(magnitude: u128, negative: bool) -> Option<i128> {
    if negative {
        0i128.checked_sub_unsigned(magnitude)
    } else {
        i128::try_from(magnitude).ok()
    }
}
