//! Records with acknowledgement, from this crate's client, from raw bytes, and from Python.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use pelton_connect::net::{Client, ClientError, ClientOptions, Fault, ListenLimits};
use pelton_format::{Ndjson, Text};
use tokio::task::spawn_blocking;

use crate::intake::Memory;
use crate::{Running, on_runtime};

async fn start(intake: Memory, address: &str) -> Running {
    let limits = ListenLimits::default();
    Running::start_with(intake, address, Ndjson::default(), limits).await
}

async fn acked(intake: Memory) -> Running {
    start(intake, "acked://127.0.0.1:0").await
}

fn options(place: &str) -> ClientOptions {
    ClientOptions {
        patience: Duration::from_secs(20),
        ..ClientOptions::new(place, "tester")
    }
}

/// Runs what blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("no panic")
}

async fn connect(server: &Running) -> Client {
    let place = server.place.clone();
    blocking(move || Client::connect(options(&place)).expect("connected")).await
}

fn line(number: u64) -> String {
    format!("{{\"id\":{number}}}\n")
}

fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(line).collect()
}

fn send(client: &mut Client, numbers: std::ops::Range<u64>) -> Result<(), ClientError> {
    for number in numbers {
        client.send(line(number).as_bytes(), number + 1)?;
    }
    Ok(())
}

#[test]
fn what_is_sent_arrives_in_order_and_is_acknowledged_when_committed() {
    on_runtime(async {
        let server = acked(Memory::new()).await;
        let mut client = connect(&server).await;
        assert_eq!((client.position(), client.committed()), (0, 0));
        send(&mut client, 0..100).unwrap();
        server.intake.until(|arrivals| arrivals.len() == 100).await;
        assert_eq!(client.committed(), 0);
        server.intake.commit(100);
        let committed = blocking(move || client.flush().unwrap()).await;
        assert_eq!(committed, 100);
        assert_eq!(server.stop().await.bytes(), lines(0..100).as_bytes());
    });
}

#[test]
fn a_new_process_goes_on_where_the_last_one_came_to() {
    on_runtime(async {
        let server = acked(Memory::new()).await;
        let mut client = connect(&server).await;
        send(&mut client, 0..10).unwrap();
        server.intake.until(|arrivals| arrivals.len() == 10).await;
        drop(client);
        // Nothing is committed, yet everything was received: it need not come again.
        let mut client = connect(&server).await;
        assert_eq!((client.position(), client.committed()), (10, 0));
        send(&mut client, 10..20).unwrap();
        server.intake.until(|arrivals| arrivals.len() == 20).await;
        assert_eq!(server.stop().await.bytes(), lines(0..20).as_bytes());
    });
}

#[test]
fn after_a_kill_what_was_not_committed_comes_again_and_nothing_else() {
    on_runtime(async {
        let server = acked(Memory::new()).await;
        let mut client = connect(&server).await;
        send(&mut client, 0..10).unwrap();
        server.intake.until(|arrivals| arrivals.len() == 10).await;
        let address = format!("acked://{}", server.place);
        let killed = server.stop().await;
        killed.commit(4);
        let server = start(Memory::after(&killed), &address).await;
        let mut client = blocking(move || {
            send(&mut client, 10..12).unwrap();
            client
        })
        .await;
        server.intake.until(|arrivals| arrivals.len() == 8).await;
        server.intake.commit(8);
        let (committed, reconnects) =
            blocking(move || (client.flush().unwrap(), client.reconnects())).await;
        assert_eq!((committed, reconnects), (12, 1));
        let all = [killed.bytes(), server.stop().await.bytes()].concat();
        assert_eq!(all, lines(0..12).as_bytes());
    });
}

#[test]
fn batches_that_come_again_are_dropped_and_counted() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        blocking(move || {
            let mut raw = Raw::connect(&place, b"raw");
            assert_eq!(raw.reply(), (1, 1, 0, 0));
            let batch = raw_batch(b"a\n", 0, 1);
            raw.send(&[&batch[..], &batch, &raw_batch(b"b\n", 1, 2)].concat());
            while raw.reply() != (2, 0, 2, 2) {}
        })
        .await;
        assert_eq!(server.metrics.duplicates.value(), 1);
        assert_eq!(server.stop().await.bytes(), b"a\nb\n");
    });
}

#[test]
fn a_later_connection_of_a_client_replaces_the_earlier_one() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        blocking(move || {
            let mut first = Raw::connect(&place, b"raw");
            first.reply();
            let mut second = Raw::connect(&place, b"raw");
            second.reply();
            assert_eq!((first.reply().0, first.fault()), (3, 8));
            second.send(&raw_batch(b"a\n", 0, 1));
            assert_eq!(second.reply(), (2, 0, 1, 1));
        })
        .await;
        server.stop().await;
    });
}

/// A connection without a client.
struct Raw {
    stream: TcpStream,
    code: u16,
}

impl Raw {
    fn connect(place: &str, client: &[u8]) -> Self {
        let mut hello = b"PLTN\x01\0".to_vec();
        hello.extend_from_slice(&(client.len() as u16).to_le_bytes());
        hello.extend_from_slice(client);
        Self::connect_with(place, &hello)
    }

    fn connect_with(place: &str, bytes: &[u8]) -> Self {
        let mut raw = Self {
            stream: TcpStream::connect(place).expect("connected"),
            code: 0,
        };
        raw.send(bytes);
        raw
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sent");
    }

    /// Kind, code and both positions of the next reply.
    fn reply(&mut self) -> (u8, u16, u64, u64) {
        let mut header = [0; 24];
        self.stream.read_exact(&mut header).expect("a reply");
        let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight"));
        self.code = u16::from_le_bytes([header[2], header[3]]);
        let text = number(0) >> 32;
        let mut words = vec![0; text as usize];
        self.stream.read_exact(&mut words).expect("its text");
        (header[0], self.code, number(8), number(16))
    }

    /// The code of the last reply.
    fn fault(&self) -> u16 {
        self.code
    }

    fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).map_or(true, |read| read == 0)
    }
}

/// A batch, its seal computed bit by bit.
fn raw_batch(payload: &[u8], begin: u64, end: u64) -> Vec<u8> {
    let positions = [begin.to_le_bytes(), end.to_le_bytes()].concat();
    let seal = crc32(&[&positions[..], payload].concat());
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..], &seal.to_le_bytes(), &positions, payload].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| {
        if sum & 1 == 1 {
            sum >> 1 ^ 0xEDB8_8320
        } else {
            sum >> 1
        }
    };
    let sum = bytes.iter().fold(!0, |sum: u32, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum))
    });
    !sum
}

/// Sends `bytes` after the hello, if any, and says with which fault the server hangs up.
async fn fault(hello: &'static [u8], bytes: Vec<u8>) -> u16 {
    let server = acked(Memory::new()).await;
    let place = server.place.clone();
    let code = blocking(move || {
        let mut raw = Raw::connect_with(&place, hello);
        raw.send(&bytes);
        while raw.reply().0 != 3 {}
        assert!(raw.is_closed());
        raw.fault()
    })
    .await;
    assert!(server.stop().await.arrivals().is_empty());
    code
}

const HELLO: &[u8] = b"PLTN\x01\0\x03\0raw";

#[test]
fn what_is_wrong_is_said_before_hanging_up() {
    on_runtime(async {
        assert_eq!(fault(b"GET / HTTP/1.1\r\n\r\n", Vec::new()).await, 1);
        assert_eq!(fault(b"PLTN\x02\0\x03\0raw", Vec::new()).await, 2);
        assert_eq!(fault(b"PLTN\x01\0\0\0", Vec::new()).await, 3);
        assert_eq!(fault(b"PLTN\x01\0\x01\0\n", Vec::new()).await, 3);
        let mut damaged = raw_batch(b"a\n", 0, 1);
        *damaged.last_mut().unwrap() = b'?';
        assert_eq!(fault(HELLO, damaged).await, 5);
        assert_eq!(fault(HELLO, raw_batch(b"", 0, 1)).await, 6);
        assert_eq!(fault(HELLO, raw_batch(b"a\n", 1, 1)).await, 6);
        assert_eq!(
            fault(
                HELLO,
                raw_batch(&[b'a'; (1 << 20) + 1], 0, 1)[..24].to_vec()
            )
            .await,
            6
        );
    });
}

#[test]
fn a_batch_that_leaves_a_gap_is_refused() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        blocking(move || {
            let mut raw = Raw::connect(&place, b"raw");
            raw.reply();
            raw.send(&[raw_batch(b"a\n", 5, 6), raw_batch(b"b\n", 7, 8)].concat());
            while raw.reply().0 != 3 {}
            assert_eq!(raw.fault(), 4);
        })
        .await;
        assert_eq!(server.stop().await.bytes(), b"a\n");
    });
}

#[test]
fn half_a_batch_is_dropped() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        blocking(move || {
            let mut raw = Raw::connect(&place, b"raw");
            raw.reply();
            let batch = raw_batch(b"a\n", 0, 1);
            raw.send(&[&batch[..], &batch[..10]].concat());
            raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
            while !raw.is_closed() {}
            let mut again = Raw::connect(&place, b"raw");
            assert_eq!(again.reply(), (1, 1, 1, 1));
        })
        .await;
        assert_eq!(server.stop().await.bytes(), b"a\n");
    });
}

#[test]
fn a_peer_that_never_reads_acknowledgements_is_served_and_stopped() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        let raw = blocking(move || {
            let mut raw = Raw::connect(&place, b"raw");
            let batches: Vec<u8> = (0..200_000)
                .flat_map(|n| raw_batch(b"a\n", n, n + 1))
                .collect();
            raw.send(&batches);
            raw
        })
        .await;
        server
            .intake
            .until(|arrivals| arrivals.len() == 200_000)
            .await;
        server.stop().await;
        drop(raw);
    });
}

#[test]
fn what_cannot_be_sent_is_refused_by_the_client() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let mut client = connect(&server).await;
        assert!(client.send(b"", 1).is_err());
        assert!(client.send(&[b'a'; (1 << 20) + 1], 1).is_err());
        client.send(b"1\n", 7).unwrap();
        assert!(client.send(b"2\n", 7).is_err());
        let place = server.place.clone();
        server.stop().await;
        let gone = ClientOptions {
            patience: Duration::ZERO,
            ..options(&place)
        };
        let error = blocking(move || Client::connect(gone).unwrap_err()).await;
        assert_eq!(error.fault(), None);
        assert!(error.to_string().starts_with(&place));
    });
}

#[test]
fn a_full_window_waits_for_commits() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        let committed = blocking(move || {
            let small = ClientOptions {
                window_bytes: 100,
                ..options(&place)
            };
            let mut client = Client::connect(small).unwrap();
            send(&mut client, 0..1000).unwrap();
            assert!(client.committed() >= 990);
            client.flush().unwrap()
        })
        .await;
        assert_eq!(committed, 1000);
        assert_eq!(server.stop().await.bytes(), lines(0..1000).as_bytes());
    });
}

#[test]
fn a_server_that_lost_its_state_is_noticed() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let mut client = connect(&server).await;
        send(&mut client, 0..5).unwrap();
        let mut client = blocking(move || {
            client.flush().unwrap();
            client
        })
        .await;
        let address = format!("acked://{}", server.place);
        server.stop().await;
        let server = start(Memory::new(), &address).await;
        let error = blocking(move || {
            loop {
                let end = client.position() + 1;
                if let Err(error) = client.send(b"1\n", end) {
                    return error;
                }
                if let Err(error) = client.flush() {
                    return error;
                }
            }
        })
        .await;
        assert_eq!(error.fault(), None::<Fault>);
        assert!(
            error.to_string().contains("the server is at position 0"),
            "{error}"
        );
        server.stop().await;
    });
}

#[test]
fn a_server_whose_sink_keeps_no_positions_goes_on_behind_what_was_committed() {
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let mut client = connect(&server).await;
        send(&mut client, 0..5).unwrap();
        let mut client = blocking(move || {
            client.flush().unwrap();
            client
        })
        .await;
        let address = format!("acked://{}", server.place);
        assert_eq!(server.stop().await.bytes(), lines(0..5).as_bytes());
        let server = start(Memory::committing().forgetting(), &address).await;
        blocking(move || {
            while client.committed() < 12 {
                let number = client.position();
                if number < 12 {
                    send(&mut client, number..number + 1).unwrap();
                }
                client.flush().unwrap();
            }
        })
        .await;
        assert_eq!(server.stop().await.bytes(), lines(5..12).as_bytes());
    });
}

/// The document that describes the protocol, with a whole client in it.
const DOCUMENT: &str = include_str!("../../../../docs/PROTOCOL.md");

/// The client that the document shows.
fn shown_client() -> &'static str {
    let program = DOCUMENT.split("```python\n").nth(1).expect("a program");
    program.split("```").next().expect("its end")
}

#[test]
fn a_few_lines_of_python_do() {
    let python = Command::new("python3").arg("--version").output();
    if python.is_err() {
        println!("SKIPPED: there is no python3");
        return;
    }
    on_runtime(async {
        let server = acked(Memory::committing()).await;
        let place = server.place.clone();
        blocking(move || {
            let (host, port) = place.rsplit_once(':').unwrap();
            let ran = Command::new("python3")
                .args(["-c", shown_client(), host, port])
                .output()
                .unwrap();
            assert!(
                ran.status.success(),
                "{}",
                String::from_utf8_lossy(&ran.stderr)
            );
        })
        .await;
        assert_eq!(server.stop().await.bytes(), lines(0..1000).as_bytes());
    });
}

#[test]
fn plain_lines_to_an_acked_listener_are_told_what_is_expected() {
    on_runtime(async {
        let limits = ListenLimits::default();
        let server = Running::start("acked://127.0.0.1:0", Text::default(), limits).await;
        let place = server.place.clone();
        let text = blocking(move || {
            let mut stream = TcpStream::connect(place).unwrap();
            stream.write_all(b"a plain line\n").unwrap();
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        })
        .await;
        assert!(text.contains("not the acknowledged protocol"), "{text}");
        // Who was refused is counted when the connection is over.
        let metrics = server.metrics.clone();
        server.stop().await;
        assert_eq!(metrics.refused.value(), 1);
    });
}
