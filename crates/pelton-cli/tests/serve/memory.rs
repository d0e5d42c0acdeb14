//! A backlog of ten times the memory: the sender waits, the limit holds, nothing is lost.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::events::line;
use crate::server::Server;

const LIMIT_MIB: u64 = 16;
const BACKLOG: u64 = 10 * (LIMIT_MIB << 20);
/// Records are made of so many bytes, and sent so many at once.
const RECORD: u64 = 16_000;
const PIECE: u64 = 16;

/// The records of a piece.
fn piece(number: u64) -> Vec<u8> {
    let padded = |id| {
        let line = line(id);
        let filling = RECORD as usize - line.len();
        format!("{}{}\n", line.trim_end(), " ".repeat(filling))
    };
    let records = number * PIECE..(number + 1) * PIECE;
    records.flat_map(|id| padded(id).into_bytes()).collect()
}

#[test]
fn a_stalled_sink_blocks_the_sender_within_the_limit_and_loses_nothing() {
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("sink.url=tcp:{}", sink.local_addr().unwrap());
    let limit = format!("{LIMIT_MIB}MiB");
    let server = Server::start(&[
        "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--memory-limit", &limit, "--set", &url,
    ]);
    let mut sender = server.connect();
    // What it takes to work at all.
    sender.write_all(&piece(0)).unwrap();
    server.wait_for("written", PIECE);
    let base = server.peak_kib();
    // So long without room: it is the server that holds it up.
    sender.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let pieces = BACKLOG.div_ceil(RECORD * PIECE);
    let (stalled_at, rest) = push_until_blocked(&mut sender, pieces);
    assert!(stalled_at < pieces / 2, "{stalled_at} of {pieces} were taken");
    let grown = server.peak_kib() - base;
    assert!(grown <= LIMIT_MIB * 1024 * 11 / 10, "{grown} KiB above {base}");

    let (stream, _) = sink.accept().unwrap();
    let sending = std::thread::spawn(move || {
        sender.set_write_timeout(None).unwrap();
        sender.write_all(&rest).unwrap();
        (stalled_at + 1..pieces).for_each(|number| sender.write_all(&piece(number)).unwrap());
    });
    let mut found = BufReader::new(stream).lines();
    for id in 0..pieces * PIECE {
        let expected = line(id);
        let found = found.next().unwrap().unwrap();
        assert_eq!(found.trim_end(), expected.trim_end());
    }
    sending.join().unwrap();
    let records = pieces * PIECE;
    server.wait_for("written", records);
    let grown = server.peak_kib() - base;
    assert!(grown <= LIMIT_MIB * 1024 * 11 / 10, "{grown} KiB above {base}");
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    let account = format!("main: {records} read + 0 made by windows = {records} written + 0 ");
    assert!(said.contains(&account), "{said}");
}

/// Pushes pieces until nothing more is taken: which one was held up, and its rest.
fn push_until_blocked(sender: &mut impl Write, pieces: u64) -> (u64, Vec<u8>) {
    for number in 1..pieces {
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
    (pieces, Vec::new())
}
