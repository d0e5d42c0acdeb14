//! The unit of flow.

use std::sync::Arc;

use crate::spare::Kept;
use crate::{Bitmap, Block, Column, Rejected, RejectedKind, Schema, View, bitmap};

/// Where a batch comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Which of the inputs, counted from 0.
    pub source: u32,
    /// Position of the block among all blocks of the run, from 0 without gaps.
    pub sequence: u64,
    /// Where the block begins in its input, in bytes.
    pub byte: u64,
}

/// Rows of one block: their extents, the columns decoded so far, and what was refused.
///
/// Rows that stages make themselves (groups, say) have no block behind them and no extents.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    schema: Arc<Schema>,
    columns: Kept<Column>,
    rows: usize,
    block: Block,
    /// One for each row, or none at all.
    extents: Kept<View>,
    origin: Origin,
    /// Line ends in the block.
    lines: u64,
    rejected: Vec<Rejected>,
}

impl Batch {
    /// Rows decoded from `block`: an extent for each, and the columns of `schema`.
    ///
    /// # Panics
    ///
    /// When a column's length differs from the number of extents, or the columns' types from the
    /// schema's.
    #[must_use]
    pub fn decoded(
        schema: Arc<Schema>,
        columns: Vec<Column>,
        block: Block,
        extents: Vec<View>,
    ) -> Self {
        let rows = extents.len();
        check(&schema, &columns, rows);
        Self {
            schema,
            columns: Kept(columns),
            rows,
            block,
            extents: Kept(extents),
            ..Self::default()
        }
    }

    /// Rows without a block behind them.
    ///
    /// # Panics
    ///
    /// When the columns' lengths differ, or their types from the schema's.
    #[must_use]
    pub fn from_columns(schema: Arc<Schema>, columns: Vec<Column>) -> Self {
        let rows = columns.first().map_or(0, Column::len);
        check(&schema, &columns, rows);
        Self {
            schema,
            columns: Kept(columns),
            rows,
            ..Self::default()
        }
    }

    /// The same batch, said to come from `origin`.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The same batch, whose block holds so many line ends.
    #[must_use]
    pub fn with_lines(self, lines: u64) -> Self {
        Self { lines, ..self }
    }

    /// Line ends in the block, those of refused records and inside quotes too.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Names and types of the columns.
    #[must_use]
    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the schema's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns.0
    }

    /// Column `index`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn column(&self, index: usize) -> &Column {
        &self.columns.0[index]
    }

    /// Where the batch comes from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// The bytes that the rows were decoded from.
    #[must_use]
    pub const fn block(&self) -> &Block {
        &self.block
    }

    /// Where each row's raw bytes lie in the block, without the line end; empty for rows that a
    /// stage made.
    #[must_use]
    pub fn extents(&self) -> &[View] {
        &self.extents.0
    }

    /// The records refused so far, in no particular order.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Adds a record that never became a row.
    pub fn push_rejected(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    /// Takes out the records refused so far.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    /// Replaces the columns; the rows stay the same.
    ///
    /// # Panics
    ///
    /// When a column's length differs from the number of rows, or a type from the schema's.
    pub fn set_columns(&mut self, schema: Arc<Schema>, columns: Vec<Column>) {
        check(&schema, &columns, self.rows);
        self.schema = schema;
        self.columns = Kept(columns);
    }

    /// Takes the columns out, to put others in with [`set_columns`](Self::set_columns).
    pub fn take_columns(&mut self) -> Vec<Column> {
        std::mem::take(&mut self.columns.0)
    }

    /// Keeps the rows whose bit is set.
    ///
    /// # Panics
    ///
    /// When there is not a bit for each row.
    pub fn retain(&mut self, keep: &Bitmap) {
        assert_eq!(keep.len(), self.rows, "a bit a row");
        if keep.all() {
            return;
        }
        self.columns
            .0
            .iter_mut()
            .for_each(|column| column.retain(keep));
        if !self.extents.0.is_empty() {
            bitmap::compact(&mut self.extents.0, keep);
        }
        self.rows = keep.count_ones();
    }

    /// Refuses rows: each leaves the batch and is listed with its reason.
    ///
    /// # Panics
    ///
    /// When a row is not in the batch.
    pub fn reject(&mut self, stage: &Arc<str>, kind: RejectedKind, rows: Vec<(u32, String)>) {
        if rows.is_empty() {
            return;
        }
        let mut keep = Bitmap::new(self.rows, true);
        for (row, reason) in rows {
            let row = row as usize;
            assert!(row < self.rows, "row {row} of {}", self.rows);
            if keep.get(row) {
                let extent = self.extents.0.get(row).copied().unwrap_or_default();
                self.rejected.push(Rejected {
                    extent,
                    stage: stage.clone(),
                    kind,
                    reason,
                });
            }
            keep.set(row, false);
        }
        self.retain(&keep);
    }
}

/// The shape that every batch keeps.
fn check(schema: &Schema, columns: &[Column], rows: usize) {
    assert_eq!(schema.len(), columns.len(), "a column a field");
    for (field, column) in schema.fields().iter().zip(columns) {
        assert_eq!(
            column.len(),
            rows,
            "column {} has a value a row",
            field.name
        );
        assert_eq!(
            column.data_type(),
            field.data_type,
            "type of column {}",
            field.name
        );
    }
}
