//! Dedup windows against a twin that remembers rows in a list.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Schema};
use pelton_stage::{Fold, Ordered, Recent, Within};
use proptest::prelude::*;

fn schema() -> Arc<Schema> {
    Schema::of([("key", DataType::String), ("at", DataType::Timestamp)]).into()
}

fn batch(rows: &[(String, i64)]) -> Batch {
    let columns = vec![
        Column::strings(rows.iter().map(|row| row.0.as_str())),
        Column::timestamps(rows.iter().map(|row| row.1)),
    ];
    Batch::from_columns(schema(), columns)
}

/// The rows that are kept.
fn naive(window: Within, rows: &[(String, i64)]) -> Vec<(String, i64)> {
    let (mut kept, mut seen) = (Vec::new(), VecDeque::<(String, i64)>::new());
    let mut latest = i64::MIN;
    for row in rows {
        latest = latest.max(row.1);
        if let Within::Time { span, .. } = window {
            while seen
                .front()
                .is_some_and(|old| old.1 < latest - span.as_nanos() as i64)
            {
                seen.pop_front();
            }
        }
        if seen.iter().any(|old| old.0 == row.0) {
            continue;
        }
        kept.push(row.clone());
        seen.push_back(row.clone());
        if let Within::Rows(most) = window
            && seen.len() > most as usize
        {
            seen.pop_front();
        }
    }
    kept
}

fn state(window: Within) -> Box<dyn Ordered> {
    let recent = Recent::new(vec![0], window, &schema()).unwrap();
    recent.ordered(&Budget::unlimited()).unwrap()
}

fn passed(window: Within, rows: &[(String, i64)], size: usize) -> (Vec<(String, i64)>, u64) {
    let mut state = state(window);
    let (mut out, mut dropped) = (Vec::new(), 0);
    for some in rows.chunks(size) {
        dropped += state.pass(&mut batch(some), &mut out).unwrap().deduplicated;
    }
    (rows_of(&out), dropped)
}

/// The same, but after every `life` batches the state is another one, made of what changed and is
/// still needed.
fn passed_by_heirs(
    window: Within,
    rows: &[(String, i64)],
    size: usize,
    life: usize,
) -> Vec<(String, i64)> {
    let mut heir = state(window);
    assert!(heir.note_changes());
    let mut out = Vec::new();
    // With the number of batches that the state had seen by then.
    let mut changes: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
    let mut batches = 0;
    for (index, some) in rows.chunks(size).enumerate() {
        heir.pass(&mut batch(some), &mut out).unwrap();
        batches += 1;
        let changed = heir.changes();
        if !changed.is_empty() {
            changes.push_back((batches, changed));
        }
        while changes.len() > 1 && changes[0].0 <= heir.needs() {
            changes.pop_front();
        }
        if index % life == life - 1 {
            heir = state(window);
            assert!(heir.note_changes());
            batches = 0;
            for (seen, changed) in &mut changes {
                assert!(heir.restore(changed).unwrap());
                batches += 1;
                *seen = batches;
            }
        }
    }
    rows_of(&out)
}

fn rows_of(out: &[Batch]) -> Vec<(String, i64)> {
    let rows = out.iter().flat_map(|batch| {
        (0..batch.rows()).map(|row| {
            let at = match batch.column(1).values() {
                pelton_record::Values::Timestamp(times) => times[row],
                other => panic!("{other:?}"),
            };
            (batch.column(0).value(row).to_string(), at)
        })
    });
    rows.collect()
}

fn rows() -> impl Strategy<Value = Vec<(String, i64)>> {
    // Short keys are compared as they are, long ones by 128 bits.
    let key = (0..40_u32, any::<bool>()).prop_map(|(key, long)| match long {
        true => format!("a key that is longer than a word: {key}"),
        false => format!("k{key}"),
    });
    prop::collection::vec((key, 0..60_i64), 0..400)
}

proptest! {
    #[test]
    fn rows_are_kept_as_the_twin_keeps_them(
        rows in rows(),
        most in 1..60_u32,
        span in 0..40_u64,
        size in 1..50_usize,
    ) {
        let by_time = Within::Time { column: 1, span: Duration::from_nanos(span) };
        for window in [Within::Rows(most), by_time] {
            let (kept, dropped) = passed(window, &rows, size);
            prop_assert_eq!(dropped, (rows.len() - kept.len()) as u64);
            prop_assert_eq!(kept, naive(window, &rows));
        }
    }

    #[test]
    fn a_state_made_of_changes_is_as_the_one_that_told_them(
        rows in rows(),
        most in 1..60_u32,
        span in 0..40_u64,
        size in 1..30_usize,
        life in 1..6_usize,
    ) {
        let by_time = Within::Time { column: 1, span: Duration::from_nanos(span) };
        for window in [Within::Rows(most), by_time] {
            let kept = passed_by_heirs(window, &rows, size, life);
            prop_assert_eq!(kept, naive(window, &rows));
        }
    }
}

#[test]
fn changes_of_another_step_are_left_alone() {
    let mut by_rows = state(Within::Rows(3));
    by_rows.note_changes();
    by_rows
        .pass(&mut batch(&[("a".to_owned(), 1)]), &mut Vec::new())
        .unwrap();
    let changes = by_rows.changes();
    assert!(by_rows.changes().is_empty(), "told once");
    let span = Duration::from_secs(1);
    let mut by_time = state(Within::Time { column: 1, span });
    assert!(!by_time.restore(&changes).unwrap());
    assert!(!by_rows.restore(&changes[..5]).unwrap(), "half of it");
    assert!(by_rows.restore(&changes).unwrap());
}

#[test]
fn a_window_turned_over_many_times_stays_exact() {
    // Each key comes again after 1000 others, which is just within the window, and after 2000,
    // when it was kept last, just beyond.
    let rows: Vec<(String, i64)> = (0..200_000_u64)
        .map(|index| (format!("{}", index % 1001), 0))
        .collect();
    let (kept, _) = passed(Within::Rows(1001), &rows, 4096);
    assert_eq!(kept.len(), 1001, "all others were seen");
    let (kept, _) = passed(Within::Rows(1000), &rows, 4096);
    assert_eq!(
        kept.len(),
        rows.len(),
        "each was forgotten when it came again"
    );
}

#[test]
fn a_window_that_outgrows_its_memory_is_an_error_that_says_so() {
    let recent = Recent::new(vec![0], Within::Rows(1 << 20), &schema()).unwrap();
    let mut state = recent.ordered(&Budget::new(10_000)).unwrap();
    let rows: Vec<(String, i64)> = (0..5000).map(|index| (index.to_string(), 0)).collect();
    let error = state.pass(&mut batch(&rows), &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("a smaller window needs less"),
        "{error}"
    );
}

/// A batch of the keys `from..to`, all at the time `at`.
fn numbered(from: u64, to: u64, at: i64) -> Batch {
    let rows: Vec<(String, i64)> = (from..to).map(|key| (format!("k{key}"), at)).collect();
    batch(&rows)
}

fn used_by(window: Within, budget: &Budget) -> Box<dyn Ordered> {
    let recent = Recent::new(vec![0], window, &schema()).unwrap();
    recent.ordered(budget).unwrap()
}

/// Most bytes that so many keys may take: 16 for the key, a slot of 8 bytes for each with 7 slots
/// for 5 keys, 8 for a run where it comes alone, twice what is needed where that has just grown,
/// and a time of 8 bytes. Beside that a piece of each of 64 tables and the chunk that is filled.
fn bytes_at_most(keys: u64, is_timed: bool, is_alone: bool) -> u64 {
    let time = if is_timed { 8 } else { 0 };
    let run = if is_alone { 16 } else { 0 };
    // A table that grows is there twice: one of 64.
    let index = keys * 8 * 7 / 5;
    keys * (16 + time + run) + index + index / 32 + 64 * 2048 + 1024 * (16 + time + run)
}

#[test]
fn a_window_never_takes_much_more_than_its_keys_while_it_grows_to_a_million() {
    const KEYS: u64 = 1_000_000;
    let limit = bytes_at_most(KEYS, false, false);
    assert!(limit < 28 * KEYS, "the arithmetic of the documentation");
    let budget = Budget::new(limit);
    let mut state = used_by(Within::Rows(KEYS as u32), &budget);
    for from in (0..KEYS).step_by(500) {
        let passed = state.pass(&mut numbered(from, from + 500, 0), &mut Vec::new());
        // Refused if it took more than the limit at any moment.
        assert_eq!(passed.unwrap().deduplicated, 0);
        let most = bytes_at_most(from + 500, false, false);
        assert!(budget.used() <= most, "{} after {from}", budget.used());
    }
    // As many again push the first out, and need no more.
    for from in (KEYS..2 * KEYS).step_by(500) {
        state
            .pass(&mut numbered(from, from + 500, 0), &mut Vec::new())
            .unwrap();
    }
    drop(state);
    assert_eq!(budget.used(), 0);
}

#[test]
fn keys_that_come_one_by_one_take_little_more() {
    const KEYS: u64 = 20_000;
    let budget = Budget::new(bytes_at_most(KEYS, true, true));
    let span = Duration::from_secs(1);
    let mut state = used_by(Within::Time { column: 1, span }, &budget);
    for key in 0..KEYS {
        state
            .pass(&mut numbered(key, key + 1, 0), &mut Vec::new())
            .unwrap();
        assert!(budget.used() <= bytes_at_most(key + 1, true, true));
    }
    assert_eq!(state.needs(), 0);
}

#[test]
fn memory_is_given_back_as_time_goes_by() {
    let budget = Budget::unlimited();
    let span = Duration::from_nanos(10);
    let mut state = used_by(Within::Time { column: 1, span }, &budget);
    let few = bytes_at_most(500, true, false);
    for (at, keys) in [(0, 100_000), (100, 500), (200, 50_000), (300, 1)] {
        let mut out = Vec::new();
        state.pass(&mut numbered(0, keys, at), &mut out).unwrap();
        assert_eq!(rows_of(&out).len() as u64, keys, "all before are forgotten");
        let used = budget.used();
        match keys <= 500 {
            // A table is made smaller when three quarters of it are free.
            true => assert!(used <= 4 * few, "{used} for {keys} keys"),
            false => assert!(16 * keys <= used, "{used} for {keys} keys"),
        }
    }
}

/// The rows that are kept, as [`naive`], but soon: a key is remembered with its place in line.
fn soon(window: Within, rows: &[(String, i64)]) -> Vec<(String, i64)> {
    let (mut kept, mut latest) = (Vec::new(), i64::MIN);
    let mut line: VecDeque<&(String, i64)> = VecDeque::new();
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        latest = latest.max(row.1);
        let is_over = |first: &&(String, i64)| match window {
            Within::Rows(_) => false,
            Within::Time { span, .. } => first.1 < latest - span.as_nanos() as i64,
        };
        while let Some(first) = line.pop_front_if(|first| is_over(first)) {
            seen.remove(&first.0);
        }
        if !seen.insert(&row.0) {
            continue;
        }
        kept.push(row.clone());
        line.push_back(row);
        if let Within::Rows(most) = window
            && line.len() > most as usize
            && let Some(first) = line.pop_front()
        {
            seen.remove(&first.0);
        }
    }
    kept
}

/// Rows that come in spells, each with its own number of different keys and its own pace: what is
/// remembered grows and shrinks by thousands.
fn spells() -> impl Strategy<Value = Vec<(String, i64)>> {
    let spell = (1..8000_u64, 0..3_i64, any::<u64>(), 1..4000_usize);
    prop::collection::vec(spell, 1..6).prop_map(|spells| {
        let (mut rows, mut at) = (Vec::new(), 0);
        for (keys, pace, seed, length) in spells {
            let mut random = seed;
            for _ in 0..length {
                random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                at += pace;
                rows.push((format!("k{}", (random >> 33) % keys), at));
            }
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn thousands_of_rows_are_kept_as_the_twin_keeps_them(
        rows in spells(),
        most in 1..6000_u32,
        span in 0..4000_u64,
        size in 1..2000_usize,
    ) {
        let by_time = Within::Time { column: 1, span: Duration::from_nanos(span) };
        for window in [Within::Rows(most), by_time] {
            let (kept, dropped) = passed(window, &rows, size);
            prop_assert_eq!(dropped, (rows.len() - kept.len()) as u64);
            prop_assert!(kept == soon(window, &rows), "other rows are kept");
        }
    }
}
