//! From batches to JSON lines.

use pelton_record::{Batch, Schema, Values};

use crate::Encoder;
use crate::base64::write_base64;
use crate::json::is_space;
use crate::json_escape::write_string;
use crate::row::RowWriter;

/// Writes one object a line.
#[derive(Debug, Default)]
pub(super) struct NdjsonEncoder;

/// A column and its key, spelled out with the separator before it and the colon after it.
struct Member<'a> {
    key: Vec<u8>,
    values: &'a Values,
    writer: RowWriter<'a>,
}

impl<'a> Member<'a> {
    /// The columns of `batch` from `first` on; the very first key has no separator.
    fn all(batch: &'a Batch, first: usize) -> Vec<Self> {
        let fields = batch.schema().fields().iter().zip(batch.columns());
        let member = |(index, (field, column)): (usize, (&pelton_record::Field, &'a _))| {
            let mut key = if index == 0 { vec![] } else { vec![b','] };
            write_string(field.name.as_bytes(), &mut key);
            key.push(b':');
            let column: &pelton_record::Column = column;
            Self {
                key,
                values: column.values(),
                writer: RowWriter::new(column),
            }
        };
        fields.skip(first).enumerate().map(member).collect()
    }

    #[inline]
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key);
        if self.writer.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self.values {
            Values::Float64(items) if !items[row].is_finite() => out.extend_from_slice(b"null"),
            Values::Timestamp(_) => {
                out.push(b'"');
                self.writer.write(row, out, |_, _| {});
                out.push(b'"');
            }
            Values::Bytes(_) => self.writer.write(row, out, write_base64),
            _ => self.writer.write(row, out, write_string),
        }
    }
}

impl Encoder for NdjsonEncoder {
    fn begin(&self, _schema: &Schema, _out: &mut Vec<u8>) {}

    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        let members = Member::all(batch, 0);
        for row in 0..batch.rows() {
            out.push(b'{');
            members.iter().for_each(|member| member.write(row, out));
            out.extend_from_slice(b"}\n");
        }
    }

    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>) {
        let members = Member::all(batch, first);
        let block = batch.block().bytes();
        for (row, extent) in batch.extents().iter().enumerate() {
            let raw = extent.of(block).trim_ascii();
            match raw.split_last() {
                Some((b'}', inner)) if !members.is_empty() => {
                    out.extend_from_slice(inner);
                    if !is_empty(inner) {
                        out.push(b',');
                    }
                    members.iter().for_each(|member| member.write(row, out));
                    out.push(b'}');
                }
                _ => out.extend_from_slice(raw),
            }
            out.push(b'\n');
        }
    }
}

/// True when nothing but space follows the brace that `inner` begins with.
fn is_empty(inner: &[u8]) -> bool {
    inner.iter().skip(1).all(|byte| is_space(*byte))
}
