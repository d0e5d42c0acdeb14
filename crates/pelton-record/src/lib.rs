//! The data model: blocks of bytes, batches of rows, columns of values, rejected records.
//!
//! A [`Block`] is a run of bytes that holds whole records. A decoder cuts it into a [`Batch`]: the
//! extent of each record in the block, and one [`Column`] for each field that the plan asked for.
//! Stages work on batches, a column at a time; a record that fails leaves the batch as a
//! [`Rejected`] that says where it stood and why.
//!
//! # Guarantees
//!
//! - All columns of a batch, and the extents of its records, have one length: the number of rows.
//! - Text is valid UTF-8 in every [`Values::String`] column: decoders check, builders take `str`.
//! - Decimals are exact: a 128-bit mantissa and a scale, never a float.
//!
//! # Limits
//!
//! - A block is shorter than 4 GiB, because positions inside it are 32 bits wide.
//! - A decimal has at most 38 digits; operations that need more answer `None`.
//!
//! # Example
//!
//! ```
//! use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Value};
//!
//! let schema = Schema::of([("city", DataType::String), ("trips", DataType::Int64)]);
//! let columns = vec![Column::strings(["Oslo", "Bern"]), Column::int64([7, 12])];
//! let mut batch = Batch::from_columns(schema.into(), columns);
//!
//! batch.retain(&Bitmap::from_fn(2, |row| batch.column(1).value(row) > Value::Int64(10)));
//! assert_eq!(batch.rows(), 1);
//! assert_eq!(batch.column(0).value(0), Value::String("Bern"));
//! ```
#![forbid(unsafe_code)]

mod batch;
mod bitmap;
mod block;
mod column;
mod decimal;
mod rejected;
mod schema;
pub mod spare;
mod strings;
mod value;

pub use batch::{Batch, Origin};
pub use bitmap::Bitmap;
pub use block::Block;
pub use column::{Column, Values};
pub use decimal::Decimal;
pub use rejected::{Rejected, RejectedKind};
pub use schema::{DataType, Field, ParseTypeError, Schema, nearest};
pub use strings::{Strings, View};
pub use value::Value;
