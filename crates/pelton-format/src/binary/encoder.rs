//! From batches to binary records.

use pelton_record::{Batch, Column, Schema, Values};

use super::BinaryLayout;
use crate::Encoder;
use crate::row::RowWriter;

/// Writes a header and a payload a row.
#[derive(Debug)]
pub(super) struct BinaryEncoder {
    layout: BinaryLayout,
}

/// The columns of a batch by what becomes of them.
#[derive(Default)]
struct Parts<'a> {
    id: Option<&'a Column>,
    timestamp: Option<&'a Column>,
    payload: Vec<RowWriter<'a>>,
}

impl BinaryEncoder {
    pub(super) const fn new(layout: BinaryLayout) -> Self {
        Self { layout }
    }

    fn parts<'a>(&self, batch: &'a Batch) -> Parts<'a> {
        let mut parts = Parts::default();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            match field.name.as_str() {
                "id" if self.layout == BinaryLayout::Events => parts.id = Some(column),
                "timestamp" if self.layout == BinaryLayout::Events => {
                    parts.timestamp = Some(column);
                }
                _ => parts.payload.push(RowWriter::new(column)),
            }
        }
        parts
    }
}

/// The number of a row, 0 when there is none.
fn number(column: Option<&Column>, row: usize) -> i64 {
    match column
        .filter(|column| !column.is_null(row))
        .map(Column::values)
    {
        Some(Values::Int64(items) | Values::Timestamp(items)) => items[row],
        _ => 0,
    }
}

/// Puts the length of what follows `header_end` into the four bytes before it.
///
/// # Panics
///
/// When a payload is 4 GiB or longer.
fn fill_length(out: &mut [u8], header_end: usize) {
    let length = u32::try_from(out.len() - header_end).expect("a payload is shorter than 4 GiB");
    out[header_end - 4..header_end].copy_from_slice(&length.to_le_bytes());
}

impl Encoder for BinaryEncoder {
    fn begin(&self, _schema: &Schema, _out: &mut Vec<u8>) {}

    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        let parts = self.parts(batch);
        for row in 0..batch.rows() {
            if self.layout == BinaryLayout::Events {
                out.extend_from_slice(&number(parts.id, row).to_le_bytes());
                out.extend_from_slice(&number(parts.timestamp, row).to_le_bytes());
            }
            out.extend_from_slice(&[0; 4]);
            let header_end = out.len();
            for (index, column) in parts.payload.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                column.write(row, out, |text, out| out.extend_from_slice(text));
            }
            fill_length(out, header_end);
        }
    }

    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>) {
        let columns: Vec<_> = batch.columns()[first..]
            .iter()
            .map(RowWriter::new)
            .collect();
        let block = batch.block().bytes();
        for (row, extent) in batch.extents().iter().enumerate() {
            let header_end = out.len() + self.layout.header();
            out.extend_from_slice(extent.of(block));
            for column in &columns {
                out.push(b' ');
                column.write(row, out, |text, out| out.extend_from_slice(text));
            }
            if !columns.is_empty() {
                fill_length(out, header_end);
            }
        }
    }
}
