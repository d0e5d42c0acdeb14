//! Expressions and queries: what parses has a text that parses to the same, and evaluates without
//! a panic on columns of every type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_record::{Batch, Column, DataType, Schema};
use pelton_stage::{Expression, Query};

fn batch() -> Batch {
    let schema = Schema::of([
        ("i", DataType::Int64),
        ("f", DataType::Float64),
        ("d", DataType::Decimal { scale: 2 }),
        ("s", DataType::String),
        ("t", DataType::Timestamp),
        ("b", DataType::Bool),
    ]);
    let columns = vec![
        Column::int64([0, -1, i64::MAX]),
        Column::float64([0.5, f64::NAN, -1e300]),
        Column::decimal([150, -1, i128::from(i64::MAX)], 2),
        Column::strings(["", "12", "Grüße\n"]),
        Column::timestamps([0, -1, 1_700_000_000_000_000_000]),
        Column::bools([true, false, true]).with_validity([true, true, false].into_iter().collect()),
    ];
    Batch::from_columns(schema.into(), columns)
}

fuzz_target!(|text: &str| {
    if let Ok(query) = Query::parse(text) {
        assert_eq!(
            Query::parse(&query.to_string()).as_ref(),
            Ok(&query),
            "{query}"
        );
    }
    let Ok(expression) = Expression::parse(text) else {
        return;
    };
    let again = Expression::parse(&expression.to_string());
    assert_eq!(again.as_ref(), Ok(&expression), "{expression}");
    let batch = batch();
    if let Ok(bound) = expression.bind(batch.schema()) {
        let outcome = bound.eval(&batch);
        assert_eq!(outcome.column().len(), batch.rows());
    }
});
