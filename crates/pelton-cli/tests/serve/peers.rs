//! Peers that misbehave, and many at once: each gets what it asked for, and the others are served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use pelton::connect::net::{Client, ClientOptions};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::events::{Places, lines, mix};
use crate::server::Server;

/// A server with a door of each kind, and the file that it writes.
struct Served {
    server: Server,
    places: Places,
}

const TCP: &str = "tcp://";
const ACKED: &str = "acked://";
const HTTP: &str = "http://";

impl Served {
    fn start() -> Self {
        let places = Places::new();
        let out = places.text("out.ndjson");
        let mut arguments = vec!["--out", &out, "--schema", "level=string"];
        arguments.extend(["--filter", "level = 'error'", "--admin", "127.0.0.1:0"]);
        let doors = [TCP, ACKED, HTTP].map(|kind| format!("{kind}127.0.0.1:0"));
        arguments.extend(doors.iter().flat_map(|door| ["--listen", door]));
        let server = Server::start(&arguments);
        Self { server, places }
    }

    fn connect(&self, kind: &str) -> TcpStream {
        let stream = TcpStream::connect(self.server.door(kind)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends records as one does, and waits until the errors among them are written.
    fn serves(&self, records: std::ops::Range<u64>) -> String {
        let written = self.server.count("written");
        let errors = lines(records.clone(), Some("error"));
        let mut stream = self.connect(TCP);
        stream.write_all(lines(records, None).as_bytes()).unwrap();
        let count = errors.lines().count() as u64;
        self.server.wait_for("written", written + count);
        errors
    }

    /// Ends it: so many records were refused, and this is what was written.
    fn check(self, rejected: u64, expected: &str) {
        self.server.wait_for("rejected", rejected);
        let (code, said) = self.server.stop();
        assert_eq!(code, Some(i32::from(rejected > 0)), "{said}");
        assert!(said.contains(&format!(" {rejected} rejected")), "{said}");
        assert!(said.contains(" 0 shed + 0 pending"), "{said}");
        assert!(self.places.content("out.ndjson") == expected);
    }
}

/// Bytes that look random, without a line end.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let bytes = (seed..).flat_map(|seed| mix(seed).to_le_bytes());
    bytes.filter(|&byte| byte != b'\n').take(length).collect()
}

#[test]
fn garbage_is_refused_line_by_line_and_others_are_served() {
    let served = Served::start();
    let mut stream = served.connect(TCP);
    for seed in 0..200 {
        let line = [b"#".as_slice(), &noise(seed * 1000, 700), b"\n"].concat();
        stream.write_all(&line).unwrap();
    }
    // Those that ask for a word hear one, or that nobody listens.
    for (kind, answer) in [(ACKED, &[3_u8, 0, 1, 0][..]), (HTTP, b"HTTP/1.1 400")] {
        let mut stream = served.connect(kind);
        stream.write_all(&noise(7, 100)).unwrap();
        let mut heard = Vec::new();
        // What it did not read makes it hang up the hard way.
        let _ = stream.read_to_end(&mut heard);
        assert!(heard.starts_with(answer), "{heard:?}");
    }
    let expected = served.serves(0..300);
    served.check(200, &expected);
}

#[test]
fn half_a_frame_has_no_effect() {
    let served = Served::start();
    let mut stream = served.connect(ACKED);
    stream.write_all(b"PLTN\x01\0\x07\0numbers").unwrap();
    let mut welcome = [0; 24];
    stream.read_exact(&mut welcome).unwrap();
    assert_eq!(welcome[0], 1);
    let mut frame = Vec::from(1000_u32.to_le_bytes());
    frame.extend([0; 20]);
    frame.extend(lines(1..2, None).bytes());
    stream.write_all(&frame).unwrap();
    drop(stream);
    let options = ClientOptions::new(served.server.door(ACKED), "numbers");
    let mut client = Client::connect(options).unwrap();
    assert_eq!(client.position(), 0);
    client.send(lines(3..9, None).as_bytes(), 1).unwrap();
    assert_eq!(client.flush().unwrap(), 1);
    served.check(0, &lines(3..9, Some("error")));
}

#[test]
fn a_line_without_end_is_refused_once_and_takes_no_memory() {
    let served = Served::start();
    let first = served.serves(0..30);
    let before = served.server.peak_kib();
    let mut stream = served.connect(TCP);
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        stream.write_all(&piece).unwrap();
    }
    stream.write_all(b"\n").unwrap();
    stream.write_all(lines(30..60, None).as_bytes()).unwrap();
    let expected = first + &lines(30..60, Some("error"));
    served.server.wait_for("read", 61);
    served.server.wait_for("written", 20);
    let grown = served.server.peak_kib() - before;
    assert!(grown < 16 << 10, "{grown} KiB more for a line of 64 MiB");
    served.check(1, &expected);
}

#[test]
fn what_comes_one_byte_at_a_time_is_whole_in_the_end() {
    let served = Served::start();
    let records = lines(0..6, None);
    let mut stream = served.connect(TCP);
    for byte in records.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    served.server.wait_for("written", 2);
    let body = lines(6..12, None);
    let length = body.len();
    let request = format!("POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = served.connect(HTTP);
    for byte in request.bytes().chain(body.bytes()) {
        stream.write_all(&[byte]).unwrap();
    }
    served.server.wait_for("written", 4);
    served.check(0, &lines(0..12, Some("error")));
}

#[test]
fn peers_that_never_read_hold_up_nobody() {
    let served = Served::start();
    let body = lines(1..2, None);
    let length = body.len();
    let request =
        format!("POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}");
    let deaf = served.connect(HTTP);
    let mut writing = deaf.try_clone().unwrap();
    let writer = thread::spawn(move || {
        // Until the server has had enough of answers that nobody takes, or the test of it.
        while writing.write_all(request.as_bytes()).is_ok() {}
    });
    let mut acked = served.connect(ACKED);
    acked.write_all(b"PLTN\x01\0\x04\0deaf").unwrap();
    served.server.wait_for("written", 5_000);
    served.serves(0..3000);
    // Those of the deaf one count too: what was written last tells that all of them were.
    let others = lines(0..3000, Some("error"));
    let last = others.lines().last().unwrap();
    while !served.places.content("out.ndjson").contains(last) {
        thread::yield_now();
    }
    deaf.shutdown(std::net::Shutdown::Both).unwrap();
    writer.join().unwrap();
    let (code, said) = served.server.stop();
    assert_eq!(code, Some(0), "{said}");
    let found = served.places.content("out.ndjson");
    let from_others = found.lines().filter(|line| *line != body.trim_end());
    assert!(from_others.eq(others.lines().filter(|line| *line != body.trim_end())));
}

const CONNECTIONS: u64 = 10_000;

/// Lets this process have as many files as it may; false where those are too few.
fn has_files_for(connections: u64) -> bool {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, wanted).unwrap();
    maximum.is_none_or(|maximum| maximum > connections + 200)
}

#[test]
fn ten_thousand_connections_are_served_at_once() {
    if !has_files_for(CONNECTIONS) {
        eprintln!("skipped: fewer than 10,200 files may be open (raise `ulimit -H -n`)");
        return;
    }
    let places = Places::new();
    let out = places.text("out.ndjson");
    let arguments = ["--listen", "127.0.0.1:0", "--out", &out];
    let arguments = [&arguments[..], &["--admin", "127.0.0.1:0"]].concat();
    // What a shell gives: the server asks for more itself.
    let server = Server::start_limited("ulimit -S -n 256", &arguments);
    let mut streams: Vec<TcpStream> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    for (id, stream) in streams.iter_mut().enumerate() {
        let record = lines(id as u64..id as u64 + 1, None);
        stream.write_all(record.as_bytes()).unwrap();
    }
    server.wait_for("written", CONNECTIONS);
    drop(streams);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let mut found: Vec<String> = places
        .content("out.ndjson")
        .lines()
        .map(str::to_owned)
        .collect();
    let expected = lines(0..CONNECTIONS, None);
    let mut expected: Vec<&str> = expected.lines().collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert!(found == expected);
}
