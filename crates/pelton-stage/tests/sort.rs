//! Sorts against the standard library's stable sort, whatever the cuts, states, merges and memory.

mod fold;

use std::cmp::Ordering;

use fold::{Cell, Input, Row, compare, input, rows_of, schema, show_cell};
use pelton_pool::Budget;
use pelton_stage::{ErrorKind, Fold, Sort, SortKey, Spill};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn order(a: &Row, b: &Row, keys: &[SortKey]) -> Ordering {
    let orders = keys.iter().map(|key| {
        let (a, b) = (&a[key.column], &b[key.column]);
        match (*a == Cell::Null, *b == Cell::Null) {
            (false, false) if key.descending => compare(b, a),
            (false, false) => compare(a, b),
            (a, b) if key.nulls_first => b.cmp(&a),
            (a, b) => a.cmp(&b),
        }
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

fn expected(input: &Input, keys: &[SortKey], limit: usize, offset: usize) -> Vec<Vec<String>> {
    let mut rows = input.rows.clone();
    rows.sort_by(|a, b| order(a, b, keys));
    let rows = rows.iter().skip(offset).take(limit);
    rows.map(|row| row.iter().map(show_cell).collect())
        .collect()
}

fn keys() -> impl Strategy<Value = Vec<SortKey>> {
    let key = (0..7usize, any::<bool>(), any::<bool>()).prop_map(|(column, descending, nulls)| {
        let key = if descending {
            SortKey::descending(column)
        } else {
            SortKey::ascending(column)
        };
        key.nulls_first(nulls)
    });
    vec(key, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn agrees_with_a_stable_sort(
        input in input(),
        keys in keys(),
        limit in option::of(0..60usize),
        offset in 0..20usize,
    ) {
        let mut sort = Sort::new(keys.clone(), &schema()).expect("there are such columns");
        sort = sort.offset(offset);
        if let Some(limit) = limit {
            sort = sort.limit(limit);
        }
        let rows = rows_of(fold::fold(&sort, &input, &Budget::unlimited()));
        prop_assert_eq!(rows, expected(&input, &keys, limit.unwrap_or(usize::MAX), offset));
    }
}

#[test]
fn nulls_stand_where_postgresql_has_them() {
    let rows = [Cell::Int(1), Cell::Null, Cell::Int(2)].map(|cell| {
        let mut row = vec![Cell::Null; 7];
        row[1] = cell;
        row
    });
    let input = Input {
        rows: rows.into(),
        cuts: vec![(1, true, 0)],
        order: 0,
    };
    let column = |key: SortKey| {
        let sort = Sort::new(vec![key], &schema()).expect("there is such a column");
        let rows = rows_of(fold::fold(&sort, &input, &Budget::unlimited()));
        rows.iter().map(|row| row[1].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        column(SortKey::ascending(1)),
        ["Int64(1)", "Int64(2)", "Null"]
    );
    assert_eq!(
        column(SortKey::descending(1)),
        ["Null", "Int64(2)", "Int64(1)"]
    );
}

#[test]
fn spills_and_gives_the_same_rows() {
    let rows = fold::many_rows(20_000);
    let input = Input {
        rows,
        cuts: vec![(700, true, 0), (900, false, 1)],
        order: 5,
    };
    let keys = vec![SortKey::descending(4), SortKey::ascending(0)];
    for (limit, offset) in [(usize::MAX, 0), (30_000, 5)] {
        let spill = Spill::to(std::env::temp_dir());
        let sort = Sort::new(keys.clone(), &schema()).expect("there are such columns");
        let sort = sort.limit(limit).offset(offset).spilling(spill.clone());
        let budget = Budget::new(2 << 20);
        let rows = rows_of(fold::fold(&sort, &input, &budget));
        assert_eq!(rows, expected(&input, &keys, limit, offset));
        assert!(spill.written_bytes() > 0 && budget.used() == 0);
    }
}

#[test]
fn memory_refused_is_an_error_unless_a_limit_keeps_it_small() {
    let rows = fold::many_rows(5_000);
    let budget = Budget::new(500_000);
    let sort = Sort::new(vec![SortKey::ascending(1)], &schema()).expect("there is such a column");
    let fold = |sort: Sort| {
        let mut state = sort.state(&budget);
        let batches = rows.chunks(500).enumerate();
        let mut batches = batches.map(|(n, rows)| fold::batch(&schema(), rows, n as u64, 0));
        batches.try_for_each(|mut batch| state.fold(&mut batch))
    };
    let error = fold(sort.clone()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Memory);
    assert!(
        error.message().starts_with("stage \"sort\" holds "),
        "{error}"
    );
    assert_eq!(fold(sort.limit(100)), Ok(()));
}
