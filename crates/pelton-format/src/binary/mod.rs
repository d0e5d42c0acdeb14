//! Binary records: frames of any bytes, and events with an id and a time.

mod decoder;
mod encoder;
mod framer;

use pelton_record::{DataType, Schema};

use crate::{Decoder, Encoder, Error, Format, Framer, Limits, Opened};

use decoder::BinaryDecoder;
use encoder::BinaryEncoder;
use framer::BinaryFramer;

/// What stands before each payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BinaryLayout {
    /// Its length.
    #[default]
    Frames,
    /// An id, a time and its length: the events of this engine.
    Events,
}

impl BinaryLayout {
    /// Bytes before the payload.
    const fn header(self) -> usize {
        match self {
            Self::Frames => 4,
            Self::Events => 20,
        }
    }

    /// The length of the payload of the record that `bytes` begin with, if its header is whole.
    #[inline]
    fn payload_length(self, bytes: &[u8]) -> Option<usize> {
        let header = bytes.get(..self.header())?;
        let length = header.last_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*length)).ok()
    }
}

/// The binary formats, `frames` and `events`.
///
/// Columns are `payload`, of bytes, and for events `id` int64 and `timestamp` before it. Where the
/// schema gives `payload` another type, the payload must be UTF-8 text that reads as this type.
///
/// Written as the payload are the values of all columns that are not `id` or `timestamp` of an
/// event, with a space between them. An id or timestamp that is missing or null is 0.
/// The limit is for the payload.
///
/// # Layout
///
/// All numbers are little-endian, nothing is aligned, nothing stands between two records.
///
/// | layout | bytes | what |
/// |---|---|---|
/// | frames | 0–3 | length of the payload, u32 |
/// | | 4– | payload |
/// | events | 0–7 | id, u64, below 2^63 |
/// | | 8–15 | timestamp, i64, nanoseconds since 1970-01-01T00:00:00Z |
/// | | 16–19 | length of the payload, u32 |
/// | | 20– | payload |
///
/// # Damage
///
/// A length that is above the limit, or reaches past the end of the input, cannot be right.
/// Reading goes on at the next byte from which three records in a row are possible, or all up to
/// the end of the input; the bytes before it are refused together as `syntax`. There is no
/// checksum: a length that is wrong but possible moves the framing until it meets one that is
/// impossible, and what was cut wrongly until then goes unnoticed here.
///
/// # Example
///
/// ```
/// use pelton_format::{Binary, Format};
/// use pelton_record::{Block, Origin, Value};
///
/// let frames = Binary::default();
/// let schema = frames.open(b"", true)?.schema;
/// let mut decoder = frames.decoder(&schema, &[0]);
/// let block = Block::new(b"\x02\0\0\0hi\0\0\0\0");
/// let batch = decoder.decode(block, Origin::default());
/// assert_eq!(batch.column(0).value(0), Value::Bytes(b"hi"));
/// assert_eq!(batch.rows(), 2);
/// # Ok::<(), pelton_format::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binary {
    /// What stands before each payload.
    pub layout: BinaryLayout,
    /// Bounds of a payload.
    pub limits: Limits,
}

impl Format for Binary {
    fn name(&self) -> &'static str {
        match self.layout {
            BinaryLayout::Frames => "frames",
            BinaryLayout::Events => "events",
        }
    }

    fn is_inferred(&self) -> bool {
        false
    }

    fn open(&self, _sample: &[u8], _complete: bool) -> Result<Opened, Error> {
        let payload = ("payload", DataType::Bytes);
        let schema = match self.layout {
            BinaryLayout::Frames => Schema::of([payload]),
            BinaryLayout::Events => Schema::of([
                ("id", DataType::Int64),
                ("timestamp", DataType::Timestamp),
                payload,
            ]),
        };
        Ok(Opened {
            doubtful: vec![None; schema.len()],
            schema,
            data_start: 0,
        })
    }

    fn framer(&self) -> Box<dyn Framer> {
        Box::new(BinaryFramer::new(*self))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        Box::new(BinaryDecoder::new(*self, schema, wanted))
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(BinaryEncoder::new(self.layout))
    }
}
