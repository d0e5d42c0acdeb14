//! The store in memory.

use pelton_connect::store::{Full, MemoryStore, MemoryStoreOptions};
use std::sync::Arc;

use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreErrorKind};
use pelton_format::Csv;
use pelton_record::{Batch, Column, DataType, Schema};
use proptest::prelude::*;

fn line(text: &str) -> Delivery {
    Delivery::Bytes {
        bytes: format!("{text}\n").into(),
        records: 1,
    }
}

fn store(records_max: u64, full: Full) -> MemoryStore {
    MemoryStore::new(MemoryStoreOptions {
        shape: Shape::Bytes,
        records_max,
        full,
        ..MemoryStoreOptions::default()
    })
}

fn at(position: u64) -> Positions {
    Positions::from([("s".to_owned(), position)])
}

#[test]
fn the_newest_are_kept() {
    let mut store = store(2, Full::Forget);
    for text in ["a", "b", "c"] {
        store.put(&[line(text)], &Positions::new()).unwrap();
    }
    let records = store.records();
    assert_eq!(records.bytes(), b"b\nc\n");
    assert_eq!((records.len(), records.total()), (2, 3));
}

#[test]
fn a_full_store_refuses_until_some_are_taken() {
    let mut store = store(2, Full::Refuse);
    let records = store.records();
    store.put(&[line("a"), line("b")], &at(2)).unwrap();
    let error = store.put(&[line("c")], &at(3)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient);
    assert_eq!(
        error.to_string(),
        "memory: holds 2 of at most 2 records; take some out"
    );
    assert_eq!(store.positions().unwrap(), at(2));

    let taken: u64 = records.take().iter().map(Delivery::records).sum();
    assert_eq!((taken, records.len()), (2, 0));
    store.put(&[line("c")], &at(3)).unwrap();
    assert_eq!(records.bytes(), b"c\n");
    assert_eq!(records.positions(), at(3));
}

#[test]
fn another_store_goes_on_with_the_same_records() {
    let mut first = store(9, Full::Forget);
    first.put(&[line("a")], &at(1)).unwrap();
    let mut second = MemoryStore::resume(MemoryStoreOptions::default(), first.records());
    assert_eq!(second.positions().unwrap(), at(1));
    second.put(&[line("b")], &at(2)).unwrap();
    assert_eq!(first.records().bytes(), b"a\nb\n");
}

#[test]
fn a_store_full_of_bytes_refuses_too() {
    let mut store = MemoryStore::new(MemoryStoreOptions {
        bytes_max: 5,
        full: Full::Refuse,
        ..MemoryStoreOptions::default()
    });
    store.put(&[line("abc")], &at(1)).unwrap();
    let error = store.put(&[line("d")], &at(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "memory: holds 4 of at most 5 bytes; take some out"
    );
}

#[test]
fn a_record_larger_than_all_the_room_is_forgotten_at_once() {
    let mut store = MemoryStore::new(MemoryStoreOptions {
        bytes_max: 3,
        ..MemoryStoreOptions::default()
    });
    store.put(&[line("a"), line("too long")], &at(2)).unwrap();
    let records = store.records();
    assert_eq!((records.len(), records.len_bytes()), (0, 0));
    assert_eq!((records.total(), records.forgotten()), (2, 2));
}

#[test]
fn quoted_line_ends_do_not_end_a_record() {
    let mut store = MemoryStore::new(MemoryStoreOptions {
        shape: Shape::Bytes,
        format: Some(Arc::new(Csv::default())),
        ..MemoryStoreOptions::default()
    });
    let bytes = b"1,a\n2,\"two\nlines\"\n3,\"\"\"\n\"\n".to_vec();
    store
        .put(&[Delivery::Bytes { bytes, records: 3 }], &at(1))
        .unwrap();
    let records = store.records();
    assert_eq!(records.len(), 3);
    assert_eq!(records.newest(1), b"3,\"\"\"\n\"\n");
    assert_eq!(records.newest(2), b"2,\"two\nlines\"\n3,\"\"\"\n\"\n");
    assert_eq!(records.newest(0), b"");
    assert_eq!(records.newest(9), records.bytes());
}

fn rows(numbers: &[i64]) -> Delivery {
    let schema = Arc::new(Schema::of([("n", DataType::Int64)]));
    Delivery::Rows(Batch::from_columns(
        schema,
        vec![Column::int64(numbers.iter().copied())],
    ))
}

#[test]
fn of_columns_the_last_rows_are_kept() {
    let mut store = MemoryStore::new(MemoryStoreOptions {
        records_max: 3,
        ..MemoryStoreOptions::default()
    });
    store
        .put(&[rows(&[1, 2]), rows(&[3, 4, 5, 6, 7])], &at(7))
        .unwrap();
    let records = store.records();
    assert_eq!((records.len(), records.forgotten()), (3, 4));
    let kept: Vec<String> = records
        .deliveries()
        .iter()
        .flat_map(|delivery| match delivery {
            Delivery::Rows(batch) => (0..batch.rows())
                .map(|row| batch.column(0).value(row).to_string())
                .collect(),
            Delivery::Bytes { .. } => Vec::new(),
        })
        .collect();
    assert_eq!(kept, ["5", "6", "7"]);
}

proptest! {
    /// Held against a list of all lines, cut to the last that fit.
    #[test]
    fn what_is_kept_is_the_newest_that_fits(
        puts in prop::collection::vec(prop::collection::vec(0_usize..12, 0..9), 0..12),
        records_max in 1_u64..20,
        bytes_max in 1_u64..80,
    ) {
        let mut store = MemoryStore::new(MemoryStoreOptions {
            records_max,
            bytes_max,
            ..MemoryStoreOptions::default()
        });
        let mut all: Vec<String> = Vec::new();
        for put in &puts {
            let lines: Vec<String> = put.iter().map(|&x| format!("{}\n", "x".repeat(x))).collect();
            let bytes = lines.concat().into_bytes();
            let records = lines.len() as u64;
            all.extend(lines);
            store.put(&[Delivery::Bytes { bytes, records }], &Positions::new()).unwrap();
        }
        let mut kept = &all[..];
        while kept.len() as u64 > records_max || kept.concat().len() as u64 > bytes_max {
            kept = &kept[1..];
        }
        let records = store.records();
        prop_assert_eq!(records.bytes(), kept.concat().into_bytes());
        prop_assert_eq!(records.len(), kept.len() as u64);
        prop_assert_eq!(records.forgotten(), (all.len() - kept.len()) as u64);
        let newest = &kept[kept.len() - kept.len().min(3)..];
        prop_assert_eq!(records.newest(3), newest.concat().into_bytes());
    }
}
