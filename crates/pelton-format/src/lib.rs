//! Framing, decoding and encoding of records: CSV, NDJSON, logs, text and binary.
//!
//! A [`Format`] is the one place that knows how records of a kind look. It makes the three parts
//! that a run needs: a [`Framer`] cuts raw input into blocks of whole records, a [`Decoder`] turns
//! a block into a batch with the columns that are wanted, an [`Encoder`] writes batches.
//!
//! | format | records | columns |
//! |---|---|---|
//! | [`Csv`] | RFC 4180 and its dialects | those of the header |
//! | [`Ndjson`] | one JSON object a line | keys of a sample, or any path asked for |
//! | [`Log`] | access logs, syslog, logfmt, dissect patterns, regular expressions | those of the [pattern](LogPattern) |
//! | [`Text`] | lines | `line` |
//! | [`Binary`] | length and payload, or id, time, length and payload ([byte by byte](Binary#layout)) | `id`, `timestamp`, `payload` |
//!
//! # Guarantees
//!
//! - What comes out does not depend on how the input was cut into blocks.
//! - A record that is not what it should be becomes a
//!   [`Rejected`](pelton_record::Rejected); its neighbours are not touched. Nothing panics on data.
//! - Fields that nobody wants are never looked at, beyond what it takes to find their ends.
//!
//! # Limits
//!
//! - Text formats are UTF-8; records with other bytes are refused.
//! - A record is at most [`Limits::record_bytes_max`] long, 1 MiB unless told otherwise.
//!
//! # Example
//!
//! ```
//! use pelton_format::{Csv, Format};
//! use pelton_record::{Block, Origin, Value};
//!
//! let csv = Csv::default();
//! let text = b"city,trips\nOslo,7\nBern,many\nRome,12\n";
//! let opened = csv.open(text, true)?;
//! assert_eq!(opened.schema.to_string(), "city string, trips string");
//! let mut decoder = csv.decoder(&opened.schema, &[0]);
//! let batch = decoder.decode(Block::new(text[opened.data_start..].to_vec()), Origin::default());
//! assert_eq!(batch.column(0).value(2), Value::String("Rome"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod base64;
mod binary;
mod csv;
mod error;
mod fields;
mod format;
mod infer;
mod json;
mod json_escape;
mod lines;
mod log;
mod ndjson;
mod parse;
mod refusals;
mod row;
mod text;

pub use binary::{Binary, BinaryLayout};
pub use csv::{Csv, Ragged};
pub use error::Error;
pub use format::{Cut, Decoder, Encoder, Format, Framer, Limits, Opened};
pub use log::{Log, LogPattern};
pub use ndjson::Ndjson;
pub use text::Text;

/// The example of the README, kept running.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
