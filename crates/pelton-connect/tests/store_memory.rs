//! The store in memory.

use pelton_connect::store::{Full, MemoryStore, MemoryStoreOptions};
use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreErrorKind};

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

    assert_eq!(records.take().len(), 2);
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
