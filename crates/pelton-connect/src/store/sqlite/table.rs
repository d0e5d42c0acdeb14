//! The table: made, or checked.

use pelton_record::{DataType, Field, Schema};
use rusqlite::Connection;

use super::super::fatal;
use super::super::table::{list, names, quoted, quoted_table};
use super::{SqliteStoreOptions, classify};
use crate::stream::StoreError;

const COLUMNS: &str = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1)";

/// A column that is there.
struct Found {
    name: String,
    declared: String,
    /// A row must say what is in it.
    required: bool,
}

/// What SQLite makes of values in a column, by the words of its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// Makes the table, or sees to it that rows of `schema` go into the one that is there.
pub(super) fn ensure(
    connection: &Connection,
    options: &SqliteStoreOptions,
    schema: &Schema,
) -> Result<(), StoreError> {
    let failed = |error| classify(&options.path, &error);
    let found = columns(connection, &options.table).map_err(failed)?;
    if found.is_empty() {
        connection
            .execute_batch(&creation(options, schema))
            .map_err(failed)?;
    } else {
        check(&found, schema).map_err(|message| {
            fatal(&options.path, format!("table {}: {message}", options.table))
        })?;
    }
    let insert = super::rows::statement(options, schema, 1);
    connection.prepare_cached(&insert).map_err(failed)?;
    Ok(())
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection.prepare(COLUMNS)?;
    let rows = statement.query_map([table], |row| {
        let (filled, default): (bool, Option<String>) = (row.get(2)?, row.get(3)?);
        Ok(Found {
            name: row.get(0)?,
            declared: row.get(1)?,
            required: filled && default.is_none(),
        })
    })?;
    rows.collect()
}

fn creation(options: &SqliteStoreOptions, schema: &Schema) -> String {
    let column = |field: &Field| format!("{} {}", quoted(&field.name), declaration(field));
    let mut parts: Vec<String> = schema.fields().iter().map(column).collect();
    if !options.key.is_empty() {
        let key = list(options.key.iter().map(String::as_str));
        parts.push(format!("PRIMARY KEY ({key})"));
    }
    let table = quoted_table(&options.table);
    format!("CREATE TABLE {table} ({})", parts.join(", "))
}

const fn declaration(field: &Field) -> &'static str {
    match field.data_type {
        DataType::Float64 => "REAL",
        DataType::Decimal { .. } | DataType::String => "TEXT",
        DataType::Bytes => "BLOB",
        _ => "INTEGER",
    }
}

fn check(found: &[Found], schema: &Schema) -> Result<(), String> {
    for field in schema.fields() {
        let column = found.iter().find(|column| column.name == field.name);
        let Some(column) = column else {
            let there: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
            return Err(format!(
                "has no column {}, which records bring; it has {}: select those, or add the column",
                field.name,
                there.join(", ")
            ));
        };
        if !fits(field.data_type, affinity(&column.declared)) {
            return Err(format!(
                "column {} is {}, which does not hold {} as it is; convert one of them",
                field.name, column.declared, field.data_type
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

/// By the rules of SQLite, "Determination Of Column Affinity".
fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if says(&["INT"]) => Affinity::Integer,
        () if says(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if declared.is_empty() || says(&["BLOB"]) => Affinity::Blob,
        () if says(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
        () => Affinity::Numeric,
    }
}

/// True when values of the type come back as they went in.
fn fits(data_type: DataType, affinity: Affinity) -> bool {
    match data_type {
        _ if affinity == Affinity::Blob => true,
        DataType::Float64 => matches!(affinity, Affinity::Real | Affinity::Numeric),
        DataType::String | DataType::Decimal { .. } => affinity == Affinity::Text,
        DataType::Bytes => true,
        _ => matches!(affinity, Affinity::Integer | Affinity::Numeric),
    }
}
