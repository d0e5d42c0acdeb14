//! From batches to CSV.

use pelton_record::{Batch, Schema};

use super::Csv;
use crate::Encoder;
use crate::row::RowWriter;

/// Writes fields as they are, and quotes those that need it.
///
/// Null is a field without characters and the empty string is `""`, so that reading back gives
/// what was written.
#[derive(Debug)]
pub(super) struct CsvEncoder {
    delimiter: u8,
    quote: u8,
    /// Stands before a quote inside quotes, and before itself.
    escape: u8,
    header: bool,
    line_end: &'static [u8],
}

impl CsvEncoder {
    pub(super) fn new(csv: Csv) -> Self {
        let quote = csv.quote.unwrap_or(b'"');
        Self {
            delimiter: csv.delimiter,
            quote,
            escape: csv.escape.unwrap_or(quote),
            header: csv.header,
            line_end: if csv.crlf { b"\r\n" } else { b"\n" },
        }
    }

    fn rows(&self, batch: &Batch, first: usize, raw: bool, out: &mut Vec<u8>) {
        let columns: Vec<_> = batch.columns()[first..]
            .iter()
            .map(RowWriter::new)
            .collect();
        let block = batch.block().bytes();
        for row in 0..batch.rows() {
            if raw {
                out.extend_from_slice(batch.extents()[row].of(block));
            }
            for (index, column) in columns.iter().enumerate() {
                if raw || index > 0 {
                    out.push(self.delimiter);
                }
                column.write(row, out, |text, out| self.text(text, out));
            }
            out.extend_from_slice(self.line_end);
        }
    }

    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        let special = |&byte: &u8| {
            byte == self.delimiter || byte == self.quote || matches!(byte, b'\n' | b'\r')
        };
        if !text.is_empty() && !text.iter().any(special) {
            out.extend_from_slice(text);
            return;
        }
        out.push(self.quote);
        for &byte in text {
            if byte == self.quote || byte == self.escape {
                out.push(self.escape);
            }
            out.push(byte);
        }
        out.push(self.quote);
    }
}

impl Encoder for CsvEncoder {
    fn begin(&self, schema: &Schema, out: &mut Vec<u8>) {
        if !self.header {
            return;
        }
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                out.push(self.delimiter);
            }
            self.text(field.name.as_bytes(), out);
        }
        out.extend_from_slice(self.line_end);
    }

    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        self.rows(batch, 0, false, out);
    }

    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>) {
        self.rows(batch, first, true, out);
    }
}
