//! `pelton send` and `pelton gen --to`, to servers of a few lines.

mod place;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use place::Place;

/// Takes all that so many connections send.
fn take(connections: usize) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address").to_string();
    let taking = thread::spawn(move || {
        let streams: Vec<TcpStream> = (0..connections)
            .map(|_| listener.accept().expect("a connection").0)
            .collect();
        let readers: Vec<_> = streams
            .into_iter()
            .map(|stream| thread::spawn(|| read(stream)))
            .collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("read"))
            .collect()
    });
    (address, taking)
}

fn read(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("read to the end");
    bytes
}

fn made(rows: &str) -> String {
    Place::new()
        .pelton(&["gen", "events", "--rows", rows])
        .assert_code(0)
        .stdout
        .clone()
}

#[test]
fn made_rows_are_sent_as_they_are_written() {
    let (address, taking) = take(1);
    let ran = Place::new().pelton(&["gen", "events", "--rows", "3000", "--to", &address]);
    assert!(
        ran.assert_code(0).stderr.contains("3,000 records"),
        "{}",
        ran.stderr
    );
    assert_eq!(taking.join().unwrap(), made("3000").as_bytes());
}

#[test]
fn made_rows_keep_a_schedule_over_connections() {
    let (address, taking) = take(3);
    let rows = ["--rows", "2000", "--rate", "20000", "--connections", "3"];
    let ran = Place::new().pelton(&[&["gen", "events", "--to", &address][..], &rows].concat());
    assert!(
        ran.assert_code(0).stderr.contains("ms late"),
        "{}",
        ran.stderr
    );
    let bytes = String::from_utf8(taking.join().unwrap()).unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&bytes), sorted(&made("2000")));
}

#[test]
fn a_file_is_sent_as_it_is() {
    let text = "one\ntwo\nno end";
    let place = Place::with(&[("a.log", text)]);
    for rate in [&[][..], &["--rate", "1000"]] {
        let (address, taking) = take(1);
        let ran = place.pelton(&[&["send", "a.log", "--to", &address], rate].concat());
        assert!(
            ran.assert_code(0).stderr.contains("a.log: sent 3 records"),
            "{}",
            ran.stderr
        );
        assert_eq!(taking.join().unwrap(), text.as_bytes());
    }
}

#[test]
fn nobody_there_is_an_error() {
    let place = Place::with(&[("a.log", "one\n")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let ran = place.pelton(&["send", "a.log", "--to", &address]);
    assert_eq!(
        ran.assert_code(2).stderr,
        format!("pelton: {address}: connection refused\n")
    );
    assert!(
        place
            .pelton(&["send", "none", "--to", &address])
            .assert_code(2)
            .stderr
            .contains("none: ")
    );
}

/// Speaks the server's side for one client: says how much it has, takes so many bytes of batches,
/// and acknowledges them.
fn acknowledge(had: u64, bytes: usize) -> (String, JoinHandle<io::Result<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address").to_string();
    let taking = thread::spawn(move || {
        let mut client = listener.accept()?.0;
        let mut hello = [0; 8];
        client.read_exact(&mut hello)?;
        assert_eq!(&hello[..6], b"PLTN\x01\0");
        let mut name = vec![0; usize::from(u16::from_le_bytes([hello[6], hello[7]]))];
        client.read_exact(&mut name)?;
        assert!(name.starts_with(b"send:a.log:"));
        client.write_all(&reply(1, had))?;
        let mut taken = Vec::new();
        while taken.len() < bytes {
            let mut header = [0; 24];
            client.read_exact(&mut header)?;
            let length = u32::from_le_bytes(header[..4].try_into().expect("four"));
            let start = taken.len();
            taken.resize(start + length as usize, 0);
            client.read_exact(&mut taken[start..])?;
            client.write_all(&reply(2, had + taken.len() as u64))?;
        }
        Ok(taken)
    });
    (address, taking)
}

fn reply(kind: u8, position: u64) -> Vec<u8> {
    let position = position.to_le_bytes();
    [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &position, &position].concat()
}

#[test]
fn a_file_is_sent_with_acknowledgement_from_where_the_server_has_it() {
    let text = "one\ntwo\nthree\n";
    let place = Place::with(&[("a.log", text)]);
    for had in [0, 4] {
        let (address, taking) = acknowledge(had, text.len() - had as usize);
        let ran = place.pelton(&["send", "a.log", "--to", &address, "--acked"]);
        assert!(
            ran.assert_code(0).stderr.contains("a.log: committed"),
            "{}",
            ran.stderr
        );
        assert_eq!(
            taking.join().unwrap().unwrap(),
            &text.as_bytes()[had as usize..]
        );
    }
}

#[test]
fn a_server_that_has_more_than_the_file_is_told_apart() {
    let place = Place::with(&[("a.log", "one\n")]);
    let (address, taking) = acknowledge(5, 0);
    let to = format!("acked://{address}");
    let ran = place.pelton(&["send", "a.log", "--to", &to]);
    assert!(
        ran.assert_code(2)
            .stderr
            .contains("has 4 bytes, but the server has 5")
    );
    taking.join().unwrap().unwrap();
}

#[test]
fn a_server_that_hangs_up_is_told_of_with_what_it_may_want() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hanging_up = thread::spawn(move || drop(listener.accept().unwrap()));
    let place = Place::new();
    // More than the system takes for a peer that is gone.
    place.put("a.log", "a line\n".repeat(4 << 20));
    let ran = place.pelton(&["send", "a.log", "--to", &address]);
    ran.assert_refused(&[&address, "send with --acked"]);
    hanging_up.join().unwrap();
    let ran = place.pelton(&["send", "a.log", "--to", &address, "--client", "me"]);
    ran.assert_refused(&["--client", "--acked"]);
}
