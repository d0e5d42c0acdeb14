//! Batches: rows, raw bytes and refusals stay together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use pelton_record::{Batch, Bitmap, Block, Column, DataType, Origin, RejectedKind, Schema, View};
use proptest::prelude::*;

fn schema() -> Arc<Schema> {
    Schema::of([("number", DataType::Int64), ("text", DataType::String)]).into()
}

/// Row `n` is the line `n,n` of the block.
fn batch(rows: usize) -> Batch {
    let lines: Vec<String> = (0..rows).map(|row| format!("{row},{row}")).collect();
    let mut extents = Vec::new();
    let mut start = 0;
    for line in &lines {
        let len = line.len() as u32;
        extents.push(View { start, len });
        start += len + 1;
    }
    let texts: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
    let columns = vec![
        Column::int64(0..rows as i64),
        Column::strings(texts.iter().map(String::as_str)),
    ];
    Batch::decoded(
        schema(),
        columns,
        Block::new(lines.join("\n").into_bytes()),
        extents,
    )
}

/// What the batch says its rows are, by each of the three ways to look at them.
fn numbers(batch: &Batch) -> Vec<[String; 3]> {
    let rows = 0..batch.rows();
    let row = |row: usize| {
        let raw = batch.extents()[row].of(batch.block().bytes());
        let raw = String::from_utf8_lossy(raw);
        let (first, second) = raw.split_once(',').expect("two fields");
        assert_eq!(first, second);
        let columns = batch.columns();
        [
            first.to_owned(),
            columns[0].value(row).to_string(),
            columns[1].value(row).to_string(),
        ]
    };
    rows.map(row).collect()
}

fn expected(rows: impl Iterator<Item = usize>) -> Vec<[String; 3]> {
    rows.map(|row| [row.to_string(), row.to_string(), row.to_string()])
        .collect()
}

proptest! {
    #[test]
    fn columns_and_raw_bytes_are_kept_together(rows in 0..300_usize, words in any::<[u64; 5]>()) {
        let keep = Bitmap::from_words(words.to_vec(), rows);
        let mut batch = batch(rows);
        batch.retain(&keep);
        prop_assert_eq!(numbers(&batch), expected(keep.ones()));
    }

    #[test]
    fn a_refused_row_leaves_and_is_told_of_once_with_its_bytes(
        rows in 1..200_usize,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let picks: Vec<usize> = picks.iter().map(|pick| pick.index(rows)).collect();
        let reasons = picks.iter().enumerate();
        let reasons = reasons.map(|(nth, row)| (*row as u32, format!("reason {nth}"))).collect();
        let mut batch = batch(rows);
        batch.reject(&"rules".into(), RejectedKind::Rule, reasons);
        prop_assert_eq!(numbers(&batch), expected((0..rows).filter(|row| !picks.contains(row))));

        let mut told = Vec::new();
        for (nth, row) in picks.iter().enumerate() {
            // The first reason counts.
            if !picks[..nth].contains(row) {
                told.push((format!("{row},{row}"), format!("reason {nth}")));
            }
        }
        let rejected = batch.take_rejected();
        let found = rejected.iter().map(|it| {
            assert_eq!((it.kind, &*it.stage), (RejectedKind::Rule, "rules"));
            let raw = String::from_utf8_lossy(it.extent.of(batch.block().bytes()));
            (raw.into_owned(), it.reason.clone())
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), told);
        prop_assert!(batch.rejected().is_empty());
    }
}

#[test]
fn columns_are_exchanged_and_rows_stay() {
    let mut batch = batch(3).with_lines(3).with_origin(Origin {
        source: 1,
        sequence: 2,
        byte: 30,
    });
    let mut columns = batch.take_columns();
    columns.truncate(1);
    let schema = Schema::of([("number", DataType::Int64)]);
    batch.set_columns(schema.into(), columns);
    assert_eq!(
        (batch.rows(), batch.columns().len(), batch.extents().len()),
        (3, 1, 3)
    );
    assert_eq!((batch.lines(), batch.origin().byte), (3, 30));
}

#[test]
#[should_panic(expected = "column text has a value a row")]
fn columns_of_different_lengths_are_refused() {
    let _ = Batch::from_columns(
        schema(),
        vec![Column::int64([1, 2]), Column::strings(["one"])],
    );
}

#[test]
#[should_panic(expected = "type of column text")]
fn a_column_of_another_type_is_refused() {
    let _ = Batch::from_columns(schema(), vec![Column::int64([1]), Column::int64([1])]);
}

#[test]
#[should_panic(expected = "row 2 of 2")]
fn a_row_that_is_not_there_cannot_be_refused() {
    let rows = vec![(2, String::new())];
    batch(2).reject(&"rules".into(), RejectedKind::Rule, rows);
}

/// Bytes that count how often they were given back.
struct Lent(Arc<AtomicUsize>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        b"bytes"
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_block_goes_back_to_its_owner_after_the_last_user_and_once() {
    let returned = Arc::new(AtomicUsize::new(0));
    let block = Block::new(Lent(returned.clone()));
    let shared = block.clone();
    let elsewhere = std::thread::spawn(move || shared.bytes().to_vec());
    assert_eq!(elsewhere.join().expect("read"), block.bytes());
    assert_eq!(returned.load(SeqCst), 0);
    drop(block);
    assert_eq!(returned.load(SeqCst), 1);
}
