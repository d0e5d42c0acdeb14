//! From the text of a field to the value of a column, for every format that spells values out.

use pelton_record::{Bitmap, Block, Column, DataType, Strings, Values, View, spare};
use pelton_simd::number::{self, NumberError};

/// The raw text of one field in every row: where it stands, and which rows have none.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// A view a row; those of null rows are empty.
    pub views: Vec<View>,
    /// The null rows, ascending.
    pub nulls: Vec<u32>,
    /// The rows whose quotes are not around the whole field.
    pub bad_quotes: Vec<u32>,
    /// The bytes that the views point into when it is not the block: unescaped text.
    pub heap: Option<Vec<u8>>,
}

/// A row whose text does not read as the column's type, and why.
pub(crate) type Failure = (u32, String);

impl Texts {
    /// Forgets the rows and makes room for so many.
    pub(crate) fn begin(&mut self, rows: usize) {
        self.views.clear();
        self.nulls.clear();
        self.bad_quotes.clear();
        if let Some(heap) = self.heap.take() {
            spare::give(heap);
        }
        if self.views.capacity() < rows {
            spare::give(std::mem::replace(&mut self.views, spare::take(rows)));
        }
    }

    /// The typed column. A row that does not read as `data_type` gets an arbitrary value and is
    /// added to `failures`.
    pub(crate) fn column(
        &mut self,
        block: &Block,
        name: &str,
        data_type: DataType,
        failures: &mut Vec<Failure>,
    ) -> Column {
        let rows = self.views.len();
        let values = match data_type {
            DataType::String => Values::String(self.strings(block)),
            DataType::Bytes => Values::Bytes(self.strings(block)),
            _ => self.numbers(block, name, data_type, failures),
        };
        let validity = (!self.nulls.is_empty()).then(|| {
            let mut validity = Bitmap::new(rows, true);
            self.nulls
                .iter()
                .for_each(|&row| validity.set(row as usize, false));
            validity
        });
        Column::new(values, validity)
    }

    /// The rows with bad quotes as failures.
    pub(crate) fn take_bad_quotes(&mut self, name: &str) -> Vec<Failure> {
        let failure = |row| {
            (
                row,
                format!("column {name}: characters after the closing quote"),
            )
        };
        self.bad_quotes.drain(..).map(failure).collect()
    }

    fn strings(&mut self, block: &Block) -> Strings {
        let views = std::mem::take(&mut self.views);
        match self.heap.take() {
            Some(heap) => Strings::in_heap(heap, views),
            None => Strings::in_block(block.clone(), views),
        }
    }

    fn numbers(
        &self,
        block: &Block,
        name: &str,
        data_type: DataType,
        failures: &mut Vec<Failure>,
    ) -> Values {
        let base = self.heap.as_deref().unwrap_or(block.bytes());
        let mut fail = |row: u32, text: &[u8], detail: &str| {
            failures.push((row, failure(name, data_type, text, detail)));
        };
        match data_type {
            DataType::Int64 => {
                let parse = |text: &[u8]| number::parse_i64(text).ok_or("");
                Values::Int64(self.column_of(base, number::i64_column, parse, &mut fail))
            }
            DataType::Float64 => {
                let parse = |text: &[u8]| number::parse_f64(text).ok_or("");
                Values::Float64(self.column_of(base, number::f64_column, parse, &mut fail))
            }
            DataType::Decimal { scale } => {
                let kernel = |base: &[u8], views: &[View], out: &mut _, valid: &mut _| {
                    number::decimal_column(base, views, scale, out, valid);
                };
                let parse = |text: &[u8]| number::parse_decimal_scaled(text, scale).map_err(detail);
                Values::Decimal {
                    mantissas: self.column_of(base, kernel, parse, &mut fail),
                    scale,
                }
            }
            DataType::Timestamp => {
                Values::Timestamp(self.each(base, number::parse_timestamp, &mut fail))
            }
            DataType::Bool => Values::Bool(spare::bits(self.each(base, parse_bool, &mut fail))),
            other => unreachable!("{other} is no type of spelled-out values"),
        }
    }

    /// Parses the column with `kernel`, and looks again, with `parse`, at what it did not take.
    fn column_of<T: spare::Part>(
        &self,
        base: &[u8],
        kernel: impl FnOnce(&[u8], &[View], &mut Vec<T>, &mut Vec<u64>),
        parse: impl Fn(&[u8]) -> Result<T, &'static str>,
        fail: &mut dyn FnMut(u32, &[u8], &str),
    ) -> Vec<T> {
        let rows = self.views.len();
        let (mut values, mut valid) = (spare::take(rows), spare::take(rows.div_ceil(64)));
        kernel(base, &self.views, &mut values, &mut valid);
        let taken = Bitmap::from_words(valid, self.views.len());
        let mut nulls = self.nulls.iter().copied().peekable();
        if taken.count_ones() + self.nulls.len() == self.views.len() {
            return values;
        }
        for row in taken.not().ones() {
            if nulls.next_if_eq(&(row as u32)).is_some() {
                continue;
            }
            let text = self.views[row].of(base);
            match parse(text.trim_ascii()) {
                Ok(value) => values[row] = value,
                Err(detail) => fail(row as u32, text, detail),
            }
        }
        values
    }

    /// Parses every row; one that fails is tried again without the spaces around it.
    #[inline]
    fn each<T: spare::Part + Default>(
        &self,
        base: &[u8],
        parse: impl Fn(&[u8]) -> Option<T>,
        fail: &mut dyn FnMut(u32, &[u8], &str),
    ) -> Vec<T> {
        let mut nulls = self.nulls.iter().copied().peekable();
        let parse_row = |(row, view): (usize, &View)| {
            let text = view.of(base);
            if let Some(value) = parse(text) {
                return value;
            }
            let row = row as u32;
            if nulls.next_if_eq(&row).is_none() {
                match parse(text.trim_ascii()) {
                    Some(value) => return value,
                    None => fail(row, text, ""),
                }
            }
            T::default()
        };
        spare::collect(self.views.iter().enumerate().map(parse_row))
    }
}

/// `true` and `false` in any case, and the single letters.
pub(crate) fn parse_bool(text: &[u8]) -> Option<bool> {
    let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
    match text.len() {
        1 if is(b"t") => Some(true),
        1 if is(b"f") => Some(false),
        4 if is(b"true") => Some(true),
        5 if is(b"false") => Some(false),
        _ => None,
    }
}

fn detail(error: NumberError) -> &'static str {
    match error {
        NumberError::TooManyFractionDigits => {
            " (more digits after the point than the column has: declare the column in \
             source.schema with a larger scale, or as float64)"
        }
        NumberError::Overflow => " (more than 38 digits)",
        _ => "",
    }
}

/// `column quantity: expected int64, found "abc"`
fn failure(name: &str, data_type: DataType, text: &[u8], detail: &str) -> String {
    format!(
        "column {name}: expected {data_type}, found {}{detail}",
        quoted(text)
    )
}

/// The beginning of `text`, quoted, for a message.
pub(crate) fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 40;
    let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
    format!("{shown:?}{}", if text.len() > SHOWN { "…" } else { "" })
}
