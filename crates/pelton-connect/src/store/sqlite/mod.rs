//! Tables of SQLite as a store.
//!
//! One connection, in WAL mode: readers are not in the way. A put is one transaction that holds
//! its rows and its positions. Rows go in by prepared statements of many rows each.

mod rows;
mod table;

use std::fmt;
use std::time::Duration;

use pelton_record::Schema;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi};

use super::table::{Conflict, batches, check_key};
use super::{SyncPolicy, fatal};
use crate::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};

/// Where positions are kept, one row a stream.
const POSITIONS: &str = "CREATE TABLE IF NOT EXISTS pelton_positions (\
    sink TEXT NOT NULL, stream TEXT NOT NULL, position INTEGER NOT NULL, \
    PRIMARY KEY (sink, stream)) WITHOUT ROWID";
const READ_POSITIONS: &str = "SELECT stream, position FROM pelton_positions WHERE sink = ?1";
const WRITE_POSITION: &str = "INSERT INTO pelton_positions VALUES (?1, ?2, ?3) \
    ON CONFLICT (sink, stream) DO UPDATE SET position = excluded.position";

/// Which table a [`SqliteStore`] writes, and how.
#[derive(Clone, Debug)]
pub struct SqliteStoreOptions {
    /// The database's file; it is made if it is not there, its folder is not.
    pub path: String,
    /// The table; it is made if it is not there. `events` by default.
    pub table: String,
    /// The columns that say which row is which; none by default, and every record is a row.
    pub key: Vec<String>,
    /// What becomes of a row whose key is there already.
    pub conflict: Conflict,
    /// When what was committed is forced to the disk. [`SyncPolicy::Commit`] waits for it at each
    /// put; under the others a power failure may undo the last puts, but harms nothing. Never by
    /// default.
    pub sync: SyncPolicy,
    /// How long a lock of another connection is waited for before the put answers that it is busy.
    /// 5 seconds by default.
    pub busy: Duration,
}

impl SqliteStoreOptions {
    /// The defaults, for the database in the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            table: "events".to_owned(),
            key: Vec::new(),
            conflict: Conflict::default(),
            sync: SyncPolicy::default(),
            busy: Duration::from_secs(5),
        }
    }
}

/// Puts rows into a table of SQLite.
///
/// # Guarantees
///
/// - A put is one transaction, with its positions: exactly once over restarts, a `kill -9` at any
///   moment included; with [`SyncPolicy::Commit`] over power failures too.
/// - A table that is there is checked when the store opens; its other columns are left alone.
///
/// # Types
///
/// | column | as |
/// |---|---|
/// | bool | `INTEGER`, 0 or 1 |
/// | int64 | `INTEGER` |
/// | float64 | `REAL`; what is not a number becomes null |
/// | decimal, string | `TEXT` |
/// | bytes | `BLOB` |
/// | timestamp | `INTEGER`, nanoseconds since 1970 |
///
/// Positions are in the table `pelton_positions`, under the name of the table that they go with.
///
/// ```
/// use pelton_connect::store::{SqliteStore, SqliteStoreOptions};
/// use pelton_connect::stream::{Delivery, Positions, Store};
/// use pelton_record::{Batch, Column, DataType, Schema};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("trips.db").display().to_string();
/// let schema = Schema::of([("city", DataType::String), ("trips", DataType::Int64)]);
/// let options = SqliteStoreOptions { key: vec!["city".into()], ..SqliteStoreOptions::new(path) };
/// let mut store = SqliteStore::open(options, &schema)?;
///
/// let columns = vec![Column::strings(["Oslo", "Bern", "Oslo"]), Column::int64([7, 12, 8])];
/// let rows = [Delivery::Rows(Batch::from_columns(schema.into(), columns))];
/// store.put(&rows, &Positions::from([("tail".to_owned(), 30)]))?;
/// assert_eq!(store.positions()?["tail"], 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteStore {
    options: SqliteStoreOptions,
    schema: Schema,
    /// `None` until it is needed, and after an error that may be the connection's.
    connection: Option<Connection>,
}

impl SqliteStore {
    /// A store of rows with the columns of `schema`. The file is opened, and the table looked at,
    /// when positions are asked for, or at the first put.
    ///
    /// # Errors
    ///
    /// [`Fatal`](StoreErrorKind::Fatal), when the key is not among the columns.
    pub fn open(options: SqliteStoreOptions, schema: &Schema) -> Result<Self, StoreError> {
        check_key(&options.path, schema, &options.key)?;
        Ok(Self {
            options,
            schema: schema.clone(),
            connection: None,
        })
    }

    /// The open connection, with the table as it must be.
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.connect()?);
        }
        let lost = || fatal(&self.options.path, "has no connection");
        self.connection.as_mut().ok_or_else(lost)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let failed = |error| classify(&self.options.path, &error);
        let connection = Connection::open(&self.options.path).map_err(failed)?;
        self.prepare(&connection).map_err(failed)?;
        table::ensure(&connection, &self.options, &self.schema)?;
        Ok(connection)
    }

    fn prepare(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(self.options.busy)?;
        connection.set_prepared_statement_cache_capacity(8);
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = match self.options.sync {
            SyncPolicy::Commit => "full",
            _ => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.execute_batch(POSITIONS)
    }

    fn read_positions(&mut self) -> Result<Positions, StoreError> {
        let (path, table) = (self.options.path.clone(), self.options.table.clone());
        let read = |connection: &Connection| {
            let mut statement = connection.prepare_cached(READ_POSITIONS)?;
            let rows = statement.query_map([&table], |row| {
                let position: i64 = row.get(1)?;
                Ok((row.get(0)?, position.cast_unsigned()))
            })?;
            rows.collect::<rusqlite::Result<Positions>>()
        };
        read(self.connection()?).map_err(|error| classify(&path, &error))
    }

    fn write(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let options = self.options.clone();
        let schema = self.schema.clone();
        let batches = batches(&options.path, &schema, deliveries)?;
        let connection = self.connection()?;
        let write = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for batch in batches {
                rows::insert(&transaction, &options, batch)?;
            }
            for (stream, position) in positions {
                let mut statement = transaction.prepare_cached(WRITE_POSITION)?;
                statement.execute((&options.table, stream, position.cast_signed()))?;
            }
            transaction.commit()
        };
        write().map_err(|error| classify(&options.path, &error))
    }
}

impl Store for SqliteStore {
    fn shape(&self) -> Shape {
        Shape::Rows
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        self.read_positions()
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let written = self.write(deliveries, positions);
        if matches!(&written, Err(error) if error.kind() == StoreErrorKind::Fatal) {
            // Whatever is mended, is looked at anew.
            self.connection = None;
        }
        written
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("options", &self.options)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// What may be done about an error of SQLite.
fn classify(path: &str, error: &rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            StoreErrorKind::Refused
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged,
        ) => StoreErrorKind::Transient,
        _ => StoreErrorKind::Fatal,
    };
    StoreError::new(kind, format!("{path}: {}", describe(error)))
}

/// SQLite's own words; they name tables and columns.
fn describe(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqliteFailure(code, None) => ffi::code_to_str(code.extended_code).into(),
        other => other.to_string(),
    }
}
