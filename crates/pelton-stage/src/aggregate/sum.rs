//! Sums, averages and counts of numbers.

use std::cell::Cell;

use pelton_record::{Column, DataType, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::exact::ExactSum;
use super::{Function, take};
use crate::{Error, ErrorKind};

/// One more than the largest sum that 38 digits hold.
const LIMIT: u128 = 10u128.pow(38);

/// The exact sum of whole numbers, or of the mantissas of decimals.
///
/// Whatever the order, the sum is `sum + wraps * 2^128`, so that one that leaves 128 bits and
/// comes back is right.
#[derive(Clone, Copy, Default)]
pub(crate) struct IntegerSum {
    sum: i128,
    wraps: i64,
    count: u64,
}

impl IntegerSum {
    #[inline]
    fn add(&mut self, value: i128) {
        let (sum, wrapped) = self.sum.overflowing_add(value);
        self.sum = sum;
        if wrapped {
            self.wraps += if value < 0 { -1 } else { 1 };
        }
    }

    fn result(&self) -> Result<Option<i128>, Error> {
        if self.wraps != 0 || self.sum.unsigned_abs() >= LIMIT {
            let message = "a sum has more than the 38 digits of a decimal".to_owned();
            return Err(Error::new(ErrorKind::Overflow, message));
        }
        Ok((self.count > 0).then_some(self.sum))
    }

    fn average(&self, scale: u8) -> Option<f64> {
        let sum = self.sum as f64 + self.wraps as f64 * 2f64.powi(128);
        (self.count > 0).then(|| sum / (self.count as f64 * 10f64.powi(i32::from(scale))))
    }
}

/// The sum of 64-bit numbers, by halves that cannot overflow and that vectors can add.
fn sum_of(values: &[i64]) -> i128 {
    let (mut low, mut high) = (0u64, 0i64);
    for &value in values {
        low += value as u64 & 0xFFFF_FFFF;
        high += value >> 32;
    }
    i128::from(low) + (i128::from(high) << 32)
}

impl Summary for IntegerSum {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let column = rows.argument();
        match column.values() {
            Values::Int64(values) if rows.single && column.validity().is_none() => {
                let values = &values[rows.start..][..rows.groups.len()];
                states[0].add(sum_of(values));
                states[0].count += values.len() as u64;
            }
            Values::Int64(values) => rows.each(states, values, |state: &mut Self, value| {
                state.add(i128::from(value));
                state.count += 1;
            }),
            Values::Decimal { mantissas, .. } => {
                rows.each(states, mantissas, |state: &mut Self, value| {
                    state.add(value);
                    state.count += 1;
                });
            }
            other => unreachable!("no exact sum of {}", other.data_type()),
        }
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sum.to_le_bytes());
        out.extend_from_slice(&self.wraps.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        self.add(i128::from_le_bytes(take(input)));
        self.wraps += i64::from_le_bytes(take(input));
        self.count += u64::from_le_bytes(take(input));
        0
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
        match function {
            Function::Count => Ok(collect(
                states,
                groups,
                |state| Some(state.count as i64),
                Values::Int64,
            )),
            Function::Avg => Ok(collect(
                states,
                groups,
                |state| state.average(scale),
                Values::Float64,
            )),
            _ => {
                for &group in groups {
                    states[group as usize].result()?;
                }
                let sum = |state: &Self| (state.count > 0).then_some(state.sum);
                let decimals = |mantissas| Values::Decimal { mantissas, scale };
                Ok(collect(states, groups, sum, decimals))
            }
        }
    }
}

/// The exact sum of floats.
#[derive(Default)]
pub(crate) struct FloatSum {
    sum: ExactSum,
    count: u64,
}

impl Summary for FloatSum {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let Values::Float64(values) = rows.argument().values() else {
            unreachable!("floats are summed as floats");
        };
        let grown = Cell::new(0);
        rows.each(states, values, |state: &mut Self, value| {
            state.count += 1;
            if !state.sum.add(value) {
                grown.set(grown.get() + state.sum.add_slow(value));
            }
        });
        grown.get()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        self.sum.write(out);
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let before = self.sum.extra();
        self.count += u64::from_le_bytes(take(input));
        self.sum.merge(&ExactSum::read(input));
        self.sum.extra() - before
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        let some = |state: &Self| (state.count > 0).then(|| state.sum.value());
        Ok(match function {
            Function::Count => collect(
                states,
                groups,
                |state| Some(state.count as i64),
                Values::Int64,
            ),
            Function::Avg => collect(
                states,
                groups,
                |state| some(state).map(|sum| sum / state.count as f64),
                Values::Float64,
            ),
            _ => collect(states, groups, some, Values::Float64),
        })
    }
}
