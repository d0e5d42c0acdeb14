//! Rows into prepared statements.

use pelton_record::{Batch, Column, Schema, Values};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement};

use super::super::table::{list, names, on_conflict, quoted_table};
use super::SqliteStoreOptions;

/// Rows that one statement takes. From 8 on it makes little difference.
const ROWS_AT_ONCE: usize = 32;
/// SQLite's own limit, as it is built.
const PARAMETERS_MAX: usize = 32_766;

/// The insert of so many rows.
pub(super) fn statement(options: &SqliteStoreOptions, schema: &Schema, rows: usize) -> String {
    let table = quoted_table(&options.table);
    let row = format!("({})", vec!["?"; schema.len()].join(", "));
    let rows = vec![row; rows].join(", ");
    let behind = on_conflict(schema, &options.key, options.conflict);
    format!(
        "INSERT INTO {table} ({}) VALUES {rows}{behind}",
        list(names(schema))
    )
}

/// Inserts the rows of `batch`, inside the transaction that is open.
pub(super) fn insert(
    connection: &Connection,
    options: &SqliteStoreOptions,
    batch: &Batch,
) -> rusqlite::Result<()> {
    let schema = batch.schema();
    let at_once = ROWS_AT_ONCE.min(PARAMETERS_MAX / schema.len()).max(1);
    let many = batch.rows() - batch.rows() % at_once;
    if many > 0 {
        let mut insert = connection.prepare_cached(&statement(options, schema, at_once))?;
        for first in (0..many).step_by(at_once) {
            execute(&mut insert, batch, first, at_once)?;
        }
    }
    if many < batch.rows() {
        let mut insert = connection.prepare_cached(&statement(options, schema, 1))?;
        for row in many..batch.rows() {
            execute(&mut insert, batch, row, 1)?;
        }
    }
    Ok(())
}

/// Inserts `count` rows from row `first` on.
fn execute(
    statement: &mut Statement<'_>,
    batch: &Batch,
    first: usize,
    count: usize,
) -> rusqlite::Result<()> {
    let mut parameter = 0;
    for row in first..first + count {
        for column in batch.columns() {
            parameter += 1;
            statement.raw_bind_parameter(parameter, value(column, row))?;
        }
    }
    statement.raw_execute().map(|_| ())
}

fn value(column: &Column, row: usize) -> ToSqlOutput<'_> {
    if column.is_null(row) {
        return ToSqlOutput::Borrowed(ValueRef::Null);
    }
    ToSqlOutput::Borrowed(match column.values() {
        Values::Bool(bits) => ValueRef::Integer(bits.get(row).into()),
        Values::Int64(items) | Values::Timestamp(items) => ValueRef::Integer(items[row]),
        Values::Float64(items) => ValueRef::Real(items[row]),
        Values::String(strings) => ValueRef::Text(strings.get(row)),
        Values::Bytes(strings) => ValueRef::Blob(strings.get(row)),
        _ => return ToSqlOutput::Owned(Value::Text(column.value(row).to_string())),
    })
}
