//! Random input for folds, cut into batches at random and folded by several states.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{
    Batch, Bitmap, Block, Column, DataType, Decimal, Origin, Schema, Value, Values, View,
};
use pelton_stage::{Fold, FoldState};
use proptest::collection::vec;
use proptest::prelude::*;

/// A value that owns what it holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(i128),
    Text(String),
    Bytes(Vec<u8>),
    Time(i64),
}

/// Digits after the point of the decimals here.
pub(crate) const SCALE: u8 = 2;

pub(crate) type Row = Vec<Cell>;

/// One column of each type, called after it.
pub(crate) fn schema() -> Arc<Schema> {
    Schema::of([
        ("bool", DataType::Bool),
        ("int", DataType::Int64),
        ("float", DataType::Float64),
        ("decimal", DataType::Decimal { scale: SCALE }),
        ("text", DataType::String),
        ("bytes", DataType::Bytes),
        ("time", DataType::Timestamp),
    ])
    .into()
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-100i32..100).prop_map(|value| f64::from(value) / 8.0),
        4 => -1e6..1e6f64,
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1e-300), Just(5e-324)],
        1 => prop_oneof![Just(1e200), Just(-1e200)],
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{0,2}",
        1 => "[a-b]{12,18}",
        1 => (250usize..260).prop_map(|len| "x".repeat(len)),
    ]
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    fn or_null(some: impl Strategy<Value = Cell>) -> impl Strategy<Value = Cell> {
        prop_oneof![1 => Just(Cell::Null), 6 => some]
    }
    let ints = prop_oneof![8 => -3i64..4, 1 => any::<i64>()];
    let decimals =
        prop_oneof![8 => -300i128..300, 1 => any::<i64>().prop_map(|v| i128::from(v) << 40)];
    (
        or_null(any::<bool>().prop_map(Cell::Bool)),
        or_null(ints.prop_map(Cell::Int)),
        or_null(floats().prop_map(Cell::Float)),
        or_null(decimals.prop_map(Cell::Decimal)),
        or_null(texts().prop_map(Cell::Text)),
        or_null(vec(0u8..3, 0..3).prop_map(Cell::Bytes)),
        or_null((-3i64..4).prop_map(Cell::Time)),
    )
        .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

/// The rows of a table, and how they are cut and dealt out.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) rows: Vec<Row>,
    /// Rows of each batch, whether it begins a block, and the state that folds it.
    pub(crate) cuts: Vec<(usize, bool, usize)>,
    /// Permutes the states before they are merged.
    pub(crate) order: u64,
}

pub(crate) fn input() -> impl Strategy<Value = Input> {
    let cut = (0..40usize, any::<bool>(), 0..4usize);
    (vec(row(), 0..200), vec(cut, 1..20), any::<u64>()).prop_map(|(rows, cuts, order)| Input {
        rows,
        cuts,
        order,
    })
}

pub(crate) fn column(data_type: DataType, cells: &[&Cell]) -> Column {
    let mut validity = Bitmap::default();
    let (mut values, _) = Column::nulls(data_type, 0).into_parts();
    for cell in cells {
        validity.push(**cell != Cell::Null);
        match (&mut values, cell) {
            (Values::Bool(items), Cell::Bool(value)) => items.push(*value),
            (Values::Bool(items), _) => items.push(true),
            (Values::Int64(items), Cell::Int(value)) => items.push(*value),
            (Values::Timestamp(items), Cell::Time(value)) => items.push(*value),
            (Values::Int64(items) | Values::Timestamp(items), _) => items.push(-77),
            (Values::Float64(items), Cell::Float(value)) => items.push(*value),
            (Values::Float64(items), _) => items.push(f64::NAN),
            (Values::Decimal { mantissas, .. }, Cell::Decimal(value)) => mantissas.push(*value),
            (Values::Decimal { mantissas, .. }, _) => mantissas.push(-77),
            (Values::String(items), Cell::Text(value)) => items.push(value.as_bytes()),
            (Values::Bytes(items), Cell::Bytes(value)) => items.push(value),
            (Values::String(items) | Values::Bytes(items), _) => items.push(b"null"),
            _ => unreachable!(),
        }
    }
    Column::new(values, Some(validity))
}

/// `rows` as one batch at `sequence`, from row `first` of its block on.
pub(crate) fn batch(schema: &Arc<Schema>, rows: &[Row], sequence: u64, first: usize) -> Batch {
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let cells: Vec<&Cell> = rows.iter().map(|row| &row[index]).collect();
        column(field.data_type, &cells)
    });
    let extents = (0..rows.len()).map(|row| View {
        start: (first + row) as u32 * 10,
        len: 9,
    });
    let origin = Origin {
        sequence,
        ..Origin::default()
    };
    Batch::decoded(
        schema.clone(),
        columns.collect(),
        Block::default(),
        extents.collect(),
    )
    .with_origin(origin)
}

/// Folds the input as it is cut, each state its batches from last to first or first to last, and
/// merges the states in the order that the input says.
pub(crate) fn fold(fold: &dyn Fold, input: &Input, budget: &Budget) -> Box<dyn FoldState> {
    let schema = schema();
    let mut states: Vec<_> = (0..4).map(|_| fold.state(budget)).collect();
    let (mut batches, mut start, mut sequence, mut first) = (Vec::new(), 0, 0, 0);
    let mut cuts = input.cuts.iter().cycle();
    let mut patience = 100;
    while start < input.rows.len() && patience > 0 {
        let &(len, new_block, state) = cuts.next().expect("there is a cut");
        if len == 0 {
            patience -= 1;
        }
        let end = input
            .rows
            .len()
            .min(start + if patience == 0 { input.rows.len() } else { len });
        if new_block {
            (sequence, first) = (sequence + 1, 0);
        }
        batches.push((
            state,
            batch(&schema, &input.rows[start..end], sequence, first),
        ));
        first += end - start;
        start = end;
    }
    if input.order % 2 == 1 {
        batches.reverse();
    }
    for (state, mut batch) in batches {
        states[state].fold(&mut batch).expect("there is memory");
    }
    let mut order = input.order;
    while states.len() > 1 {
        let from = states.swap_remove(order as usize % states.len());
        order = order.rotate_right(7);
        let into = order as usize % states.len();
        states[into].merge(from).expect("there is memory");
    }
    states.pop().expect("one is left")
}

/// Rows with so many different whole numbers, each there twice or so.
pub(crate) fn many_rows(different: i64) -> Vec<Row> {
    let scatter = |n: i64| (n * 7919 + n / different * 31).rem_euclid(different);
    let row = |n: i64| {
        let id = scatter(n);
        vec![
            Cell::Bool(n % 2 == 0),
            Cell::Int(id << 20),
            Cell::Float(n as f64 / 7.0),
            Cell::Decimal(i128::from(n)),
            Cell::Text(format!("text {id} of a length that no word holds")),
            Cell::Null,
            Cell::Time(n),
        ]
    };
    (0..different * 2).map(row).collect()
}

/// The rows that come out, one text a value.
pub(crate) fn rows_of(state: Box<dyn FoldState>) -> Vec<Vec<String>> {
    let batches = state.finish().expect("it can be finished");
    let mut rows = Vec::new();
    for batch in batches {
        let batch = batch.expect("there is memory");
        for row in 0..batch.rows() {
            let values = batch.columns().iter().map(|column| show(column.value(row)));
            rows.push(values.collect());
        }
    }
    rows
}

/// A value such that equal texts mean equal values.
pub(crate) fn show(value: Value<'_>) -> String {
    match value {
        Value::Float64(0.0) => "0.0".to_owned(),
        Value::Float64(value) => format!("{value:?}"),
        Value::Decimal(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

/// How the value would show in a batch.
pub(crate) fn show_cell(cell: &Cell) -> String {
    show(match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) => Value::Int64(*value),
        Cell::Float(value) => Value::Float64(*value),
        Cell::Decimal(value) => Value::Decimal(Decimal::new(*value, SCALE)),
        Cell::Text(value) => Value::String(value),
        Cell::Bytes(value) => Value::Bytes(value),
        Cell::Time(value) => Value::Timestamp(*value),
    })
}

/// The order of two values of one type, as PostgreSQL has it; nulls last.
pub(crate) fn compare(a: &Cell, b: &Cell) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    match (a, b) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Greater,
        (_, Cell::Null) => Ordering::Less,
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::Int(a), Cell::Int(b)) | (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (Cell::Float(a), Cell::Float(b)) => a
            .partial_cmp(b)
            .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
        (Cell::Decimal(a), Cell::Decimal(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
        _ => unreachable!("values of one type are compared"),
    }
}
