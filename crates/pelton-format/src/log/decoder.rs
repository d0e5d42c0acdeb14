//! From a block of log lines to a batch.

use std::sync::Arc;

use pelton_record::{Batch, Block, Field, Origin, RejectedKind, Schema, View, spare};

use super::LogPattern;
use super::pattern::{Mismatch, Name, Splitter};
use crate::fields::Fields;
use crate::lines::extents;
use crate::parse::quoted;
use crate::refusals::Refusals;
use crate::{Decoder, Limits};

/// Takes lines apart one by one, and types the wanted parts column by column.
pub(super) struct LogDecoder {
    limits: Limits,
    /// The wanted fields.
    schema: Arc<Schema>,
    stage: Arc<str>,
    splitter: Box<dyn Splitter>,
    columns: Columns,
    /// Reused from block to block.
    ends: Vec<u32>,
    fields: Fields,
}

/// Which column a part is for.
struct Columns {
    /// For each part of the pattern, its column.
    parts: Vec<Option<u32>>,
    names: Vec<Box<[u8]>>,
    /// The column that is likely to come next in a line with keys of its own.
    next: usize,
}

impl Columns {
    #[inline]
    fn of(&mut self, name: Name<'_>) -> Option<u32> {
        match name {
            Name::Part(index) => self.parts[index],
            Name::Key(key) => self.named(key),
        }
    }

    /// Lines mostly have their keys in one order.
    fn named(&mut self, key: &[u8]) -> Option<u32> {
        let predicted = self.names.get(self.next).is_some_and(|name| **name == *key);
        let column = if predicted {
            self.next
        } else {
            self.names.iter().position(|name| **name == *key)?
        };
        self.next = (column + 1) % self.names.len();
        Some(column as u32)
    }
}

impl LogDecoder {
    pub(super) fn new(
        pattern: &LogPattern,
        limits: Limits,
        schema: &Schema,
        wanted: &[usize],
    ) -> Self {
        let fields: Vec<Field> = wanted.iter().map(|&i| schema.fields()[i].clone()).collect();
        let names = fields
            .iter()
            .map(|field| field.name.as_bytes().into())
            .collect();
        let schema = Schema::new(fields);
        let parts = pattern.pattern.parts();
        let column = |name: &str| schema.fields().iter().position(|field| field.name == name);
        let columns: Vec<_> = parts
            .iter()
            .map(|part| column(&part.name).map(|index| index as u32))
            .collect();
        let mut slots = Fields::new(&schema);
        for (part, column) in parts.iter().zip(&columns) {
            if let (Some(reads), Some(column)) = (part.reads, *column)
                && part.data_type == Some(schema.fields()[column as usize].data_type)
            {
                slots.read_by(column, reads);
            }
        }
        Self {
            limits,
            stage: "log".into(),
            splitter: pattern.pattern.splitter(),
            columns: Columns {
                parts: columns,
                names,
                next: 0,
            },
            ends: Vec::new(),
            fields: slots,
            schema: schema.into(),
        }
    }

    /// Takes one line apart into the row at work.
    #[inline]
    fn split(&mut self, bytes: &[u8], line: View) -> Result<(), Mismatch> {
        let (fields, columns) = (&mut self.fields, &mut self.columns);
        self.splitter
            .split(line.of(bytes), &mut |name, view, escaped| {
                if let Some(column) = columns.of(name) {
                    let start = line.start + view.start;
                    fields.text(
                        column,
                        View {
                            start,
                            len: view.len,
                        },
                        escaped,
                    );
                }
            })
    }
}

impl Mismatch {
    /// `expected a status of three digits at byte 70 of the record, found "abc"`
    pub(super) fn reason(&self, line: &[u8]) -> String {
        let Self { at, expected } = self;
        let found = match line.get(*at..) {
            None | Some([]) => "its end".to_owned(),
            Some(rest) => quoted(rest),
        };
        format!("expected {expected} at byte {at} of the record, found {found}")
    }
}

impl Decoder for LogDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let bytes = block.bytes();
        let mut views = extents(bytes, &mut self.ends);
        let lines = views.len();
        let stage = self.stage.clone();
        let utf8 = pelton_simd::utf8::validate(bytes).is_ok();
        let mut refusals = Refusals::new(&stage, self.limits, utf8);
        self.fields.start(lines);
        views.retain(|&line| {
            if !refusals.admit(bytes, line) {
                return false;
            }
            match self.split(bytes, line) {
                Ok(()) => {
                    self.fields.keep();
                    true
                }
                Err(mismatch) => {
                    self.fields.take_back();
                    let reason = mismatch.reason(line.of(bytes));
                    refusals.refuse(line, RejectedKind::Syntax, reason);
                    false
                }
            }
        });
        let mut failures = Vec::new();
        let fields = self.schema.fields().iter().enumerate();
        let column = |(index, field)| self.fields.column(index, &block, field, &mut failures);
        let columns = spare::collect(fields.map(column));
        let rejected = refusals.into_rejected();
        let mut batch = Batch::decoded(self.schema.clone(), columns, block, views)
            .with_origin(origin)
            .with_lines(lines as u64);
        rejected
            .into_iter()
            .for_each(|rejected| batch.push_rejected(rejected));
        batch.reject(&self.stage, RejectedKind::Value, failures);
        batch
    }
}
