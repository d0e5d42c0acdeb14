//! Dedup against a set of keys, whatever the cuts, states, merges and memory.

mod fold;

use std::collections::HashSet;

use fold::{Input, input, rows_of, schema, show_cell};
use pelton_pool::Budget;
use pelton_stage::{Dedup, Spill};
use proptest::collection::vec;
use proptest::prelude::*;

fn expected(input: &Input, by: &[usize]) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    let rows = input
        .rows
        .iter()
        .map(|row| row.iter().map(show_cell).collect());
    rows.filter(|row: &Vec<String>| {
        seen.insert(by.iter().map(|&by| row[by].clone()).collect::<Vec<_>>())
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keeps_the_first_row_of_each_key(input in input(), by in vec(0..7usize, 1..4)) {
        let dedup = Dedup::new(by.clone(), &schema()).expect("there are such columns");
        let rows = rows_of(fold::fold(&dedup, &input, &Budget::unlimited()));
        prop_assert_eq!(rows, expected(&input, &by));
    }

    #[test]
    fn distinct_rows_differ(input in input()) {
        let mut input = input;
        input.rows.extend(input.rows.clone());
        let dedup = Dedup::of_rows(&schema()).expect("there are columns");
        let rows = rows_of(fold::fold(&dedup, &input, &Budget::unlimited()));
        prop_assert_eq!(rows, expected(&input, &[0, 1, 2, 3, 4, 5, 6]));
    }
}

#[test]
fn spills_and_keeps_the_first_row_of_each_key() {
    let rows = fold::many_rows(20_000);
    let input = Input {
        rows,
        cuts: vec![(700, true, 0), (900, false, 1)],
        order: 5,
    };
    let spill = Spill::to(std::env::temp_dir());
    let dedup = Dedup::new(vec![1], &schema())
        .expect("there is a column")
        .spilling(spill.clone());
    let budget = Budget::new(3 << 20);
    assert_eq!(
        rows_of(fold::fold(&dedup, &input, &budget)),
        expected(&input, &[1])
    );
    assert!(spill.written_bytes() > 0 && budget.used() == 0);
}
