//! From a block of JSON lines to a batch.

use std::sync::Arc;

use pelton_record::{Batch, Block, Field, Origin, Rejected, RejectedKind, Schema, View, spare};
use pelton_simd::json::{Structure, scan};

use super::paths::Paths;
use super::shape::Shape;
use super::walk::Walk;
use crate::fields::Fields;
use crate::json::Reader;
use crate::refusals::{Refusals, extent};
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
        let utf8 = !self.structure.non_ascii || pelton_simd::utf8::validate(bytes).is_ok();
        let mut refusals = Refusals::new(&self.stage, self.limits, utf8);
        self.fields.start(line_ends.len());
        let mut extents = spare::take(line_ends.len());
        let mut walk = Walk {
            bytes,
            positions,
            next: 0,
            at: 0,
            controls: self.structure.controls,
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
                    let reason = reason(extent.of(bytes));
                    refusals.refuse(extent, RejectedKind::Syntax, reason);
                }
            }
            (start, first) = (end + 1, last as usize + 1);
        }
        (extents, refusals.into_rejected())
    }
}

/// Says what is wrong with a line that the walk gave up on.
#[cold]
fn reason(line: &[u8]) -> String {
    match Reader::new(line).record(&mut |_, reader| reader.value().map(drop)) {
        Err(fault) => fault.reason(line),
        Ok(()) => "not one JSON object".to_owned(),
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
        let column = |(index, field)| self.fields.column(index, &block, field, &mut failures);
        let columns = spare::collect(fields.map(column));
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
