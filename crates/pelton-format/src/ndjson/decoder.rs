//! From a block of JSON lines to a batch.

use std::sync::Arc;

use pelton_record::{Batch, Block, Field, Origin, Rejected, RejectedKind, Schema, View};
use pelton_simd::json::{Structure, scan};

use super::fields::Fields;
use super::paths::Paths;
use super::shape::Shape;
use super::walk::Walk;
use crate::json::{Reader, is_space};
use crate::parse::quoted;
use crate::{Decoder, Limits};

/// Scans a block, walks its records one by one, and types the wanted fields column by column.
pub(super) struct NdjsonDecoder {
    limits: Limits,
    /// The wanted fields.
    schema: Arc<Schema>,
    stage: Arc<str>,
    paths: Paths,
    /// What records have looked like, learned from block to block.
    shape: Shape,
    /// Reused from block to block.
    structure: Structure,
    fields: Fields,
}

impl NdjsonDecoder {
    pub(super) fn new(limits: Limits, schema: &Schema, wanted: &[usize]) -> Self {
        let fields: Vec<Field> = wanted.iter().map(|&i| schema.fields()[i].clone()).collect();
        let paths = Paths::new(fields.iter().map(|field| field.name.as_str()));
        let schema = Schema::new(fields);
        Self {
            limits,
            shape: Shape::new(&paths),
            paths,
            structure: Structure::new(),
            fields: Fields::new(&schema),
            schema: schema.into(),
            stage: "ndjson".into(),
        }
    }

    /// Scans the block, and gives its last line an end if it has none.
    fn scan(&mut self, bytes: &[u8]) {
        scan(bytes, &mut self.structure);
        if bytes.last().is_some_and(|&byte| byte != b'\n') {
            let structure = &mut self.structure;
            structure.line_ends.push(structure.positions.len() as u32);
            structure.positions.push(bytes.len() as u32);
        }
    }

    /// Walks all lines; answers the extents of the records and what was refused.
    fn walk(&mut self, bytes: &[u8]) -> (Vec<View>, Vec<Rejected>) {
        let Structure {
            positions,
            line_ends,
            ..
        } = &self.structure;
        let mut refusals = Refusals {
            limit: self.limits.record_bytes_max,
            utf8: !self.structure.non_ascii || pelton_simd::utf8::validate(bytes).is_ok(),
            stage: &self.stage,
            rejected: Vec::new(),
        };
        self.fields.start(line_ends.len());
        let mut extents = Vec::with_capacity(line_ends.len());
        let mut walk = Walk {
            bytes,
            positions,
            next: 0,
            at: 0,
            controls: has_controls(bytes),
            escapes: self.structure.escapes,
            paths: &self.paths,
            shape: &mut self.shape,
            fields: &mut self.fields,
        };
        let (mut start, mut first) = (0, 0);
        for &last in line_ends {
            let end = positions[last as usize] as usize;
            let extent = extent(bytes, start, end);
            if refusals.admit(bytes, extent) {
                if walk.record(start, first, end).is_ok() {
                    walk.fields.keep();
                    extents.push(extent);
                } else {
                    walk.fields.take_back();
                    refusals.refuse_syntax(bytes, extent);
                }
            }
            (start, first) = (end + 1, last as usize + 1);
        }
        (extents, refusals.rejected)
    }
}

/// The line of `start .. end` without a carriage return at its end.
#[inline]
fn extent(bytes: &[u8], start: usize, end: usize) -> View {
    let returned = start < end && bytes[end - 1] == b'\r';
    View::between(start as u32, (end - usize::from(returned)) as u32)
}

/// True when `bytes` hold control characters other than newlines. Without a branch a byte, so that
/// it becomes vector code.
fn has_controls(bytes: &[u8]) -> bool {
    let found = |chunk: &[u8]| {
        chunk.iter().fold(0, |found, &byte| {
            found | u8::from(byte < 0x20) & u8::from(byte != b'\n')
        })
    };
    bytes.chunks(1024).any(|chunk| found(chunk) != 0)
}

/// The lines that are no records.
struct Refusals<'a> {
    limit: usize,
    /// All of the block is UTF-8.
    utf8: bool,
    stage: &'a Arc<str>,
    rejected: Vec<Rejected>,
}

impl Refusals<'_> {
    /// True for lines that may be records; those that are too long or no text are refused.
    #[inline]
    fn admit(&mut self, bytes: &[u8], extent: View) -> bool {
        let line = extent.of(bytes);
        if line.len() > self.limit {
            let (found, limit) = (line.len(), self.limit);
            let reason = format!("a record of {found} bytes, more than the limit of {limit}");
            self.refuse(extent, RejectedKind::TooLarge, reason);
            return false;
        }
        if !self.utf8
            && let Err(error) = std::str::from_utf8(line)
        {
            let at = error.valid_up_to();
            let found = quoted(&line[at..]);
            let reason = format!("not UTF-8 from byte {at} of the record: {found}");
            self.refuse(extent, RejectedKind::Utf8, reason);
            return false;
        }
        line.first()
            .is_some_and(|byte| *byte == b'{' || !line.iter().all(|b| is_space(*b)))
    }

    #[cold]
    fn refuse_syntax(&mut self, bytes: &[u8], extent: View) {
        let line = extent.of(bytes);
        let fault = Reader::new(line).record(&mut |_, reader| reader.value().map(drop));
        let reason = match fault {
            Err(fault) => fault.reason(line),
            Ok(()) => "not one JSON object".to_owned(),
        };
        self.refuse(extent, RejectedKind::Syntax, reason);
    }

    fn refuse(&mut self, extent: View, kind: RejectedKind, reason: String) {
        self.rejected.push(Rejected {
            extent,
            stage: self.stage.clone(),
            kind,
            reason,
        });
    }
}

impl Decoder for NdjsonDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let bytes = block.bytes();
        self.scan(bytes);
        let lines = self.structure.line_ends.len() as u64;
        let (extents, rejected) = self.walk(bytes);
        let mut failures = Vec::new();
        let fields = self.schema.fields().iter().enumerate();
        let columns = fields
            .map(|(index, field)| self.fields.column(index, &block, field, &mut failures))
            .collect();
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
