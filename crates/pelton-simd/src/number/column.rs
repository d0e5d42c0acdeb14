//! Whole columns of fields.
//!
//! A field that the block follows with enough bytes is loaded in one piece, so that lengths that
//! change from row to row cost no mispredicted branches.

use super::digits::pointed_padded;
use super::float::scaled;
use super::{POWERS, parse_decimal_scaled, parse_f64, parse_i64};
use crate::view::View;

/// Appends to `out` the [`parse_i64`] of each view, zero where there is none, and overwrites
/// `valid` with a bit for each view that is a number.
///
/// ```
/// use pelton_simd::{number::i64_column, view::View};
///
/// let views = [View { start: 0, len: 2 }, View { start: 3, len: 1 }, View { start: 5, len: 2 }];
/// let (mut out, mut valid) = (Vec::new(), Vec::new());
/// i64_column(b"17,x,-4\n", &views, &mut out, &mut valid);
/// assert_eq!((out, valid), (vec![17, 0, -4], vec![0b101]));
/// ```
///
/// # Panics
///
/// If a view reaches past the block.
pub fn i64_column(block: &[u8], views: &[View], out: &mut Vec<i64>, valid: &mut Vec<u64>) {
    parse(block, views, out, valid, |field| match field.short() {
        Some((minus, size, 0)) if !field.ends_with_point() => Some(if minus {
            -size.cast_signed()
        } else {
            size.cast_signed()
        }),
        Some(_) => None,
        None => parse_i64(field.view.of(block)),
    });
}

/// Appends to `out` the [`parse_decimal_scaled`] of each view, zero where there is none, and
/// overwrites `valid` with a bit for each view that is one.
///
/// Ask [`parse_decimal_scaled`] what is wrong with a view that is none.
///
/// # Panics
///
/// If a view reaches past the block, or `scale` is above 38.
pub fn decimal_column(
    block: &[u8],
    views: &[View],
    scale: u8,
    out: &mut Vec<i128>,
    valid: &mut Vec<u64>,
) {
    parse(block, views, out, valid, |field| match field.short() {
        Some((minus, size, found)) if found <= scale && scale - found < 20 => {
            let wide = u128::from(size) * u128::from(POWERS[usize::from(scale - found)]);
            Some(if minus {
                -wide.cast_signed()
            } else {
                wide.cast_signed()
            })
        }
        _ => parse_decimal_scaled(field.view.of(block), scale).ok(),
    });
}

/// Appends to `out` the [`parse_f64`] of each view, zero where there is none, and overwrites
/// `valid` with a bit for each view that is a number.
///
/// # Panics
///
/// If a view reaches past the block.
pub fn f64_column(block: &[u8], views: &[View], out: &mut Vec<f64>, valid: &mut Vec<u64>) {
    parse(block, views, out, valid, |field| match field.short() {
        Some((minus, size, scale)) if size <= 1 << 53 => {
            let value = scaled(size as f64, -i32::from(scale))?;
            Some(if minus { -value } else { value })
        }
        _ => parse_f64(field.view.of(block)),
    });
}

/// A field and its first bytes.
struct Field {
    view: View,
    prefix: u128,
}

impl Field {
    /// Sign, digits without the point, and how many of them follow it; `None` for what is longer
    /// than sixteen bytes or something else.
    #[inline(always)]
    fn short(&self) -> Option<(bool, u64, u8)> {
        if self.view.len > 16 {
            return None;
        }
        let minus = self.prefix as u8 == b'-';
        let sign = usize::from(minus | (self.prefix as u8 == b'+'));
        let (size, scale) =
            pointed_padded(self.prefix >> (8 * sign), self.view.len as usize - sign)?;
        Some((minus, size, scale))
    }

    /// The last byte, of at most sixteen, is a point.
    #[inline(always)]
    fn ends_with_point(&self) -> bool {
        (self.prefix >> (8 * self.view.len.saturating_sub(1))) as u8 == b'.'
    }
}

#[inline(always)]
fn parse<T: Default>(
    block: &[u8],
    views: &[View],
    out: &mut Vec<T>,
    valid: &mut Vec<u64>,
    number: impl Fn(&Field) -> Option<T>,
) {
    valid.clear();
    out.reserve(views.len());
    for views in views.chunks(64) {
        let mut word = 0;
        for (i, view) in views.iter().enumerate() {
            let found = number(&Field {
                view: *view,
                prefix: view.prefix(block),
            });
            word |= u64::from(found.is_some()) << i;
            out.push(found.unwrap_or_default());
        }
        valid.push(word);
    }
}
