//! A backlog of ten times the memory: the sender waits, the limit holds, nothing is lost.

use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::events::line;
use crate::server::Server;
use crate::unsteady::{Mood, Unsteady};

const LIMIT_MIB: u64 = 16;
const BACKLOG: u64 = 10 * (LIMIT_MIB << 20);
/// Records are made of so many bytes, and sent so many at once.
const RECORD: u64 = 16_000;
const PIECE: u64 = 16;
const PIECES: u64 = BACKLOG.div_ceil(RECORD * PIECE);
const RECORDS: u64 = PIECES * PIECE;

/// The records of a piece.
fn piece(number: u64) -> Vec<u8> {
    let padded = |id| {
        let line = line(id);
        let filling = RECORD as usize - line.len();
        format!("{}{}\n", line.trim_end(), " ".repeat(filling))
    };
    let records = number * PIECE..(number + 1) * PIECE;
    let records: String = records.map(padded).collect();
    records.into_bytes()
}

#[test]
fn a_stalled_sink_blocks_the_sender_within_the_limit_and_loses_nothing() {
    let (hold, held) = channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink = Unsteady::start_at(listener, move |request| {
        // The first is to show what it takes to work at all.
        if request > 1 {
            let _ = held.recv();
        }
        Mood::Take
    });
    let url = format!("sink.url=http://{}/", sink.address);
    let limit = format!("{LIMIT_MIB}MiB");
    let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let limits = ["--memory-limit", &limit, "--set", &url];
    let server = Server::start(&[&listen[..], &limits].concat());
    let mut sender = server.connect();
    sender.write_all(&piece(0)).unwrap();
    server.wait_for("written", 1);
    let base_kib = server.peak_kib();
    let within = |server: &Server| {
        let grown = server.peak_kib() - base_kib;
        assert!(
            grown * 10 <= LIMIT_MIB * 1024 * 11,
            "{grown} KiB above {base_kib}"
        );
    };

    // So long without room: it is the server that holds it up, and the system's buffers are full.
    let patience = Duration::from_secs(1);
    sender.set_write_timeout(Some(patience)).unwrap();
    let (stalled_at, rest) = push_until_blocked(&mut sender);
    assert!(stalled_at < PIECES, "all was taken");
    assert!(server.count("written") <= PIECE);
    assert!(server.count("read_bytes") <= LIMIT_MIB << 20);
    within(&server);

    drop(hold);
    let sending = thread::spawn(move || {
        sender.set_write_timeout(None).unwrap();
        sender.write_all(&rest).unwrap();
        (stalled_at + 1..PIECES).for_each(|number| sender.write_all(&piece(number)).unwrap());
    });
    let bodies = sink.taken.iter();
    let mut next = 0;
    for body in bodies {
        for found in body.lines() {
            // What stands around a record is not the record's.
            assert_eq!(found, line(next).trim_end());
            next += 1;
        }
        if next == RECORDS {
            break;
        }
    }
    sending.join().unwrap();
    server.wait_for("written", RECORDS);
    within(&server);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let account = format!("main: {RECORDS} read + 0 made by windows = {RECORDS} written + 0 ");
    assert!(said.contains(&account), "{said}");
}

/// Pushes all pieces but the first until nothing more is taken: which one was held up, and its
/// rest.
fn push_until_blocked(sender: &mut impl Write) -> (u64, Vec<u8>) {
    for number in 1..PIECES {
        let piece = piece(number);
        let mut sent = 0;
        while sent < piece.len() {
            match sender.write(&piece[sent..]) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return (number, piece[sent..].to_vec());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    (PIECES, Vec::new())
}
