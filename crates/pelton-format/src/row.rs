//! Spelling out the values of a column, row by row, for every format that is text.

use pelton_record::{Column, Values};
use pelton_simd::number;

/// A column, and the bytes that its views point into.
pub(crate) struct RowWriter<'a> {
    column: &'a Column,
    base: &'a [u8],
}

impl<'a> RowWriter<'a> {
    pub(crate) fn new(column: &'a Column) -> Self {
        Self {
            column,
            base: column.as_strings().map_or(&[], |strings| strings.base()),
        }
    }

    /// True when the value of `row` is null.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.column.is_null(row)
    }

    /// Appends the value of `row`, nothing when it is null; text goes through `write_text`.
    #[inline]
    pub(crate) fn write(
        &self,
        row: usize,
        out: &mut Vec<u8>,
        write_text: impl FnOnce(&[u8], &mut Vec<u8>),
    ) {
        if self.column.is_null(row) {
            return;
        }
        match self.column.values() {
            Values::Bool(bits) => {
                out.extend_from_slice(if bits.get(row) { b"true" } else { b"false" });
            }
            Values::Int64(items) => number::write_i64(out, items[row]),
            Values::Float64(items) => number::write_f64(out, items[row]),
            Values::Decimal { mantissas, scale } => {
                number::write_decimal(out, mantissas[row], *scale);
            }
            Values::String(strings) | Values::Bytes(strings) => {
                write_text(strings.views()[row].of(self.base), out);
            }
            Values::Timestamp(items) => number::write_timestamp(out, items[row]),
            _ => unreachable!("every type of column is written"),
        }
    }
}
