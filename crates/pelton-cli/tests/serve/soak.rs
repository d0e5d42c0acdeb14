//! Everything at once for a while: a followed file, an acknowledging sender and plain connections;
//! lanes into files and into a database; a server that is killed again and again. In the end what
//! is promised once is there once, and every record has its place in the account.
//!
//! It lasts three lives of the server, or as many as fit into `PELTON_SOAK_SECONDS`.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pelton::connect::net::{Client, ClientOptions};
use serde_json::Value;

use crate::address;
use crate::events::{Places, ids, mix};
use crate::server::Server;

/// Records of each source in a life.
const RECORDS: u64 = 6_000;
/// Lives when nobody says for how long.
const LIVES: u64 = 3;

/// Which source a record comes from: it is in its id.
const FOLLOWED: u64 = 0;
const ACKNOWLEDGED: u64 = 1;
const PLAIN: u64 = 2;

/// The records of `source` in a life, errors and others.
fn records(source: u64, life: u64) -> String {
    let record = |index: u64| {
        let id = (life * RECORDS + index) * 3 + source;
        format!(
            "{{\"id\":{id},\"level\":\"{}\",\"text\":\"of {source}\"}}\n",
            level(id)
        )
    };
    (0..RECORDS).map(record).collect()
}

/// Any of four, by chance; each has a way of its own.
const fn level(id: u64) -> &'static str {
    match mix(id) % 4 {
        0 => "error",
        1 => "debug",
        2 => "warn",
        _ => "info",
    }
}

/// The ids of `source` in so many lives that have `level`.
fn expected(source: u64, lives: u64, wanted: &str) -> Vec<i64> {
    let ids = (0..lives * RECORDS).map(|index| index * 3 + source);
    let ids = ids.filter(|&id| level(id) == wanted);
    ids.map(u64::cast_signed).collect()
}

/// Errors go to a database, warnings to a file, the rest, but what is for debugging, to another.
/// All keep positions: a sink that forgets them would make every sender begin again.
fn plan(places: &Places, acked: &str) -> String {
    format!(
        r#"
        [source]
        listen = ["127.0.0.1:0", "acked://{acked}", "tail://{input}"]
        schema = {{ id = "int64", level = "string", text = "string" }}
        [[stage]]
        filter = "level <> 'debug'"
        [sink]
        path = "{file}"
        [[lane]]
        name = "errors"
        when = "level = 'error'"
        sink = {{ url = "sqlite:{database}" }}
        [[lane]]
        name = "warnings"
        when = "level = 'warn'"
        sink = {{ path = "{warnings}" }}
        [engine]
        memory_limit = "16MB"
        [serve]
        admin = "127.0.0.1:0"
        "#,
        input = places.text("in.ndjson"),
        file = places.text("out.ndjson"),
        warnings = places.text("warnings.ndjson"),
        database = places.text("out.db"),
    )
}

/// A sender that waits for acknowledgements, told when to send another life's worth.
fn acknowledging(address: String) -> (Sender<u64>, JoinHandle<u64>) {
    let (begin, may_begin) = channel();
    let sender = thread::spawn(move || {
        let mut client = Client::connect(ClientOptions::new(address, "soak")).unwrap();
        let mut position = 0;
        for life in may_begin {
            let text = records(ACKNOWLEDGED, life);
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for batch in lines.chunks(150) {
                position += 1;
                client.send(batch.concat().as_bytes(), position).unwrap();
            }
        }
        assert_eq!(client.flush().unwrap(), position);
        client.reconnects()
    });
    (begin, sender)
}

/// Until when, if somebody said for how long.
fn end() -> Option<Instant> {
    let seconds = std::env::var("PELTON_SOAK_SECONDS").ok()?;
    let seconds = seconds.parse().expect("PELTON_SOAK_SECONDS is a number");
    Some(Instant::now() + Duration::from_secs(seconds))
}

/// Each lane's account, from what `/stats` says of it.
fn assert_balanced(stats: &Value) {
    for lane in stats["lanes"].as_array().unwrap() {
        let count = |key: &str| lane[key].as_u64().unwrap();
        let gone = ["written", "filtered", "deduplicated", "folded", "rejected"];
        let gone: u64 = gone.into_iter().map(count).sum();
        let kept = count("shed") + count("pending");
        assert_eq!(count("read") + count("made"), gone + kept, "{lane}");
    }
}

/// The same from the last words: `NAME: A read + … = B written + … + C pending`.
fn assert_balanced_in_words(said: &str) {
    let accounts: Vec<&str> = said
        .lines()
        .filter(|line| line.contains(" read + "))
        .collect();
    assert_eq!(accounts.len(), 3, "{said}");
    for account in accounts {
        let (_, sums) = account.split_once(": ").unwrap();
        let (left, right) = sums.split_once(" = ").unwrap();
        let sum = |text: &str| -> u64 {
            let words = text.split_whitespace();
            words.filter_map(|word| word.parse::<u64>().ok()).sum()
        };
        assert_eq!(sum(left), sum(right), "{account}");
        assert!(account.ends_with(" 0 pending"), "{account}");
    }
}

/// The errors in the database.
fn in_database(places: &Places) -> Vec<i64> {
    let connection = rusqlite::Connection::open(places.path("out.db")).unwrap();
    let mut select = connection.prepare("SELECT id FROM events").unwrap();
    let ids = select.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// Holds what came of `source` against what was sent: followed and acknowledged once; from a plain
/// connection no more than once.
fn check(source: u64, lives: u64, level: &str, found: &[i64]) {
    let of_source = |id: &&i64| id.cast_unsigned() % 3 == source;
    let mut found: Vec<i64> = found.iter().filter(of_source).copied().collect();
    found.sort_unstable();
    let expected = expected(source, lives, level);
    if source == PLAIN {
        assert!(
            found.windows(2).all(|pair| pair[0] < pair[1]),
            "{level}: twice"
        );
        assert!(found.iter().all(|id| expected.binary_search(id).is_ok()));
        return;
    }
    let (there, due) = (found.len(), expected.len());
    assert!(
        found == expected,
        "source {source}, {level}: {there} of {due}"
    );
}

#[test]
fn what_is_promised_once_is_there_once_after_a_soak() {
    let places = Places::new();
    let acked = address::free().to_string();
    let file = places.text("soak.toml");
    std::fs::write(&file, plan(&places, &acked)).unwrap();
    let mut input = File::create(places.path("in.ndjson")).unwrap();
    let serve = || Server::start_admin(&[&file]);
    let mut server = serve();
    let (begin, sender) = acknowledging(acked);
    let end = end();
    let mut lives = 0;
    while lives < LIVES || end.is_some_and(|end| Instant::now() < end) {
        begin.send(lives).unwrap();
        let mut plain = TcpStream::connect(server.door("tcp://")).unwrap();
        input
            .write_all(records(FOLLOWED, lives).as_bytes())
            .unwrap();
        plain.write_all(records(PLAIN, lives).as_bytes()).unwrap();
        server.wait_for("written", mix(lives) % RECORDS);
        assert_balanced(&server.stats());
        server.kill();
        server = serve();
        lives += 1;
    }
    drop(begin);
    let reconnects = sender.join().unwrap();
    let length = input.metadata().unwrap().len();
    server.wait_for_position("tail:", length);
    assert_balanced(&server.stats());
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_balanced_in_words(&said);

    let in_file = ids(&places.content("out.ndjson"));
    let in_database = in_database(&places);
    let warnings = ids(&places.content("warnings.ndjson"));
    for source in [FOLLOWED, ACKNOWLEDGED, PLAIN] {
        check(source, lives, "info", &in_file);
        check(source, lives, "error", &in_database);
        check(source, lives, "warn", &warnings);
    }
    println!(
        "killed {lives} times, {reconnects} reconnects, {} records: nothing lost or doubled",
        3 * lives * RECORDS
    );
}
