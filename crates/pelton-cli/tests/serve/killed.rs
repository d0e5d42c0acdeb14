//! `kill -9` under load, for each source and sink that promise something: in the end the sink has
//! what an unbroken run leaves.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;

use pelton::connect::net::{Client, ClientOptions};

use crate::address;
use crate::events::{Places, SCHEMA, errors, ids, lines, mix};
use crate::postgres_server;
use crate::server::Server;

/// Records that come in each life of the server.
const RECORDS: u64 = 20_000;
const KILLS: u64 = 4;
/// Batches in which an acknowledging sender brings those of one life.
const BATCHES: u64 = 80;

/// Where the errors go, and how they are found there.
struct Sink<'a> {
    settings: Vec<String>,
    /// The ids, in the order in which they were put.
    content: &'a dyn Fn() -> Vec<i64>,
}

impl Sink<'_> {
    /// Starts a server that brings the errors of what comes at `listen` here.
    fn serve(&self, listen: &str) -> Server {
        let mut arguments = vec!["--listen", listen, "--admin", "127.0.0.1:0"];
        arguments.extend(SCHEMA);
        arguments.extend(["--filter", "level = 'error'"]);
        for setting in &self.settings {
            arguments.extend(["--set", setting]);
        }
        Server::start(&arguments)
    }

    /// Lets a server die somewhere in the middle of what it has to do.
    fn kill_under_load(&self, server: Server, seed: u64) {
        server.wait_for("written", mix(seed) % (RECORDS / 6));
        server.kill();
    }

    /// Ends a server that has done everything, and looks.
    fn check(&self, server: Server, records: u64) {
        let (code, said) = server.stop();
        assert_eq!(code, Some(0), "{said}");
        assert!(
            (self.content)() == errors(0..records),
            "{:?}",
            self.settings
        );
    }
}

/// A file that grows is followed by servers that are killed.
fn followed(sink: &Sink<'_>) {
    let places = Places::new();
    let listen = format!("tail://{}", places.text("in.ndjson"));
    let mut file = File::create(places.path("in.ndjson")).unwrap();
    for life in 0..KILLS {
        let server = sink.serve(&listen);
        let news = lines(life * RECORDS..(life + 1) * RECORDS, None);
        file.write_all(news.as_bytes()).unwrap();
        sink.kill_under_load(server, life);
    }
    let server = sink.serve(&listen);
    let end = file.metadata().unwrap().len();
    server.wait_for_position("tail:", end);
    sink.check(server, KILLS * RECORDS);
}

/// A sender that waits for acknowledgements is served by servers that are killed.
fn acknowledged(sink: &Sink<'_>) {
    let address = address::free().to_string();
    let listen = format!("acked://{address}");
    let mut server = sink.serve(&listen);
    let (begin, may_begin) = channel();
    let sender = thread::spawn(move || {
        let mut client = Client::connect(ClientOptions::new(address, "numbers")).unwrap();
        for life in may_begin {
            for batch in life * BATCHES..(life + 1) * BATCHES {
                let records = batch * RECORDS / BATCHES..(batch + 1) * RECORDS / BATCHES;
                let records = lines(records, None);
                client.send(records.as_bytes(), batch + 1).unwrap();
            }
        }
        (client.flush().unwrap(), client.reconnects())
    });
    for life in 0..KILLS {
        begin.send(life).unwrap();
        sink.kill_under_load(server, !life);
        server = sink.serve(&listen);
    }
    drop(begin);
    let (committed, reconnects) = sender.join().unwrap();
    assert_eq!(committed, KILLS * BATCHES);
    assert!(reconnects > 0);
    sink.check(server, KILLS * RECORDS);
}

/// One file, named as a setting.
fn file(places: &Places, name: &str) -> String {
    format!("sink.path={}", places.text(name))
}

#[test]
fn a_file_has_every_followed_record_once() {
    let places = Places::new();
    followed(&Sink {
        settings: vec![file(&places, "out.ndjson")],
        content: &|| ids(&places.content("out.ndjson")),
    });
}

#[test]
fn a_file_has_every_acknowledged_record_once() {
    let places = Places::new();
    acknowledged(&Sink {
        settings: vec![file(&places, "out.ndjson")],
        content: &|| ids(&places.content("out.ndjson")),
    });
}

#[test]
fn rotated_and_compressed_files_have_every_followed_record_once() {
    let places = Places::new();
    followed(&Sink {
        settings: vec![
            file(&places, "out.ndjson.gz"),
            "sink.rotate_size=10kB".to_owned(),
        ],
        content: &|| {
            let files = places.files("out");
            assert!(files.len() > 2, "{files:?}");
            let mut text = String::new();
            for path in files {
                let packed = fs::read(path).unwrap();
                let mut decoder = flate2::read::MultiGzDecoder::new(&packed[..]);
                decoder.read_to_string(&mut text).unwrap();
            }
            ids(&text)
        },
    });
}

fn sqlite(places: &Places) -> String {
    format!("sink.url=sqlite:{}", places.text("out.db"))
}

fn in_sqlite(places: &Places) -> Vec<i64> {
    let connection = rusqlite::Connection::open(places.path("out.db")).unwrap();
    let mut select = connection
        .prepare("SELECT id FROM events ORDER BY rowid")
        .unwrap();
    let ids = select.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

#[test]
fn sqlite_has_every_followed_record_once() {
    let places = Places::new();
    followed(&Sink {
        settings: vec![sqlite(&places)],
        content: &|| in_sqlite(&places),
    });
}

#[test]
fn sqlite_has_every_acknowledged_record_once() {
    let places = Places::new();
    acknowledged(&Sink {
        settings: vec![sqlite(&places)],
        content: &|| in_sqlite(&places),
    });
}

/// The words that a driver takes as an address that a sink takes.
fn address(words: &str) -> String {
    let folder = words.split_whitespace().next().unwrap();
    format!("postgres://test@/postgres?{folder}")
}

#[test]
fn postgres_has_every_followed_and_every_acknowledged_record_once() {
    let Some(database) = postgres_server::Server::start() else {
        return;
    };
    let sink = |table: &str| {
        vec![
            format!("sink.url={}", address(&database.url())),
            format!("sink.table={table}"),
        ]
    };
    let content = |table: &str| {
        let mut client = postgres::Client::connect(&database.url(), postgres::NoTls).unwrap();
        // What was put in which order is nothing that a table promises.
        let select = format!("SELECT id FROM {table} ORDER BY id");
        let rows = client.query(&select, &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    followed(&Sink {
        settings: sink("followed"),
        content: &|| content("followed"),
    });
    acknowledged(&Sink {
        settings: sink("acknowledged"),
        content: &|| content("acknowledged"),
    });
}
