//! `dedup` with a window in runs with an end: what comes out is what a twin finds that sees the
//! rows one by one, whatever the workers and the blocks.

use std::collections::VecDeque;
use std::fmt::Write;

use pelton::connect::{Input, MemorySink};
use pelton::plan::Plan;
use pelton::{Engine, Report};
use proptest::prelude::*;

/// A key and a time in seconds.
type Row = (u8, i64);

fn run(rows: &[Row], stages: &str, (workers, block): (usize, usize)) -> (String, Report) {
    let text = format!(
        "source = {{ path = '-', format = 'csv', schema = {{ k = 'int64', t = 'timestamp' }} }}\n\
         sink = {{ path = '-', format = 'csv' }}\n{stages}\n[engine]\nworkers = {workers}\n\
         block_size = '{block}B'\n"
    );
    let mut input = "k,t\n".to_owned();
    for (key, time) in rows {
        writeln!(
            input,
            "{key},2025-01-01T00:{:02}:{:02}Z",
            time / 60,
            time % 60
        )
        .expect("room");
    }
    let sink = MemorySink::default();
    let plan = Plan::from_toml(&text).expect("a plan");
    let engine = Engine::from_plan(plan).inputs(vec![Input::memory("x", input)]);
    let report = engine.sink(sink.clone()).run().expect("it runs");
    assert!(report.records.balances(), "{:?}", report.records);
    let out = String::from_utf8(sink.take()).expect("text");
    (out, report)
}

fn keys(out: &str) -> Vec<u8> {
    let key = |line: &str| line.split(',').next().expect("a field").parse();
    out.lines()
        .skip(1)
        .map(|line| key(line).expect("a key"))
        .collect()
}

/// The rows that are not among the last `window` kept.
fn last_rows(rows: &[Row], window: usize) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    for &row in rows {
        let recent = &kept[kept.len().saturating_sub(window)..];
        if recent.iter().all(|other| other.0 != row.0) {
            kept.push(row);
        }
    }
    kept
}

/// The rows whose key was not kept within `span` seconds before the latest time.
fn last_seconds(rows: &[Row], span: i64) -> Vec<Row> {
    let (mut kept, mut seen, mut latest) = (Vec::new(), VecDeque::<Row>::new(), i64::MIN);
    for &row in rows {
        latest = latest.max(row.1);
        while seen.front().is_some_and(|oldest| oldest.1 < latest - span) {
            seen.pop_front();
        }
        if seen.iter().all(|other| other.0 != row.0) {
            seen.push_back(row);
            kept.push(row);
        }
    }
    kept
}

fn keys_of(rows: &[Row]) -> Vec<u8> {
    rows.iter().map(|row| row.0).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0u8..12, 0i64..9), 1..400).prop_map(|steps| {
        let time = steps.iter().scan(0, |at, (key, step)| {
            *at = (*at + step - 2).clamp(0, 3599);
            Some((*key, *at))
        });
        time.collect()
    })
}

fn shape() -> impl Strategy<Value = (usize, usize)> {
    (1usize..5, prop::sample::select(vec![64, 200, 1000, 65536]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_window_of_rows_keeps_what_a_twin_keeps(
        rows in rows(), window in 1usize..12, shape in shape(),
    ) {
        let stage = format!("[[stage]]\ndedup = {{ key = ['k'], window = {window} }}");
        let (out, report) = run(&rows, &stage, shape);
        let kept = last_rows(&rows, window);
        prop_assert_eq!(keys(&out), keys_of(&kept));
        prop_assert_eq!(report.records.deduplicated as usize, rows.len() - kept.len());
        prop_assert_eq!(report.records.written as usize, kept.len());
    }

    #[test]
    fn a_span_of_time_keeps_what_a_twin_keeps(
        rows in rows(), span in 1i64..60, shape in shape(),
    ) {
        let stage = format!(
            "[[stage]]\ndedup = {{ key = ['k'], within = '{span}s', time = 't' }}"
        );
        let (out, _) = run(&rows, &stage, shape);
        prop_assert_eq!(keys(&out), keys_of(&last_seconds(&rows, span)));
    }

    #[test]
    fn stages_before_between_and_behind_see_the_same_rows(rows in rows(), shape in shape()) {
        let stages = "[[stage]]\nfilter = 'k <> 3'\n\
                      [[stage]]\ndedup = { key = ['k'], window = 2 }\n\
                      [[stage]]\nderive = { h = 'k / 2' }\n\
                      [[stage]]\ndedup = { key = ['h'], window = 1 }\n\
                      [[stage]]\nfilter = 'k < 10'\n";
        let some: Vec<Row> = rows.iter().copied().filter(|row| row.0 != 3).collect();
        let halves: Vec<Row> = last_rows(&some, 2);
        let mut kept: Vec<Row> = Vec::new();
        for row in halves {
            if kept.last().is_none_or(|last| last.0 / 2 != row.0 / 2) {
                kept.push(row);
            }
        }
        kept.retain(|row| row.0 < 10);
        prop_assert_eq!(keys(&run(&rows, stages, shape).0), keys_of(&kept));
        let first = format!("{stages}[[stage]]\nlimit = 3\n");
        kept.truncate(3);
        prop_assert_eq!(keys(&run(&rows, &first, shape).0), keys_of(&kept));
    }

    #[test]
    fn folds_before_and_behind_see_the_same_rows(rows in rows(), shape in shape()) {
        let behind = "[[stage]]\ndedup = { key = ['k'], window = 3 }\n\
                      [[stage]]\naggregate = { compute = { n = 'count(*)', s = 'sum(k)' } }\n";
        let kept = keys_of(&last_rows(&rows, 3));
        let sum: u64 = kept.iter().map(|&key| u64::from(key)).sum();
        let (out, _) = run(&rows, behind, shape);
        prop_assert_eq!(out, format!("n,s\n{},{sum}\n", kept.len()));
        let before = "[[stage]]\nsort = ['k DESC']\n\
                      [[stage]]\nderive = { h = 'k / 3' }\n\
                      [[stage]]\ndedup = { key = ['h'], window = 1 }\n\
                      [[stage]]\nsort = ['k']\n";
        let mut sorted = keys_of(&rows);
        sorted.sort_unstable();
        sorted.reverse();
        sorted.dedup_by_key(|key| *key / 3);
        sorted.reverse();
        prop_assert_eq!(keys(&run(&rows, before, shape).0), sorted);
    }
}

#[test]
fn refused_rows_are_told_in_their_place_and_others_go_on() {
    let stages = "[[stage]]\nderive = { a = '10 / (k - 1)' }\n\
                  [[stage]]\ndedup = { key = ['k'], window = 2 }\n\
                  [[stage]]\nderive = { b = '10 / (k - 2)' }\n";
    let rows = [(1, 0), (2, 0), (3, 0), (3, 0), (2, 0), (4, 0)];
    let text = format!(
        "source = {{ path = '-', format = 'csv', schema = {{ k = 'int64' }} }}\n\
         sink = {{ path = '-', format = 'csv' }}\n{stages}\n\
         [engine]\nworkers = 3\nblock_size = '64B'\non_error = 'skip'\n"
    );
    let input: String = rows.iter().map(|row| format!("{}\n", row.0)).collect();
    let sink = MemorySink::default();
    let engine = Engine::from_plan(Plan::from_toml(&text).expect("a plan"))
        .inputs(vec![Input::memory("x", format!("k\n{input}"))])
        .sink(sink.clone());
    let records = engine.run().expect("it runs").records;
    assert!(records.balances(), "{records:?}");
    assert_eq!(keys(&String::from_utf8(sink.take()).expect("text")), [3, 4]);
    assert_eq!((records.rejected, records.deduplicated), (2, 2));
}
