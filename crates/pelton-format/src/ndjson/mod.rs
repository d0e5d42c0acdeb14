//! Newline-delimited JSON: one object a line.

mod decoder;
mod encoder;
mod infer;
mod paths;
mod shape;
mod skip;
mod walk;

use pelton_record::Schema;

use crate::json::Fault;
use crate::lines::LineFramer;
use crate::{Decoder, Encoder, Error, Format, Framer, Limits, Opened};

use decoder::NdjsonDecoder;
use encoder::NdjsonEncoder;
use infer::Sample;

/// The NDJSON format, also called JSON Lines.
///
/// Names and types come from a sample: the union of all keys in order of first appearance, nested
/// objects flattened to paths. Numbers become int64, decimal or float64 by the rules of CSV,
/// strings that are nearly all ISO 8601 instants become timestamps. An array is a string column
/// that holds its JSON text, and so is a field with values of several kinds.
///
/// Written are one object a line, keys in the order of the schema: null as `null`, timestamps as
/// RFC 3339, bytes in base 64. Floats that are infinite or not a number have no spelling in JSON
/// and become `null`. Text that happens to be JSON is written as a string all the same.
/// When columns are appended to raw records that have such a key already, the key stands there
/// twice, and the last counts.
///
/// # Rules
///
/// 1. A line is a record; lines of space alone are none. A record must be one whole JSON object
///    (RFC 8259), at most 64 levels deep, or it is refused as `syntax` with the byte where it goes
///    wrong. Its structure is always checked: brackets, colons, commas, closed strings, no control
///    characters in them. Numbers and words that nobody wants are checked by their first byte
///    only, and escapes in unwanted strings not at all.
/// 2. A column's name is a path: `user.city` is the member `city` of the object `user`, and
///    `tags.0` the first element of the array `tags`. A key that holds the dots itself goes first:
///    of several readings of a name, the one with the fewest levels counts.
/// 3. Of a path that occurs twice in a record the last value counts. Absent and `null` are null.
/// 4. A string column takes any value: a number as it is spelled, an object or array as its JSON
///    text. Other columns take what their type is spelled as: numbers for numbers, `true` and
///    `false` for bool, strings for timestamps. Anything else refuses the record as `value`.
///
/// # Example
///
/// ```
/// use pelton_format::{Format, Ndjson};
/// use pelton_record::{Block, Origin, Value};
///
/// let ndjson = Ndjson::default();
/// let text = br#"{"id": 7, "user": {"city": "Oslo"}, "tags": ["a", "b"]}"#;
/// let opened = ndjson.open(text, true)?;
/// assert_eq!(opened.schema.to_string(), "id int64, user.city string, tags string");
/// let mut decoder = ndjson.decoder(&opened.schema, &[1, 2]);
/// let batch = decoder.decode(Block::new(text.to_vec()), Origin::default());
/// assert_eq!(batch.column(0).value(0), Value::String("Oslo"));
/// assert_eq!(batch.column(1).value(0), Value::String(r#"["a", "b"]"#));
/// # Ok::<(), pelton_format::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ndjson {
    /// Bounds of a record.
    pub limits: Limits,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Format for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn is_positional(&self) -> bool {
        false
    }

    fn open(&self, sample: &[u8], complete: bool) -> Result<Opened, Error> {
        let marked = sample.starts_with(BYTE_ORDER_MARK);
        let data_start = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        let lines = whole_lines(&sample[data_start..], complete);
        let mut fields = Sample::default();
        let (mut good, mut first_fault) = (0, None);
        for (index, line) in lines.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match fields.add(line) {
                Ok(()) => good += 1,
                Err(fault) if first_fault.is_none() => first_fault = Some((index, line, fault)),
                Err(_) => {}
            }
        }
        match first_fault {
            Some((index, line, fault)) if good == 0 => Err(no_ndjson(index, line, fault)),
            _ => {
                let (schema, doubtful) = fields.schema();
                Ok(Opened {
                    schema,
                    doubtful,
                    data_start,
                })
            }
        }
    }

    fn framer(&self) -> Box<dyn Framer> {
        Box::new(LineFramer::new(self.limits.record_bytes_max))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        Box::new(NdjsonDecoder::new(self.limits, schema, wanted))
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(NdjsonEncoder)
    }
}

/// The part of a sample that is not cut off inside a line.
fn whole_lines(sample: &[u8], complete: bool) -> &[u8] {
    match pelton_simd::lines::last(sample) {
        Some(last) if !complete => &sample[..last],
        _ => sample,
    }
}

/// No line of the sample is a record: says what is wrong with the first.
fn no_ndjson(index: usize, line: &[u8], fault: Fault) -> Error {
    let hint = match line[0] {
        b'[' => " (an array? each record must be an object on a line of its own)",
        _ => "",
    };
    let (number, reason) = (index + 1, fault.reason(line));
    Error::new(format!(
        "line {number} is not a JSON object: {reason}{hint}"
    ))
}
