//! Stores: where streams of batches are put away for good.
//!
//! Each is a [`Store`](crate::stream::Store): it takes deliveries all or nothing, together with
//! the positions of the streams they came from.
//!
//! | store | takes | keeps positions | a put that is cut off |
//! |---|---|---|---|
//! | [`MemoryStore`] | either | while the process lives | – |
//! | [`StdoutStore`] | bytes | no | may have been seen in part |
//! | [`FileStore`] | bytes, or rows that it encodes itself | in a checkpoint beside the file | is taken back |
//! | `PostgresStore` (feature `postgres`) | rows | in the same transaction | is rolled back |
//! | `SqliteStore` (feature `sqlite`) | rows | in the same transaction | is rolled back |
//!
//! # Guarantees
//!
//! - A put that answered with an error left nothing behind that a reader will find later, wherever
//!   the place can take back what it holds.
//! - A message names the place, what happened there, and what to do about it.
//!
//! # Limits
//!
//! - One process writes to a place; files are locked against a second one.

#[cfg(feature = "testing")]
mod faulty;
mod file;
#[cfg(feature = "http-store")]
mod http;
mod layout;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod spool;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stdout;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod table;
mod tcp;

#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreOptions};
#[cfg(feature = "testing")]
pub use faulty::{Fault, Faults, FaultyStore};
pub use file::{Existing, FileStore, FileStoreOptions, SyncPolicy};
#[cfg(feature = "http-store")]
pub use http::{HttpStore, HttpStoreOptions};
pub use memory::{Full, MemoryRecords, MemoryStore, MemoryStoreOptions};
pub use spool::{Entry, Recovery, Spool, SpoolError, SpoolOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteStore, SqliteStoreOptions};
pub use stdout::StdoutStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use table::Conflict;
pub use tcp::{TcpStore, TcpStoreOptions};

use std::io;

use crate::Error;
use crate::stream::{StoreError, StoreErrorKind};

/// What the system said about `place`, and what may be done about it.
fn io_error(place: &str, error: &io::Error) -> StoreError {
    use io::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::NotFound
        | Kind::PermissionDenied
        | Kind::IsADirectory
        | Kind::NotADirectory
        | Kind::ReadOnlyFilesystem
        | Kind::InvalidInput
        | Kind::InvalidFilename
        | Kind::BrokenPipe => StoreErrorKind::Fatal,
        _ => StoreErrorKind::Transient,
    };
    StoreError::new(kind, Error::io(place, error).to_string())
}

fn fatal(place: &str, message: impl std::fmt::Display) -> StoreError {
    StoreError::new(StoreErrorKind::Fatal, format!("{place}: {message}"))
}

fn transient(place: &str, message: impl std::fmt::Display) -> StoreError {
    StoreError::new(StoreErrorKind::Transient, format!("{place}: {message}"))
}
