//! The first rows of the input, whatever the cuts, states and merges.

mod fold;

use fold::{input, rows_of, schema, show_cell};
use pelton_pool::Budget;
use pelton_stage::{Fold, Sort};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn gives_the_first_rows(input in input(), limit in 0..50usize, offset in 0..10usize) {
        let first = Sort::first(limit, &schema()).offset(offset);
        let rows = input.rows.iter().skip(offset).take(limit);
        let expected: Vec<Vec<String>> =
            rows.map(|row| row.iter().map(show_cell).collect()).collect();
        prop_assert_eq!(rows_of(fold::fold(&first, &input, &Budget::unlimited())), expected);
    }
}

#[test]
fn wants_no_block_after_the_last_row() {
    let rows = fold::many_rows(50);
    let first = Sort::first(10, &schema());
    let mut state = first.state(&Budget::unlimited());
    state
        .fold(&mut fold::batch(&schema(), &rows[..9], 3, 0))
        .expect("there is memory");
    assert!(state.wants(4) && state.wants(1000));
    state
        .fold(&mut fold::batch(&schema(), &rows[9..20], 5, 0))
        .expect("there is memory");
    assert!(state.wants(4) && state.wants(5));
    assert!(!state.wants(6));
    assert!(
        !Sort::first(0, &schema())
            .state(&Budget::unlimited())
            .wants(0)
    );
}
