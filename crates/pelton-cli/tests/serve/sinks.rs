//! Sinks that fail: refusing, stalled, absent, full. Nothing is lost, and where nothing was taken
//! without a word, nothing comes twice.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;

use crate::address;
use crate::events::{Places, lines};
use crate::server::Server;
use crate::unsteady::{Mood, Unsteady};

/// Failures are tried again soon.
const SOON: [&str; 4] = [
    "--set",
    "sink.retry.first=1ms",
    "--set",
    "sink.retry.longest=5ms",
];
const RECORDS: u64 = 20_000;

/// A server that brings what comes over TCP to the sink that `setting` names.
fn serve(setting: &str) -> Server {
    let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    Server::start(&[&listen[..], &["--set", setting], &SOON].concat())
}

/// Sends all records in pieces, so that they are put a piece at a time.
fn send(server: &Server) {
    let mut stream = server.connect();
    for piece in 0..100 {
        let records = piece * RECORDS / 100..(piece + 1) * RECORDS / 100;
        stream.write_all(lines(records, None).as_bytes()).unwrap();
    }
}

fn assert_written(server: Server, at_least_once: u64) {
    server.wait_for("written", RECORDS);
    assert!(server.count("retries") >= at_least_once);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let account = format!("main: {RECORDS} read + 0 made by windows = {RECORDS} written + 0");
    assert!(said.contains(&account), "{said}");
}

#[test]
fn what_a_web_server_refuses_at_random_comes_once_in_the_end() {
    // However few requests the records are put with, one of them fails.
    let sink = Unsteady::start(|request| match request {
        1 => Mood::Refuse,
        request => Mood::honest(request),
    });
    let server = serve(&format!("sink.url=http://{}/", sink.address));
    send(&server);
    let taken = sink.records(RECORDS as usize);
    assert!(taken.join("\n") + "\n" == lines(0..RECORDS, None));
    assert_written(server, 1);
}

#[test]
fn what_a_web_server_takes_without_a_word_comes_again_and_nothing_is_lost() {
    let sink = Unsteady::start(|request| match request {
        1 => Mood::TakeAndHangUp,
        request => Mood::any(request),
    });
    let server = serve(&format!("sink.url=http://{}/", sink.address));
    send(&server);
    let mut taken = sink.records(RECORDS as usize);
    taken.extend(sink.taken.try_iter().flat_map(|body| {
        let lines = body.lines().map(str::to_owned);
        lines.collect::<Vec<_>>()
    }));
    // In order, but for what came again.
    let mut seen = std::collections::HashSet::new();
    taken.retain(|line| seen.insert(line.clone()));
    assert!(taken.join("\n") + "\n" == lines(0..RECORDS, None));
    assert_written(server, 1);
}

#[test]
fn a_slow_web_server_holds_up_its_lane_and_loses_nothing() {
    let (go_on, may_go_on) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink = Unsteady::start_at(listener, move |_| {
        // Each answer comes when the test says so, or at once when it is done with that.
        let _ = may_go_on.recv();
        Mood::Take
    });
    let server = serve(&format!("sink.url=http://{}/", sink.address));
    send(&server);
    server.wait_for("pending", 1);
    assert_eq!(server.count("written"), 0);
    go_on.send(()).unwrap();
    server.wait_for("written", 1);
    drop(go_on);
    let taken = sink.records(RECORDS as usize);
    assert!(taken.join("\n") + "\n" == lines(0..RECORDS, None));
    assert_written(server, 0);
}

#[test]
fn a_web_server_that_is_not_there_yet_is_waited_for() {
    let address = address::free();
    let server = serve(&format!("sink.url=http://{address}/"));
    send(&server);
    server.wait_for("retries", 10);
    assert!(server.stats()["lanes"][0]["broken"].as_bool().unwrap());
    let sink = Unsteady::start_at(TcpListener::bind(address).unwrap(), |_| Mood::Take);
    let taken = sink.records(RECORDS as usize);
    assert!(taken.join("\n") + "\n" == lines(0..RECORDS, None));
    assert_written(server, 10);
}

#[test]
fn a_peer_that_is_not_there_yet_is_waited_for() {
    let address = address::free();
    let server = serve(&format!("sink.url=tcp:{address}"));
    send(&server);
    server.wait_for("retries", 10);
    let sink = TcpListener::bind(address).unwrap();
    let (stream, _) = sink.accept().unwrap();
    let expected = lines(0..RECORDS, None);
    let found = BufReader::new(stream).lines().take(RECORDS as usize);
    assert!(found.map(Result::unwrap).eq(expected.lines()));
    assert_written(server, 10);
}

/// Fills the sink at `path`, makes room, and looks at what is there in the end.
fn goes_on_when_there_is_room(server: Server, path: &Path, make_room: impl FnOnce(&Server)) {
    send(&server);
    server.wait_for("retries", 10);
    assert!(server.count("written") < RECORDS);
    make_room(&server);
    server.wait_for("written", RECORDS);
    assert_written(server, 10);
    let found = std::fs::read_to_string(path).unwrap();
    assert!(found == lines(0..RECORDS, None));
}

/// A file system of a few hundred KiB; unmounted when dropped.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Where mounting is permitted.
    fn mount(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        mount("size=400k", &folder).then_some(Self { folder })
    }

    fn grow(&self) {
        assert!(mount("remount,size=16m", &self.folder));
    }
}

fn mount(options: &str, folder: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", options, "none"]);
    let output = mount.arg(folder).output();
    output.is_ok_and(|output| output.status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test left may still have a file open.
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(unmounted.unwrap().success() || std::thread::panicking());
    }
}

#[test]
fn a_full_disk_is_waited_for_until_there_is_room() {
    let places = Places::new();
    let Some(disk) = SmallDisk::mount(places.path("disk")) else {
        eprintln!("skipped: a small disk cannot be mounted here (root alone may)");
        return;
    };
    let path = disk.folder.join("out.ndjson");
    let server = serve(&format!("sink.path={}", path.display()));
    goes_on_when_there_is_room(server, &path, |_| disk.grow());
}

#[test]
fn a_limit_on_the_size_of_files_is_waited_for_until_it_is_raised() {
    let places = Places::new();
    let path = places.path("out.ndjson");
    let setting = format!("sink.path={}", path.display());
    let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let arguments = [&listen[..], &["--set", &setting], &SOON].concat();
    // In blocks of 512 bytes.
    let server = Server::start_limited("trap '' XFSZ; ulimit -S -f 400", &arguments);
    goes_on_when_there_is_room(server, &path, |server| {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let id = Pid::from_raw(server.id().cast_signed());
        let unlimited = Rlimit {
            current: None,
            maximum: None,
        };
        prlimit(id, Resource::Fsize, unlimited).unwrap();
    });
}
