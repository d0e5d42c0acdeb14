//! The values of one field, for all rows of a batch.

use crate::{Bitmap, DataType, Decimal, Strings, Value, bitmap, spare};

/// Values without regard to nulls: where a row is null, what stands here is arbitrary.
#[derive(Debug)]
#[non_exhaustive]
pub enum Values {
    /// True or false, a bit a row.
    Bool(Bitmap),
    /// Whole numbers.
    Int64(Vec<i64>),
    /// Floats.
    Float64(Vec<f64>),
    /// Decimals of one scale.
    Decimal {
        /// The digits of each value without the point.
        mantissas: Vec<i128>,
        /// Digits after the point.
        scale: u8,
    },
    /// UTF-8 text; whoever builds it has checked that.
    String(Strings),
    /// Bytes of any kind.
    Bytes(Strings),
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    Timestamp(Vec<i64>),
}

/// The values of one field, and which of them are null.
///
/// ```
/// use pelton_record::{Column, Value};
///
/// let column = Column::int64([1, 2]).with_validity([true, false].into_iter().collect());
/// assert_eq!(column.value(0), Value::Int64(1));
/// assert_eq!(column.value(1), Value::Null);
/// ```
#[derive(Clone, Debug)]
pub struct Column {
    values: Values,
    /// A bit set for each value that is not null; absent when none is.
    validity: Option<Bitmap>,
}

/// The same expression for the vector, bitmap or strings of any [`Values`].
macro_rules! each {
    ($values:expr, $inner:ident => $body:expr) => {
        match $values {
            Values::Bool($inner) => $body,
            Values::Int64($inner) | Values::Timestamp($inner) => $body,
            Values::Float64($inner) => $body,
            Values::Decimal {
                mantissas: $inner, ..
            } => $body,
            Values::String($inner) | Values::Bytes($inner) => $body,
        }
    };
}

impl Values {
    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        each!(self, inner => inner.len())
    }

    /// True without rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the values.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Bool,
            Self::Int64(_) => DataType::Int64,
            Self::Float64(_) => DataType::Float64,
            Self::Decimal { scale, .. } => DataType::Decimal { scale: *scale },
            Self::String(_) => DataType::String,
            Self::Bytes(_) => DataType::Bytes,
            Self::Timestamp(_) => DataType::Timestamp,
        }
    }

    /// Keeps the memory for columns to come.
    fn give(self) {
        match self {
            Self::Int64(items) | Self::Timestamp(items) => spare::give(items),
            Self::Float64(items) => spare::give(items),
            Self::Decimal { mantissas, .. } => spare::give(mantissas),
            // These do so themselves.
            Self::Bool(_) | Self::String(_) | Self::Bytes(_) => {}
        }
    }

    fn retain(&mut self, keep: &Bitmap) {
        match self {
            Self::Bool(bits) => bits.retain(keep),
            Self::Int64(items) | Self::Timestamp(items) => bitmap::compact(items, keep),
            Self::Float64(items) => bitmap::compact(items, keep),
            Self::Decimal { mantissas, .. } => bitmap::compact(mantissas, keep),
            Self::String(strings) | Self::Bytes(strings) => strings.retain(keep),
        }
    }

    fn take(&self, rows: &[u32]) -> Self {
        fn pick<T: spare::Part + Copy>(items: &[T], rows: &[u32]) -> Vec<T> {
            spare::collect(rows.iter().map(|&row| items[row as usize]))
        }
        match self {
            Self::Bool(bits) => {
                Self::Bool(rows.iter().map(|&row| bits.get(row as usize)).collect())
            }
            Self::Int64(items) => Self::Int64(pick(items, rows)),
            Self::Float64(items) => Self::Float64(pick(items, rows)),
            Self::Decimal { mantissas, scale } => Self::Decimal {
                mantissas: pick(mantissas, rows),
                scale: *scale,
            },
            Self::String(strings) => Self::String(strings.take(rows)),
            Self::Bytes(strings) => Self::Bytes(strings.take(rows)),
            Self::Timestamp(items) => Self::Timestamp(pick(items, rows)),
        }
    }

    fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Bool(bits) => Value::Bool(bits.get(row)),
            Self::Int64(items) => Value::Int64(items[row]),
            Self::Float64(items) => Value::Float64(items[row]),
            Self::Decimal { mantissas, scale } => {
                Value::Decimal(Decimal::new(mantissas[row], *scale))
            }
            Self::String(strings) => {
                Value::String(std::str::from_utf8(strings.get(row)).unwrap_or("\u{fffd}"))
            }
            Self::Bytes(strings) => Value::Bytes(strings.get(row)),
            Self::Timestamp(items) => Value::Timestamp(items[row]),
        }
    }
}

impl Clone for Values {
    fn clone(&self) -> Self {
        match self {
            Self::Bool(bits) => Self::Bool(bits.clone()),
            Self::Int64(items) => Self::Int64(spare::copy(items)),
            Self::Float64(items) => Self::Float64(spare::copy(items)),
            Self::Decimal { mantissas, scale } => Self::Decimal {
                mantissas: spare::copy(mantissas),
                scale: *scale,
            },
            Self::String(strings) => Self::String(strings.clone()),
            Self::Bytes(strings) => Self::Bytes(strings.clone()),
            Self::Timestamp(items) => Self::Timestamp(spare::copy(items)),
        }
    }
}

impl Column {
    /// A column of `values`; null where `validity` has no bit set, nowhere when it is absent.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    #[must_use]
    pub fn new(values: Values, validity: Option<Bitmap>) -> Self {
        if let Some(validity) = &validity {
            assert_eq!(values.len(), validity.len(), "a validity bit a value");
        }
        Self {
            values,
            validity: validity.filter(|bits| !bits.all()),
        }
    }

    /// Whole numbers without nulls.
    pub fn int64(values: impl IntoIterator<Item = i64>) -> Self {
        Self::new(Values::Int64(values.into_iter().collect()), None)
    }

    /// Floats without nulls.
    pub fn float64(values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(Values::Float64(values.into_iter().collect()), None)
    }

    /// Decimals without nulls, given as mantissas of one `scale`.
    pub fn decimal(mantissas: impl IntoIterator<Item = i128>, scale: u8) -> Self {
        Self::new(
            Values::Decimal {
                mantissas: mantissas.into_iter().collect(),
                scale,
            },
            None,
        )
    }

    /// Truths without nulls.
    pub fn bools(values: impl IntoIterator<Item = bool>) -> Self {
        Self::new(Values::Bool(values.into_iter().collect()), None)
    }

    /// Text without nulls.
    pub fn strings<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Values::String(values.into_iter().collect()), None)
    }

    /// Instants without nulls, in nanoseconds since 1970.
    pub fn timestamps(values: impl IntoIterator<Item = i64>) -> Self {
        Self::new(Values::Timestamp(values.into_iter().collect()), None)
    }

    /// `rows` nulls of `data_type`.
    #[must_use]
    pub fn nulls(data_type: DataType, rows: usize) -> Self {
        let empty = || Strings::in_heap(Vec::new(), spare::filled(rows, crate::View::default()));
        let values = match data_type {
            DataType::Bool => Values::Bool(Bitmap::new(rows, false)),
            DataType::Int64 => Values::Int64(spare::filled(rows, 0)),
            DataType::Float64 => Values::Float64(spare::filled(rows, 0.0)),
            DataType::Decimal { scale } => Values::Decimal {
                mantissas: spare::filled(rows, 0),
                scale,
            },
            DataType::String => Values::String(empty()),
            DataType::Bytes => Values::Bytes(empty()),
            DataType::Timestamp => Values::Timestamp(spare::filled(rows, 0)),
        };
        Self::new(values, Some(Bitmap::new(rows, false)))
    }

    /// The same values, null where `validity` has no bit set.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    #[must_use]
    pub fn with_validity(self, validity: Bitmap) -> Self {
        Self::new(self.into_parts().0, Some(validity))
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// True without rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the values.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        self.values.data_type()
    }

    /// The values; those of null rows are arbitrary.
    #[must_use]
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// A bit set for each row that is not null; absent when none is.
    #[must_use]
    pub const fn validity(&self) -> Option<&Bitmap> {
        self.validity.as_ref()
    }

    /// Takes the column apart.
    #[must_use]
    pub fn into_parts(mut self) -> (Values, Option<Bitmap>) {
        (self.take_values(), self.validity.take())
    }

    fn take_values(&mut self) -> Values {
        std::mem::replace(&mut self.values, Values::Int64(Vec::new()))
    }

    /// True when `row` is null.
    #[inline]
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.validity.as_ref().is_some_and(|bits| !bits.get(row))
    }

    /// Number of null rows.
    #[must_use]
    pub fn null_count(&self) -> usize {
        self.validity
            .as_ref()
            .map_or(0, |bits| bits.len() - bits.count_ones())
    }

    /// The value of `row`. Convenient rather than fast: kernels look at [`values`](Self::values).
    ///
    /// # Panics
    ///
    /// When `row` is not below the length.
    #[must_use]
    pub fn value(&self, row: usize) -> Value<'_> {
        if self.is_null(row) {
            Value::Null
        } else {
            self.values.value(row)
        }
    }

    /// The text or bytes of the column, when it holds such.
    #[must_use]
    pub const fn as_strings(&self) -> Option<&Strings> {
        match &self.values {
            Values::String(strings) | Values::Bytes(strings) => Some(strings),
            _ => None,
        }
    }

    /// Keeps the rows whose bit is set, in order.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn retain(&mut self, keep: &Bitmap) {
        self.values.retain(keep);
        if let Some(validity) = &mut self.validity {
            validity.retain(keep);
        }
        self.validity.take_if(|bits| bits.all());
    }

    /// The values at `rows`, in that order; a row may come more than once.
    ///
    /// # Panics
    ///
    /// When a row is not below the length.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        let pick = |bits: &Bitmap| rows.iter().map(|&row| bits.get(row as usize)).collect();
        Self::new(self.values.take(rows), self.validity.as_ref().map(pick))
    }
}

impl Drop for Column {
    fn drop(&mut self) {
        self.take_values().give();
    }
}
