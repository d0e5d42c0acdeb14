//! The server as a process: started, fed, killed, started again.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use pelton::connect::net::{Client, ClientOptions};

/// A server; killed when dropped.
struct Server {
    child: Child,
    errors: BufReader<ChildStderr>,
    addresses: Vec<String>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pelton"))
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let listening = line.trim().strip_prefix("listening on ");
        let addresses = listening.unwrap_or_else(|| panic!("it said {line:?}"));
        let addresses = addresses.split(", ").map(str::to_owned).collect();
        Self {
            child,
            errors,
            addresses,
        }
    }

    fn connect(&self) -> TcpStream {
        let address = self.addresses[0].strip_prefix("tcp://").unwrap();
        TcpStream::connect(address).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Asks it to end; its exit code, and what it said on standard error.
    fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn wait_for_size(path: &Path, bytes: u64) {
    while size(path) < bytes {
        thread::yield_now();
    }
}

fn line(id: u64) -> String {
    let level = ["info", "error", "debug"][id as usize % 3];
    format!("{{\"id\":{id},\"level\":\"{level}\",\"text\":\"something happened, number {id}\"}}\n")
}

fn lines(range: std::ops::Range<u64>, level: Option<&str>) -> String {
    let kept = |line: &String| level.is_none_or(|level| line.contains(level));
    range.map(line).filter(kept).collect()
}

struct Places {
    folder: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_sent_is_filtered_and_written_and_a_signal_ends_it_with_a_report() {
    let places = Places::new();
    let out = places.text("out.ndjson");
    let arguments = ["--listen", "127.0.0.1:0", "--out", &out];
    let filter = ["--schema", "level=string", "--filter", "level = 'error'"];
    let server = Server::start(&[&arguments[..], &filter[..]].concat());
    let mut stream = server.connect();
    stream.write_all(lines(0..30_000, None).as_bytes()).unwrap();
    stream.write_all(b"no json\n").unwrap();
    drop(stream);
    let expected = lines(0..30_000, Some("error"));
    wait_for_size(&places.path("out.ndjson"), expected.len() as u64);
    let (code, said) = server.stop();
    assert!(fs::read_to_string(&out).unwrap() == expected);
    assert_eq!(code, Some(1), "a record was refused: {said}");
    assert!(said.contains("30001 read"), "{said}");
    assert!(
        said.contains("10000 written + 20000 filtered out"),
        "{said}"
    );
}

#[test]
fn a_tail_that_is_killed_again_and_again_writes_every_record_once() {
    let places = Places::new();
    let (input, out) = (places.text("in.ndjson"), places.text("out.ndjson"));
    let listen = format!("tail://{input}");
    let arguments = [
        "--listen",
        &listen,
        "--out",
        &out,
        "--schema",
        "level=string",
    ];
    let arguments = [&arguments[..], &["--filter", "level = 'error'"]].concat();
    let mut file = File::create(&input).unwrap();
    let mut written = 0;
    for round in 1..=6_u64 {
        let server = Server::start(&arguments);
        let end = round * 40_000;
        file.write_all(lines(written..end, None).as_bytes())
            .unwrap();
        written = end;
        // Somewhere in the middle of what there is to do.
        let done = lines(0..end, Some("error")).len() as u64;
        wait_for_size(&places.path("out.ndjson"), done - 900_000);
        server.kill();
    }
    let server = Server::start(&arguments);
    let expected = lines(0..written, Some("error"));
    wait_for_size(&places.path("out.ndjson"), expected.len() as u64);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(&out).unwrap() == expected);
}

#[test]
fn what_an_acknowledging_sender_brings_is_written_once_whenever_the_server_is_killed() {
    let places = Places::new();
    let out = places.text("out.ndjson");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let listen = format!("acked://{address}");
    let arguments = ["--listen", &listen, "--out", &out];
    let mut server = Server::start(&arguments);
    let sender = thread::spawn(move || {
        let mut client = Client::connect(ClientOptions::new(address, "numbers")).unwrap();
        for batch in 0..400_u64 {
            let records = lines(batch * 250..batch * 250 + 250, None);
            client.send(records.as_bytes(), batch + 1).unwrap();
        }
        (client.flush().unwrap(), client.reconnects())
    });
    let expected = lines(0..100_000, None);
    for quarter in 1..4 {
        let path = places.path("out.ndjson");
        wait_for_size(&path, expected.len() as u64 * quarter / 4);
        server.kill();
        server = Server::start(&arguments);
    }
    let (committed, reconnects) = sender.join().unwrap();
    assert_eq!(committed, 400);
    assert!(reconnects >= 3, "{reconnects}");
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(&out).unwrap() == expected);
}

#[test]
fn a_hang_up_applies_a_changed_plan_wholly_or_not_at_all() {
    let places = Places::new();
    let plan = |level: &str, out: &str| {
        format!(
            "[source]\nlisten = [\"127.0.0.1:0\"]\nschema = {{ level = \"string\" }}\n\
             [[stage]]\nfilter = \"{level}\"\n[sink]\npath = \"{}\"\n",
            places.text(out)
        )
    };
    let file = places.text("plan.toml");
    fs::write(&file, plan("level = 'error'", "one.ndjson")).unwrap();
    let mut server = Server::start(&[&file]);
    let mut stream = server.connect();
    stream.write_all(lines(0..300, None).as_bytes()).unwrap();
    let first = lines(0..300, Some("error"));
    wait_for_size(&places.path("one.ndjson"), first.len() as u64);

    let mut said = String::new();
    fs::write(&file, plan("levle = 'error'", "two.ndjson")).unwrap();
    server.signal("-HUP");
    while !said.contains("going on as before") {
        server.errors.read_line(&mut said).unwrap();
    }
    assert!(said.contains("levle"), "{said}");
    stream.write_all(lines(300..600, None).as_bytes()).unwrap();
    let both = lines(0..600, Some("error"));
    wait_for_size(&places.path("one.ndjson"), both.len() as u64);

    fs::write(&file, plan("level = 'info'", "two.ndjson")).unwrap();
    server.signal("-HUP");
    while !said.contains("reloaded\n") {
        server.errors.read_line(&mut said).unwrap();
    }
    // The connection stays.
    stream.write_all(lines(600..900, None).as_bytes()).unwrap();
    let last = lines(600..900, Some("info"));
    wait_for_size(&places.path("two.ndjson"), last.len() as u64);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(places.path("one.ndjson")).unwrap() == both);
    assert!(fs::read_to_string(places.path("two.ndjson")).unwrap() == last);
}

#[test]
fn what_cannot_be_served_is_said_with_what_to_do() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pelton"))
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&["--listen", "nowhere", "--out", "-"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("HOST:PORT"), "{said}");
    let (code, said) = run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("sink.path or sink.url is missing"), "{said}");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--out",
        "-",
        "--filter",
        "level = 'x'",
    ];
    let (code, said) = run(&arguments);
    assert_eq!(code, Some(2));
    assert!(said.contains("level"), "{said}");
}
