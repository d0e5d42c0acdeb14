//! Comma-separated values, by RFC 4180 and its dialects.
//!
//! What is a record does not depend on how the input is cut into blocks, and broken quoting costs
//! a bounded stretch. The rules, for a record that begins at some byte:
//!
//! 1. A field that begins with a quote ends at the next quote that is not doubled, and that quote
//!    must stand before a delimiter or a line end. Other fields hold no quotes.
//! 2. Where that does not hold, where the input ends inside quotes, or where a record with quotes
//!    grows past the record limit, the record's *first line* is refused as `quote`, and reading
//!    goes on at the next line. So a quote that is never closed costs one line, as a rule; at the
//!    worst (when a later field closes it by accident) the lines up to there, which are then
//!    refused together and are all in the dead letter.
//! 3. A record with more or fewer fields than the header is refused whole as `field_count`.
//!    Unless told to, see [`Ragged`].
//! 4. Empty lines are no records, unless there is only one column. Nor are lines that begin with
//!    the comment byte, where there is one; inside quotes it is a byte like others.
//! 5. A field without any characters is null; `""` is the empty string.
//! 6. Where there is an escape byte, it makes the byte after it stand for itself, inside quotes
//!    alone.
//!
//! The vector scan knows delimiters, quotes and newlines. A block with quotes in which an escape
//! byte or a line that begins as a comment is found goes by the strict rules instead.

mod decoder;
mod encoder;
mod framer;
mod layout;
mod ragged;
mod rules;

use std::borrow::Cow;
use std::collections::HashSet;

use pelton_record::{Field, Schema};
use pelton_simd::csv::Dialect;

pub use ragged::Ragged;

use crate::infer::Evidence;
use crate::{Cut, Decoder, Encoder, Error, Format, Framer, Limits, Opened};

use decoder::CsvDecoder;
use encoder::CsvEncoder;
use framer::CsvFramer;
use layout::Layout;
use rules::Rules;

/// The CSV format: a dialect, and whether there is a header.
///
/// ```
/// use pelton_format::{Csv, Format};
///
/// let tsv = Csv { delimiter: b'\t', ..Csv::default() };
/// let opened = tsv.open(b"id\tprice\n1\t2.50\n", true)?;
/// assert_eq!(opened.schema.to_string(), "id int64, price decimal(38,2)");
/// # Ok::<(), pelton_format::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Csv {
    /// Stands between two fields.
    pub delimiter: u8,
    /// Encloses fields that hold delimiters, quotes or newlines; `None` switches quoting off.
    pub quote: Option<u8>,
    /// Inside quotes, makes the byte after it stand for itself, be it a quote. Doubled quotes are
    /// quotes nonetheless when reading; written are escaped ones.
    pub escape: Option<u8>,
    /// Lines that begin with it are no records.
    pub comment: Option<u8>,
    /// The first record names the fields; without one they are `column_1`, `column_2`, ... A name
    /// that stands there again gets a number: `id`, `id_2`. Written when true.
    pub header: bool,
    /// What becomes of records with more or fewer fields than the header.
    pub ragged: Ragged,
    /// Lines are written with a carriage return before the newline. Both kinds are read.
    pub crlf: bool,
    /// Bounds of a record.
    pub limits: Limits,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            header: true,
            ragged: Ragged::Reject,
            crlf: false,
            limits: Limits::default(),
        }
    }
}

impl Csv {
    const fn rules(&self) -> Rules {
        Rules {
            dialect: Dialect {
                delimiter: self.delimiter,
                quote: self.quote,
            },
            escape: self.escape,
            comment: self.comment,
            record_bytes_max: self.limits.record_bytes_max,
        }
    }

    /// The whole records of a sample.
    fn sample<'a>(&self, sample: &'a [u8], complete: bool) -> &'a [u8] {
        match self.framer().cut(sample, complete) {
            Cut::Records(end) => &sample[..end],
            Cut::More | Cut::TooLarge => sample,
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn open(&self, sample: &[u8], complete: bool) -> Result<Opened, Error> {
        let start = if sample.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let records = self.sample(&sample[start..], complete);
        let mut layout = Layout::default();
        layout.fill(records, self.rules());
        let Some(first) = layout.records().first() else {
            return Err(Error::new("the input is empty: expected a header line"));
        };
        let width = first.fields();
        let first_row = layout.texts(records, 0, self.rules());
        let data_start = if self.header {
            start + layout.next_line(records, 0)
        } else {
            start
        };
        let names = if self.header {
            header_names(first_row)?
        } else {
            numbered_names(width)
        };
        let mut evidence = vec![Evidence::default(); width];
        for row in usize::from(self.header)..layout.records().len() {
            if layout.records()[row].fields() == width {
                let texts = layout.texts(records, row, self.rules());
                evidence
                    .iter_mut()
                    .zip(texts)
                    .for_each(|(evidence, text)| evidence.add(&text));
            }
        }
        let verdicts: Vec<_> = evidence.iter().map(Evidence::verdict).collect();
        let fields = names.into_iter().zip(&verdicts);
        let fields = fields.map(|(name, verdict)| Field {
            name,
            data_type: verdict.data_type,
        });
        Ok(Opened {
            schema: Schema::new(fields.collect()),
            doubtful: verdicts.iter().map(|verdict| verdict.doubtful).collect(),
            data_start,
        })
    }

    fn framer(&self) -> Box<dyn Framer> {
        Box::new(CsvFramer::new(self.rules()))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        Box::new(CsvDecoder::new(*self, schema, wanted))
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(CsvEncoder::new(*self))
    }
}

/// The header's fields as names: present, and each only once.
fn header_names(fields: Vec<Cow<'_, [u8]>>) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for (field, number) in fields.iter().zip(1..) {
        let name = std::str::from_utf8(field)
            .map_err(|_| Error::new(format!("header: name {number} is not UTF-8")))?
            .trim();
        let name = match name {
            "" => format!("column_{number}"),
            name => name.to_owned(),
        };
        names.push(name);
    }
    Ok(told_apart(names))
}

/// Gives each name that stood there before the first number that makes it another.
fn told_apart(names: Vec<String>) -> Vec<String> {
    let given: HashSet<String> = names.iter().cloned().collect();
    let mut taken = HashSet::with_capacity(names.len());
    let mut apart = |name: String| {
        if taken.insert(name.clone()) {
            return name;
        }
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut fresh = numbered.filter(|other| !given.contains(other) && !taken.contains(other));
        let other = fresh.next().unwrap_or(name);
        taken.insert(other.clone());
        other
    };
    names.into_iter().map(&mut apart).collect()
}

fn numbered_names(width: usize) -> Vec<String> {
    (1..=width)
        .map(|number| format!("column_{number}"))
        .collect()
}
