//! The rows that all cases are about.

use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Value};
use serde_json::{Value as Json, json};

use crate::Draw;

/// More than a word of bits, and not a multiple of it.
const ROWS: usize = 90;

pub(crate) const TEXTS: [&str; 16] = [
    "",
    "a",
    "b",
    "ab",
    "aübc",
    "Zürich",
    "42",
    " 7 ",
    "-1",
    "it's",
    "ÄÖ",
    "axbxc",
    "a,b,,c",
    "sixteen bytes ok",
    "seventeen bytes!!",
    "Hello World",
];

/// Columns `n` (the row), `b`, `i`, `j`, `d`, `e`, `f`, `s`, `t`, one value in six null.
pub(crate) fn batch(draw: &mut Draw) -> Batch {
    let valid = |draw: &mut Draw| Bitmap::from_fn(ROWS, |_| draw.pick(6) != 0);
    let columns = vec![
        Column::int64(0..ROWS as i64),
        Column::bools(rows(draw, |draw| draw.pick(2) == 0)).with_validity(valid(draw)),
        Column::int64(rows(draw, |draw| draw.pick(41) as i64 - 20)).with_validity(valid(draw)),
        Column::int64(rows(draw, |draw| {
            draw.of(&[0, 1, -1, 7, 1000, -12345, 86400])
        }))
        .with_validity(valid(draw)),
        Column::decimal(rows(draw, |draw| draw.pick(20_001) as i128 - 10_000), 2)
            .with_validity(valid(draw)),
        Column::decimal(rows(draw, |draw| draw.of(&[0, 5, -5, 15, 25, 10, 100])), 1)
            .with_validity(valid(draw)),
        Column::float64(rows(draw, |draw| {
            draw.of(&[0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 1e10, -0.125, f64::NAN, 3.0])
        }))
        .with_validity(valid(draw)),
        Column::strings(rows(draw, |draw| draw.of(&TEXTS))).with_validity(valid(draw)),
        Column::timestamps(rows(draw, second)).with_validity(valid(draw)),
    ];
    let schema = Schema::of([
        ("n", DataType::Int64),
        ("b", DataType::Bool),
        ("i", DataType::Int64),
        ("j", DataType::Int64),
        ("d", DataType::Decimal { scale: 2 }),
        ("e", DataType::Decimal { scale: 1 }),
        ("f", DataType::Float64),
        ("s", DataType::String),
        ("t", DataType::Timestamp),
    ]);
    Batch::from_columns(schema.into(), columns)
}

fn rows<T>(draw: &mut Draw, mut value: impl FnMut(&mut Draw) -> T) -> Vec<T> {
    (0..ROWS).map(|_| value(draw)).collect()
}

/// A whole second between 1901 and 2100, in nanoseconds.
fn second(draw: &mut Draw) -> i64 {
    let second = (draw.next() % 6_270_000_000) as i64 - 2_170_000_000;
    second * 1_000_000_000
}

/// The types as DuckDB calls them, and the rows as text.
pub(crate) fn as_json(batch: &Batch) -> Json {
    let types = [
        "BIGINT",
        "BOOLEAN",
        "BIGINT",
        "BIGINT",
        "DECIMAL(9,2)",
        "DECIMAL(9,1)",
        "DOUBLE",
        "VARCHAR",
        "TIMESTAMP",
    ];
    let names = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name.clone());
    let rows = (0..batch.rows()).map(|row| {
        let cells = batch
            .columns()
            .iter()
            .map(|column| text(&column.value(row)));
        Json::Array(cells.collect())
    });
    json!({
        "columns": names.zip(types).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// A value as text, or null; a timestamp as nanoseconds.
pub(crate) fn text(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Timestamp(ns) => (*ns).into(),
        value => value.to_string().into(),
    }
}
