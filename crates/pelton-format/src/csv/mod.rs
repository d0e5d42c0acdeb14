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
//! 4. Empty lines are no records, unless there is only one column.
//! 5. A field without any characters is null; `""` is the empty string.

mod decoder;
mod encoder;
mod framer;
mod layout;

use pelton_record::{Field, Schema};
use pelton_simd::csv::Dialect;

use crate::infer::Evidence;
use crate::{Cut, Decoder, Encoder, Error, Format, Framer, Limits, Opened};

use decoder::CsvDecoder;
use encoder::CsvEncoder;
use framer::CsvFramer;
use layout::Layout;

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
    /// The first record names the fields; without one they are `column_1`, `column_2`, ...
    pub header: bool,
    /// Bounds of a record.
    pub limits: Limits,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            header: true,
            limits: Limits::default(),
        }
    }
}

impl Csv {
    fn dialect(&self) -> Dialect {
        Dialect {
            delimiter: self.delimiter,
            quote: self.quote,
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
        layout.fill(records, self.dialect(), self.limits.record_bytes_max);
        let Some(first) = layout.records().first() else {
            return Err(Error::new("the input is empty: expected a header line"));
        };
        let width = first.fields();
        let first_row = layout.texts(records, 0, self.quote);
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
                let texts = layout.texts(records, row, self.quote);
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
        Box::new(CsvFramer::new(self.dialect(), self.limits.record_bytes_max))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        Box::new(CsvDecoder::new(*self, schema, wanted))
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(CsvEncoder::new(self.delimiter, self.quote.unwrap_or(b'"')))
    }
}

/// The header's fields as names: present, and each only once.
fn header_names(fields: Vec<std::borrow::Cow<'_, [u8]>>) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let number = index + 1;
        let name = std::str::from_utf8(field)
            .map_err(|_| Error::new(format!("header: name {number} is not UTF-8")))?
            .trim();
        if names.iter().any(|other| other == name) {
            return Err(Error::new(format!(
                "header: the name `{name}` stands there twice"
            )));
        }
        names.push(if name.is_empty() {
            format!("column_{number}")
        } else {
            name.to_owned()
        });
    }
    Ok(names)
}

fn numbered_names(width: usize) -> Vec<String> {
    (1..=width)
        .map(|number| format!("column_{number}"))
        .collect()
}
