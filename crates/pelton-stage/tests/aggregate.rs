//! Aggregates against a twin that goes row by row, whatever the cuts, states and merges.

mod fold;

use std::collections::HashMap;

use fold::{Cell, Input, Row, SCALE, compare, input, rows_of, schema, show, show_cell};
use pelton_pool::Budget;
use pelton_record::{Decimal, Value};
use pelton_stage::{Aggregate, Call, Function};
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

fn float_sum(cells: &[&Cell]) -> f64 {
    exact_sum(cells.iter().map(|cell| match cell {
        Cell::Float(value) => *value,
        _ => unreachable!("floats are summed"),
    }))
}

/// Functions and arguments, all that fit.
fn calls() -> Vec<Call> {
    let mut calls = vec![Call::count_rows("rows")];
    let functions = [
        Function::Count,
        Function::Sum,
        Function::Avg,
        Function::Min,
        Function::Max,
    ];
    for (argument, field) in schema().fields().iter().enumerate() {
        for function in functions {
            if function.output(Some(field.data_type)).is_ok() {
                calls.push(Call::new(
                    function,
                    argument,
                    format!("{function}({})", field.name),
                ));
            }
        }
    }
    calls
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
    let aggregate = Aggregate::new(by, calls, &schema()).unwrap();
    assert_eq!(rows_of(fold::fold(&aggregate, input, budget)), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn agrees_with_a_row_at_a_time(input in input(), by in vec(0..7usize, 0..3)) {
        let mut by = by;
        by.dedup();
        by.sort_unstable();
        by.dedup();
        check(by, calls(), &input, &Budget::unlimited());
    }
}

#[test]
fn smoke() {
    let input = Input {
        rows: vec![],
        cuts: vec![(1, true, 0)],
        order: 0,
    };
    check(vec![], calls(), &input, &Budget::unlimited());
    check(vec![4], calls(), &input, &Budget::unlimited());
}
