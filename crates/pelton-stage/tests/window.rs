//! Windows against a twin that looks at every row for every window.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Schema, Values};
use pelton_stage::{Call, Fold, Function, Span, Window};
use proptest::prelude::*;

/// A row: its time, its key, its value.
type Row = (i64, i64, i64);

/// Start, end, key: count and sum.
type Windows = BTreeMap<(i64, i64, i64), (i64, i64)>;

fn schema() -> Arc<Schema> {
    Schema::of([
        ("at", DataType::Timestamp),
        ("key", DataType::Int64),
        ("value", DataType::Int64),
    ])
    .into()
}

fn batch(rows: &[Row]) -> Batch {
    let columns = vec![
        Column::timestamps(rows.iter().map(|row| row.0)),
        Column::int64(rows.iter().map(|row| row.1)),
        Column::int64(rows.iter().map(|row| row.2)),
    ];
    Batch::from_columns(schema(), columns)
}

fn window(span: Span, lateness: i64) -> Window {
    let calls = vec![
        Call::count_rows("rows"),
        Call::new(Function::Sum, 2, "total"),
    ];
    Window::new(0, span, vec![1], calls, &schema())
        .unwrap()
        .lateness(Duration::from_nanos(lateness as u64))
}

fn times(column: &Column) -> Vec<i64> {
    match column.values() {
        Values::Timestamp(times) => times.clone(),
        other => panic!("{other:?}"),
    }
}

fn number(column: &Column, row: usize) -> i64 {
    column.value(row).to_string().parse().unwrap()
}

/// What came out; that no window came twice is checked by the way.
fn collect(batches: &[Batch]) -> Windows {
    let mut windows = Windows::new();
    for batch in batches {
        let (starts, ends) = (times(batch.column(0)), times(batch.column(1)));
        for row in 0..batch.rows() {
            let group = (starts[row], ends[row], number(batch.column(2), row));
            let figures = (number(batch.column(3), row), number(batch.column(4), row));
            assert_eq!(windows.insert(group, figures), None, "{group:?} twice");
        }
    }
    windows
}

fn naive(span: Span, rows: &[Row]) -> Windows {
    let mut windows = Windows::new();
    let mut add = |start: i64, end: i64, row: &Row| {
        let figures = windows.entry((start, end, row.1)).or_default();
        figures.0 += 1;
        figures.1 += row.2;
    };
    match span {
        Span::Tumbling(size) => {
            let size = size.as_nanos() as i64;
            for row in rows {
                let start = row.0.div_euclid(size) * size;
                add(start, start + size, row);
            }
        }
        Span::Sliding { size, step } => {
            let (size, step) = (size.as_nanos() as i64, step.as_nanos() as i64);
            for row in rows {
                for start in row.0 - size + 1..=row.0 {
                    if start.rem_euclid(step) == 0 {
                        add(start, start + size, row);
                    }
                }
            }
        }
        Span::Session(gap) => {
            let gap = gap.as_nanos() as i64;
            let mut sorted = rows.to_vec();
            sorted.sort_by_key(|row| (row.1, row.0));
            for session in sorted.chunk_by(|one, next| one.1 == next.1 && next.0 - one.0 < gap) {
                let (first, last) = (session[0].0, session[session.len() - 1].0);
                session.iter().for_each(|row| add(first, last + gap, row));
            }
        }
    }
    windows
}

fn spans() -> impl Strategy<Value = Span> {
    let nanoseconds = Duration::from_nanos;
    prop_oneof![
        (1..40_u64).prop_map(move |size| Span::Tumbling(nanoseconds(size))),
        (1..10_u64, 1..6_u64).prop_map(move |(step, times)| Span::Sliding {
            size: nanoseconds(step * times),
            step: nanoseconds(step)
        }),
        (1..30_u64).prop_map(move |gap| Span::Session(nanoseconds(gap))),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((-150..150_i64, 0..4_i64, -9..9_i64), 0..120)
}

proptest! {
    #[test]
    fn an_input_with_an_end_is_grouped_as_the_twin_does_it(
        span in spans(),
        rows in rows(),
        size in 1..20_usize,
    ) {
        let window = window(span, 0);
        let budget = Budget::unlimited();
        let mut states = [window.state(&budget), window.state(&budget)];
        for (index, some) in rows.chunks(size).enumerate() {
            states[index % 2].fold(&mut batch(some)).unwrap();
        }
        let [mut one, other] = states;
        one.merge(other).unwrap();
        let batches: Vec<Batch> = one.finish().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(collect(&batches), naive(span, &rows));
    }

    #[test]
    fn an_input_without_an_end_gives_the_same_when_nothing_is_later_than_allowed(
        span in spans(),
        rows in rows(),
        size in 1..20_usize,
        jitter in 0..20_i64,
    ) {
        // In order of time but for the jitter.
        let mut rows = rows;
        rows.sort_by_key(|row| row.0 + (row.1 * 7 + row.2).rem_euclid(jitter + 1));
        let mut state = window(span, jitter).ordered(&Budget::unlimited()).unwrap();
        let (mut out, mut folded, mut made) = (Vec::new(), 0, 0);
        for some in rows.chunks(size) {
            let mut batch = batch(some);
            let passed = state.pass(&mut batch, &mut out).unwrap();
            prop_assert!(batch.rejected().is_empty(), "{:?}", batch.rejected());
            (folded, made) = (folded + passed.folded, made + passed.made);
        }
        made += state.finish(&mut out).unwrap().made;
        prop_assert_eq!(folded, rows.len() as u64);
        prop_assert_eq!(made, out.iter().map(|batch| batch.rows() as u64).sum::<u64>());
        prop_assert_eq!(collect(&out), naive(span, &rows));
    }
}

#[test]
fn spans_that_make_no_sense_are_refused() {
    let nanoseconds = Duration::from_nanos;
    let sliding = |size, step| Span::Sliding {
        size: nanoseconds(size),
        step: nanoseconds(step),
    };
    for span in [
        Span::Tumbling(Duration::ZERO),
        Span::Session(Duration::MAX),
        sliding(5, 6),
        sliding(5000, 1),
        sliding(5, 0),
    ] {
        let refused = Window::new(0, span, vec![], vec![Call::count_rows("n")], &schema());
        assert!(refused.is_err(), "{span:?}");
    }
    let no_time = Window::new(1, Span::Tumbling(nanoseconds(5)), vec![], vec![], &schema());
    assert!(
        no_time
            .unwrap_err()
            .to_string()
            .contains("needs a timestamp")
    );
}

#[test]
fn rows_without_a_time_and_rows_that_come_late_are_refused() {
    let mut state = window(Span::Tumbling(Duration::from_nanos(10)), 5)
        .ordered(&Budget::unlimited())
        .unwrap();
    let mut out = Vec::new();
    state
        .pass(&mut batch(&[(3, 0, 1), (26, 0, 1)]), &mut out)
        .unwrap();
    assert_eq!(
        collect(&out).len(),
        1,
        "what ended at 10 is closed by 26 - 5"
    );
    let mut late = batch(&[(9, 0, 1), (19, 0, 1), (20, 0, 1)]);
    let passed = state.pass(&mut late, &mut out).unwrap();
    assert_eq!((passed.folded, late.rejected().len()), (1, 2));
    assert!(
        late.rejected()
            .iter()
            .all(|rejected| rejected.kind.name() == "late")
    );

    let validity = [true, false].into_iter().collect();
    let columns = vec![
        Column::timestamps([30, 0]).with_validity(validity),
        Column::int64([0, 0]),
        Column::int64([1, 1]),
    ];
    let mut timeless = Batch::from_columns(schema(), columns);
    let passed = state.pass(&mut timeless, &mut out).unwrap();
    assert_eq!((passed.folded, timeless.rejected().len()), (1, 1));
}
