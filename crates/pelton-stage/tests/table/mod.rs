//! What several test files share: a small table, and the value of an expression as text.
#![allow(dead_code, reason = "each test file uses a part of it")]

use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Value};
use pelton_stage::Expression;

/// Two rows of every type; the second is null everywhere.
pub(crate) fn table() -> Batch {
    let schema = Schema::of([
        ("b", DataType::Bool),
        ("i", DataType::Int64),
        ("f", DataType::Float64),
        ("d", DataType::Decimal { scale: 2 }),
        ("s", DataType::String),
        ("t", DataType::Timestamp),
        ("y", DataType::Bytes),
    ]);
    let null = || Bitmap::from_fn(2, |row| row == 0);
    let columns = [
        Column::bools([true, true]),
        Column::int64([42, 0]),
        Column::float64([2.5, 0.0]),
        Column::decimal([1999, 0], 2),
        Column::strings(["Zürich", "-"]),
        // 2024-01-01 12:34:56.5
        Column::timestamps([1_704_067_200_000_000_000 + 45_296_500_000_000, 0]),
        Column::new(
            pelton_record::Values::Bytes([&b"\xff\x00"[..], b"-"].into_iter().collect()),
            None,
        ),
    ];
    let columns = columns.map(|column| column.with_validity(null()));
    Batch::from_columns(schema.into(), columns.into())
}

/// The value of `text` in the first row of [`table`], or `failed: ` and why, or `error: ` and why.
pub(crate) fn value(text: &str) -> String {
    value_in(&table(), text, 0)
}

/// The same for the second row, where all columns are null.
pub(crate) fn value_of_nulls(text: &str) -> String {
    value_in(&table(), text, 1)
}

/// The value of `text` in one row of a batch.
pub(crate) fn value_in(batch: &Batch, text: &str, row: usize) -> String {
    let bound = Expression::parse(text).and_then(|parsed| parsed.bind(batch.schema()));
    let bound = match bound {
        Ok(bound) => bound,
        Err(error) => return format!("error: {error}"),
    };
    let outcome = bound.eval(batch);
    assert_eq!(
        outcome.column().len(),
        batch.rows(),
        "{text}: a value a row"
    );
    assert_eq!(
        outcome.column().data_type(),
        bound.data_type(),
        "{text}: the type promised"
    );
    let failure = outcome
        .failures()
        .iter()
        .find(|failure| failure.row as usize == row);
    match (failure, outcome.column().value(row)) {
        (Some(failure), Value::Null) => format!("failed: {}", failure.reason),
        (Some(_), other) => panic!("{text}: failed, and yet {other}"),
        (None, Value::Bytes(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        (None, Value::Timestamp(_)) => value_in(batch, &format!("CAST({text} AS text)"), row),
        (None, value) => value.to_string(),
    }
}

/// Asserts the value of `text` in the first row of [`table`].
#[track_caller]
pub(crate) fn check(text: &str, expected: &str) {
    assert_eq!(value(text), expected, "{text}");
}

/// Asserts the value of `text` where all columns are null.
#[track_caller]
pub(crate) fn check_nulls(text: &str, expected: &str) {
    assert_eq!(value_of_nulls(text), expected, "{text} of nulls");
}
