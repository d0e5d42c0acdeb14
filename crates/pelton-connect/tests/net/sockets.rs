//! TCP and Unix sockets.

use std::time::Duration;

use pelton_connect::Content;
use pelton_connect::net::{ListenLimits, ListenOptions, Listener};
use pelton_connect::stream::Arrival;
use pelton_format::{Binary, Csv, Format, Limits, Ndjson, Text};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::intake::Memory;
use crate::{Running, on_runtime};

const LINES: &[u8] = b"{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n";

async fn tcp() -> Running {
    Running::start("127.0.0.1:0", Ndjson::default(), ListenLimits::default()).await
}

/// A server of lines that may be so long.
async fn short_lines(bytes: usize, limits: ListenLimits) -> Running {
    let text = Text {
        limits: Limits {
            record_bytes_max: bytes,
        },
    };
    Running::start("127.0.0.1:0", text, limits).await
}

async fn connect(server: &Running) -> TcpStream {
    let stream = TcpStream::connect(&server.place).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Waits for the other side to close.
async fn closed(stream: &mut TcpStream) {
    // A reset is a close with something left unread.
    let read = stream.read(&mut [0; 16]).await;
    assert!(
        read.map_or(true, |bytes| bytes == 0),
        "nothing is ever sent back"
    );
}

#[test]
fn lines_arrive_with_their_peer_and_place() {
    on_runtime(async {
        let server = tcp().await;
        let mut client = connect(&server).await;
        client.write_all(LINES).await.unwrap();
        server.intake.until_bytes(LINES.len()).await;
        let arrivals = server.intake.arrivals().clone();
        let from = client.local_addr().unwrap();
        let name = format!("tcp://{} from {from}", server.place);
        assert_eq!(arrivals[0].peer.name, name);
        assert_eq!((arrivals[0].peer.source, arrivals[0].byte), (0, 0));
        assert!(arrivals[0].receipt.is_none());
        let metrics = server.metrics.clone();
        assert_eq!(server.stop().await.bytes(), LINES);
        assert_eq!(metrics.bytes.value(), LINES.len() as u64);
    });
}

#[test]
fn an_unterminated_last_record_arrives_at_the_end() {
    on_runtime(async {
        let server = tcp().await;
        let mut client = connect(&server).await;
        client.write_all(&LINES[..LINES.len() - 1]).await.unwrap();
        client.shutdown().await.unwrap();
        closed(&mut client).await;
        assert_eq!(server.stop().await.bytes(), &LINES[..LINES.len() - 1]);
    });
}

#[test]
fn one_byte_at_a_time_makes_whole_records() {
    on_runtime(async {
        let server = tcp().await;
        let mut client = connect(&server).await;
        for byte in LINES {
            client.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        server.intake.until_bytes(LINES.len()).await;
        let whole = |arrival: &Arrival| arrival.block.ends_with(b"\n");
        assert!(server.intake.arrivals().iter().all(whole));
        assert_eq!(server.stop().await.bytes(), LINES);
    });
}

#[test]
fn a_line_over_the_limit_is_told_and_the_next_one_arrives() {
    on_runtime(async {
        let server = short_lines(1000, ListenLimits::default()).await;
        let mut client = connect(&server).await;
        client.write_all(b"before\n").await.unwrap();
        server.intake.until_bytes(7).await;
        let long = vec![b'x'; 300_000];
        client.write_all(&long).await.unwrap();
        client.write_all(b"\nafter\n").await.unwrap();
        server.intake.until(|arrivals| arrivals.len() == 3).await;
        let arrivals = server.intake.arrivals().clone();
        assert_eq!(arrivals[1].content, Content::TooLarge { bytes: 300_000 });
        assert_eq!(arrivals[1].byte, 7);
        assert!(arrivals[1].block.len() >= 1000 && arrivals[1].block.iter().all(|&b| b == b'x'));
        assert_eq!(arrivals[2].byte, 7 + 300_001);
        assert_eq!(&arrivals[2].block[..], b"after\n");
        let metrics = server.metrics.clone();
        server.stop().await;
        assert_eq!(metrics.too_large.value(), 1);
    });
}

#[test]
fn an_endless_line_takes_no_memory_and_is_told_at_the_end() {
    on_runtime(async {
        let server = short_lines(1000, ListenLimits::default()).await;
        let mut client = connect(&server).await;
        let piece = vec![b'x'; 1 << 16];
        for _ in 0..200 {
            client.write_all(&piece).await.unwrap();
        }
        client.shutdown().await.unwrap();
        closed(&mut client).await;
        let intake = server.stop().await;
        let arrivals = intake.arrivals();
        assert_eq!(arrivals.len(), 1);
        assert_eq!(arrivals[0].content, Content::TooLarge { bytes: 200 << 16 });
        assert!(arrivals[0].block.len() <= 64 << 10);
    });
}

#[test]
fn unfinished_records_of_many_have_one_limit() {
    on_runtime(async {
        let limits = ListenLimits {
            unfinished_bytes_max: 1 << 20,
            ..ListenLimits::default()
        };
        let server = Running::start("127.0.0.1:0", Ndjson::default(), limits).await;
        let half = vec![b'x'; 700_000];
        let (mut one, mut other) = (connect(&server).await, connect(&server).await);
        one.write_all(&half).await.unwrap();
        // Whoever is second is closed, perhaps while it writes.
        let _ = other.write_all(&half).await;
        tokio::select! {
            () = closed(&mut one) => {}
            () = closed(&mut other) => {}
        }
        drop((one, other));
        let metrics = server.metrics.clone();
        server.stop().await;
        assert_eq!(metrics.crowded.value(), 1);
        assert!(metrics.torn_bytes.value() > 0 || metrics.arrivals.value() > 0);
    });
}

#[test]
fn more_connections_than_allowed_are_refused_and_counted() {
    on_runtime(async {
        let limits = ListenLimits {
            connections_max: 2,
            ..ListenLimits::default()
        };
        let server = Running::start("127.0.0.1:0", Ndjson::default(), limits).await;
        let mut clients = [connect(&server).await, connect(&server).await];
        for client in &mut clients {
            client.write_all(LINES).await.unwrap();
        }
        server.intake.until_bytes(2 * LINES.len()).await;
        closed(&mut connect(&server).await).await;
        assert_eq!(
            (
                server.metrics.accepted.value(),
                server.metrics.refused.value()
            ),
            (2, 1)
        );
        assert_eq!(server.metrics.open.value(), 2);
        server.stop().await;
    });
}

#[test]
fn a_silent_connection_is_closed_and_one_that_talks_is_not() {
    on_runtime(async {
        let limits = ListenLimits {
            idle_max: Some(Duration::from_millis(20)),
            ..ListenLimits::default()
        };
        let server = Running::start("127.0.0.1:0", Ndjson::default(), limits).await;
        let mut silent = connect(&server).await;
        silent.write_all(b"{\"id\":").await.unwrap();
        closed(&mut silent).await;
        let metrics = server.metrics.clone();
        server.stop().await;
        assert_eq!((metrics.idle.value(), metrics.torn_bytes.value()), (1, 6));
    });
}

#[test]
fn a_full_engine_is_felt_by_the_sender_and_nothing_is_lost() {
    on_runtime(async {
        let limits = ListenLimits::default();
        let intake = Memory::taking(1);
        let server = Running::start_with(intake, "127.0.0.1:0", Text::default(), limits).await;
        let mut client = connect(&server).await;
        let line = [b'x'; 1023];
        let block: Vec<u8> = [&line[..], b"\n"].concat().repeat(256);
        let mut sent = 0;
        // The system's own buffers take some megabytes, and then no more.
        while sent < 256 << 20 {
            let room = tokio::time::timeout(Duration::from_millis(200), client.writable()).await;
            if room.is_err() {
                break;
            }
            match client.try_write(&block[sent % block.len()..]) {
                Ok(written) => sent += written,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        assert!(sent < 256 << 20, "the sender was never held back");
        server.intake.take_more(1 << 20);
        client.shutdown().await.unwrap();
        closed(&mut client).await;
        assert_eq!(server.stop().await.bytes().len(), sent);
    });
}

#[test]
fn a_peer_is_held_to_its_rate() {
    on_runtime(async {
        let limits = ListenLimits {
            bytes_per_second_max: Some(1 << 20),
            ..ListenLimits::default()
        };
        let server = Running::start("127.0.0.1:0", Text::default(), limits).await;
        let mut client = connect(&server).await;
        let started = tokio::time::Instant::now();
        let block = b"0123456789abcde\n".repeat(1 << 16);
        client.write_all(&block).await.unwrap();
        client.write_all(&block[..200_000]).await.unwrap();
        client.shutdown().await.unwrap();
        closed(&mut client).await;
        // A second's worth is free, the rest is paid for with time.
        assert!(started.elapsed() >= Duration::from_millis(150));
        assert!(server.metrics.slowed.value() > 0);
        assert_eq!(server.stop().await.bytes().len(), block.len() + 200_000);
    });
}

#[test]
fn an_engine_that_is_gone_ends_the_listener_s_connections() {
    on_runtime(async {
        let server = tcp().await;
        server.intake.close();
        let mut client = connect(&server).await;
        client.write_all(LINES).await.unwrap();
        closed(&mut client).await;
        assert!(server.stop().await.arrivals().is_empty());
    });
}

#[test]
fn stopping_closes_what_is_open() {
    on_runtime(async {
        let server = tcp().await;
        let mut client = connect(&server).await;
        client.write_all(LINES).await.unwrap();
        server.intake.until_bytes(LINES.len()).await;
        let metrics = server.metrics.clone();
        server.stop().await;
        closed(&mut client).await;
        assert_eq!(metrics.open.value(), 0);
    });
}

#[test]
fn an_address_in_use_is_an_error_that_says_so() {
    on_runtime(async {
        let server = tcp().await;
        let address = server.place.parse().unwrap();
        let options = ListenOptions::new(address, std::sync::Arc::new(Ndjson::default()));
        let error = Listener::bind(options).await.unwrap_err();
        let expected = format!(
            "tcp://{}: already in use; stop who listens there, or take another",
            server.place
        );
        assert_eq!(error.to_string(), expected);
        server.stop().await;
    });
}

#[test]
fn a_socket_file_is_made_taken_over_when_abandoned_and_removed() {
    on_runtime(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        // Left behind by one who was killed.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let address = format!("unix://{}", path.display());
        let limits = ListenLimits::default();
        let server = Running::start(&address, Csv::default(), limits).await;
        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"1,\"a\nb\"\n2,c\n").await.unwrap();
        client.shutdown().await.unwrap();
        server.intake.until_bytes(12).await;
        let from = format!("{address} from process {}", std::process::id());
        assert_eq!(server.intake.arrivals()[0].peer.name, from);
        assert_eq!(server.stop().await.bytes(), b"1,\"a\nb\"\n2,c\n");
        assert!(!path.exists());
    });
}

/// `wanted` connections, or as many as this process may have files for: each takes two.
fn connections_had(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let files = files.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    files.map_or(wanted, |files: usize| wanted.min(files / 4))
}

#[test]
fn thousands_of_connections_are_served() {
    on_runtime(async {
        let server = tcp().await;
        let mut clients = Vec::new();
        let connections = connections_had(4000);
        for index in 0..connections {
            let mut client = connect(&server).await;
            client
                .write_all(format!("{index}\n").as_bytes())
                .await
                .unwrap();
            clients.push(client);
        }
        server
            .intake
            .until(|arrivals| arrivals.len() == connections)
            .await;
        assert_eq!(server.metrics.open.value(), connections as i64);
        let intake = server.stop().await;
        let text = String::from_utf8(intake.bytes()).unwrap();
        let mut seen: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..connections as u32));
    });
}

/// Sends `bytes` cut at `cuts` and says what arrived.
fn arrive(format: impl Format + 'static, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    on_runtime(async {
        let limits = ListenLimits::default();
        let server = Running::start("127.0.0.1:0", format, limits).await;
        let mut client = connect(&server).await;
        let mut start = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            client.write_all(&bytes[start..cut]).await.expect("sent");
            tokio::task::yield_now().await;
            start = cut;
        }
        client.shutdown().await.expect("shut down");
        closed(&mut client).await;
        let intake = server.stop().await;
        let mut next = 0;
        for arrival in intake.arrivals().iter() {
            assert_eq!(arrival.byte, next, "blocks follow each other");
            next += arrival.block.len() as u64;
        }
        intake.bytes()
    })
}

fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::btree_set(0..=length, 0..20).prop_map(|cuts| cuts.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_arrives_is_what_was_sent_wherever_it_was_cut(
        (lines, cuts) in proptest::collection::vec("[a-z\"\\n]{0,300}", 1..30)
            .prop_flat_map(|lines| {
                let length = lines.iter().map(|line| line.len() + 1).sum();
                (Just(lines), cuts(length))
            })
    ) {
        let bytes = (lines.join("\n") + "\n").into_bytes();
        prop_assert_eq!(&arrive(Text::default(), &bytes, &cuts), &bytes);
        prop_assert_eq!(&arrive(Csv::default(), &bytes, &cuts), &bytes);
    }

    #[test]
    fn binary_frames_arrive_as_they_were_sent_damage_and_all(
        (bytes, cuts) in proptest::collection::vec(any::<u8>(), 0..2000)
            .prop_flat_map(|noise| {
                let frame = [&7u32.to_le_bytes()[..], b"payload"].concat();
                let bytes = [frame.repeat(40), noise, frame.repeat(40)].concat();
                let length = bytes.len();
                (Just(bytes), cuts(length))
            })
    ) {
        let format = Binary::default();
        prop_assert_eq!(&arrive(format, &bytes, &cuts), &bytes);
    }
}

#[test]
fn large_records_arrive_whole() {
    let record = [&vec![b'x'; 900_000][..], b"\n"].concat();
    let bytes = record.repeat(5);
    let cuts: Vec<usize> = (1..bytes.len() / 1400).map(|piece| piece * 1400).collect();
    assert!(arrive(Text::default(), &bytes, &cuts) == bytes);
}
