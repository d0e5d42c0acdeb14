//! The smallest and the largest value.

use std::marker::PhantomData;

use pelton_record::{Bitmap, Column, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::{Function, take};
use crate::Error;

/// Which of two values stays.
pub(crate) trait Side: Send + Default + 'static {
    /// True when `new` is to replace a value to which it compares as `order`.
    fn replaces(order: std::cmp::Ordering) -> bool;
}

/// The smaller one.
#[derive(Default)]
pub(crate) struct Least;

/// The larger one.
#[derive(Default)]
pub(crate) struct Greatest;

impl Side for Least {
    #[inline]
    fn replaces(order: std::cmp::Ordering) -> bool {
        order.is_lt()
    }
}

impl Side for Greatest {
    #[inline]
    fn replaces(order: std::cmp::Ordering) -> bool {
        order.is_gt()
    }
}

/// A value that fits into a register, with the order of its type.
pub(crate) trait Scalar: Copy + Default + Send + 'static {
    /// What the type compares as.
    fn compare(self, other: Self) -> std::cmp::Ordering;
    /// The values of a column of the type.
    fn slice(values: &Values) -> &[Self];
    /// A column of the type, like another one.
    fn wrap(items: Vec<Self>, like: &Values) -> Values;
    /// As sixteen bytes.
    fn to_bytes(self) -> [u8; 16];
    /// From sixteen bytes.
    fn from_bytes(bytes: [u8; 16]) -> Self;
}

impl Scalar for i64 {
    #[inline]
    fn compare(self, other: Self) -> std::cmp::Ordering {
        self.cmp(&other)
    }

    fn slice(values: &Values) -> &[Self] {
        match values {
            Values::Int64(values) | Values::Timestamp(values) => values,
            other => unreachable!("{} is not of 64 bits", other.data_type()),
        }
    }

    fn wrap(items: Vec<Self>, like: &Values) -> Values {
        match like {
            Values::Timestamp(_) => Values::Timestamp(items),
            _ => Values::Int64(items),
        }
    }

    fn to_bytes(self) -> [u8; 16] {
        i128::from(self).to_le_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        i128::from_le_bytes(bytes) as Self
    }
}

impl Scalar for i128 {
    #[inline]
    fn compare(self, other: Self) -> std::cmp::Ordering {
        self.cmp(&other)
    }

    fn slice(values: &Values) -> &[Self] {
        match values {
            Values::Decimal { mantissas, .. } => mantissas,
            other => unreachable!("{} is no decimal", other.data_type()),
        }
    }

    fn wrap(mantissas: Vec<Self>, like: &Values) -> Values {
        let scale = match like {
            Values::Decimal { scale, .. } => *scale,
            _ => 0,
        };
        Values::Decimal { mantissas, scale }
    }

    fn to_bytes(self) -> [u8; 16] {
        self.to_le_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Scalar for f64 {
    #[inline]
    fn compare(self, other: Self) -> std::cmp::Ordering {
        let known = self.partial_cmp(&other);
        known.unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
    }

    fn slice(values: &Values) -> &[Self] {
        match values {
            Values::Float64(values) => values,
            other => unreachable!("{} is no float", other.data_type()),
        }
    }

    fn wrap(items: Vec<Self>, _: &Values) -> Values {
        // Which of the two zeros came first must not show.
        Values::Float64(items.into_iter().map(|item| item + 0.0).collect())
    }

    fn to_bytes(self) -> [u8; 16] {
        u128::from(self.to_bits()).to_le_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_bits(u128::from_le_bytes(bytes) as u64)
    }
}

/// The least or greatest number.
#[derive(Default)]
pub(crate) struct Extreme<T, S> {
    best: T,
    seen: bool,
    side: PhantomData<S>,
}

impl<T: Scalar, S: Side> Extreme<T, S> {
    #[inline]
    fn add(&mut self, value: T) {
        if !self.seen || S::replaces(value.compare(self.best)) {
            self.best = value;
            self.seen = true;
        }
    }
}

impl<T: Scalar, S: Side> Summary for Extreme<T, S> {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        rows.each(states, T::slice(rows.argument().values()), Self::add);
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.seen));
        out.extend_from_slice(&self.best.to_bytes());
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let [seen] = take(input);
        let value = T::from_bytes(take(input));
        if seen != 0 {
            self.add(value);
        }
        0
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        _: Function,
        like: &Values,
    ) -> Result<Column, Error> {
        let best = |state: &Self| state.seen.then_some(state.best);
        Ok(collect(states, groups, best, |items| T::wrap(items, like)))
    }
}

/// The least or greatest text, bytes or truth.
#[derive(Default)]
pub(crate) struct ExtremeBytes<S> {
    best: Option<Vec<u8>>,
    side: PhantomData<S>,
}

impl<S: Side> ExtremeBytes<S> {
    fn add(&mut self, value: &[u8]) -> usize {
        let Some(best) = &mut self.best else {
            self.best = Some(value.to_vec());
            return value.len();
        };
        if !S::replaces(value.cmp(best.as_slice())) {
            return 0;
        }
        let before = best.capacity();
        best.clear();
        best.extend_from_slice(value);
        best.capacity() - before
    }
}

impl<S: Side> Summary for ExtremeBytes<S> {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let mut grown = 0;
        match rows.argument().values() {
            Values::String(strings) | Values::Bytes(strings) => {
                let (base, views) = (strings.base(), &strings.views()[rows.start..]);
                rows.each_valid(states, |state, index| {
                    grown += state.add(views[index].of(base));
                });
            }
            Values::Bool(bits) => rows.each_valid(states, |state, index| {
                grown += state.add(&[u8::from(bits.get(rows.start + index))]);
            }),
            other => unreachable!("{} is compared as a number", other.data_type()),
        }
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.best.is_some()));
        if let Some(best) = &self.best {
            super::write_bytes(best, out);
        }
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        match take(input) {
            [0] => 0,
            _ => self.add(super::read_bytes(input)),
        }
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        _: Function,
        like: &Values,
    ) -> Result<Column, Error> {
        let best = groups
            .iter()
            .map(|&group| states[group as usize].best.as_deref());
        let validity: Bitmap = best.clone().map(|best| best.is_some()).collect();
        let best = best.map(Option::unwrap_or_default);
        let values = match like {
            Values::Bool(_) => Values::Bool(best.map(|best| best == [1]).collect()),
            Values::Bytes(_) => Values::Bytes(best.collect()),
            _ => Values::String(best.collect()),
        };
        Ok(Column::new(values, Some(validity)))
    }
}
