//! Aggregates against a twin that goes row by row, whatever the cuts, states and merges.

mod fold;

use std::collections::HashMap;
use std::sync::Arc;

use fold::{Cell, Input, Row, SCALE, compare, input, rows_of, schema, show, show_cell};
use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Decimal, Schema, Value};
use pelton_stage::{Aggregate, Call, ErrorKind, Fold, Function, Spill};
use proptest::collection::vec;
use proptest::prelude::*;

/// Groups in the order of their first rows: their keys as text, and their rows.
fn groups<'a>(rows: &'a [Row], by: &[usize]) -> Vec<(Vec<String>, Vec<&'a Row>)> {
    let mut groups: Vec<(Vec<String>, Vec<&Row>)> = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let key: Vec<String> = by.iter().map(|&by| show_cell(&row[by])).collect();
        let index = *known.entry(key.clone()).or_insert(groups.len());
        if index == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[index].1.push(row);
    }
    if by.is_empty() && groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    groups
}

/// Shewchuk's partials, rounded once: another algorithm for the same exact sum.
fn exact_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let special: f64 = values.clone().filter(|value| !value.is_finite()).sum();
    if special != 0.0 {
        return special;
    }
    let mut partials: Vec<f64> = Vec::new();
    for mut x in values {
        let mut kept = Vec::new();
        for &(mut y) in &partials {
            if x.abs() < y.abs() {
                (x, y) = (y, x);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                kept.push(low);
            }
            x = high;
        }
        kept.push(x);
        partials = kept;
    }
    let mut high = partials.pop().unwrap_or(0.0);
    while let Some(next) = partials.pop() {
        let before = high;
        high = before + next;
        let low = next - (high - before);
        if low != 0.0 {
            // Half-way cases round towards what is left below.
            if partials
                .last()
                .is_some_and(|rest| (*rest < 0.0) == (low < 0.0) && *rest != 0.0)
            {
                let twice = low * 2.0;
                let up = high + twice;
                if twice == up - high {
                    high = up;
                }
            }
            break;
        }
    }
    high
}

/// The result of a call over the rows of a group, as text.
fn expected(function: Function, distinct: bool, argument: usize, rows: &[&Row]) -> String {
    let all: Vec<&Cell> = rows.iter().map(|row| &row[argument]).collect();
    let mut cells: Vec<&Cell> = all
        .iter()
        .copied()
        .filter(|&cell| *cell != Cell::Null)
        .collect();
    if distinct {
        let mut seen = std::collections::HashSet::new();
        cells.retain(|cell| seen.insert(show_cell(cell)));
    }
    let best = |cell: Option<&&Cell>| cell.map_or("Null".to_owned(), |cell| show_cell(cell));
    match function {
        Function::Count => show(Value::Int64(cells.len() as i64)),
        Function::Min => best(cells.iter().rev().min_by(|a, b| compare(a, b))),
        Function::Max => best(cells.iter().rev().max_by(|a, b| compare(a, b))),
        Function::Sum | Function::Avg if cells.is_empty() => "Null".to_owned(),
        Function::Sum => match sum(&cells) {
            (Some(sum), scale) => show(Value::Decimal(Decimal::new(sum, scale))),
            (None, _) => show(Value::Float64(float_sum(&cells))),
        },
        Function::Avg => show(Value::Float64(match sum(&cells) {
            (Some(sum), scale) => sum as f64 / (cells.len() as f64 * 10f64.powi(i32::from(scale))),
            (None, _) => float_sum(&cells) / cells.len() as f64,
        })),
        Function::First => all
            .first()
            .map_or("Null".to_owned(), |cell| show_cell(cell)),
        Function::Last => all.last().map_or("Null".to_owned(), |cell| show_cell(cell)),
        Function::BoolAnd | Function::BoolOr if cells.is_empty() => "Null".to_owned(),
        Function::BoolAnd => show(Value::Bool(!cells.contains(&&Cell::Bool(false)))),
        Function::BoolOr => show(Value::Bool(cells.contains(&&Cell::Bool(true)))),
        Function::Mode => mode(&cells),
        Function::Quantile(fraction) => quantile(&cells, fraction),
        other => unreachable!("no twin of {other}"),
    }
}

fn sum(cells: &[&Cell]) -> (Option<i128>, u8) {
    let scale = if matches!(cells[0], Cell::Decimal(_)) {
        SCALE
    } else {
        0
    };
    let sum = cells.iter().map(|cell| match cell {
        Cell::Int(value) => Some(i128::from(*value)),
        Cell::Decimal(value) => Some(*value),
        _ => None,
    });
    (sum.sum(), scale)
}

fn mode(cells: &[&Cell]) -> String {
    let shown: Vec<String> = cells.iter().map(|cell| show_cell(cell)).collect();
    let count = |value: &String| shown.iter().filter(|other| *other == value).count();
    let most = shown.iter().rev().max_by_key(|value| count(value));
    most.cloned().unwrap_or("Null".to_owned())
}

fn quantile(cells: &[&Cell], fraction: f64) -> String {
    let mut sorted = cells.to_vec();
    sorted.sort_by(|a, b| compare(a, b));
    let values: Vec<f64> = sorted.iter().map(|cell| to_float(cell)).collect();
    let Some(last) = values.len().checked_sub(1) else {
        return "Null".to_owned();
    };
    let place = fraction * last as f64;
    let (below, part) = (values[place as usize], place.fract());
    if part == 0.0 {
        return show(Value::Float64(below));
    }
    let above = values[place as usize + 1];
    show(Value::Float64(below + (above - below) * part))
}

fn to_float(cell: &Cell) -> f64 {
    match cell {
        Cell::Int(value) => *value as f64,
        Cell::Float(value) => *value,
        Cell::Decimal(value) => Decimal::new(*value, SCALE).to_f64(),
        _ => unreachable!("numbers have quantiles"),
    }
}

fn float_sum(cells: &[&Cell]) -> f64 {
    exact_sum(cells.iter().map(|cell| match cell {
        Cell::Float(value) => *value,
        _ => unreachable!("floats are summed"),
    }))
}

/// Functions that have a twin here.
const EXACT: [Function; 12] = [
    Function::Count,
    Function::Sum,
    Function::Avg,
    Function::Min,
    Function::Max,
    Function::First,
    Function::Last,
    Function::Quantile(0.5),
    Function::Quantile(0.9),
    Function::Mode,
    Function::BoolAnd,
    Function::BoolOr,
];

/// Functions whose results are only near, or rounded in ways of their own.
const OTHERS: [Function; 7] = [
    Function::VarPop,
    Function::VarSamp,
    Function::StddevPop,
    Function::StddevSamp,
    Function::ApproxQuantile(0.5),
    Function::ApproxQuantile(0.9),
    Function::ApproxCountDistinct,
];

/// Functions of all arguments that fit.
fn calls(functions: &[Function]) -> Vec<Call> {
    let mut calls = vec![Call::count_rows("rows")];
    for (argument, field) in schema().fields().iter().enumerate() {
        for function in functions {
            if function.output(Some(field.data_type)).is_ok() {
                let name = format!("{function:?}({})", field.name);
                calls.push(Call::new(*function, argument, name));
            }
        }
    }
    calls
}

/// Every call over different values, beside itself over all, where order plays no part.
fn distinct_calls() -> Vec<Call> {
    let functions = [
        Function::Count,
        Function::Sum,
        Function::Avg,
        Function::Quantile(0.5),
    ];
    let mut both = calls(&functions);
    for call in calls(&functions).into_iter().skip(1) {
        let name = format!("distinct {}", call.name);
        both.push(Call { name, ..call }.distinct());
    }
    both
}

fn keys() -> impl Strategy<Value = Vec<usize>> {
    vec(0..7usize, 0..3).prop_map(|mut by| {
        by.sort_unstable();
        by.dedup();
        by.reverse();
        by
    })
}

fn check(by: Vec<usize>, calls: Vec<Call>, input: &Input, budget: &Budget) {
    let expected: Vec<Vec<String>> = groups(&input.rows, &by)
        .into_iter()
        .map(|(mut key, rows)| {
            key.extend(calls.iter().map(|call| match call.argument {
                Some(argument) => expected(call.function, call.distinct, argument, &rows),
                None => show(Value::Int64(rows.len() as i64)),
            }));
            key
        })
        .collect();
    let aggregate = Aggregate::new(by, calls, &schema()).expect("it fits the schema");
    assert_eq!(rows_of(fold::fold(&aggregate, input, budget)), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_a_row_at_a_time(input in input(), by in keys()) {
        check(by, calls(&EXACT), &input, &Budget::unlimited());
    }

    #[test]
    fn distinct_agrees_with_a_row_at_a_time(input in input(), by in keys()) {
        check(by, distinct_calls(), &input, &Budget::unlimited());
    }

    #[test]
    fn cuts_states_and_merges_do_not_show(input in input(), by in keys()) {
        let aggregate = Aggregate::new(by, calls(&OTHERS), &schema()).expect("it fits the schema");
        let whole = Input { cuts: vec![(input.rows.len(), true, 0)], order: 0, ..input.clone() };
        let budget = Budget::unlimited();
        let once = rows_of(fold::fold(&aggregate, &whole, &budget));
        prop_assert_eq!(rows_of(fold::fold(&aggregate, &input, &budget)), once);
    }

    #[test]
    fn variance_is_that_of_two_passes(
        values in vec(-1000i64..1000, 2..50),
        offset in 0..1i64 << 40,
    ) {
        let values: Vec<i64> = values.iter().map(|value| value + offset).collect();
        let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
        let squares = values.iter().map(|&value| (value as f64 - mean).powi(2));
        let expected = squares.sum::<f64>() / (values.len() - 1) as f64;
        let found = of_ints(Function::VarSamp, &values);
        prop_assert!((found - expected).abs() <= expected * 1e-6 + 1e-3, "{} {}", found, expected);
    }

    #[test]
    fn sketch_is_within_a_hundredth(values in vec(1i64..1_000_000, 1..500), part in 0.0..=1.0f64) {
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let expected = sorted[(part * (sorted.len() - 1) as f64) as usize] as f64;
        let found = of_ints(Function::ApproxQuantile(part), &values);
        prop_assert!((found - expected).abs() <= expected * 0.0101, "{} {}", found, expected);
    }
}

/// The one result of `function` over whole numbers.
fn of_ints(function: Function, values: &[i64]) -> f64 {
    let schema = Schema::of([("x", DataType::Int64)]).into();
    let aggregate = Aggregate::new(vec![], vec![Call::new(function, 0, "y")], &schema);
    let mut state = aggregate.expect("it fits").state(&Budget::unlimited());
    let columns = vec![Column::int64(values.iter().copied())];
    state
        .fold(&mut Batch::from_columns(schema, columns))
        .expect("there is memory");
    let batch = state
        .finish()
        .expect("it can be")
        .next()
        .expect("one row")
        .expect("memory");
    match batch.column(0).value(0) {
        Value::Float64(value) => value,
        Value::Int64(value) => value as f64,
        other => unreachable!("{other} is no number"),
    }
}

#[test]
fn variance_survives_a_large_mean() {
    let large = 1i64 << 62;
    assert_eq!(of_ints(Function::VarPop, &[large + 1, large + 3]), 1.0);
    assert_eq!(of_ints(Function::StddevSamp, &[large, large, large]), 0.0);
}

#[test]
fn cardinality_is_within_a_few_hundredths() {
    for count in [0, 1, 10, 511, 513, 5_000, 100_000, 1_000_000i64] {
        let values: Vec<i64> = (0..count).map(|value| value * 1000).collect();
        let found = of_ints(Function::ApproxCountDistinct, &values);
        let error = (found - count as f64).abs() / (count as f64).max(1.0);
        assert!(error < 0.05, "{found} of {count}");
    }
}

#[test]
fn sums_of_halves_round_once() {
    let schema: Arc<Schema> = Schema::of([("x", DataType::Float64)]).into();
    let sum = |values: &[f64]| {
        let call = Call::new(Function::Sum, 0, "sum");
        let aggregate = Aggregate::new(vec![], vec![call], &schema).unwrap();
        let mut state = aggregate.state(&Budget::unlimited());
        let columns = vec![Column::float64(values.iter().copied())];
        state
            .fold(&mut Batch::from_columns(schema.clone(), columns))
            .unwrap();
        rows_of(state)[0][0].clone()
    };
    assert_eq!(sum(&[0.1; 10]), "1.0");
    assert_eq!(sum(&[1e308, 1e308, -1e308]), "1e308");
    assert_eq!(sum(&[1e16, 1.0, -1e16]), "1.0");
    assert_eq!(sum(&[1.0, 1e-16, 1e-300]), "1.0");
    assert_eq!(
        sum(&[1.0, f64::EPSILON / 2.0, 5e-324]),
        "1.0000000000000002"
    );
    assert_eq!(sum(&[f64::MAX, f64::MAX]), "inf");
    assert_eq!(sum(&[f64::INFINITY, f64::NEG_INFINITY]), "NaN");
    assert_eq!(sum(&[5e-324, 5e-324]), "1e-323");
}

#[test]
fn sums_past_38_digits_are_errors() {
    let schema: Arc<Schema> = Schema::of([("x", DataType::Decimal { scale: 0 })]).into();
    let finish = |values: &[i128]| {
        let call = Call::new(Function::Sum, 0, "sum");
        let aggregate = Aggregate::new(vec![], vec![call], &schema).unwrap();
        let mut state = aggregate.state(&Budget::unlimited());
        let columns = vec![Column::decimal(values.iter().copied(), 0)];
        state
            .fold(&mut Batch::from_columns(schema.clone(), columns))
            .unwrap();
        state.finish().unwrap().next().unwrap()
    };
    let most = 10i128.pow(38) - 1;
    assert_eq!(*finish(&[most, 1]).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(
        *finish(&[most, most, most]).unwrap_err().kind(),
        ErrorKind::Overflow
    );
    let sum = finish(&[most, most, -most, -most, 7]).unwrap();
    assert_eq!(sum.column(0).value(0).to_string(), "7");
}

#[test]
fn empty_input_has_one_group_only_without_keys() {
    let input = Input {
        rows: vec![],
        cuts: vec![(1, true, 0)],
        order: 0,
    };
    check(vec![], calls(&EXACT), &input, &Budget::unlimited());
    check(vec![4], calls(&EXACT), &input, &Budget::unlimited());
}

#[test]
fn names_in_errors() {
    let message = |calls| {
        Aggregate::new(vec![0], calls, &schema())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(vec![Call::new(Function::Sum, 4, "x")]),
        "sum does not take string"
    );
    assert_eq!(
        message(vec![Call::count_rows("bool")]),
        "two columns of the result are called `bool`"
    );
    assert_eq!(
        message(vec![Call::new(Function::Sum, 9, "x")]),
        "there is no column 9 among 7"
    );
    assert!(Function::Quantile(0.5).at(1.5).is_err());
    assert!(Function::Sum.at(0.5).is_err());
}

#[test]
fn memory_refused_is_an_error_that_says_what_helps() {
    let schema: Arc<Schema> = Schema::of([("x", DataType::Int64)]).into();
    let aggregate = Aggregate::new(vec![0], vec![], &schema)
        .unwrap()
        .named("ids");
    let budget = Budget::new(100_000);
    let mut state = aggregate.state(&budget);
    let mut batches = (0..100).map(|n| {
        Batch::from_columns(
            schema.clone(),
            vec![Column::int64(n * 1000..n * 1000 + 1000)],
        )
    });
    let error = batches
        .find_map(|mut batch| state.fold(&mut batch).err())
        .unwrap();
    assert_eq!(*error.kind(), ErrorKind::Memory);
    assert!(
        error.message().starts_with("stage \"ids\" holds "),
        "{error}"
    );
    assert!(
        error
            .message()
            .ends_with("of 100000 are left; raise engine.memory_limit"),
        "{error}"
    );
    drop(state);
    assert_eq!(budget.used(), 0);
}

#[test]
fn spills_and_gives_the_same_groups() {
    let rows = fold::many_rows(10_000);
    let input = Input {
        rows,
        cuts: vec![(700, true, 0), (900, false, 1)],
        order: 5,
    };
    for by in [vec![1], vec![4], vec![1, 5, 0]] {
        let spill = Spill::to(std::env::temp_dir());
        let calls = calls(&[
            Function::Count,
            Function::Sum,
            Function::Min,
            Function::Quantile(0.5),
        ]);
        let distinct = Call::new(Function::Count, 6, "distinct").distinct();
        let calls = calls.into_iter().chain([distinct]).collect();
        let aggregate = Aggregate::new(by, calls, &schema()).expect("it fits the schema");
        let expected = rows_of(fold::fold(&aggregate, &input, &Budget::unlimited()));
        let budget = Budget::new(9 << 20);
        let spilling = aggregate.spilling(spill.clone());
        assert_eq!(rows_of(fold::fold(&spilling, &input, &budget)), expected);
        assert!(spill.written_bytes() > 0 && budget.used() == 0);
    }
}

#[test]
fn spilling_into_no_directory_is_an_error() {
    let input = fold::many_rows(10_000);
    let spill = Spill::to("/nonexistent/directory");
    let aggregate = Aggregate::new(vec![1], vec![], &schema())
        .unwrap()
        .spilling(spill);
    let mut state = aggregate.state(&Budget::new(450_000));
    let error = state
        .fold(&mut fold::batch(&schema(), &input, 0, 0))
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Spill);
    assert!(
        error.message().contains("/nonexistent/directory: "),
        "{error}"
    );
}

#[test]
fn spills_beside_one_that_has_taken_all_the_memory() {
    let rows = fold::many_rows(5_000);
    let aggregate = Aggregate::new(vec![1], vec![], &schema()).unwrap();
    let aggregate = aggregate.spilling(Spill::to(std::env::temp_dir()));
    let budget = Budget::new(4 << 20);
    let mut states = [aggregate.state(&budget), aggregate.state(&budget)];
    let hoard = budget.reserve(budget.available()).unwrap();
    for (n, rows) in rows.chunks(100).enumerate() {
        let mut batch = fold::batch(&schema(), rows, n as u64, 0);
        states[n % 2].fold(&mut batch).unwrap();
    }
    let [mut first, second] = states;
    first.merge(second).unwrap();
    drop(hoard);
    let expected = groups(&rows, &[1]).into_iter().map(|(key, _)| key);
    assert_eq!(rows_of(first), expected.collect::<Vec<_>>());
}
