//! The store that fails when it is told to.
#![cfg(feature = "testing")]

use std::thread;

use pelton_connect::store::{Fault, Faults, FaultyStore, MemoryStore, MemoryStoreOptions};
use pelton_connect::stream::{Delivery, Positions, Store, StoreErrorKind};

fn line(text: &str) -> [Delivery; 1] {
    [Delivery::Bytes {
        bytes: text.into(),
        records: 1,
    }]
}

fn none() -> Positions {
    Positions::new()
}

#[test]
fn a_lost_answer_has_its_effect_and_a_failure_has_none() {
    let inner = MemoryStore::new(MemoryStoreOptions::default());
    let (records, faults) = (inner.records(), Faults::default());
    let mut store = FaultyStore::new(inner, faults.clone());
    let fatal = Fault::Fails(StoreErrorKind::Fatal);
    faults.next([Some(fatal), None, Some(Fault::AnswerLost)]);
    assert_eq!(
        store.put(&line("a"), &none()).unwrap_err().kind(),
        StoreErrorKind::Fatal
    );
    store.put(&line("b"), &none()).unwrap();
    assert_eq!(
        store.put(&line("c"), &none()).unwrap_err().kind(),
        StoreErrorKind::Transient
    );
    assert_eq!(records.bytes(), b"bc");
    assert_eq!(faults.puts(), 3);
}

#[test]
fn some_records_are_refused() {
    let faults = Faults::default();
    let mut store = FaultyStore::new(
        MemoryStore::new(MemoryStoreOptions::default()),
        faults.clone(),
    );
    faults.refuse(|delivery| matches!(delivery, Delivery::Bytes { bytes, .. } if bytes == b"bad"));
    assert_eq!(
        store.put(&line("bad"), &none()).unwrap_err().kind(),
        StoreErrorKind::Refused
    );
    store.put(&line("good"), &none()).unwrap();
    faults.mend();
    store.put(&line("bad"), &none()).unwrap();
}

#[test]
fn random_failures_are_those_of_the_seed() {
    let failures = |seed| {
        let faults = Faults::default();
        faults.at_random(3, seed);
        let inner = MemoryStore::new(MemoryStoreOptions::default());
        let mut store = FaultyStore::new(inner, faults);
        (0..300)
            .map(|_| store.put(&[], &none()).is_err())
            .collect::<Vec<_>>()
    };
    assert_eq!(failures(1), failures(1));
    assert_ne!(failures(1), failures(2));
    let failed = failures(1).iter().filter(|failed| **failed).count();
    assert!((60..140).contains(&failed), "{failed} of 300");
}

#[test]
fn a_stalled_put_waits_for_its_release() {
    let inner = MemoryStore::new(MemoryStoreOptions::default());
    let (records, faults) = (inner.records(), Faults::default());
    let mut store = FaultyStore::new(inner, faults.clone());
    faults.stall();
    let putting = thread::spawn(move || store.put(&line("a"), &none()));
    faults.wait_until_stalled();
    assert!(records.is_empty());
    faults.release();
    putting.join().unwrap().unwrap();
    assert_eq!(records.bytes(), b"a");
}
