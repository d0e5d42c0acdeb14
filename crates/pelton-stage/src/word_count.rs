//! Lines, words and bytes of a column of text.

use std::any::Any;
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Schema, Strings};
use pelton_simd::words;

use crate::fold::own;
use crate::{Error, Fold, FoldState};

/// Counts lines, words and bytes of a column of text, a line each row.
///
/// Words are what white space separates, as Unicode has it. Bytes are those that the lines take
/// when they are written with a newline each. Where the lines lie side by side, as they do in a
/// block of text, all of them are counted in one pass over its bytes.
///
/// ```
/// use pelton_pool::Budget;
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Fold, WordCount};
///
/// let schema = Schema::of([("line", DataType::String)]).into();
/// let count = WordCount::new("line", &schema)?;
/// let mut state = count.state(&Budget::unlimited());
/// state.fold(&mut Batch::from_columns(schema, vec![Column::strings(["one two", "three"])]))?;
///
/// let counts = state.finish()?.next().unwrap()?;
/// assert_eq!(counts.schema().to_string(), "lines int64, words int64, bytes int64");
/// assert_eq!([0, 1, 2].map(|index| counts.column(index).value(0)), [2, 3, 14].map(Value::Int64));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WordCount {
    name: Arc<str>,
    column: usize,
    output: Arc<Schema>,
}

impl WordCount {
    /// Counts the column `column` of batches with `input`'s columns.
    ///
    /// # Errors
    ///
    /// When the column is unknown or not text.
    pub fn new(column: &str, input: &Arc<Schema>) -> Result<Self, Error> {
        let figures = ["lines", "words", "bytes"].map(|name| (name, DataType::Int64));
        Ok(Self {
            name: "wordcount".into(),
            column: crate::text::column_of(column, input)?,
            output: Schema::of(figures).into(),
        })
    }

    /// The same under another name in reports and errors; it is `wordcount` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

impl Fold for WordCount {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn state(&self, _: &Budget) -> Box<dyn FoldState> {
        Box::new(State {
            count: self.clone(),
            lines: 0,
            words: 0,
            bytes: 0,
        })
    }
}

struct State {
    count: WordCount,
    lines: u64,
    words: u64,
    bytes: u64,
}

impl FoldState for State {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let column = batch.column(self.count.column);
        self.lines += batch.rows() as u64;
        self.bytes += batch.rows() as u64;
        if let Some(lines) = column.as_strings().filter(|_| column.validity().is_none()) {
            self.bytes += length(lines);
            self.words += count(lines) as u64;
            return Ok(());
        }
        for row in 0..batch.rows() {
            if let pelton_record::Value::String(line) = column.value(row) {
                self.bytes += line.len() as u64;
                self.words += words::count(line.as_bytes()) as u64;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error> {
        let other: Self = own(other);
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
        Ok(())
    }

    fn finish(
        self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        let figures = [self.lines, self.words, self.bytes];
        let columns = figures.map(|figure| Column::int64([figure as i64]));
        let batch = Batch::from_columns(self.count.output.clone(), columns.into());
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn length(lines: &Strings) -> u64 {
    lines.views().iter().map(|view| u64::from(view.len)).sum()
}

/// The words of all lines.
fn count(lines: &Strings) -> usize {
    let base = lines.base();
    match side_by_side(lines, base) {
        Some(all) => words::count(all),
        None => lines.iter().map(words::count).sum(),
    }
}

/// The bytes from the first line to the last, when nothing stands between two of them but a line
/// end.
fn side_by_side<'a>(lines: &Strings, base: &'a [u8]) -> Option<&'a [u8]> {
    let (first, others) = lines.views().split_first()?;
    let mut end = first.end() as usize;
    for view in others {
        if !matches!(base.get(end..view.start as usize)?, b"\n" | b"\r\n") {
            return None;
        }
        end = view.end() as usize;
    }
    base.get(first.start as usize..end)
}
