//! Sources and sinks: files, standard streams, sockets, HTTP, SQLite and Postgres.
//!
//! A [`Source`] brings numbered blocks of whole records, a [`Sink`] puts bytes away. Neither knows
//! what is in a record: where one ends is the framer's business.
//!
//! # Guarantees
//!
//! - A block is leased from the pool and goes back to it: no free block, no reading.
//! - Every byte of the input is in exactly one block, in order, or in the one report of a record
//!   that is too large.
//! - A file that a sink writes appears under its name only when it is complete; a run that fails
//!   leaves what stood there before.
//! - A file that changes its size while it is read is an error, and never kills the process, also
//!   when it is [mapped](Io::Mmap).
//! - What is [compressed](Compression) is unpacked as a stream, within the pool's budget.
//!
//! # Limits
//!
//! - Reading is sequential; blocks are handed out one at a time.
//!
//! Streams without an end go into [stores](store) instead of sinks, by what is agreed in
//! [`stream`].
//!
//! # Example
//!
//! ```
//! use pelton_connect::{Input, ReadOptions, ReadSource, Source};
//! use pelton_format::Csv;
//! use pelton_pool::{Budget, BufferPool};
//!
//! let pool = BufferPool::new(Budget::new(16 << 20));
//! let input = Input::memory("cities", b"city,trips\nOslo,7\nBern,12\n".to_vec());
//! let csv = std::sync::Arc::new(Csv::default());
//! let mut source = ReadSource::open(vec![input], csv, pool, ReadOptions::default())?;
//! assert_eq!(source.schema().to_string(), "city string, trips int64");
//!
//! let chunk = source.next_chunk()?.expect("one block");
//! assert_eq!(chunk.block.bytes(), b"Oslo,7\nBern,12\n");
//! assert!(source.next_chunk()?.is_none());
//! # Ok::<(), pelton_connect::Error>(())
//! ```
#![deny(unsafe_code)]

mod compression;
mod error;
mod file;
mod input;
mod inputs;
#[cfg(all(feature = "mmap", target_os = "linux"))]
#[allow(
    unsafe_code,
    reason = "a map can only be made and copied from by the system's calls"
)]
mod map;
#[cfg(feature = "net")]
pub mod net;
mod oneself;
mod read;
mod sample;
mod sink;
mod source;
pub mod store;
pub mod stream;
mod table;

pub use compression::{Compression, compressed};
pub use error::{Error, ErrorKind};
pub use file::Io;
pub use input::Input;
pub use inputs::inputs;
pub use read::ReadSource;
pub use sink::{FileSink, MemorySink, Sink, StdoutSink};
pub use source::{Chunk, Content, ReadOptions, Source};
pub use table::TableSink;
