//! The stage `parse`: a column of text becomes columns.
//!
//! The values of a batch are put one behind the other, a line each, and decoded together by the
//! decoder that reads such records from files, so that text in a column and text in a file are
//! read by the same rules. A value is one record: what it is does not depend on its neighbours.

use std::sync::Arc;

use pelton_format::{Decoder, Format};
use pelton_record::{Batch, Bitmap, Block, Column, Field, Origin, Rejected, RejectedKind, Schema};
use pelton_stage::{Error, Stage};
use pelton_sync::{Mutex, PoisonError};

use crate::plan::{OnBad, ParsePlan};

/// How values are kept apart that are decoded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separation {
    /// A newline inside a value is white space, as a carriage return is.
    Space,
    /// A newline inside a value is part of it between quotes.
    Quotes,
    /// A value with a newline inside is more than one record.
    Lines,
}

/// Takes a column of text apart into columns.
pub(crate) struct Parse {
    name: Arc<str>,
    /// The index of the text.
    column: usize,
    /// Its name and the format's, for reasons.
    subject: String,
    format: Arc<dyn Format>,
    separation: Separation,
    /// The columns as the format calls them.
    fields: Schema,
    /// Where each of them goes.
    places: Vec<usize>,
    output: Arc<Schema>,
    on_bad: OnBad,
    /// Decoders that nobody is working with.
    decoders: Mutex<Vec<Box<dyn Decoder>>>,
}

/// What is wrong with the text of a row.
struct Fault {
    row: u32,
    kind: RejectedKind,
    reason: String,
}

/// Values one behind the other.
#[derive(Default)]
struct Joined {
    bytes: Vec<u8>,
    /// Where each value begins, ascending, and its row.
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// The rows whose values are not among them.
    faults: Vec<Fault>,
}

impl Joined {
    /// The row whose value holds the byte at `start`.
    fn row_at(&self, start: u32) -> u32 {
        self.rows[self.starts.partition_point(|&from| from <= start) - 1]
    }

    fn push(&mut self, row: u32, value: &[u8], separation: Separation) {
        // The bytes of a column fit into 32 bits; a block that does not would panic when made.
        self.starts.push(self.bytes.len() as u32);
        self.rows.push(row);
        let from = self.bytes.len();
        self.bytes.extend_from_slice(value);
        if separation == Separation::Space {
            let own = self.bytes[from..].iter_mut();
            own.filter(|byte| **byte == b'\n')
                .for_each(|byte| *byte = b'\r');
        }
        self.bytes.push(b'\n');
    }
}

impl Parse {
    /// Reads column `column` of batches with `input`'s columns as `format`, into `fields`.
    pub(crate) fn new(
        column: usize,
        (format, separation): (Arc<dyn Format>, Separation),
        fields: Schema,
        input: &Arc<Schema>,
        plan: &ParsePlan,
    ) -> Self {
        let mut output = input.fields().to_vec();
        let mut places = Vec::new();
        for Field { name, data_type } in fields.fields() {
            let field = Field {
                name: format!("{}{name}", plan.prefix),
                data_type: *data_type,
            };
            let there = output.iter().position(|other| other.name == field.name);
            places.push(there.unwrap_or(output.len()));
            match there {
                Some(index) => output[index] = field,
                None => output.push(field),
            }
        }
        Self {
            name: "parse".into(),
            column,
            subject: format!("`{}` as {}", input.fields()[column].name, format.name()),
            format,
            separation,
            fields,
            places,
            output: Schema::new(output).into(),
            on_bad: plan.on_bad,
            decoders: Mutex::default(),
        }
    }

    /// The same stage under another name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The names of the columns that it makes or replaces.
    pub(crate) fn made(&self) -> impl Iterator<Item = &str> {
        let fields = self.output.fields();
        self.places.iter().map(|&index| fields[index].name.as_str())
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        let mut idle = self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().unwrap_or_else(|| {
            let all: Vec<usize> = (0..self.fields.len()).collect();
            self.format.decoder(&self.fields, &all)
        })
    }

    /// Puts the values of `column` one behind the other, but for nulls and for those that would
    /// not stay apart.
    fn join(&self, column: &Column, decoder: &mut dyn Decoder) -> Joined {
        let mut joined = Joined::default();
        let Some(texts) = column.as_strings() else {
            return joined;
        };
        let base = texts.base();
        joined
            .bytes
            .reserve(texts.views().iter().map(|view| view.len as usize + 1).sum());
        for (row, view) in texts.views().iter().enumerate() {
            if column.is_null(row) {
                continue;
            }
            let (row, value) = (row as u32, without_end(view.of(base)));
            match self.is_open(value).then(|| alone(value, decoder)).flatten() {
                None => joined.push(row, value, self.separation),
                Some((kind, reason)) => joined.faults.push(Fault { row, kind, reason }),
            }
        }
        joined
    }

    /// True when `value` may be less or more than one record, and so is to be looked at alone.
    fn is_open(&self, value: &[u8]) -> bool {
        let count = |wanted| value.iter().filter(|&&byte| byte == wanted).count();
        match self.separation {
            Separation::Space => false,
            Separation::Quotes => count(b'\n') > 0 || count(b'"') % 2 == 1,
            Separation::Lines => count(b'\n') > 0,
        }
    }

    /// For each row of `batch` its row in what was decoded, and what is wrong with the others;
    /// neither for nulls.
    fn match_up(
        &self,
        rows: usize,
        mut joined: Joined,
        decoded: &mut Batch,
    ) -> (Vec<Option<u32>>, Vec<Fault>) {
        let mut found = vec![None; rows];
        let mut faults = std::mem::take(&mut joined.faults);
        for (index, extent) in decoded.extents().iter().enumerate() {
            found[joined.row_at(extent.start) as usize] = Some(index as u32);
        }
        let mut known = Bitmap::from_fn(rows, |row| found[row].is_some());
        for Rejected {
            extent,
            kind,
            reason,
            ..
        } in decoded.take_rejected()
        {
            let row = joined.row_at(extent.start);
            known.set(row as usize, true);
            faults.push(Fault { row, kind, reason });
        }
        let blank = joined.rows.iter().filter(|&&row| !known.get(row as usize));
        faults.extend(blank.map(|&row| Fault {
            row,
            kind: RejectedKind::Syntax,
            reason: "expected a record, found a blank text".to_owned(),
        }));
        (found, faults)
    }

    /// Refuses the rows at fault, in `found` too.
    fn refuse(&self, batch: &mut Batch, found: &mut Vec<Option<u32>>, faults: Vec<Fault>) {
        let mut keep = Bitmap::new(batch.rows(), true);
        for Fault { row, kind, reason } in faults {
            keep.set(row as usize, false);
            let extent = batch.extents().get(row as usize).copied();
            batch.push_rejected(Rejected {
                extent: extent.unwrap_or_default(),
                stage: self.name.clone(),
                kind,
                reason: format!("{}: {reason}", self.subject),
            });
        }
        batch.retain(&keep);
        let mut row = 0;
        found.retain(|_| {
            row += 1;
            keep.get(row - 1)
        });
    }
}

/// `value` without a line end behind it.
fn without_end(value: &[u8]) -> &[u8] {
    let line = value.strip_suffix(b"\n").unwrap_or(value);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What is wrong with `value` if it is not one record, whole and good.
#[cold]
fn alone(value: &[u8], decoder: &mut dyn Decoder) -> Option<(RejectedKind, String)> {
    let mut batch = decoder.decode(Block::new(value.to_vec()), Origin::default());
    let rejected = batch.take_rejected();
    let first = rejected
        .into_iter()
        .min_by_key(|rejected| rejected.extent.start);
    match (first, batch.rows()) {
        (Some(Rejected { kind, reason, .. }), _) => Some((kind, reason)),
        (None, 1) => None,
        (None, rows) => {
            let reason = format!("expected one record, found {rows}");
            Some((RejectedKind::Syntax, reason))
        }
    }
}

/// The values of `column` at the rows that `found` names, and null where it names none.
fn spread(column: Column, found: &[Option<u32>]) -> Column {
    let same = |(row, at): (usize, &Option<u32>)| *at == Some(row as u32);
    if column.len() == found.len() && found.iter().enumerate().all(same) {
        return column;
    }
    if column.is_empty() {
        return Column::nulls(column.data_type(), found.len());
    }
    let rows: Vec<u32> = found.iter().map(|at| at.unwrap_or(0)).collect();
    let taken = column.take(&rows);
    let valid = |row: usize| found[row].is_some() && !taken.is_null(row);
    let validity = Bitmap::from_fn(found.len(), valid);
    taken.with_validity(validity)
}

impl Stage for Parse {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let mut decoder = self.decoder();
        let mut joined = self.join(batch.column(self.column), &mut *decoder);
        let block = Block::new(std::mem::take(&mut joined.bytes));
        let mut decoded = decoder.decode(block, Origin::default());
        let (mut found, faults) = self.match_up(batch.rows(), joined, &mut decoded);
        if self.on_bad == OnBad::Reject && !faults.is_empty() {
            self.refuse(batch, &mut found, faults);
        }
        let mut columns = batch.take_columns();
        for (column, &place) in decoded.take_columns().into_iter().zip(&self.places) {
            let column = spread(column, &found);
            match columns.get_mut(place) {
                Some(old) => *old = column,
                None => columns.push(column),
            }
        }
        batch.set_columns(self.output.clone(), columns);
        let mut idle = self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(decoder);
        Ok(())
    }
}
