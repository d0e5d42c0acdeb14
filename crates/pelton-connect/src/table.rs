//! Rows as an aligned table, for people.

use crate::{Error, Sink};

/// Columns wider than this are cut.
const WIDTH_MAX: usize = 60;
/// Bytes of CSV from which the widths of columns are told; what comes later must make do with them.
const SAMPLE_BYTES: usize = 256 << 10;

/// Draws CSV that is written to it, with commas and a header, as a table.
///
/// Columns are as wide as the rows of the first 256 KiB need, up to 60 characters; what is longer
/// is cut, with `…` for the rest, but for numbers. So a table of any length takes bounded memory.
///
/// ```
/// use pelton_connect::{MemorySink, Sink, TableSink};
///
/// let memory = MemorySink::default();
/// let mut table = TableSink::new(Box::new(memory.clone()), vec![false, true]);
/// table.write(b"city,trips\nOslo,7\nBern,12\n")?;
/// table.commit()?;
/// let shown = String::from_utf8(memory.take()).unwrap();
/// assert_eq!(shown, "city  trips\n────  ─────\nOslo      7\nBern     12\n");
/// # Ok::<(), pelton_connect::Error>(())
/// ```
pub struct TableSink {
    inner: Box<dyn Sink>,
    /// Columns that stand to the right.
    numeric: Vec<bool>,
    /// CSV that waits for the widths to be known.
    sample: Vec<u8>,
    /// How wide columns are, once that is known.
    widths: Option<Vec<usize>>,
}

impl std::fmt::Debug for TableSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableSink")
            .field("widths", &self.widths)
            .finish_non_exhaustive()
    }
}

impl TableSink {
    /// Writes tables to `inner`; the columns that are `numeric` stand to the right.
    #[must_use]
    pub fn new(inner: Box<dyn Sink>, numeric: Vec<bool>) -> Self {
        Self {
            inner,
            numeric,
            sample: Vec::new(),
            widths: None,
        }
    }

    /// Tells the widths from the sample, and draws it.
    fn begin(&mut self) -> Result<(), Error> {
        let rows = parse(&std::mem::take(&mut self.sample));
        let columns = rows.first().map_or(0, Vec::len);
        let longest = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(longest).collect();
        let mut out = String::new();
        for (index, row) in rows.iter().enumerate() {
            line(row, &widths, &self.numeric, &mut out);
            if index == 0 {
                let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
                out.push_str(&rules.join("  "));
                out.push('\n');
            }
        }
        self.widths = Some(widths);
        self.inner.write(out.as_bytes())
    }
}

impl Sink for TableSink {
    /// Takes whole records.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(widths) = &self.widths else {
            self.sample.extend_from_slice(bytes);
            return match self.sample.len() {
                ..SAMPLE_BYTES => Ok(()),
                _ => self.begin(),
            };
        };
        let mut out = String::new();
        for mut row in parse(bytes) {
            let cells = row.iter_mut().zip(widths).zip(&self.numeric);
            // A number that is cut would be another number.
            let texts = cells.filter(|(_, numeric)| !**numeric);
            texts.for_each(|((cell, &width), _)| cut(cell, width));
            line(&row, widths, &self.numeric, &mut out);
        }
        self.inner.write(out.as_bytes())
    }

    fn commit(&mut self) -> Result<(), Error> {
        if self.widths.is_none() {
            self.begin()?;
        }
        self.inner.commit()
    }
}

fn line(row: &[String], widths: &[usize], numeric: &[bool], out: &mut String) {
    let start = out.len();
    for (column, (text, &width)) in row.iter().zip(widths).enumerate() {
        if column > 0 {
            out.push_str("  ");
        }
        let padding = " ".repeat(width.saturating_sub(text.chars().count()));
        let right = numeric.get(column).copied().unwrap_or(false);
        let (left, right) = if right {
            (padding.as_str(), "")
        } else {
            ("", padding.as_str())
        };
        out.push_str(left);
        out.push_str(text);
        out.push_str(right);
    }
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}

/// The cells of what the CSV encoder wrote.
fn parse(csv: &[u8]) -> Vec<Vec<String>> {
    let mut rows = vec![Vec::new()];
    let (mut cell, mut quoted) = (Vec::new(), false);
    let mut bytes = csv.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.next_if_eq(&b'"').is_some() => cell.push(b'"'),
            b'"' => quoted = !quoted,
            b',' if !quoted => push_cell(&mut rows, &mut cell),
            b'\n' if !quoted => {
                push_cell(&mut rows, &mut cell);
                rows.push(Vec::new());
            }
            byte => cell.push(byte),
        }
    }
    rows.pop();
    rows
}

fn push_cell(rows: &mut [Vec<String>], cell: &mut Vec<u8>) {
    let bytes = std::mem::take(cell);
    let mut text = String::from_utf8_lossy(&bytes).replace(['\n', '\r', '\t'], " ");
    cut(&mut text, WIDTH_MAX);
    if let Some(row) = rows.last_mut() {
        row.push(text);
    }
}

/// Shortens what is wider than `width`.
fn cut(text: &mut String, width: usize) {
    if text.chars().count() > width {
        *text = text
            .chars()
            .take(width.saturating_sub(1))
            .chain(['…'])
            .collect();
    }
}
