//! Datagrams.

use pelton_connect::net::ListenLimits;
use pelton_connect::stream::Arrival;
use pelton_format::{Binary, Csv, Format, Text};
use tokio::net::UdpSocket;

use crate::{Running, on_runtime};

async fn receive(format: impl Format + 'static, datagrams: &[&[u8]], bytes: usize) -> Vec<Arrival> {
    let server = Running::start("udp://127.0.0.1:0", format, ListenLimits::default()).await;
    let client = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
    for datagram in datagrams {
        client.send_to(datagram, &server.place).await.expect("sent");
    }
    server.intake.until_bytes(bytes).await;
    let intake = server.stop().await;
    let arrivals = intake.arrivals();
    arrivals.clone()
}

#[test]
fn datagrams_hold_one_line_or_several_with_or_without_an_end() {
    on_runtime(async {
        let arrivals = receive(
            Text::default(),
            &[b"one", b"two\nthree\n", b"", b"four\n"],
            19,
        )
        .await;
        let all: Vec<u8> = arrivals.iter().flat_map(|it| it.block.to_vec()).collect();
        assert_eq!(all, b"one\ntwo\nthree\nfour\n");
        assert!(arrivals[0].peer.name.starts_with("udp://127.0.0.1:"));
    });
}

#[test]
fn a_torn_record_stays_in_its_datagram() {
    on_runtime(async {
        let open_quote: &[u8] = b"1,\"never closed\n";
        let arrivals = receive(Csv::default(), &[open_quote, b"2,b\n"], 20).await;
        assert_eq!(arrivals.len(), 2);
        assert_eq!(&arrivals[1].block[..], b"2,b\n");
        let half: &[u8] = &[9, 0, 0, 0, b'x'];
        let arrivals = receive(Binary::default(), &[half, &[1, 0, 0, 0, b'y']], 10).await;
        assert_eq!(&arrivals[1].block[..], &[1, 0, 0, 0, b'y']);
    });
}
