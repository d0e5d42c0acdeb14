//! Lines of text.

use std::sync::Arc;

use pelton_record::{
    Batch, Block, Column, DataType, Origin, Rejected, RejectedKind, Schema, Strings, Values, View,
};
use pelton_simd::utf8;

use crate::lines::{LineFramer, copy_lines, extents};
use crate::parse::quoted;
use crate::row::RowWriter;
use crate::{Decoder, Encoder, Error, Format, Framer, Limits, Opened};

/// The text format: each line is a record with one field, `line`.
///
/// Lines end with a newline, which a carriage return may precede; the last may lack it. Written
/// are the values of all columns, with a space between them.
///
/// ```
/// use pelton_format::{Format, Text};
/// use pelton_record::{Block, Origin, Value};
///
/// let text = Text::default();
/// let schema = text.open(b"", true)?.schema;
/// let block = Block::new(b"one\n\nthree".to_vec());
/// let batch = text.decoder(&schema, &[0]).decode(block, Origin::default());
/// assert_eq!(batch.rows(), 3);
/// assert_eq!(batch.column(0).value(2), Value::String("three"));
/// # Ok::<(), pelton_format::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Bounds of a line.
    pub limits: Limits,
}

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn is_inferred(&self) -> bool {
        false
    }

    fn open(&self, _sample: &[u8], _complete: bool) -> Result<Opened, Error> {
        let schema = Schema::of([("line", DataType::String)]);
        Ok(Opened {
            schema,
            doubtful: vec![None],
            data_start: 0,
        })
    }

    fn framer(&self) -> Box<dyn Framer> {
        Box::new(LineFramer::new(self.limits.record_bytes_max))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        let fields = wanted
            .iter()
            .map(|&index| schema.fields()[index].clone())
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let limits = self.limits;
        Box::new(TextDecoder {
            limits,
            schema,
            stage: "text".into(),
            ends: Vec::new(),
        })
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(TextEncoder)
    }
}

struct TextDecoder {
    limits: Limits,
    /// One field, or none.
    schema: Arc<Schema>,
    stage: Arc<str>,
    /// Reused from block to block.
    ends: Vec<u32>,
}

impl TextDecoder {
    fn fault(&self, line: &[u8]) -> Option<(RejectedKind, String)> {
        let limit = self.limits.record_bytes_max;
        if line.len() > limit {
            let reason = format!(
                "a line of {} bytes, more than the limit of {limit}",
                line.len()
            );
            return Some((RejectedKind::TooLarge, reason));
        }
        let at = std::str::from_utf8(line).err()?.valid_up_to();
        let reason = format!(
            "not UTF-8 from byte {at} of the line: {}",
            quoted(&line[at..])
        );
        Some((RejectedKind::Utf8, reason))
    }
}

impl Decoder for TextDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let bytes = block.bytes();
        let mut views = extents(bytes, &mut self.ends);
        let lines = views.len() as u64;
        let mut rejected = Vec::new();
        let whole = utf8::validate(bytes).is_ok() && bytes.len() <= self.limits.record_bytes_max;
        if !whole {
            views.retain(|view: &View| match self.fault(view.of(bytes)) {
                None => true,
                Some((kind, reason)) => {
                    let (extent, stage) = (*view, self.stage.clone());
                    rejected.push(Rejected {
                        extent,
                        stage,
                        kind,
                        reason,
                    });
                    false
                }
            });
        }
        let line = || Values::String(Strings::in_block(block.clone(), views.clone()));
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|_| Column::new(line(), None))
            .collect();
        let batch = Batch::decoded(self.schema.clone(), columns, block, views);
        let mut batch = batch.with_origin(origin).with_lines(lines);
        rejected
            .into_iter()
            .for_each(|rejected| batch.push_rejected(rejected));
        batch
    }
}

pub(crate) struct TextEncoder;

impl Encoder for TextEncoder {
    fn begin(&self, _schema: &Schema, _out: &mut Vec<u8>) {}

    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        if let [column] = batch.columns()
            && let (Some(strings), None) = (column.as_strings(), column.validity())
        {
            return copy_lines(strings.base(), strings.views(), out);
        }
        let columns: Vec<_> = batch.columns().iter().map(RowWriter::new).collect();
        for row in 0..batch.rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                column.write(row, out, |text, out| out.extend_from_slice(text));
            }
            out.push(b'\n');
        }
    }

    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>) {
        let columns: Vec<_> = batch.columns()[first..]
            .iter()
            .map(RowWriter::new)
            .collect();
        let block = batch.block().bytes();
        if columns.is_empty() {
            return copy_lines(block, batch.extents(), out);
        }
        for (row, extent) in batch.extents().iter().enumerate() {
            out.extend_from_slice(extent.of(block));
            for column in &columns {
                out.push(b' ');
                column.write(row, out, |text, out| out.extend_from_slice(text));
            }
            out.push(b'\n');
        }
    }
}
