//! The most frequent values, exact and in order, however the rows are cut and merged.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Origin, Schema, Value};
use pelton_stage::{Aggregate, Call, Fold, Function};

fn top(count: f64, column: &Column, batches: usize) -> Option<String> {
    let schema: Arc<Schema> = Schema::of([("x", column.data_type())]).into();
    let function = Function::parse("top_k").expect("a name");
    let calls = vec![Call::new(function.at(count).expect("1 to 1000"), 0, "top")];
    let aggregate = Aggregate::new(Vec::new(), calls, &schema).expect("it takes anything");
    let budget = Budget::unlimited();
    let mut states = [aggregate.state(&budget), aggregate.state(&budget)];
    let rows: Vec<u32> = (0..column.len() as u32).collect();
    let pieces = rows.chunks(rows.len().div_ceil(batches).max(1));
    for (sequence, rows) in pieces.enumerate() {
        let batch = Batch::from_columns(schema.clone(), vec![column.take(rows)]);
        let origin = Origin {
            sequence: sequence as u64,
            ..Origin::default()
        };
        let state = &mut states[(sequence + 1) % 2];
        state
            .fold(&mut batch.with_origin(origin))
            .expect("no limit");
    }
    let [mut one, other] = states;
    one.merge(other).expect("states of one fold");
    let batch = one.finish().expect("a row").next().expect("a batch");
    match batch.expect("a row").column(0).value(0) {
        Value::String(text) => Some(text.to_owned()),
        _ => None,
    }
}

#[test]
fn the_most_frequent_come_first_and_of_equals_the_first() {
    let words = Column::strings(["b", "a", "c", "a", "c", "d", "a"]);
    for batches in 1..7 {
        assert_eq!(
            top(3.0, &words, batches).as_deref(),
            Some(r#"{"a": 3, "c": 2, "b": 1}"#)
        );
        assert_eq!(top(1.0, &words, batches).as_deref(), Some(r#"{"a": 3}"#));
    }
}

#[test]
fn values_are_keys_of_json() {
    let quoted = Column::strings(["say \"hi\"\\", "line\nend"]);
    let expected = r#"{"say \"hi\"\\": 1, "line\u000aend": 1}"#;
    assert_eq!(top(5.0, &quoted, 1).as_deref(), Some(expected));
    assert_eq!(
        top(5.0, &Column::decimal([150, 150], 2), 1).as_deref(),
        Some(r#"{"1.50": 2}"#)
    );
}

#[test]
fn nothing_is_null_and_nulls_do_not_count() {
    let valid = [false, true].into_iter().collect();
    let column = Column::int64([1, 2]).with_validity(valid);
    assert_eq!(top(2.0, &column, 1).as_deref(), Some(r#"{"2": 1}"#));
    assert_eq!(top(2.0, &Column::nulls(DataType::Int64, 3), 1), None);
}

#[test]
fn how_many_is_bounded() {
    let function = Function::parse("top_k").expect("a name");
    for wrong in [0.0, 0.5, 1001.0, f64::NAN] {
        assert!(function.at(wrong).is_err(), "{wrong}");
    }
}
