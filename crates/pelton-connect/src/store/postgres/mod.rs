//! Tables of PostgreSQL as a store.
//!
//! A put is one transaction: its rows by a binary COPY, straight into the table where their types
//! are the table's and there is no key, else by way of a temporary table and one insert; and its
//! positions. A connection that was lost is made again at the next put.

mod copy;
mod table;

use std::error::Error as _;
use std::fmt;
use std::io::Write;
use std::time::Duration;

use pelton_record::{Batch, Schema};
use postgres::{Client, Config, NoTls, Transaction};

use self::table::{Fault, Way};
use super::fatal;
use super::table::{Conflict, batches, check_key};
use crate::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};

/// Bytes that are handed to the connection at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where positions are kept, one row a stream.
const POSITIONS: &str = "CREATE TABLE IF NOT EXISTS pelton_positions (\
    sink text NOT NULL, stream text NOT NULL, position bigint NOT NULL, \
    PRIMARY KEY (sink, stream))";
const READ_POSITIONS: &str = "SELECT stream, position FROM pelton_positions WHERE sink = $1";
const WRITE_POSITIONS: &str = "INSERT INTO pelton_positions \
    SELECT $1, stream, position FROM unnest($2::text[], $3::bigint[]) AS moved (stream, position) \
    ON CONFLICT (sink, stream) DO UPDATE SET position = excluded.position";

/// A connection that was cut may still be at work on the server, and commit: whoever comes after
/// it waits for its end, or the positions that are read would not be the last.
const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('pelton ' || $1, 0))";
/// How long it waits.
const LOCK_WAIT: &str = "SET lock_timeout = '10s'";

/// The SQLSTATE of a lock that was waited for too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Which table a [`PostgresStore`] writes, and how.
#[derive(Clone)]
pub struct PostgresStoreOptions {
    /// The server and database: `postgres://user:password@host:5432/database`, or
    /// `host=/run/postgresql user=pelton dbname=events`.
    pub url: String,
    /// The table, with its schema before a point if it has one; it is made if it is not there.
    /// `events` by default.
    pub table: String,
    /// The name under which positions are kept, and of which there is one writer at a time: give
    /// each its own when several write one table. The table's by default.
    pub name: Option<String>,
    /// The columns that say which row is which; none by default, and every record is a row.
    pub key: Vec<String>,
    /// What becomes of a row whose key is there already.
    pub conflict: Conflict,
    /// How long making a connection may take, at most. 10 seconds by default.
    pub connect_timeout: Duration,
}

impl PostgresStoreOptions {
    /// The defaults, for the database at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            table: "events".to_owned(),
            name: None,
            key: Vec::new(),
            conflict: Conflict::default(),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for PostgresStoreOptions {
    /// Leaves out the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreOptions")
            .field("table", &self.table)
            .field("key", &self.key)
            .field("conflict", &self.conflict)
            .finish_non_exhaustive()
    }
}

/// Puts rows into a table of PostgreSQL.
///
/// # Guarantees
///
/// - A put is one transaction, with its positions: exactly once over restarts of either side. When
///   the answer to a commit is lost, the positions tell whether it happened; without positions the
///   rows come twice.
/// - A table that is there is checked when the store connects; its other columns are left alone.
///
/// # Types
///
/// | column | as |
/// |---|---|
/// | bool | `boolean` |
/// | int64 | `bigint` |
/// | float64 | `double precision` |
/// | decimal | `numeric(38, scale)` |
/// | string | `text`, which takes no NUL |
/// | bytes | `bytea` |
/// | timestamp | `timestamptz`, cut to microseconds |
///
/// Where the table has other types, values are cast to them; one that cannot be is refused.
/// Positions are in the table `pelton_positions`.
///
/// # Limits
///
/// - Connections are not encrypted: use a socket, a tunnel, or a network that is yours.
/// - It must not be called from inside an asynchronous runtime, whose thread it would block.
pub struct PostgresStore {
    options: PostgresStoreOptions,
    schema: Schema,
    config: Config,
    /// `None` until it is needed, and after it was lost.
    link: Option<Link>,
    /// The last put may have happened, though its answer was an error.
    in_doubt: bool,
}

/// A connection, with the table as it must be.
struct Link {
    client: Client,
    way: Way,
}

impl PostgresStore {
    /// A store of rows with the columns of `schema`. The server is asked when positions are asked
    /// for, or at the first put.
    ///
    /// # Errors
    ///
    /// [`Fatal`](StoreErrorKind::Fatal), when the address cannot be read, or the key is not among
    /// the columns.
    pub fn open(options: PostgresStoreOptions, schema: &Schema) -> Result<Self, StoreError> {
        let place = place(&options);
        check_key(&place, schema, &options.key)?;
        let config = options.url.parse::<Config>();
        let mut config = config.map_err(|error| fatal(&place, describe(&error)))?;
        config.connect_timeout(options.connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("pelton");
        }
        Ok(Self {
            options,
            schema: schema.clone(),
            config,
            link: None,
            in_doubt: false,
        })
    }

    fn name(&self) -> &str {
        self.options.name.as_ref().unwrap_or(&self.options.table)
    }

    fn link(&mut self) -> Result<&mut Link, Fault> {
        let link = match self.link.take() {
            Some(link) if !link.client.is_closed() => link,
            _ => self.connect()?,
        };
        Ok(self.link.insert(link))
    }

    fn connect(&self) -> Result<Link, Fault> {
        let mut client = self.config.connect(NoTls)?;
        // `IF NOT EXISTS` says what it found: nobody listens to that.
        client.batch_execute("SET client_min_messages = warning")?;
        client.batch_execute(LOCK_WAIT)?;
        client.query_one(LOCK, &[&self.name()])?;
        client.batch_execute("SET lock_timeout = 0")?;
        client.batch_execute(POSITIONS)?;
        let way = table::ensure(&mut client, &self.options, &self.schema)?;
        Ok(Link { client, way })
    }

    fn read_positions(&mut self) -> Result<Positions, Fault> {
        let name = self.name().to_owned();
        let rows = self.link()?.client.query(READ_POSITIONS, &[&name])?;
        let position = |row: &postgres::Row| (row.get(0), row.get::<_, i64>(1).cast_unsigned());
        Ok(rows.iter().map(position).collect())
    }

    /// True when a put whose answer was lost did happen.
    fn has_happened(&mut self, positions: &Positions) -> Result<bool, Fault> {
        if !self.in_doubt || positions.is_empty() {
            return Ok(false);
        }
        let reached = self.read_positions()?;
        Ok(positions
            .iter()
            .all(|(stream, position)| reached.get(stream) == Some(position)))
    }

    fn write(&mut self, batches: &[&Batch], positions: &Positions) -> Result<(), Fault> {
        if self.has_happened(positions)? {
            return Ok(());
        }
        let name = self.name().to_owned();
        let Link { client, way } = self.link()?;
        let mut transaction = client.transaction()?;
        if batches.iter().any(|batch| batch.rows() > 0) {
            copy_rows(&mut transaction, way, batches)?;
        }
        if let Way::Around { insert, .. } = way {
            transaction.batch_execute(insert)?;
        }
        if !positions.is_empty() {
            let streams: Vec<&String> = positions.keys().collect();
            let reached: Vec<i64> = positions.values().map(|at| at.cast_signed()).collect();
            transaction.execute(WRITE_POSITIONS, &[&name, &streams, &reached])?;
        }
        Ok(transaction.commit()?)
    }
}

fn copy_rows(
    transaction: &mut Transaction<'_>,
    way: &Way,
    batches: &[&Batch],
) -> Result<(), Fault> {
    let mut writer = transaction.copy_in(way.copy())?;
    let mut piece = copy::HEAD.to_vec();
    let numbered = matches!(way, Way::Around { .. });
    let mut number = 0;
    for batch in batches {
        for row in 0..batch.rows() {
            copy::write_row(batch, row, numbered.then_some(number), &mut piece);
            number += 1;
            if piece.len() >= PIECE_BYTES {
                // What went wrong is what `finish` says.
                let _ = writer.write_all(&piece);
                piece.clear();
            }
        }
    }
    piece.extend_from_slice(copy::END);
    let _ = writer.write_all(&piece);
    writer.finish()?;
    Ok(())
}

impl Store for PostgresStore {
    fn shape(&self) -> Shape {
        Shape::Rows
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        let place = place(&self.options);
        let read = self.read_positions();
        read.map_err(|fault| fault.into_error(&place))
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let place = place(&self.options);
        let schema = self.schema.clone();
        let batches = batches(&place, &schema, deliveries)?;
        let written = self.write(&batches, positions);
        let written = written.map_err(|fault| fault.into_error(&place));
        match &written {
            Ok(()) => self.in_doubt = false,
            Err(error) if error.kind() == StoreErrorKind::Refused => {}
            Err(_) => {
                self.link = None;
                self.in_doubt = true;
            }
        }
        written
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("options", &self.options)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

fn place(options: &PostgresStoreOptions) -> String {
    format!("postgres table {}", options.table)
}

/// What may be done about an error, by the class of its SQLSTATE (PostgreSQL, appendix A).
fn classify(place: &str, error: &postgres::Error) -> StoreError {
    let kind = match error.code().map(|code| code.code()) {
        // Lost, refused, or never made.
        None => StoreErrorKind::Transient,
        Some(code) => match &code[..2] {
            // Data and integrity.
            "22" | "23" | "44" => StoreErrorKind::Refused,
            // Credentials, catalogues, syntax and names, features.
            "0A" | "28" | "3D" | "3F" | "42" => StoreErrorKind::Fatal,
            _ => StoreErrorKind::Transient,
        },
    };
    StoreError::new(kind, format!("{place}: {}", describe(error)))
}

fn describe(error: &postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        let said = error.to_string();
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        return match said.contains(&cause) {
            true => said,
            false => format!("{said}: {cause}"),
        };
    };
    if said.code().code() == LOCK_NOT_AVAILABLE {
        let message = "another connection writes under this name; wait for its end, or give this \
                       writer a name of its own";
        return message.to_owned();
    }
    let detail = said
        .detail()
        .map_or_else(String::new, |detail| format!(": {detail}"));
    format!(
        "{}{detail} (SQLSTATE {})",
        said.message(),
        said.code().code()
    )
}
