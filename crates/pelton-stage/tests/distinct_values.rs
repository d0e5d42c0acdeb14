//! Different values and rows that outgrow their memory, against what arithmetic and a set say.

use std::collections::HashSet;
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Origin, Schema, Value};
use pelton_stage::{
    Aggregate, Alone, Call, Crew, Dedup, ErrorKind, Fold, FoldState, Function, Spill,
};

fn schema() -> Arc<Schema> {
    Schema::of([
        ("group", DataType::Int64),
        ("id", DataType::Int64),
        ("text", DataType::String),
    ])
    .into()
}

/// Rows `first ..` of a table whose ids come from a range, each with a text that no word holds.
fn batch(first: i64, ids: i64, sequence: u64) -> Batch {
    let id = |row: i64| row * 7919 % ids;
    let rows = first..first + 4096;
    let texts: Vec<String> = rows
        .clone()
        .map(|row| format!("a text of some length: {}", id(row)))
        .collect();
    let columns = vec![
        Column::int64(rows.clone().map(|row| id(row) % 3)),
        Column::int64(rows.map(id)),
        Column::strings(texts.iter().map(String::as_str)),
    ];
    let origin = Origin {
        sequence,
        ..Origin::default()
    };
    Batch::from_columns(schema(), columns).with_origin(origin)
}

fn aggregate(by: Vec<usize>) -> Aggregate {
    let calls = vec![
        Call::new(Function::Count, 1, "ids").distinct(),
        Call::new(Function::Sum, 1, "sum").distinct(),
        Call::new(Function::Count, 2, "texts").distinct(),
        Call::count_rows("rows"),
    ];
    Aggregate::new(by, calls, &schema()).expect("it fits the schema")
}

/// Folds `batches` batches by two states in turn.
fn fold(
    aggregate: &Aggregate,
    batches: i64,
    ids: i64,
    budget: &Budget,
) -> Result<Vec<Box<dyn FoldState>>, pelton_stage::Error> {
    let mut states = vec![aggregate.state(budget), aggregate.state(budget)];
    for number in 0..batches {
        states[number as usize % 2].fold(&mut batch(number * 4096, ids, number as u64))?;
    }
    Ok(states)
}

fn numbers(mut states: Vec<Box<dyn FoldState>>, crew: &dyn Crew) -> Vec<Vec<String>> {
    let first = states.swap_remove(0);
    let batches = first.finish_with(states, crew).expect("there is memory");
    let batch = batches.map(|batch| batch.expect("there is memory")).next();
    let batch = batch.expect("there is a group");
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(move |column| text(column.value(row)))
    };
    (0..batch.rows())
        .map(|index| row(index).collect())
        .collect()
}

fn text(value: Value<'_>) -> String {
    value.to_string()
}

/// Two pieces at a time, each on a thread of its own.
struct Pair;

impl Crew for Pair {
    fn size(&self) -> usize {
        2
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for half in 0..2 {
                scope.spawn(move || (half..pieces).step_by(2).for_each(work));
            }
        });
    }
}

#[test]
fn more_values_than_memory_are_counted_on_disk() {
    let (batches, ids) = (20, 60_000);
    let sum: i64 = (0..ids).sum();
    let all = vec![vec![
        ids.to_string(),
        sum.to_string(),
        ids.to_string(),
        (batches * 4096).to_string(),
    ]];
    for limit in [6 << 20, 3 << 20] {
        let spill = Spill::to(std::env::temp_dir());
        let budget = Budget::new(limit);
        let aggregate = aggregate(vec![]).spilling(spill.clone());
        let states = fold(&aggregate, batches, ids, &budget).expect("there is memory");
        assert_eq!(numbers(states, &Pair), all);
        assert!(spill.written_bytes() > 0 && budget.used() == 0);
    }
}

#[test]
fn groups_have_their_own_values() {
    let (batches, ids) = (20, 60_000);
    let group = |group: i64| {
        let sum: i64 = (group..ids).step_by(3).sum();
        let rows = (0..batches * 4096).filter(|row| row * 7919 % ids % 3 == group);
        [group, ids / 3, sum, ids / 3, rows.count() as i64].map(|number| number.to_string())
    };
    let expected: Vec<_> = [0, 2, 1].map(group).to_vec();
    let budget = Budget::new(6 << 20);
    let aggregate = aggregate(vec![0]).spilling(Spill::to(std::env::temp_dir()));
    let states = fold(&aggregate, batches, ids, &budget).expect("there is memory");
    assert_eq!(numbers(states, &Alone), expected);
}

#[test]
fn values_that_come_again_take_no_more_memory() {
    let budget = Budget::unlimited();
    let states = fold(&aggregate(vec![]), 120, 4096, &budget).expect("there is memory");
    assert!(budget.high_water() < 48 << 20, "{}", budget.high_water());
    assert_eq!(numbers(states, &Alone)[0][0], "4096");
}

#[test]
fn without_spilling_the_error_says_what_helps() {
    let budget = Budget::new(3 << 20);
    let Err(error) = fold(&aggregate(vec![]), 20, 60_000, &budget) else {
        panic!("there is not so much memory");
    };
    assert_eq!(*error.kind(), ErrorKind::Memory);
    for part in ["stage \"aggregate\"", "more", "raise engine.memory_limit"] {
        assert!(error.message().contains(part), "{error}");
    }
}

/// The different rows of the columns `by`, one text a row.
fn rows(by: &[usize], batches: impl Iterator<Item = Batch>) -> Vec<String> {
    let row = |batch: &Batch, row| {
        let values = by.iter().map(|&index| text(batch.column(index).value(row)));
        values.collect::<Vec<_>>().join("|")
    };
    let each = |batch: Batch| (0..batch.rows()).map(move |index| row(&batch, index));
    batches
        .flat_map(|batch| each(batch).collect::<Vec<_>>())
        .collect()
}

/// What two states and a crew make of batches that come to them in the order of `numbers`.
fn distinct(
    by: &[usize],
    ids: i64,
    numbers: &[i64],
    budget: &Budget,
    spill: &Spill,
) -> Vec<String> {
    let aggregate = Aggregate::new(by.to_vec(), vec![], &schema()).expect("it fits the schema");
    let aggregate = aggregate.spilling(spill.clone());
    let mut states = vec![aggregate.state(budget), aggregate.state(budget)];
    for (turn, &number) in numbers.iter().enumerate() {
        let mut batch = batch(number * 4096, ids, number as u64);
        states[turn % 2].fold(&mut batch).expect("there is memory");
    }
    let first = states.swap_remove(0);
    let batches = first.finish_with(states, &Pair).expect("there is memory");
    let all: Vec<usize> = (0..by.len()).collect();
    rows(&all, batches.map(|batch| batch.expect("there is memory")))
}

/// The same by a set.
fn distinct_naively(by: &[usize], ids: i64, batches: i64) -> Vec<String> {
    let mut seen = HashSet::new();
    let batches = (0..batches).map(|number| batch(number * 4096, ids, number as u64));
    let mut rows = rows(by, batches);
    rows.retain(|row| seen.insert(row.clone()));
    rows
}

#[test]
fn different_rows_come_in_the_order_of_their_first_whatever_the_memory() {
    let in_order: Vec<i64> = (0..40).collect();
    let backwards: Vec<i64> = in_order.iter().rev().copied().collect();
    for by in [&[1][..], &[2], &[0, 2, 1]] {
        let expected = distinct_naively(by, 100_000, 40);
        for (limit, order) in [
            (u64::MAX, &in_order),
            (24 << 20, &backwards),
            (6 << 20, &in_order),
            (2 << 20, &backwards),
        ] {
            let (budget, spill) = (Budget::new(limit), Spill::to(std::env::temp_dir()));
            let found = distinct(by, 100_000, order, &budget, &spill);
            assert!(
                found == expected,
                "{by:?} in {limit} bytes: {}",
                found.len()
            );
            let must_spill = limit == 2 << 20;
            assert!(!must_spill || spill.written_bytes() > 0);
            assert_eq!(budget.used(), 0);
            assert!(budget.high_water() <= limit);
        }
    }
}

#[test]
fn different_rows_that_become_many_late_are_found_once() {
    let (few, many) = (100, 100_000);
    let aggregate = Aggregate::new(vec![1], vec![], &schema()).expect("it fits the schema");
    let aggregate = aggregate.spilling(Spill::to(std::env::temp_dir()));
    let budget = Budget::new(16 << 20);
    let mut states = vec![aggregate.state(&budget), aggregate.state(&budget)];
    // One has few rows alone, the other many; those of the first are among them, but earlier.
    states[0]
        .fold(&mut batch(0, few, 0))
        .expect("there is memory");
    for number in 1..30 {
        let mut batch = batch(number * 4096, many, number as u64);
        states[1].fold(&mut batch).expect("there is memory");
    }
    let inputs = (0..30).map(|number| {
        let ids = if number == 0 { few } else { many };
        batch(number * 4096, ids, number as u64)
    });
    let (mut expected, mut seen) = (rows(&[1], inputs), HashSet::new());
    expected.retain(|row| seen.insert(row.clone()));
    let first = states.swap_remove(0);
    let found = first.finish_with(states, &Pair).expect("there is memory");
    let found = rows(&[0], found.map(|batch| batch.expect("there is memory")));
    assert!(found == expected, "{} of {}", found.len(), expected.len());
}

/// Counts the pieces that it is given.
struct Counting(std::sync::atomic::AtomicUsize);

impl Crew for Counting {
    fn size(&self) -> usize {
        2
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        let Self(count) = self;
        count.fetch_add(pieces, std::sync::atomic::Ordering::Relaxed);
        Pair.each(pieces, work);
    }
}

#[test]
fn rows_without_their_likes_are_found_by_all_workers() {
    let dedup = Dedup::of_rows(&schema()).expect("there are columns");
    let dedup = dedup.spilling(Spill::to(std::env::temp_dir()));
    let budget = Budget::new(64 << 20);
    let mut states = vec![dedup.state(&budget), dedup.state(&budget)];
    for number in 0..40 {
        let mut batch = batch(number * 4096, 100_000, number as u64);
        states[number as usize % 2]
            .fold(&mut batch)
            .expect("there is memory");
    }
    let (first, crew) = (states.swap_remove(0), Counting(0.into()));
    let found = first.finish_with(states, &crew).expect("there is memory");
    let found = rows(
        &[0, 1, 2],
        found.map(|batch| batch.expect("there is memory")),
    );
    assert!(found == distinct_naively(&[0, 1, 2], 100_000, 40));
    assert!(crew.0.into_inner() > 1);
}
