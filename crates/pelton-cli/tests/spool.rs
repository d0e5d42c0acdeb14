//! The server's spool and what its lanes remember, as a process: fed over HTTP, killed, started
//! again.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod address;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use pelton::connect::net::{Client, ClientOptions};

/// A server; killed when dropped.
struct Server {
    child: Child,
    errors: BufReader<ChildStderr>,
    said: String,
}

impl Server {
    fn start(plan: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pelton"))
            .arg("serve")
            .arg(plan)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on ") {
            assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
        }
        Self {
            child,
            errors,
            said,
        }
    }

    /// Asks it to end; its exit code, and all it said.
    fn stop(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.unwrap().success());
        self.errors.read_to_string(&mut self.said).unwrap();
        (self.child.wait().unwrap().code(), self.said.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder, and a free port.
struct Place {
    folder: tempfile::TempDir,
    address: String,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            address: address::free().to_string(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A plan with `HERE` for the folder and `ADDRESS` for the address.
    fn plan(&self, text: &str) -> PathBuf {
        let text = text
            .replace("HERE", self.folder.path().to_str().unwrap())
            .replace("ADDRESS", &self.address);
        let path = self.path("plan.toml");
        fs::write(&path, text).unwrap();
        path
    }

    fn wait_for_size(&self, name: &str, bytes: u64) {
        let path = self.path(name);
        while path.metadata().map_or(0, |file| file.len()) < bytes {
            thread::yield_now();
        }
    }
}

/// Sends a request and reads the answer: its status and body.
fn request(address: &str, head: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}

/// True when a body was answered as taken.
fn post(address: &str, body: &str) -> bool {
    request(address, "POST /ingest", body).is_ok_and(|(status, _)| status == 200)
}

fn line(id: u64) -> String {
    format!("{{\"id\":{id},\"text\":\"something happened, number {id}\"}}\n")
}

fn lines(range: Range<u64>) -> String {
    range.map(line).collect()
}

fn ids(text: &str) -> Vec<u64> {
    let id = |line: &str| line[6..line.find(',').unwrap()].parse().unwrap();
    text.lines().map(id).collect()
}

const BODIES: u64 = 600;
/// Lines of a body.
const LINES: u64 = 200;

/// Posts all bodies one after the other, and those that were not answered once only: the bodies
/// that were.
fn post_all(address: String, posted: Arc<AtomicU64>) -> BTreeSet<u64> {
    let mut answered = BTreeSet::new();
    for body in 0..BODIES {
        // Nobody is there for a while after a kill: that is no try.
        while TcpStream::connect(&address).is_err() {
            thread::yield_now();
        }
        if post(&address, &lines(body * LINES..(body + 1) * LINES)) {
            answered.insert(body);
        }
        posted.store(body + 1, Ordering::Relaxed);
    }
    answered
}

fn wait_for_bodies(posted: &AtomicU64, bodies: u64) {
    while posted.load(Ordering::Relaxed) < bodies {
        thread::yield_now();
    }
}

/// Kills a server with `plan` again and again while bodies are posted; what was answered.
fn kill_while_posting(place: &Place, plan: &Path, kills: u64) -> (Server, BTreeSet<u64>) {
    let mut server = Server::start(plan);
    let posted = Arc::new(AtomicU64::new(0));
    let (address, count) = (place.address.clone(), posted.clone());
    let sender = thread::spawn(move || post_all(address, count));
    for kill in 1..=kills {
        wait_for_bodies(&posted, BODIES * kill / (kills + 1));
        drop(server);
        server = Server::start(plan);
    }
    (server, sender.join().unwrap())
}

/// What was answered is there, nothing is there twice, and a body is there wholly or not at all.
fn check(ids: &[u64], answered: &BTreeSet<u64>) {
    let mut there = BTreeSet::new();
    for body in ids.chunks(LINES as usize) {
        let number = body[0] / LINES;
        let whole: Vec<u64> = (number * LINES..(number + 1) * LINES).collect();
        assert!(body == whole, "body {number} in one piece");
        assert!(there.insert(number), "body {number} once");
    }
    let lost: Vec<&u64> = answered.difference(&there).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(answered.len() as u64 > BODIES / 2, "{}", answered.len());
}

#[test]
fn what_was_answered_is_in_the_files_of_two_lanes_once_whenever_the_server_was_killed() {
    let place = Place::new();
    let plan = place.plan(
        "[source]
        listen = [\"http://ADDRESS\"]
        schema = { id = \"int64\" }
        spool = { path = 'HERE/spool' }
        [sink]
        path = 'HERE/out.ndjson'
        [[lane]]
        name = \"every other\"
        when = \"id % 400 < 200\"
        sink = { path = 'HERE/other.ndjson' }
        ",
    );
    let (server, answered) = kill_while_posting(&place, &plan, 8);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let of = |name: &str| ids(&fs::read_to_string(place.path(name)).unwrap());
    let (own, other) = (of("out.ndjson"), of("other.ndjson"));
    assert!(own.iter().all(|id| id % 400 >= 200) && !own.is_empty());
    check(&[own, other].concat(), &answered);
}

#[test]
fn what_was_answered_is_in_the_table_once_whenever_the_server_was_killed() {
    let place = Place::new();
    let plan = place.plan(
        "[source]
        listen = [\"http://ADDRESS\"]
        schema = { id = \"int64\", text = \"string\" }
        spool = { path = 'HERE/spool', sync = \"1s\" }
        [[stage]]
        select = [\"id\", \"text\"]
        [sink]
        url = 'sqlite:HERE/out.db'
        ",
    );
    let (server, answered) = kill_while_posting(&place, &plan, 5);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let database = rusqlite::Connection::open(place.path("out.db")).unwrap();
    let mut rows = database
        .prepare("SELECT id FROM events ORDER BY id")
        .unwrap();
    let ids = rows.query_map([], |row| row.get(0).map(i64::cast_unsigned));
    let ids: Result<Vec<u64>, _> = ids.unwrap().collect();
    check(&ids.unwrap(), &answered);
}

#[test]
fn a_sender_that_repeats_what_was_not_answered_has_each_record_put_once_with_dedup() {
    let place = Place::new();
    let plan = place.plan(
        "[source]
        listen = [\"http://ADDRESS\"]
        schema = { id = \"int64\" }
        spool = { path = 'HERE/spool', limit = \"16MB\" }
        [[stage]]
        dedup = { key = [\"id\"], window = 100_000 }
        [flow]
        kind = \"transactional\"
        state = 'HERE/state'
        [sink]
        path = 'HERE/out.ndjson'
        ",
    );
    let mut server = Server::start(&plan);
    let address = place.address.clone();
    let sender = thread::spawn(move || {
        for body in 0..BODIES {
            let text = lines(body * LINES..(body + 1) * LINES);
            while !post(&address, &text) {
                thread::yield_now();
            }
            // It has forgotten that the body was answered.
            if body % 7 == 0 {
                post(&address, &text);
            }
        }
    });
    let expected = lines(0..BODIES * LINES);
    for kill in 1..6 {
        place.wait_for_size("out.ndjson", expected.len() as u64 * kill / 6);
        drop(server);
        server = Server::start(&plan);
    }
    sender.join().unwrap();
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(place.path("out.ndjson")).unwrap() == expected);
}

#[test]
fn an_acknowledging_sender_that_repeats_records_has_each_put_once_with_dedup() {
    let place = Place::new();
    let plan = place.plan(
        "[source]
        listen = [\"acked://ADDRESS\"]
        schema = { id = \"int64\" }
        [[stage]]
        dedup = { key = [\"id\"], window = 5000 }
        [flow]
        kind = \"transactional\"
        state = 'HERE/state'
        [sink]
        path = 'HERE/out.ndjson'
        ",
    );
    let mut server = Server::start(&plan);
    let address = place.address.clone();
    let sender = thread::spawn(move || {
        let mut client = Client::connect(ClientOptions::new(address, "numbers")).unwrap();
        for batch in 0..400_u64 {
            // Each record comes four times, over four batches.
            let records = lines(batch.saturating_sub(3) * 250..(batch + 1) * 250);
            client.send(records.as_bytes(), batch + 1).unwrap();
        }
        client.flush().unwrap();
        client.reconnects()
    });
    let expected = lines(0..100_000);
    for quarter in 1..4 {
        place.wait_for_size("out.ndjson", expected.len() as u64 * quarter / 4);
        drop(server);
        server = Server::start(&plan);
    }
    assert!(sender.join().unwrap() >= 3);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("deduplicated"), "{said}");
    assert!(fs::read_to_string(place.path("out.ndjson")).unwrap() == expected);
}

#[test]
fn a_full_spool_holds_up_its_senders_and_a_restart_goes_on_with_what_is_in_it() {
    let place = Place::new();
    let sink = address::free();
    let admin = Place::new().address;
    let limit = 2_200_000;
    let plan = place.plan(&format!(
        "[source]
        listen = [\"http://ADDRESS\"]
        spool = {{ path = 'HERE/spool', limit = \"{limit}B\" }}
        [engine]
        record_limit = \"1KB\"
        [flow]
        capacity = 2
        workers = 1
        [sink]
        url = 'tcp:{sink}'
        [serve]
        admin = \"{admin}\"
        ",
    ));
    let server = Server::start(&plan);
    let answered = Arc::new(AtomicU64::new(0));
    let (address, count) = (place.address.clone(), answered.clone());
    let body = |number: u64| lines(number * 1000..(number + 1) * 1000);
    let sender = thread::spawn(move || {
        let mut number = 0;
        while post(&address, &body(number)) {
            number += 1;
            count.store(number, Ordering::Relaxed);
        }
    });
    let spooled = |field: &str| {
        let (_, stats) = request(&admin, "GET /stats", "").unwrap();
        let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
        stats["spool"][field].as_u64().unwrap()
    };
    // The next body finds no room, whatever its ids.
    let room = body(999).len() as u64 + 200;
    while spooled("bytes") + room <= limit {
        thread::yield_now();
    }
    assert!(spooled("bytes") <= limit);
    assert!(!sender.is_finished(), "it waits for its answer");
    let told = answered.load(Ordering::Relaxed);
    drop(server);
    sender.join().unwrap();

    // Somebody is there now to take it.
    let listener = TcpListener::bind(sink).unwrap();
    let taking = thread::spawn(move || {
        let mut text = String::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_string(&mut text)
            .unwrap();
        text
    });
    let server = Server::start(&plan);
    while spooled("blocks") > 0 {
        thread::yield_now();
    }
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let taken = ids(&taking.join().unwrap());
    let last = taken.len() as u64;
    assert!(
        taken == (0..last).collect::<Vec<_>>(),
        "in order, each once"
    );
    assert!(last >= told * 1000, "{last} of {told} bodies");
}
