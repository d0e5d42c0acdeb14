//! The table: made, or checked; and the statements that fill it.

use pelton_record::{DataType, Field, Schema};
use postgres::Client;

use super::super::table::{list, names, on_conflict, quoted, quoted_table};
use super::PostgresStoreOptions;
use crate::stream::{StoreError, StoreErrorKind};

/// Where rows wait for their insert; it is this connection's alone, and empty between puts.
const WAITING: &str = "pelton_rows";
/// The number of a row in its put.
const NUMBER: &str = "pelton_number";

const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, atttypmod), \
    attnotnull AND NOT atthasdef AND attidentity = '' \
    FROM pg_attribute WHERE attrelid = to_regclass($1)::oid AND attnum > 0 \
    AND NOT attisdropped ORDER BY attnum";

/// A column that is there.
struct Found {
    name: String,
    declared: String,
    /// A row must say what is in it.
    required: bool,
}

/// How rows get into the table.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Straight, by a COPY: nothing is converted, and nobody is in the way.
    Straight { copy: String },
    /// By way of a table of this connection.
    Around { copy: String, insert: String },
}

impl Way {
    pub(super) fn copy(&self) -> &str {
        let (Self::Straight { copy } | Self::Around { copy, .. }) = self;
        copy
    }
}

/// Why there is no way.
pub(super) enum Fault {
    Server(postgres::Error),
    Table(String),
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl Fault {
    pub(super) fn into_error(self, place: &str) -> StoreError {
        match self {
            Self::Server(error) => super::classify(place, &error),
            Self::Table(message) => {
                StoreError::new(StoreErrorKind::Fatal, format!("{place}: {message}"))
            }
        }
    }
}

/// Makes the table, or finds out how rows of `schema` get into the one that is there.
pub(super) fn ensure(
    client: &mut Client,
    options: &PostgresStoreOptions,
    schema: &Schema,
) -> Result<Way, Fault> {
    let mut found = columns(client, options)?;
    if found.is_empty() {
        client.batch_execute(&creation(options, schema))?;
        found = columns(client, options)?;
    }
    check(&found, schema).map_err(Fault::Table)?;
    let table = quoted_table(&options.table);
    let same = schema
        .fields()
        .iter()
        .all(|field| declared(field, &found) == type_of(field));
    if options.key.is_empty() && same {
        let columns = list(names(schema));
        let copy = format!("COPY {table} ({columns}) FROM STDIN BINARY");
        return Ok(Way::Straight { copy });
    }
    client.batch_execute(&waiting(schema))?;
    let insert = insert(options, schema, &found);
    // Says at once what could not be converted, and whether there is such a key.
    client.batch_execute(&format!("EXPLAIN {insert}"))?;
    let copy = format!("COPY pg_temp.{WAITING} FROM STDIN BINARY");
    Ok(Way::Around { copy, insert })
}

fn columns(client: &mut Client, options: &PostgresStoreOptions) -> Result<Vec<Found>, Fault> {
    let rows = client.query(COLUMNS, &[&quoted_table(&options.table)])?;
    let found = rows.iter().map(|row| Found {
        name: row.get(0),
        declared: row.get(1),
        required: row.get(2),
    });
    Ok(found.collect())
}

fn creation(options: &PostgresStoreOptions, schema: &Schema) -> String {
    let mut parts: Vec<String> = schema.fields().iter().map(declaration).collect();
    if !options.key.is_empty() {
        let key = list(options.key.iter().map(String::as_str));
        parts.push(format!("PRIMARY KEY ({key})"));
    }
    let table = quoted_table(&options.table);
    format!("CREATE TABLE IF NOT EXISTS {table} ({})", parts.join(", "))
}

fn declaration(field: &Field) -> String {
    format!("{} {}", quoted(&field.name), type_of(field))
}

/// The type that holds a column's values as they are, spelled as Postgres does.
fn type_of(field: &Field) -> String {
    match field.data_type {
        DataType::Bool => "boolean".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double precision".to_owned(),
        DataType::Decimal { scale } => format!("numeric(38,{scale})"),
        DataType::Bytes => "bytea".to_owned(),
        DataType::Timestamp => "timestamp with time zone".to_owned(),
        _ => "text".to_owned(),
    }
}

fn declared<'a>(field: &Field, found: &'a [Found]) -> &'a str {
    let column = found.iter().find(|column| column.name == field.name);
    column.map_or("", |column| column.declared.as_str())
}

fn check(found: &[Found], schema: &Schema) -> Result<(), String> {
    for name in names(schema) {
        if !found.iter().any(|column| column.name == name) {
            let there: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
            return Err(format!(
                "has no column {name}, which records bring; it has {}: select those, or add the \
                 column",
                there.join(", ")
            ));
        }
    }
    let unknown = |column: &&Found| !names(schema).any(|name| name == column.name);
    match found.iter().filter(unknown).find(|column| column.required) {
        Some(column) => Err(format!(
            "column {} must be filled, and records do not bring it; give it a default",
            column.name
        )),
        None => Ok(()),
    }
}

fn waiting(schema: &Schema) -> String {
    let columns: Vec<String> = schema.fields().iter().map(declaration).collect();
    let columns = columns.join(", ");
    format!("CREATE TEMP TABLE {WAITING} ({columns}, {NUMBER} bigint) ON COMMIT DELETE ROWS")
}

/// From the rows that wait into the table. One statement may not touch a row twice, so that of
/// rows with one key only the last is taken for an upsert.
fn insert(options: &PostgresStoreOptions, schema: &Schema, found: &[Found]) -> String {
    let cast = |field: &Field| format!("{}::{}", quoted(&field.name), declared(field, found));
    let casts: Vec<String> = schema.fields().iter().map(cast).collect();
    let behind = on_conflict(schema, &options.key, options.conflict);
    let (mut distinct, mut order) = (String::new(), NUMBER.to_owned());
    if behind.contains("DO UPDATE") {
        let key = list(options.key.iter().map(String::as_str));
        distinct = format!("DISTINCT ON ({key}) ");
        order = format!("{key}, {NUMBER} DESC");
    }
    format!(
        "INSERT INTO {} ({}) SELECT {distinct}{} FROM pg_temp.{WAITING} ORDER BY {order}{behind}",
        quoted_table(&options.table),
        list(names(schema)),
        casts.join(", ")
    )
}
