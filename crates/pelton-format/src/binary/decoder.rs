//! From a block of binary records to a batch.

use std::sync::Arc;

use pelton_record::{
    Batch, Block, Column, DataType, Field, Origin, Rejected, RejectedKind, Schema, Values, View,
    spare,
};

use super::{Binary, BinaryLayout};
use crate::Decoder;
use crate::parse::{Failure, Texts, quoted};

/// What a small record takes, for the room that is asked for.
const RECORD_BYTES: usize = 64;

/// Goes from length to length, then makes each wanted column in one go.
pub(super) struct BinaryDecoder {
    format: Binary,
    /// The wanted fields.
    schema: Arc<Schema>,
    stage: Arc<str>,
}

impl BinaryDecoder {
    pub(super) fn new(format: Binary, schema: &Schema, wanted: &[usize]) -> Self {
        let fields = wanted.iter().map(|&i| schema.fields()[i].clone()).collect();
        Self {
            format,
            schema: Schema::new(fields).into(),
            stage: crate::Format::name(&format).into(),
        }
    }

    /// The records of a block, and the damaged rest if there is one.
    fn records(&self, bytes: &[u8]) -> (Vec<View>, Option<Rejected>) {
        let layout = self.format.layout;
        let (header, limit) = (layout.header(), self.format.limits.record_bytes_max);
        let mut records = spare::take(bytes.len() / RECORD_BYTES);
        let mut start = 0;
        while start < bytes.len() {
            let length = layout.payload_length(&bytes[start..]);
            match length.map(|length| start + header + length) {
                Some(end) if end <= bytes.len() && end - start <= header + limit => {
                    records.push(View::between(start as u32, end as u32));
                    start = end;
                }
                _ => {
                    let extent = View::between(start as u32, bytes.len() as u32);
                    let reason = self.damage(length, bytes.len() - start);
                    return (
                        records,
                        Some(self.rejected(extent, RejectedKind::Syntax, reason)),
                    );
                }
            }
        }
        (records, None)
    }

    #[cold]
    fn damage(&self, length: Option<usize>, rest: usize) -> String {
        let (header, limit) = (
            self.format.layout.header(),
            self.format.limits.record_bytes_max,
        );
        match length {
            None => format!("{rest} bytes where a header has {header}"),
            Some(length) if length > limit => {
                format!("a payload of {length} bytes, more than the limit of {limit}: damaged")
            }
            Some(length) => {
                let left = rest - header;
                format!("a payload of {length} bytes, of which {left} are there: damaged")
            }
        }
    }

    fn rejected(&self, extent: View, kind: RejectedKind, reason: String) -> Rejected {
        Rejected {
            extent,
            stage: self.stage.clone(),
            kind,
            reason,
        }
    }

    /// Refuses records whose payload should be text and is none.
    fn check_text(&self, bytes: &[u8], records: &mut Vec<View>, rejected: &mut Vec<Rejected>) {
        let is_text = |field: &Field| field.name == "payload" && field.data_type != DataType::Bytes;
        if !self.schema.fields().iter().any(is_text) || pelton_simd::ascii::is_ascii(bytes) {
            return;
        }
        let header = self.format.layout.header();
        records.retain(|record| {
            let payload = &record.of(bytes)[header..];
            let Err(error) = std::str::from_utf8(payload) else {
                return true;
            };
            let at = error.valid_up_to();
            let found = quoted(&payload[at..]);
            let reason = format!("not UTF-8 from byte {at} of the payload: {found}");
            rejected.push(self.rejected(*record, RejectedKind::Utf8, reason));
            false
        });
    }

    fn column(
        &self,
        block: &Block,
        field: &Field,
        records: &[View],
        failures: &mut Vec<Failure>,
    ) -> Column {
        let bytes = block.bytes();
        let events = self.format.layout == BinaryLayout::Events;
        match (field.name.as_str(), field.data_type) {
            ("id", DataType::Int64) if events => ids(bytes, records, failures),
            ("timestamp", DataType::Timestamp) if events => {
                let instants = records.iter().map(|record| number(bytes, *record, 8));
                Column::new(Values::Timestamp(spare::collect(instants)), None)
            }
            ("payload", data_type) => {
                let header = self.format.layout.header() as u32;
                let payload = |record: &View| View::between(record.start + header, record.end());
                let mut texts = Texts {
                    views: spare::collect(records.iter().map(payload)),
                    ..Texts::default()
                };
                texts.column(block, &field.name, data_type, failures)
            }
            (_, data_type) => Column::nulls(data_type, records.len()),
        }
    }
}

/// The eight bytes at `offset` of a record.
fn number(bytes: &[u8], record: View, offset: usize) -> i64 {
    let chunk = record.of(bytes)[offset..].first_chunk::<8>();
    i64::from_le_bytes(*chunk.expect("a record has a whole header"))
}

fn ids(bytes: &[u8], records: &[View], failures: &mut Vec<Failure>) -> Column {
    let ids = spare::collect(records.iter().map(|record| number(bytes, *record, 0)));
    let too_large = ids.iter().enumerate().filter(|(_, id)| **id < 0);
    failures.extend(too_large.map(|(row, id)| {
        let found = id.cast_unsigned();
        (
            row as u32,
            format!("column id: expected an id below 2^63, found {found}"),
        )
    }));
    Column::new(Values::Int64(ids), None)
}

impl Decoder for BinaryDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let bytes = block.bytes();
        let (mut records, damage) = self.records(bytes);
        let mut rejected: Vec<Rejected> = damage.into_iter().collect();
        let count = records.len() + rejected.len();
        self.check_text(bytes, &mut records, &mut rejected);
        let mut failures = Vec::new();
        let fields = self.schema.fields().iter();
        let column = |field| self.column(&block, field, &records, &mut failures);
        let columns = spare::collect(fields.map(column));
        let mut batch = Batch::decoded(self.schema.clone(), columns, block, records)
            .with_origin(origin)
            .with_lines(count as u64);
        rejected
            .into_iter()
            .for_each(|rejected| batch.push_rejected(rejected));
        batch.reject(&self.stage, RejectedKind::Value, failures);
        batch
    }
}
