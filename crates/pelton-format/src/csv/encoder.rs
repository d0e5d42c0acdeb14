//! From batches to CSV.

use pelton_record::{Batch, Column, Schema, Values};
use pelton_simd::number;

use crate::Encoder;

/// Writes fields as they are, and quotes those that need it.
///
/// Null is a field without characters and the empty string is `""`, so that reading back gives
/// what was written.
#[derive(Debug)]
pub(super) struct CsvEncoder {
    delimiter: u8,
    quote: u8,
}

impl CsvEncoder {
    pub(super) const fn new(delimiter: u8, quote: u8) -> Self {
        Self { delimiter, quote }
    }

    fn rows(&self, batch: &Batch, first: usize, raw: bool, out: &mut Vec<u8>) {
        let columns: Vec<Writer<'_>> = batch.columns()[first..].iter().map(Writer::new).collect();
        let block = batch.block().bytes();
        for row in 0..batch.rows() {
            if raw {
                out.extend_from_slice(batch.extents()[row].of(block));
            }
            for (index, column) in columns.iter().enumerate() {
                if raw || index > 0 {
                    out.push(self.delimiter);
                }
                self.field(column, row, out);
            }
            out.push(b'\n');
        }
    }

    #[inline]
    fn field(&self, column: &Writer<'_>, row: usize, out: &mut Vec<u8>) {
        if column.column.is_null(row) {
            return;
        }
        match column.column.values() {
            Values::Bool(bits) => {
                out.extend_from_slice(if bits.get(row) { b"true" } else { b"false" });
            }
            Values::Int64(items) => number::write_i64(out, items[row]),
            Values::Float64(items) => number::write_f64(out, items[row]),
            Values::Decimal { mantissas, scale } => {
                number::write_decimal(out, mantissas[row], *scale);
            }
            Values::String(strings) | Values::Bytes(strings) => {
                self.text(strings.views()[row].of(column.base), out);
            }
            Values::Timestamp(items) => number::write_timestamp(out, items[row]),
            _ => unreachable!("every type of column is written"),
        }
    }

    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        let special =
            |&byte: &u8| byte == self.delimiter || byte == self.quote || matches!(byte, b'\n' | b'\r');
        if !text.is_empty() && !text.iter().any(special) {
            out.extend_from_slice(text);
            return;
        }
        out.push(self.quote);
        for &byte in text {
            if byte == self.quote {
                out.push(byte);
            }
            out.push(byte);
        }
        out.push(self.quote);
    }
}

/// A column, and the bytes that its views point into.
struct Writer<'a> {
    column: &'a Column,
    base: &'a [u8],
}

impl<'a> Writer<'a> {
    fn new(column: &'a Column) -> Self {
        Self { column, base: column.as_strings().map_or(&[], |strings| strings.base()) }
    }
}

impl Encoder for CsvEncoder {
    fn begin(&self, schema: &Schema, out: &mut Vec<u8>) {
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                out.push(self.delimiter);
            }
            self.text(field.name.as_bytes(), out);
        }
        out.push(b'\n');
    }

    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        self.rows(batch, 0, false, out);
    }

    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>) {
        self.rows(batch, first, true, out);
    }
}
