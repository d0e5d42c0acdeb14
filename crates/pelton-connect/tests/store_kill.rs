//! Stores whose process is killed at any moment, again and again: in the end they hold what an
//! unbroken run leaves, byte for byte.
//!
//! The program starts itself as the child that puts numbered records away and is killed.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, though with a main of its own"
)]

#[cfg(feature = "postgres")]
mod postgres_server;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use pelton_connect::store::{FileStore, FileStoreOptions};
use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreErrorKind};
use pelton_record::{Batch, Column, DataType, Schema};

/// Says which store the child is to write; its folder is the argument.
const ROLE: &str = "PELTON_STORE_KILL";
const STREAM: &str = "numbers";
/// Records in all.
const RECORDS: u64 = 40_000;
/// Times that each store is killed, at least.
const KILLS: u64 = 10;
/// Puts that a child lives for, at most, but for what it does in a moment.
const PUTS: u64 = 50;

/// A store to be killed.
struct Case {
    name: &'static str,
    open: fn(&Path) -> Box<dyn Store>,
    content: fn(&Path) -> BTreeMap<String, Vec<u8>>,
}

const CASES: &[Case] = &[
    Case {
        name: "file",
        open: |folder| Box::new(FileStore::open(plain(folder)).unwrap()),
        content: files,
    },
    Case {
        name: "rotated",
        open: |folder| {
            let rotate_bytes = Some(1_000);
            let options = FileStoreOptions {
                rotate_bytes,
                ..plain(folder)
            };
            Box::new(FileStore::open(options).unwrap())
        },
        content: files,
    },
    #[cfg(feature = "compression")]
    Case {
        name: "gzip",
        open: |folder| open_as(folder, "out.csv.gz"),
        content: files,
    },
    #[cfg(feature = "compression")]
    Case {
        name: "zstd",
        open: |folder| open_as(folder, "out.csv.zst"),
        content: files,
    },
    #[cfg(feature = "sqlite")]
    Case {
        name: "sqlite",
        open: |folder| {
            use pelton_connect::store::{SqliteStore, SqliteStoreOptions};
            let path = folder.join("out.db").display().to_string();
            let options = SqliteStoreOptions::new(path);
            Box::new(SqliteStore::open(options, &schema()).unwrap())
        },
        content: |folder| {
            let connection = rusqlite::Connection::open(folder.join("out.db")).unwrap();
            let select = "SELECT rowid || ' ' || number || ' ' || text FROM events ORDER BY rowid";
            let mut select = connection.prepare(select).unwrap();
            let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let rows: Vec<String> = rows.map(Result::unwrap).collect();
            BTreeMap::from([("rows".to_owned(), rows.join("\n").into_bytes())])
        },
    },
    #[cfg(feature = "postgres")]
    Case {
        name: "postgres",
        open: |folder| {
            use pelton_connect::store::{PostgresStore, PostgresStoreOptions};
            let options = PostgresStoreOptions {
                table: table(folder),
                ..PostgresStoreOptions::new(env::var(SERVER).unwrap())
            };
            Box::new(PostgresStore::open(options, &schema()).unwrap())
        },
        content: |folder| {
            let url = env::var(SERVER).unwrap();
            let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
            let table = table(folder);
            let select = format!("SELECT number || ' ' || text FROM \"{table}\" ORDER BY number");
            let rows = client.query(&select, &[]).unwrap();
            let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            BTreeMap::from([("rows".to_owned(), rows.join("\n").into_bytes())])
        },
    },
];

/// Where the server of the postgres store is found.
#[cfg(feature = "postgres")]
const SERVER: &str = "PELTON_STORE_KILL_SERVER";

/// A table of the folder's own.
#[cfg(feature = "postgres")]
fn table(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('.', "")
}

fn schema() -> Schema {
    Schema::of([("number", DataType::Int64), ("text", DataType::String)])
}

fn plain(folder: &Path) -> FileStoreOptions {
    FileStoreOptions {
        header: b"number\n".to_vec(),
        ..FileStoreOptions::new(folder.join("out.csv").display().to_string())
    }
}

/// Compressed by its extension, in several files.
#[cfg(feature = "compression")]
fn open_as(folder: &Path, name: &str) -> Box<dyn Store> {
    let options = FileStoreOptions {
        rotate_bytes: Some(100_000),
        level: Some(1),
        path: folder.join(name).display().to_string(),
        ..plain(folder)
    };
    Box::new(FileStore::open(options).unwrap())
}

/// What is in `folder`, but checkpoints.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.contains(".checkpoint") {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// A number that looks random (SplitMix64).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The deliveries that begin at record `first`, and the record behind them.
fn deliveries(shape: Shape, first: u64) -> (Vec<Delivery>, u64) {
    let end = RECORDS.min(first + 1 + mix(first) % 60);
    let middle = first + (end - first) / 2;
    let delivery = match shape {
        Shape::Bytes => encoded,
        Shape::Rows => columns,
    };
    (vec![delivery(first, middle), delivery(middle, end)], end)
}

fn text(number: u64) -> String {
    format!("{:x}", mix(number) >> (mix(number) % 60))
}

fn encoded(first: u64, end: u64) -> Delivery {
    let line = |number| format!("{number},{}\n", text(number));
    Delivery::Bytes {
        bytes: (first..end).map(line).collect::<String>().into(),
        records: end - first,
    }
}

fn columns(first: u64, end: u64) -> Delivery {
    let texts: Vec<String> = (first..end).map(text).collect();
    let numbers = Column::int64((first..end).map(u64::cast_signed));
    let columns = vec![numbers, Column::strings(texts.iter().map(String::as_str))];
    Delivery::Rows(Batch::from_columns(schema().into(), columns))
}

/// Puts away all records that are not yet, and tells of each put.
fn put_all(store: &mut dyn Store, mut tell: impl FnMut()) {
    let mut next = store.positions().unwrap().get(STREAM).copied().unwrap_or(0);
    while next < RECORDS {
        let (deliveries, end) = deliveries(store.shape(), next);
        store
            .put(&deliveries, &Positions::from([(STREAM.to_owned(), end)]))
            .unwrap();
        next = end;
        tell();
    }
    store.flush().unwrap();
}

fn start(case: &Case, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .arg(folder)
        .env(ROLE, case.name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads so many of the child's puts; false when it came to its end.
fn follow(child: &mut Child, puts: u64) -> bool {
    let mut told = vec![0; usize::try_from(puts).unwrap()];
    child.stdout.as_mut().unwrap().read_exact(&mut told).is_ok()
}

/// Waits for the child's end, at most so long: the time is over anywhere between two puts, and
/// inside of them.
fn wait_a_moment(child: &mut Child, at_most: Duration) {
    let mut told = child.stdout.take().unwrap();
    let (ends, end) = channel();
    thread::spawn(move || {
        let read = told.read_to_end(&mut Vec::new());
        // Nobody listens when the time is over.
        let _ = ends.send(read);
    });
    let _ = end.recv_timeout(at_most);
}

fn kill_again_and_again(case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for seed in 0.. {
        let mut child = start(case, folder.path());
        if !follow(&mut child, mix(seed) % PUTS) {
            assert!(child.wait().unwrap().success(), "{}", case.name);
            break;
        }
        wait_a_moment(&mut child, Duration::from_micros(mix(!seed) % 500));
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= KILLS, "{} was killed {killed} times", case.name);

    let unbroken = tempfile::tempdir().unwrap();
    put_all(&mut *(case.open)(unbroken.path()), || {});
    let (found, expected) = (
        (case.content)(folder.path()),
        (case.content)(unbroken.path()),
    );
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "{}", case.name);
    assert!(
        found == expected,
        "{} differs from an unbroken run",
        case.name
    );
    println!(
        "{}: killed {killed} times, nothing lost or doubled",
        case.name
    );
}

/// Puts records away until the file may not grow any more; what is good stays, and only that.
fn fill(folder: &Path) {
    let mut store = FileStore::open(plain(folder)).unwrap();
    let mut next = 0;
    let error = loop {
        let (deliveries, end) = deliveries(Shape::Bytes, next);
        let positions = Positions::from([(STREAM.to_owned(), end)]);
        match store.put(&deliveries, &positions) {
            Ok(()) => next = end,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Transient, "{error}");
    assert!(error.to_string().ends_with("file too large"), "{error}");
    assert_eq!(store.positions().unwrap()[STREAM], next);
    let text = fs::read_to_string(folder.join("out.csv")).unwrap();
    assert_eq!(
        text.lines().count() as u64,
        next + 1,
        "the header, and a line a record"
    );
    assert!(text.ends_with('\n'));
}

fn a_disk_that_is_full() {
    let folder = tempfile::tempdir().unwrap();
    // The limit makes a write end in its middle, as a full disk does.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$1\"";
    let status = Command::new("sh")
        .args(["-c", limited])
        .args([env::current_exe().unwrap().as_path(), folder.path()])
        .env(ROLE, "fill")
        .status()
        .unwrap();
    assert!(status.success());
    let mut store = FileStore::open(plain(folder.path())).unwrap();
    put_all(&mut store, || {});
    let unbroken = tempfile::tempdir().unwrap();
    put_all(&mut FileStore::open(plain(unbroken.path())).unwrap(), || {});
    assert!(files(folder.path()) == files(unbroken.path()));
    println!("full: went on where there was room again");
}

/// The stores of a server, which this starts.
#[cfg(feature = "postgres")]
fn kill_with_a_server() {
    let Some(server) = postgres_server::Server::start() else {
        return;
    };
    let again = Command::new(env::current_exe().unwrap())
        .env(ROLE, "with a server")
        .env(SERVER, server.url())
        .status();
    assert!(again.unwrap().success());
}

fn main() {
    let folder = env::args().nth(1).unwrap_or_default();
    match env::var(ROLE) {
        Ok(role) if role == "fill" => fill(Path::new(&folder)),
        Ok(role) if role == "with a server" => {
            let cases = CASES.iter().filter(|case| case.name == "postgres");
            cases.for_each(kill_again_and_again);
        }
        Ok(role) => {
            let case = CASES.iter().find(|case| case.name == role).unwrap();
            let mut out = std::io::stdout();
            put_all(&mut *(case.open)(Path::new(&folder)), || {
                out.write_all(b".").and_then(|()| out.flush()).unwrap();
            });
        }
        Err(_) => {
            let cases = CASES.iter().filter(|case| case.name != "postgres");
            cases.for_each(kill_again_and_again);
            #[cfg(feature = "postgres")]
            kill_with_a_server();
            a_disk_that_is_full();
        }
    }
}
