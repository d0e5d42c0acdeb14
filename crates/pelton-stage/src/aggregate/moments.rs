//! Variance and standard deviation.

use pelton_record::{Column, DataType, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::exact::ExactSum;
use super::{Function, take};
use crate::Error;

/// The exact sums of the values and of their squares.
///
/// A square of 53 bits is the sum of two floats, so that both sums are exact and nothing is
/// rounded before the end, so that a large mean costs no digits.
/// Squares beyond the largest float make the result infinite or NaN; decimals of more than 32
/// digits are rounded to that many.
#[derive(Default)]
pub(crate) struct Moments {
    sum: ExactSum,
    squares: ExactSum,
    count: u64,
}

/// The product as the sum of two floats.
fn product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}

fn add(sum: &mut ExactSum, value: f64) -> usize {
    if sum.add(value) {
        0
    } else {
        sum.add_slow(value)
    }
}

impl Moments {
    fn add_float(&mut self, value: f64) -> usize {
        self.count += 1;
        let (square, rest) = product(value, value);
        let rest = if square.is_finite() { rest } else { 0.0 };
        add(&mut self.sum, value) + add(&mut self.squares, square) + add(&mut self.squares, rest)
    }

    fn add_integer(&mut self, value: i128) -> usize {
        let high = value as f64;
        let low = (value - high as i128) as f64;
        let mut grown = self.add_float(high);
        if low != 0.0 {
            grown += add(&mut self.sum, low);
            for (part, rest) in [product(2.0 * high, low), product(low, low)] {
                grown += add(&mut self.squares, part) + add(&mut self.squares, rest);
            }
        }
        grown
    }

    /// The variance of values times 10^scale, or none of less than two.
    fn variance(&self, function: Function, scale: u8) -> Option<f64> {
        let count = self.count as f64;
        let divisor = match function {
            Function::VarPop | Function::StddevPop => count,
            _ => count - 1.0,
        };
        if self.count == 0 || divisor == 0.0 {
            return None;
        }
        let unit = 10f64.powi(i32::from(scale));
        let variance = self.spread() / count / divisor / unit / unit;
        Some(match function {
            Function::StddevPop | Function::StddevSamp => variance.sqrt(),
            _ => variance,
        })
    }

    /// The count times the squares less the square of the sum, rounded once; never negative.
    fn spread(&self) -> f64 {
        let (sums, mut spread) = (self.sum.expansion(), ExactSum::default());
        let mut add_product = |a: f64, b: f64| {
            let (high, low) = product(a, b);
            add(&mut spread, high);
            if high.is_finite() {
                add(&mut spread, low);
            }
        };
        for squares in self.squares.expansion() {
            add_product(squares, self.count as f64);
        }
        for (a, b) in sums.iter().flat_map(|a| sums.map(|b| (a, b))) {
            add_product(-a, b);
        }
        let spread = spread.value();
        if spread < 0.0 { 0.0 } else { spread }
    }
}

impl Summary for Moments {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let mut grown = 0;
        let start = rows.start;
        match rows.argument().values() {
            Values::Int64(values) => rows.each_valid(states, |state, index| {
                grown += state.add_integer(i128::from(values[start + index]));
            }),
            Values::Float64(values) => rows.each_valid(states, |state, index| {
                grown += state.add_float(values[start + index]);
            }),
            Values::Decimal { mantissas, .. } => rows.each_valid(states, |state, index| {
                grown += state.add_integer(mantissas[start + index]);
            }),
            other => unreachable!("no variance of {}", other.data_type()),
        }
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        self.sum.write(out);
        self.squares.write(out);
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let before = self.sum.extra() + self.squares.extra();
        self.count += u64::from_le_bytes(take(input));
        self.sum.merge(&ExactSum::read(input));
        self.squares.merge(&ExactSum::read(input));
        self.sum.extra() + self.squares.extra() - before
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        like: &Values,
    ) -> Result<Column, Error> {
        let scale = match like.data_type() {
            DataType::Decimal { scale } => scale,
            _ => 0,
        };
        let variance = |state: &Self| state.variance(function, scale);
        Ok(collect(states, groups, variance, Values::Float64))
    }
}
