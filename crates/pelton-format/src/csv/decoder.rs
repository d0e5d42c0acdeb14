//! From a block of CSV to a batch.

use std::sync::Arc;

use pelton_record::{
    Batch, Block, Column, Field, Origin, Rejected, RejectedKind, Schema, View, spare,
};
use pelton_simd::utf8;

use super::Csv;
use super::Ragged;
use super::layout::{Layout, Record, without_return};
use super::rules::Rules;
use crate::Decoder;
use crate::parse::{Failure, Texts, quoted};

/// Cuts a block, checks its records, and decodes the wanted fields column by column.
pub(super) struct CsvDecoder {
    csv: Csv,
    /// Fields of a whole record.
    width: usize,
    /// Index of each wanted field in its record.
    wanted: Vec<usize>,
    /// The wanted fields.
    schema: Arc<Schema>,
    stage: Arc<str>,
    /// Reused from block to block.
    layout: Layout,
    records: Vec<Record>,
    texts: Texts,
}

impl CsvDecoder {
    pub(super) fn new(csv: Csv, schema: &Schema, wanted: &[usize]) -> Self {
        let fields: Vec<Field> = wanted.iter().map(|&i| schema.fields()[i].clone()).collect();
        Self {
            csv,
            width: schema.len(),
            wanted: wanted.to_vec(),
            schema: Schema::new(fields).into(),
            stage: "csv".into(),
            layout: Layout::new(schema.len()),
            records: Vec::new(),
            texts: Texts::default(),
        }
    }

    /// Keeps the records that are whole and says what is wrong with the others.
    fn check(&mut self, bytes: &[u8]) -> (Vec<View>, Vec<Rejected>) {
        let ascii = self.layout.is_ascii() || utf8::validate(bytes).is_ok();
        let short = bytes.len() <= self.csv.limits.record_bytes_max;
        if self.layout.is_regular() && ascii && short {
            let extents = spare::collect(self.layout.regular_extents(bytes));
            return (extents, Vec::new());
        }
        self.layout.list();
        let mut rejected = self.broken(bytes);
        let mut extents = spare::take(self.layout.records().len());
        self.records.clear();
        for &record in self.layout.records() {
            let extent = self.layout.extent(bytes, record);
            if record.fields() == self.width && ascii && short {
                self.records.push(record);
                extents.push(extent);
            } else if let Some((kind, reason)) = self.fault(record, extent.of(bytes)) {
                let stage = self.stage.clone();
                rejected.push(Rejected {
                    extent,
                    stage,
                    kind,
                    reason,
                });
            } else {
                self.records.push(record);
                extents.push(extent);
            }
        }
        (extents, rejected)
    }

    /// The lines that were refused for their quotes.
    fn broken(&self, bytes: &[u8]) -> Vec<Rejected> {
        let refuse = |&extent: &View| {
            let reason = "a quote was opened and never closed, or stands inside a field";
            let (kind, reason) = match extent.len as usize > self.csv.limits.record_bytes_max {
                true => too_large(extent.len as usize, self.csv.limits.record_bytes_max),
                false => (RejectedKind::Quote, reason.to_owned()),
            };
            Rejected {
                extent,
                stage: self.stage.clone(),
                kind,
                reason,
            }
        };
        debug_assert!(
            self.layout
                .broken()
                .iter()
                .all(|view| view.end() as usize <= bytes.len())
        );
        self.layout.broken().iter().map(refuse).collect()
    }

    /// What is wrong with a record, if anything.
    #[cold]
    fn fault(&self, record: Record, text: &[u8]) -> Option<(RejectedKind, String)> {
        let limit = self.csv.limits.record_bytes_max;
        if text.len() > limit {
            return Some(too_large(text.len(), limit));
        }
        if !self.csv.ragged.admits(record.fields(), self.width) {
            let (expected, found) = (self.width, record.fields());
            let plural = if expected == 1 { "" } else { "s" };
            let reason = format!("expected {expected} field{plural}, found {found}");
            return Some((RejectedKind::FieldCount, reason));
        }
        let at = std::str::from_utf8(text).err()?.valid_up_to();
        let reason = format!(
            "not UTF-8 from byte {at} of the record: {}",
            quoted(&text[at..])
        );
        Some((RejectedKind::Utf8, reason))
    }

    /// Decodes the wanted field at `position` for all records.
    fn column(&mut self, block: &Block, position: usize, failures: &mut Vec<Failure>) -> Column {
        let index = self.wanted[position];
        if self.layout.is_regular() {
            self.find_regular(block.bytes(), index);
        } else {
            self.texts.begin(self.records.len());
            match self.csv.ragged {
                Ragged::Reject => self.find(block.bytes(), index),
                _ => self.find_ragged(block.bytes(), index),
            }
            if self.layout.has_quotes() {
                let rows = 0..self.records.len();
                strip_quotes(&self.csv, block.bytes(), rows, &mut self.texts);
            }
        }
        let Field { name, data_type } = &self.schema.fields()[position];
        let mut bad_quotes = self.texts.take_bad_quotes(name);
        failures.append(&mut bad_quotes);
        self.texts.column(block, name, *data_type, failures)
    }

    /// Notes where field `index` stands in each record of a regular block.
    fn find_regular(&mut self, bytes: &[u8], index: usize) {
        let Self { texts, layout, .. } = self;
        let fields = layout.regular_fields(bytes, index);
        texts.begin(fields.size_hint().0);
        let nulls = &mut texts.nulls;
        texts.views.extend(fields.zip(0..).map(|(view, row)| {
            if view.len == 0 {
                nulls.push(row);
            }
            view
        }));
        strip_quotes(&self.csv, bytes, layout.quoted_rows(index), texts);
    }

    /// Notes where field `index` stands in each record.
    fn find(&mut self, bytes: &[u8], index: usize) {
        let texts = &mut self.texts;
        let last = index + 1 == self.width;
        for (row, &record) in self.records.iter().enumerate() {
            let range = self.layout.field(record, index);
            let end = if last {
                without_return(bytes, range.start, range.end)
            } else {
                range.end
            };
            if range.start == end {
                texts.nulls.push(row as u32);
            }
            texts.views.push(View::between(range.start, end));
        }
    }

    /// As [`find`](Self::find), where records may have more or fewer fields than are named.
    fn find_ragged(&mut self, bytes: &[u8], index: usize) {
        for (row, &record) in self.records.iter().enumerate() {
            let mut view = View { start: 0, len: 0 };
            if index < record.fields() {
                let range = self.layout.field(record, index);
                let last = index + 1 == record.fields();
                let end = match last {
                    true => without_return(bytes, range.start, range.end),
                    false => range.end,
                };
                view = View::between(range.start, end);
            }
            if view.len == 0 {
                self.texts.nulls.push(row as u32);
            }
            self.texts.views.push(view);
        }
    }
}

/// Narrows the quoted fields among `rows` to what is inside, and moves the column to a heap where
/// quotes are escaped.
fn strip_quotes(csv: &Csv, bytes: &[u8], rows: impl Iterator<Item = usize>, texts: &mut Texts) {
    let rules = csv.rules();
    let Some(quote) = csv.quote else { return };
    let mut escaped = false;
    for row in rows {
        let view = &mut texts.views[row];
        if view.len == 0 || bytes[view.start as usize] != quote {
            continue;
        }
        if view.len == 1 || bytes[view.end() as usize - 1] != quote {
            texts.bad_quotes.push(row as u32);
            continue;
        }
        *view = View {
            start: view.start + 1,
            len: view.len - 2,
        };
        let inner = view.of(bytes);
        escaped |= inner.contains(&quote);
        escaped |= rules.escape.is_some_and(|escape| inner.contains(&escape));
    }
    if escaped {
        texts.heap = Some(unescape_all(bytes, quote, rules, &mut texts.views));
    }
}

/// Copies all values, with doubled quotes made one, and points the views at the copies.
fn unescape_all(bytes: &[u8], quote: u8, rules: Rules, views: &mut [View]) -> Vec<u8> {
    let mut heap = spare::take(views.iter().map(|view| view.len as usize).sum());
    for view in views {
        let start = heap.len();
        let text = view.of(bytes);
        let inside = view.start > 0 && bytes[view.start as usize - 1] == quote;
        if inside {
            rules.unescape(text, &mut heap);
        } else {
            heap.extend_from_slice(text);
        }
        *view = View::between(start as u32, heap.len() as u32);
    }
    heap
}

fn too_large(found: usize, limit: usize) -> (RejectedKind, String) {
    let reason = format!("a record of {found} bytes, more than the limit of {limit}");
    (RejectedKind::TooLarge, reason)
}

impl Decoder for CsvDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let bytes = block.bytes();
        self.layout.fill(bytes, self.csv.rules());
        let lines = self.layout.lines();
        let (extents, rejected) = self.check(bytes);
        let mut failures = Vec::new();
        let wanted = 0..self.wanted.len();
        let columns = spare::collect(wanted.map(|index| self.column(&block, index, &mut failures)));
        let mut batch = Batch::decoded(self.schema.clone(), columns, block, extents)
            .with_origin(origin)
            .with_lines(lines);
        rejected
            .into_iter()
            .for_each(|rejected| batch.push_rejected(rejected));
        batch.reject(&self.stage, RejectedKind::Value, failures);
        batch
    }
}
