//! Quantiles: exact from all values, or near from a sketch.

use std::collections::BTreeMap;

use pelton_record::{Column, Decimal, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::{Function, take};
use crate::Error;

/// Calls `add` with each value that is not null, as a float.
fn each_float<S>(states: &mut [S], rows: &Rows<'_>, mut add: impl FnMut(&mut S, f64)) {
    let start = rows.start;
    match rows.argument().values() {
        Values::Int64(values) => rows.each_valid(states, |state, index| {
            add(state, values[start + index] as f64);
        }),
        Values::Float64(values) => rows.each_valid(states, |state, index| {
            add(state, values[start + index]);
        }),
        Values::Decimal { mantissas, scale } => rows.each_valid(states, |state, index| {
            add(
                state,
                Decimal::new(mantissas[start + index], *scale).to_f64(),
            );
        }),
        other => unreachable!("no quantile of {}", other.data_type()),
    }
}

const fn fraction(function: Function) -> f64 {
    match function {
        Function::Quantile(fraction) | Function::ApproxQuantile(fraction) => fraction,
        _ => 0.5,
    }
}

/// All values of a group.
#[derive(Default)]
pub(crate) struct Quantile {
    values: Vec<f64>,
}

impl Quantile {
    fn add(&mut self, value: f64) -> usize {
        let before = self.values.capacity();
        self.values.push(value);
        (self.values.capacity() - before) * size_of::<f64>()
    }

    /// The value at `fraction` of the way from the least to the greatest; NaN is the greatest.
    fn at(&mut self, fraction: f64) -> Option<f64> {
        let last = self.values.len().checked_sub(1)?;
        let place = fraction * last as f64;
        let index = place as usize;
        let order = |a: &f64, b: &f64| (a.is_nan(), a).partial_cmp(&(b.is_nan(), b));
        let order = |a: &f64, b: &f64| order(a, b).unwrap_or(std::cmp::Ordering::Equal);
        let (_, &mut below, rest) = self.values.select_nth_unstable_by(index, order);
        let part = place - index as f64;
        let above = rest.iter().copied().min_by(order).filter(|_| part > 0.0);
        Some(above.map_or(below, |above| below + (above - below) * part))
    }
}

impl Summary for Quantile {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let mut grown = 0;
        each_float(states, rows, |state, value| grown += state.add(value));
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.values.len() as u64).to_le_bytes());
        out.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let values = u64::from_le_bytes(take(input));
        (0..values)
            .map(|_| self.add(f64::from_le_bytes(take(input))))
            .sum()
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        let results = groups
            .iter()
            .map(|&group| states[group as usize].at(fraction(function)));
        let results: Vec<Option<f64>> = results.collect();
        let rows: Vec<u32> = (0..results.len() as u32).collect();
        Ok(collect(&results, &rows, |result| *result, Values::Float64))
    }
}

/// How much each bucket is wider than the one below: its middle is within 1 % of every value.
const GAMMA: f64 = 1.01 / 0.99;
/// More than the buckets between 1 and the smallest or the largest float.
const OFFSET: i32 = 40_000;

/// Counts of values by magnitude (DDSketch: Masson, Rim and Lee, 2019), without the collapsing:
/// floats fall into 71,000 buckets of each sign at most, and only those that are used exist.
///
/// What it counts does not depend on the order of values, nor on merges.
#[derive(Default)]
pub(crate) struct Sketch {
    buckets: BTreeMap<i32, u64>,
}

/// The bucket of a value. Buckets have the order of their values, NaN last.
fn bucket(value: f64) -> i32 {
    let magnitude = || (value.abs().ln() / GAMMA.ln()).ceil() as i32 + OFFSET;
    match value {
        0.0 => 0,
        f64::INFINITY => i32::MAX - 1,
        f64::NEG_INFINITY => i32::MIN,
        _ if value.is_nan() => i32::MAX,
        _ if value < 0.0 => -magnitude(),
        _ => magnitude(),
    }
}

/// A value near all those of the bucket.
fn middle(bucket: i32) -> f64 {
    match bucket {
        0 => 0.0,
        i32::MIN => f64::NEG_INFINITY,
        i32::MAX => f64::NAN,
        _ if bucket == i32::MAX - 1 => f64::INFINITY,
        _ => {
            let exponent = bucket.abs() - OFFSET;
            (GAMMA.powi(exponent) * 2.0 / (GAMMA + 1.0)).copysign(f64::from(bucket))
        }
    }
}

/// What a bucket takes in the tree.
const BUCKET: usize = 24;

impl Sketch {
    fn add(&mut self, bucket: i32, count: u64) -> usize {
        let before = self.buckets.len();
        *self.buckets.entry(bucket).or_default() += count;
        (self.buckets.len() - before) * BUCKET
    }

    fn at(&self, fraction: f64) -> Option<f64> {
        let count: u64 = self.buckets.values().sum();
        let rank = (fraction * count.checked_sub(1)? as f64) as u64;
        let mut below = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            below += **count;
            below > rank
        });
        found.map(|(&bucket, _)| middle(bucket))
    }
}

impl Summary for Sketch {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let mut grown = 0;
        each_float(states, rows, |state, value| {
            grown += state.add(bucket(value), 1)
        });
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.buckets.len() as u64).to_le_bytes());
        for (bucket, count) in &self.buckets {
            out.extend_from_slice(&bucket.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let buckets = u64::from_le_bytes(take(input));
        let entries = (0..buckets).map(|_| {
            let bucket = i32::from_le_bytes(take(input));
            self.add(bucket, u64::from_le_bytes(take(input)))
        });
        entries.sum()
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        let quantile = |state: &Self| state.at(fraction(function));
        Ok(collect(states, groups, quantile, Values::Float64))
    }
}
