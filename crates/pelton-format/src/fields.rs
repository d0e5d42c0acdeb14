//! The values found in the records of a block, column by column, for formats whose records are
//! taken apart one after the other.

use pelton_record::{Bitmap, Block, Column, DataType, Field, Schema, Values, View};

use crate::json_escape::unescape;
use crate::parse::{Failure, Texts, quoted};

/// The view of a row without a value. No empty value may stand at the very first byte of a block.
const ABSENT: View = View { start: 0, len: 0 };

/// What a column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Anything, as text.
    Text,
    Numbers,
    Bools,
    /// Strings that are read as something else.
    Strings,
}

/// One wanted field.
#[derive(Debug)]
struct Slot {
    takes: Takes,
    /// Its name has dots, so that several readings of it may occur in one record.
    dotted: bool,
    /// Row and depth of the last value, for dotted names.
    placed: (usize, u32),
    texts: Texts,
    /// The rows whose string has escapes, ascending.
    escaped: Vec<u32>,
    /// The rows whose value is of a kind that the column does not take, ascending.
    wrong: Vec<u32>,
    /// Reads numbers or instants that are spelled as only this format does.
    reads: Option<Reads>,
}

/// Reads a whole number, or an instant in nanoseconds since 1970.
pub(crate) type Reads = fn(&[u8]) -> Option<i64>;

/// The wanted fields of the rows so far, and of the row at work.
#[derive(Debug)]
pub(crate) struct Fields {
    row: usize,
    slots: Vec<Slot>,
}

impl Fields {
    pub(crate) fn new(schema: &Schema) -> Self {
        let slots = schema.fields().iter().map(Slot::new).collect();
        Self { row: 0, slots }
    }

    /// Forgets all rows and makes room for as many as there are lines.
    pub(crate) fn start(&mut self, lines: usize) {
        self.row = 0;
        for slot in &mut self.slots {
            slot.texts.begin(lines);
            slot.texts.views.resize(lines, ABSENT);
            slot.escaped.clear();
            slot.wrong.clear();
            slot.placed = (usize::MAX, 0);
        }
    }

    /// The row at work is whole.
    #[inline]
    pub(crate) const fn keep(&mut self) {
        self.row += 1;
    }

    /// The row at work is none: takes its values back.
    #[cold]
    pub(crate) fn take_back(&mut self) {
        for slot in &mut self.slots {
            slot.forget(self.row);
            slot.placed = (usize::MAX, 0);
        }
    }

    #[inline(always)]
    pub(crate) fn null(&mut self, column: u32, depth: u32) {
        self.slots[column as usize].place(self.row, depth, ABSENT);
    }

    #[inline(always)]
    pub(crate) fn string(&mut self, column: u32, depth: u32, view: View, escaped: bool) {
        let slot = &mut self.slots[column as usize];
        if slot.place(self.row, depth, view) {
            if escaped {
                slot.escaped.push(self.row as u32);
            }
            if !matches!(slot.takes, Takes::Text | Takes::Strings) {
                slot.wrong.push(self.row as u32);
            }
        }
    }

    /// A text that is read as whatever the column's type is; one without characters is null.
    #[inline(always)]
    pub(crate) fn text(&mut self, column: u32, view: View, escaped: bool) {
        let view = if view.len == 0 { ABSENT } else { view };
        let slot = &mut self.slots[column as usize];
        if slot.place(self.row, 0, view) && escaped {
            slot.escaped.push(self.row as u32);
        }
    }

    /// Lets column `column` be read by `reads`, if its type is the one that `reads` is for.
    pub(crate) fn read_by(&mut self, column: u32, reads: Reads) {
        self.slots[column as usize].reads = Some(reads);
    }

    #[inline(always)]
    pub(crate) fn number(&mut self, column: u32, depth: u32, view: View) {
        self.place(column, depth, view, Takes::Numbers);
    }

    #[inline(always)]
    pub(crate) fn bool(&mut self, column: u32, depth: u32, view: View) {
        self.place(column, depth, view, Takes::Bools);
    }

    /// An object or array, as JSON text.
    pub(crate) fn json(&mut self, column: u32, depth: u32, view: View) {
        self.place(column, depth, view, Takes::Text);
    }

    #[inline(always)]
    fn place(&mut self, column: u32, depth: u32, view: View, kind: Takes) {
        let slot = &mut self.slots[column as usize];
        let fits = slot.takes == kind || slot.takes == Takes::Text;
        if slot.place(self.row, depth, view) && !fits {
            slot.wrong.push(self.row as u32);
        }
    }

    /// The typed column of field `index`; `failures` gets the rows that do not read as its type.
    pub(crate) fn column(
        &mut self,
        index: usize,
        block: &Block,
        field: &Field,
        failures: &mut Vec<Failure>,
    ) -> Column {
        let slot = &mut self.slots[index];
        slot.texts.views.truncate(self.row);
        if !slot.wrong.is_empty() {
            slot.refuse(block.bytes(), field, failures);
        }
        if let Some(reads) = slot.reads {
            return slot.read(block.bytes(), field, reads, failures);
        }
        if !slot.escaped.is_empty() {
            slot.unescape(block.bytes());
        }
        let texts = &mut slot.texts;
        let absent = |(row, view): (usize, &View)| (*view == ABSENT).then_some(row as u32);
        let rows = texts.views.iter().enumerate();
        texts.nulls.extend(rows.filter_map(absent));
        texts.column(block, &field.name, field.data_type, failures)
    }
}

impl Slot {
    fn new(field: &Field) -> Self {
        let takes = match field.data_type {
            DataType::Bool => Takes::Bools,
            DataType::Timestamp => Takes::Strings,
            data_type if data_type.is_numeric() => Takes::Numbers,
            _ => Takes::Text,
        };
        Self {
            takes,
            dotted: field.name.contains('.'),
            placed: (usize::MAX, 0),
            texts: Texts::default(),
            escaped: Vec::new(),
            wrong: Vec::new(),
            reads: None,
        }
    }

    /// The column by the format's own spelling of numbers or instants.
    fn read(
        &self,
        bytes: &[u8],
        field: &Field,
        reads: Reads,
        failures: &mut Vec<Failure>,
    ) -> Column {
        let Field { name, data_type } = field;
        let mut validity = Bitmap::new(self.texts.views.len(), true);
        let mut read = |(row, view): (usize, &View)| {
            let text = view.of(bytes);
            let value = reads(text);
            if *view == ABSENT {
                validity.set(row, false);
            } else if value.is_none() {
                let found = quoted(text);
                let reason = format!("column {name}: expected {data_type}, found {found}");
                failures.push((row as u32, reason));
            }
            value.unwrap_or(0)
        };
        let values = self.texts.views.iter().enumerate().map(&mut read).collect();
        let values = match data_type {
            DataType::Timestamp => Values::Timestamp(values),
            _ => Values::Int64(values),
        };
        Column::new(values, Some(validity))
    }

    /// Puts a value into a row; false when a better reading of the name has put one there.
    #[inline(always)]
    fn place(&mut self, row: usize, depth: u32, view: View) -> bool {
        if self.dotted {
            let (placed, at_depth) = self.placed;
            if placed == row && at_depth < depth {
                return false;
            }
            self.placed = (row, depth);
        }
        if self.texts.views[row] != ABSENT {
            self.forget(row);
        }
        self.texts.views[row] = view;
        true
    }

    /// Takes back the value of the last row.
    #[cold]
    fn forget(&mut self, row: usize) {
        self.texts.views[row] = ABSENT;
        self.escaped.pop_if(|last| *last as usize == row);
        self.wrong.pop_if(|last| *last as usize == row);
    }

    /// Makes the rows failures whose value is of a wrong kind.
    #[cold]
    fn refuse(&mut self, bytes: &[u8], field: &Field, failures: &mut Vec<Failure>) {
        let Field { name, data_type } = field;
        for &row in &self.wrong {
            let view = std::mem::replace(&mut self.texts.views[row as usize], ABSENT);
            let string = bytes[view.start as usize - 1] == b'"';
            let kind = if string { "the string " } else { "" };
            let found = quoted(view.of(bytes));
            let reason = format!("column {name}: expected {data_type}, found {kind}{found}");
            failures.push((row, reason));
        }
    }

    /// Moves the column to a heap in which the strings have no escapes.
    #[cold]
    fn unescape(&mut self, bytes: &[u8]) {
        let total: usize = self.texts.views.iter().map(|view| view.len as usize).sum();
        let mut heap = Vec::with_capacity(1 + total);
        // So that no value begins at byte 0.
        heap.push(b'{');
        let mut escaped = self.escaped.iter().copied().peekable();
        for (row, view) in self.texts.views.iter_mut().enumerate() {
            let has_escapes = escaped.next_if_eq(&(row as u32)).is_some();
            if *view == ABSENT {
                continue;
            }
            let (start, text) = (heap.len() as u32, view.of(bytes));
            if has_escapes {
                unescape(text, &mut heap);
            } else {
                heap.extend_from_slice(text);
            }
            *view = View::between(start, heap.len() as u32);
        }
        self.texts.heap = Some(heap);
    }
}
