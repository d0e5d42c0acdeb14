//! The store that is a table of PostgreSQL, against a real server.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "what tests share is no test itself")]

mod postgres_server;

use pelton_connect::store::{Conflict, PostgresStore, PostgresStoreOptions};
use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreErrorKind};
use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Values};
use postgres::{Client, NoTls};

use self::postgres_server::Server;

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

fn options(server: &Server, table: &str) -> PostgresStoreOptions {
    PostgresStoreOptions {
        table: table.to_owned(),
        ..PostgresStoreOptions::new(server.url())
    }
}

fn keyed(server: &Server, table: &str, conflict: Conflict) -> PostgresStoreOptions {
    PostgresStoreOptions {
        key: vec!["city".to_owned()],
        conflict,
        ..options(server, table)
    }
}

fn open(options: PostgresStoreOptions) -> PostgresStore {
    PostgresStore::open(options, &schema()).unwrap()
}

fn client(server: &Server) -> Client {
    Client::connect(&server.url(), NoTls).unwrap()
}

fn execute(server: &Server, sql: &str) {
    client(server).batch_execute(sql).unwrap();
}

/// The one text that `sql` gives.
fn ask(server: &Server, sql: &str) -> String {
    client(server).query_one(sql, &[]).unwrap().get(0)
}

fn rows(server: &Server, table: &str) -> String {
    let rows = format!("SELECT city || ' ' || trips AS row FROM {table}");
    let all = format!("SELECT coalesce(string_agg(row, ', ' ORDER BY row), '') FROM ({rows}) AS t");
    ask(server, &all)
}

/// One server for all, because starting one takes a second.
#[test]
fn a_real_server() {
    let Some(server) = Server::start() else {
        return;
    };
    rows_and_positions_arrive(&server);
    a_key_decides_who_stays(&server);
    every_type_is_kept(&server);
    other_types_are_cast(&server);
    a_refused_row_takes_its_whole_put_back(&server);
    tables_that_do_not_fit_are_named(&server);
    a_lost_connection_is_made_again(&server);
}

fn rows_and_positions_arrive(server: &Server) {
    let mut store = open(options(server, "smoke"));
    assert_eq!(store.shape(), Shape::Rows);
    assert!(store.positions().unwrap().is_empty());
    store
        .put(&[trips(&[("Oslo", 7)]), trips(&[("Bern", 12)])], &at(2))
        .unwrap();
    store
        .put(&[trips(&[("Oslo", 7)])], &Positions::new())
        .unwrap();
    store
        .put(&[], &Positions::from([("t".to_owned(), u64::MAX)]))
        .unwrap();
    drop(store);
    assert_eq!(rows(server, "smoke"), "Bern 12, Oslo 7, Oslo 7");
    let expected = Positions::from([("s".to_owned(), 2), ("t".to_owned(), u64::MAX)]);
    assert_eq!(
        open(options(server, "smoke")).positions().unwrap(),
        expected
    );
}

fn a_key_decides_who_stays(server: &Server) {
    for (table, conflict, oslo) in [
        ("upserted", Conflict::Upsert, "Oslo 9"),
        ("ignored", Conflict::Ignore, "Oslo 7"),
    ] {
        let mut store = open(keyed(server, table, conflict));
        store
            .put(&[trips(&[("Oslo", 7), ("Bern", 1), ("Oslo", 8)])], &at(1))
            .unwrap();
        let first = if conflict == Conflict::Upsert {
            "Oslo 8"
        } else {
            "Oslo 7"
        };
        assert_eq!(rows(server, table), format!("Bern 1, {first}"));
        store.put(&[trips(&[("Oslo", 9)])], &at(2)).unwrap();
        assert_eq!(rows(server, table), format!("Bern 1, {oslo}"));
    }
}

fn every_type_is_kept(server: &Server) {
    let decimals = [-123_456, 0, 10_i128.pow(37), 5];
    let columns = vec![
        Column::bools([true, false, true, true]),
        Column::int64([i64::MIN, 0, 1, 2]),
        Column::float64([0.5, f64::NAN, f64::INFINITY, -0.0]),
        Column::decimal(decimals, 5),
        Column::decimal(decimals, 0),
        Column::new(Values::Bytes([[0_u8, 255]; 4].iter().collect()), None),
        Column::timestamps([1_700_000_000_123_456_789, 0, -1, i64::MAX]),
        Column::strings(["é", "", "b", "c"]).with_validity(Bitmap::from_fn(4, |row| row != 2)),
    ];
    let types = columns.iter().map(Column::data_type);
    let schema = Schema::of(
        ["b", "i", "f", "d", "e", "y", "t", "s"]
            .into_iter()
            .zip(types),
    );
    let batch = Batch::from_columns(schema.clone().into(), columns);
    let mut store = PostgresStore::open(options(server, "types"), &schema).unwrap();
    store
        .put(&[Delivery::Rows(batch)], &Positions::new())
        .unwrap();
    let row = "SELECT string_agg(concat_ws(' ', b, i, f, d, e, y, t AT TIME ZONE 'UTC', \
        coalesce('<' || s || '>', 'null')), E'\\n' ORDER BY ctid) FROM types";
    let expected = [
        "t -9223372036854775808 0.5 -1.23456 -123456 \\x00ff 2023-11-14 22:13:20.123456 <é>",
        "f 0 NaN 0.00000 0 \\x00ff 1970-01-01 00:00:00 <>",
        "t 1 Infinity 100000000000000000000000000000000.00000 \
         10000000000000000000000000000000000000 \\x00ff 1969-12-31 23:59:59.999999 null",
        "t 2 -0 0.00005 5 \\x00ff 2262-04-11 23:47:16.854775 <c>",
    ];
    assert_eq!(ask(server, row), expected.join("\n"));
}

fn other_types_are_cast(server: &Server) {
    let create =
        "CREATE TABLE cast_to (city varchar(4), trips integer, at timestamptz DEFAULT now())";
    execute(server, create);
    let mut store = open(options(server, "cast_to"));
    store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    assert_eq!(rows(server, "cast_to"), "Oslo 7");
    let error = store
        .put(&[trips(&[("Bern", 1 << 40)])], &at(2))
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("integer out of range (SQLSTATE 22003)"),
        "{error}"
    );
}

fn a_refused_row_takes_its_whole_put_back(server: &Server) {
    execute(
        server,
        "CREATE TABLE checked (city text, trips bigint CHECK (trips > 0))",
    );
    let mut store = open(options(server, "checked"));
    store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    let error = store
        .put(&[trips(&[("Bern", 1), ("Rome", 0)])], &at(3))
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    assert!(
        error.to_string().contains("violates check constraint"),
        "{error}"
    );
    let error = store.put(&[trips(&[("a\0b", 1)])], &at(3)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused, "{error}");
    assert_eq!(rows(server, "checked"), "Oslo 7");
    assert_eq!(store.positions().unwrap(), at(1));
    store.put(&[trips(&[("Bern", 1)])], &at(3)).unwrap();
    assert_eq!(rows(server, "checked"), "Bern 1, Oslo 7");
}

fn tables_that_do_not_fit_are_named(server: &Server) {
    let refused = |table: &str, columns: &str, expected: &str| {
        execute(server, &format!("CREATE TABLE {table} ({columns})"));
        let error = open(keyed(server, table, Conflict::Upsert))
            .positions()
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Fatal, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused("short", "city text", "has no column trips");
    refused(
        "more",
        "city text, trips bigint, id int NOT NULL",
        "column id must be filled",
    );
    refused(
        "no_key",
        "city text, trips bigint",
        "no unique or exclusion constraint",
    );
    refused(
        "odd",
        "city text PRIMARY KEY, trips bytea",
        "cannot cast type bigint to bytea",
    );
    let nowhere = PostgresStoreOptions {
        url: format!("{} password=secret dbname=nowhere", server.url()),
        ..options(server, "events")
    };
    let error = open(nowhere).positions().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fatal, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

fn a_lost_connection_is_made_again(server: &Server) {
    let mut store = open(options(server, "lost"));
    store.put(&[trips(&[("Oslo", 7)])], &at(1)).unwrap();
    server.stop();
    let error = store.put(&[trips(&[("Bern", 1)])], &at(2)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient, "{error}");
    let error = store.put(&[trips(&[("Bern", 1)])], &at(2)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient, "{error}");
    server.begin();
    // The same put by another connection: as if the answer alone had been lost.
    open(options(server, "lost"))
        .put(&[trips(&[("Bern", 1)])], &at(2))
        .unwrap();
    store.put(&[trips(&[("Bern", 1)])], &at(2)).unwrap();
    assert_eq!(rows(server, "lost"), "Bern 1, Oslo 7", "not twice");
    store.put(&[trips(&[("Rome", 2)])], &at(3)).unwrap();
    assert_eq!(rows(server, "lost"), "Bern 1, Oslo 7, Rome 2");
}
