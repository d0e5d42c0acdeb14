//! What an expression yields on the way: a column or a constant, and the rows that failed.

use std::borrow::Cow;

use pelton_record::spare::{self, Part};
use pelton_record::{Batch, Bitmap, Column, Decimal, Strings, Values, View};

/// A row on which an expression failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The row, counted from 0.
    pub row: u32,
    /// One clause in lower case, like `division by zero`.
    pub reason: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(row: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        // A batch comes from a block of less than 4 GiB, so a row's number fits.
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        Self {
            row,
            reason: reason.into(),
        }
    }
}

/// Values of all rows, or one value for all of them.
#[derive(Clone, Debug)]
pub(crate) enum Operand<'a> {
    Rows(Cow<'a, Column>),
    /// A column of one row.
    Constant(&'a Column),
}

/// An operand, and the rows that failed in ascending order. Where a row failed, it is null.
#[derive(Clone, Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) operand: Operand<'a>,
    pub(crate) failures: Vec<Failure>,
}

/// What an expression is evaluated on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) batch: &'a Batch,
    /// The rows that matter; the others may come out as anything. `None` is all of them.
    pub(crate) active: Option<&'a Bitmap>,
    pub(crate) locals: Option<&'a Local<'a>>,
}

/// A value computed once and used several times.
#[derive(Debug)]
pub(crate) struct Local<'a> {
    pub(crate) level: usize,
    pub(crate) operand: Operand<'a>,
    pub(crate) outer: Option<&'a Self>,
}

impl<'a> Context<'a> {
    pub(crate) const fn new(batch: &'a Batch) -> Self {
        Self {
            batch,
            active: None,
            locals: None,
        }
    }

    pub(crate) const fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// The same, with only the rows of `active` mattering.
    pub(crate) const fn only(self, active: &'a Bitmap) -> Self {
        Self {
            active: Some(active),
            ..self
        }
    }

    /// The value computed at `level`.
    pub(crate) fn local(&self, level: usize) -> &'a Operand<'a> {
        let mut local = self.locals;
        while let Some(found) = local {
            if found.level == level {
                return &found.operand;
            }
            local = found.outer;
        }
        unreachable!("the binder puts a value at each level that it refers to")
    }
}

impl<'a> Operand<'a> {
    pub(crate) const fn rows(column: Column) -> Self {
        Self::Rows(Cow::Owned(column))
    }

    /// The values, or the one value.
    pub(crate) fn column(&self) -> &Column {
        match self {
            Self::Rows(column) => column,
            Self::Constant(column) => column,
        }
    }

    pub(crate) const fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// The same values at the same place.
    pub(crate) fn borrowed(&'a self) -> Self {
        match self {
            Self::Rows(column) => Self::Rows(Cow::Borrowed(column)),
            Self::Constant(column) => Self::Constant(column),
        }
    }

    /// A value a row.
    pub(crate) fn spread(self, rows: usize) -> Cow<'a, Column> {
        match self {
            Self::Rows(column) => column,
            Self::Constant(column) => {
                let first = spare::filled(rows, 0);
                let spread = column.take(&first);
                spare::give(first);
                Cow::Owned(spread)
            }
        }
    }

    /// The rows that are not null; `None` when none is.
    pub(crate) fn validity(&self, rows: usize) -> Option<Cow<'_, Bitmap>> {
        let validity = self.column().validity()?;
        Some(match self {
            Self::Rows(_) => Cow::Borrowed(validity),
            Self::Constant(_) => Cow::Owned(Bitmap::new(rows, false)),
        })
    }

    pub(crate) fn ints(&self) -> Lane<'_, i64> {
        match self.column().values() {
            Values::Int64(values) | Values::Timestamp(values) => self.lane(values),
            other => unreachable!("bound as int64, found {}", other.data_type()),
        }
    }

    pub(crate) fn floats(&self) -> Lane<'_, f64> {
        match self.column().values() {
            Values::Float64(values) => self.lane(values),
            other => unreachable!("bound as float64, found {}", other.data_type()),
        }
    }

    pub(crate) fn mantissas(&self) -> Lane<'_, i128> {
        match self.column().values() {
            Values::Decimal { mantissas, .. } => self.lane(mantissas),
            other => unreachable!("bound as decimal, found {}", other.data_type()),
        }
    }

    pub(crate) fn strings(&self) -> &Strings {
        match self.column().values() {
            Values::String(strings) | Values::Bytes(strings) => strings,
            other => unreachable!("bound as string, found {}", other.data_type()),
        }
    }

    pub(crate) fn texts(&self) -> Texts<'_> {
        let strings = self.strings();
        Texts {
            base: strings.base(),
            views: self.lane(strings.views()),
        }
    }

    pub(crate) fn bools(&self) -> &Bitmap {
        match self.column().values() {
            Values::Bool(bits) => bits,
            other => unreachable!("bound as bool, found {}", other.data_type()),
        }
    }

    const fn lane<'b, T>(&self, values: &'b [T]) -> Lane<'b, T> {
        Lane {
            values,
            constant: self.is_constant(),
        }
    }
}

/// Numbers of all rows, or one for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) constant: bool,
}

impl<T: Copy> Lane<'_, T> {
    #[inline]
    pub(crate) fn at(&self, row: usize) -> T {
        self.values[if self.constant { 0 } else { row }]
    }

    /// `each` of all rows. One loop for each shape, none of which asks at each row.
    pub(crate) fn map<R: Part>(self, rows: usize, each: impl Fn(T) -> R) -> Vec<R> {
        if self.constant {
            return spare::collect((0..rows).map(|_| each(self.values[0])));
        }
        spare::collect(self.values.iter().map(|&value| each(value)))
    }

    /// `each` of two values of all rows.
    pub(crate) fn zip<U: Copy, R: Part>(
        self,
        other: Lane<'_, U>,
        rows: usize,
        mut each: impl FnMut(T, U) -> R,
    ) -> Vec<R> {
        match (self.constant, other.constant) {
            (false, false) => {
                let pairs = self.values.iter().zip(other.values);
                spare::collect(pairs.map(|(&a, &b)| each(a, b)))
            }
            (false, true) => {
                let b = other.values[0];
                spare::collect(self.values.iter().map(|&a| each(a, b)))
            }
            (true, false) => {
                let a = self.values[0];
                spare::collect(other.values.iter().map(|&b| each(a, b)))
            }
            (true, true) => {
                spare::collect((0..rows).map(|_| each(self.values[0], other.values[0])))
            }
        }
    }
}

/// Text or bytes of all rows, or one for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) base: &'a [u8],
    pub(crate) views: Lane<'a, View>,
}

impl<'a> Texts<'a> {
    #[inline]
    pub(crate) fn at(&self, row: usize) -> &'a [u8] {
        self.views.at(row).of(self.base)
    }

    /// The value of `row` as text. Columns of text hold nothing else, so the check never fails.
    #[inline]
    pub(crate) fn str(&self, row: usize) -> &'a str {
        str::from_utf8(self.at(row)).unwrap_or("\u{fffd}")
    }
}

impl<'a> Outcome<'a> {
    pub(crate) const fn new(operand: Operand<'a>) -> Self {
        Self {
            operand,
            failures: Vec::new(),
        }
    }

    /// `values`, null outside of `validity` and where they failed.
    pub(crate) fn of(
        values: Values,
        validity: Option<Bitmap>,
        failures: Vec<Failure>,
    ) -> Outcome<'static> {
        let validity = nulled(validity, values.len(), &failures);
        Outcome {
            operand: Operand::rows(Column::new(values, validity)),
            failures,
        }
    }
}

/// `validity` less the rows that failed.
pub(crate) fn nulled(
    validity: Option<Bitmap>,
    rows: usize,
    failures: &[Failure],
) -> Option<Bitmap> {
    if failures.is_empty() {
        return validity;
    }
    let mut validity = validity.unwrap_or_else(|| Bitmap::new(rows, true));
    failures
        .iter()
        .for_each(|failure| validity.set(failure.row as usize, false));
    Some(validity)
}

/// The failures of two operands; the first reason of a row stands.
pub(crate) fn merged(a: Vec<Failure>, b: Vec<Failure>) -> Vec<Failure> {
    if a.is_empty() {
        return b;
    }
    if b.is_empty() {
        return a;
    }
    let mut all = a;
    all.extend(b);
    all.sort_by_key(|failure| failure.row); // stable, so that the first stays first
    all.dedup_by_key(|failure| failure.row);
    all
}

/// The rows where all operands have a value; `None` when all do.
pub(crate) fn common(operands: &[Operand<'_>], rows: usize) -> Option<Bitmap> {
    operands
        .iter()
        .filter_map(|operand| operand.validity(rows))
        .fold(None, |all: Option<Bitmap>, validity| {
            Some(match all {
                Some(all) => all.and(&validity),
                None => validity.into_owned(),
            })
        })
}

/// The decimal of a mantissa whose scale is that of a column.
pub(crate) const fn decimal(mantissa: i128, scale: u8) -> Decimal {
    Decimal::new(mantissa, scale)
}
