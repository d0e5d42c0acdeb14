//! The store that is a table of SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "what tests share is no test itself")]

use std::path::Path;
use std::time::Duration;

use pelton_connect::store::{Conflict, SqliteStore, SqliteStoreOptions};
use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreErrorKind};
use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Values};
use rusqlite::Connection;
use tempfile::TempDir;

fn schema() -> Schema {
    Schema::of([("city", DataType::String), ("trips", DataType::Int64)])
}

fn trips(rows: &[(&str, i64)]) -> Delivery {
    let cities = Column::strings(rows.iter().map(|row| row.0));
    let numbers = Column::int64(rows.iter().map(|row| row.1));
    Delivery::Rows(Batch::from_columns(schema().into(), vec![cities, numbers]))
}

fn at(position: u64) -> Positions {
    Positions::from([("s".to_owned(), position)])
}

fn options(folder: &TempDir) -> SqliteStoreOptions {
    SqliteStoreOptions {
        busy: Duration::ZERO,
        ..SqliteStoreOptions::new(folder.path().join("a.db").display().to_string())
    }
}

fn keyed(folder: &TempDir, conflict: Conflict) -> SqliteStoreOptions {
    SqliteStoreOptions {
        key: vec!["city".to_owned()],
        conflict,
        ..options(folder)
    }
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("a.db")).unwrap()
}

fn rows(folder: &TempDir) -> Vec<(String, i64)> {
    let connection = database(folder.path());
    let mut statement = connection
        .prepare("SELECT * FROM events ORDER BY rowid")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn owned(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter()
        .map(|(city, trips)| ((*city).to_owned(), *trips))
        .collect()
}

#[test]
fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    assert_eq!(store.shape(), Shape::Rows);
    assert!(store.positions().unwrap().is_empty());
    store
        .put(&[trips(&[("Oslo", 7)]), trips(&[("Bern", 12)])], &at(2))
        .unwrap();
    store
        .put(&[trips(&[("Oslo", 7)])], &Positions::new())
        .unwrap();
    drop(store);
    assert_eq!(
        rows(&folder),
        owned(&[("Oslo", 7), ("Bern", 12), ("Oslo", 7)])
    );
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    assert_eq!(store.positions().unwrap(), at(2));
}

#[test]
fn batches_of_any_length_arrive_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let mut expected = Vec::new();
    for length in [1, 31, 32, 33, 64, 200] {
        let numbered = names[..length].iter().zip(0..);
        let part: Vec<(&str, i64)> = numbered.map(|(name, n)| (name.as_str(), n)).collect();
        store.put(&[trips(&part)], &Positions::new()).unwrap();
        expected.extend(owned(&part));
    }
    assert_eq!(rows(&folder), expected);
}

#[test]
fn a_key_decides_who_stays() {
    for (conflict, oslo) in [(Conflict::Upsert, 9), (Conflict::Ignore, 7)] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(keyed(&folder, conflict), &schema()).unwrap();
        store
            .put(&[trips(&[("Oslo", 7), ("Bern", 1), ("Oslo", 8)])], &at(1))
            .unwrap();
        store.put(&[trips(&[("Oslo", 9)])], &at(2)).unwrap();
        assert_eq!(
            rows(&folder),
            owned(&[("Oslo", oslo), ("Bern", 1)]),
            "{conflict:?}"
        );
    }
}

#[test]
fn every_type_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let columns = vec![
        Column::bools([true, false]),
        Column::int64([i64::MIN, 0]),
        Column::float64([0.5, f64::NAN]),
        Column::decimal([-123_456, 0], 2),
        Column::new(Values::Bytes([[0_u8, 255], [1, 2]].iter().collect()), None),
        Column::timestamps([1_700_000_000_123_456_789, 0]),
        Column::strings(["a\0b", "é"]).with_validity(Bitmap::from_fn(2, |row| row == 0)),
    ];
    let types = columns.iter().map(Column::data_type);
    let schema = Schema::of(["b", "i", "f", "d", "y", "t", "s"].into_iter().zip(types));
    let mut store = SqliteStore::open(options(&folder), &schema).unwrap();
    let batch = Batch::from_columns(schema.into(), columns);
    store.put(&[Delivery::Rows(batch)], &at(u64::MAX)).unwrap();
    assert_eq!(store.positions().unwrap(), at(u64::MAX));

    let select = "SELECT quote(b)||' '||quote(i)||' '||quote(f)||' '||quote(d)||' '||quote(y)\
        ||' '||quote(t)||' '||quote(hex(s)) FROM events";
    let connection = database(folder.path());
    let mut statement = connection.prepare(select).unwrap();
    let found = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let found: Vec<String> = found.map(Result::unwrap).collect();
    assert_eq!(
        found[0],
        "1 -9223372036854775808 0.5 '-1234.56' X'00FF' 1700000000123456789 '610062'"
    );
    assert_eq!(found[1], "0 0 NULL '0.00' X'0102' 0 ''");
}

#[test]
fn a_refused_row_takes_its_whole_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let create = "CREATE TABLE events (city TEXT, trips INTEGER CHECK (trips > 0), note TEXT)";
    database(folder.path()).execute_batch(create).unwrap();
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    let bad = [trips(&[("Bern", 1)]), trips(&[("Rome", 0)])];
    let error = store.put(&bad, &at(3)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("CHECK constraint failed: trips > 0"),
        "{error}"
    );
    assert_eq!(rows(&folder), owned(&[("Oslo", 7)]));
    assert_eq!(store.positions().unwrap(), at(1));
}

#[test]
fn a_lock_of_another_is_a_reason_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    store.positions().unwrap();
    let other = database(folder.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient, "{error}");
    other.execute_batch("COMMIT").unwrap();
    store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    assert_eq!(rows(&folder), owned(&[("Oslo", 7)]));
}

#[test]
fn a_table_that_does_not_fit_is_named() {
    let refused = |create: &str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        database(folder.path()).execute_batch(create).unwrap();
        let mut store = SqliteStore::open(keyed(&folder, Conflict::Upsert), &schema()).unwrap();
        let error = store.positions().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Fatal);
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused("CREATE TABLE events (city TEXT)", "has no column trips");
    refused(
        "CREATE TABLE events (city TEXT, trips TEXT)",
        "does not hold int64",
    );
    refused(
        "CREATE TABLE events (city TEXT, trips INT, id INT NOT NULL)",
        "column id must be filled",
    );
    refused(
        "CREATE TABLE events (city TEXT, trips INT)",
        "PRIMARY KEY or UNIQUE",
    );
}

#[test]
fn what_is_no_database_is_fatal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.db"), [7; 4096]).unwrap();
    let mut store = SqliteStore::open(options(&folder), &schema()).unwrap();
    assert_eq!(store.positions().unwrap_err().kind(), StoreErrorKind::Fatal);
}

#[test]
fn a_key_that_is_no_column_is_refused() {
    let options = SqliteStoreOptions {
        key: vec!["citi".to_owned()],
        ..SqliteStoreOptions::new("a.db")
    };
    let error = SqliteStore::open(options, &schema()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.db: key `citi` is no column; did you mean `city`?"
    );
}

#[test]
fn two_tables_of_one_file_have_positions_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let other = SqliteStoreOptions {
        table: "other".to_owned(),
        ..options(&folder)
    };
    let mut first = SqliteStore::open(options(&folder), &schema()).unwrap();
    let mut second = SqliteStore::open(other, &schema()).unwrap();
    first.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    second.put(&[trips(&[("Oslo", 7)])], &at(2)).unwrap();
    assert_eq!(first.positions().unwrap(), at(1));
    assert_eq!(second.positions().unwrap(), at(2));
}
