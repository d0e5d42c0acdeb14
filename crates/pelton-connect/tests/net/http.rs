//! Records in the bodies of HTTP requests, written by hand.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use pelton_connect::net::{BearerToken, ListenLimits, ListenOptions, Listener, Stop};
use pelton_format::Ndjson;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::intake::Memory;
use crate::on_runtime;

/// Sends one request to a server with a token and a limit of 1000 bytes; the status, the answer's
/// body and what arrived.
fn ask(head: &str, body: &[u8]) -> (u16, String, String) {
    on_runtime(async {
        let limits = ListenLimits {
            body_bytes_max: 1000,
            ..ListenLimits::default()
        };
        let address = "http://127.0.0.1:0".parse().expect("an address");
        let options = ListenOptions {
            limits,
            token: Some(BearerToken::new("secret")),
            ..ListenOptions::new(address, Arc::new(Ndjson::default()))
        };
        let listener = Listener::bind(options).await.expect("bound");
        let place = listener.local_addr().expect("an address");
        let intake = Arc::new(Memory::new());
        let (stopper, stop) = Stop::new();
        let server = tokio::spawn(listener.run(intake.clone(), stop));
        let mut client = TcpStream::connect(place).await.expect("connected");
        let length = body.len();
        let head =
            format!("{head}Host: here\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("sent");
        // A server that has seen enough may hang up.
        let _ = client.write_all(body).await;
        let mut answer = String::new();
        let _ = client.read_to_string(&mut answer).await;
        stopper.stop();
        server.await.expect("no panic");
        let status = answer[9..12].parse().expect("a status");
        let said = answer
            .split("\r\n\r\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let arrived = String::from_utf8(intake.bytes()).expect("text");
        (status, said, arrived)
    })
}

/// A post with the right token and `more` headers.
fn post(more: &str, body: &[u8]) -> (u16, String, String) {
    ask(
        &format!("POST /ingest HTTP/1.1\r\nAuthorization: Bearer secret\r\n{more}"),
        body,
    )
}

const LINES: &str = "{\"id\":1}\n{\"id\":2}\n";
const JSON: &str = "Content-Type: application/json\r\n";
const GZIP: &str = "Content-Encoding: gzip\r\n";

fn taken(records: u32, arrived: &str) -> (u16, String, String) {
    (
        200,
        format!("{{\"records\":{records}}}\n"),
        arrived.to_owned(),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn lines_and_arrays_are_taken_and_counted() {
    assert_eq!(post("", LINES.as_bytes()), taken(2, LINES));
    assert_eq!(post("", b"{\"id\":1}"), taken(1, "{\"id\":1}"));
    assert_eq!(post(JSON, b"[ {\"id\":1},\n{\"id\":2}]"), taken(2, LINES));
    assert_eq!(post("", b""), taken(0, ""));
}

#[test]
fn packed_bodies_are_unpacked() {
    assert_eq!(post(GZIP, &gzip(LINES.as_bytes())), taken(2, LINES));
    let zstd = zstd::encode_all(LINES.as_bytes(), 1).unwrap();
    assert_eq!(post("Content-Encoding: zstd\r\n", &zstd), taken(2, LINES));
}

/// Asserts the status, that the answer says `words`, and that nothing was taken.
fn refused(answer: (u16, String, String), status: u16, words: &str) {
    assert_eq!((answer.0, answer.2.as_str()), (status, ""), "{}", answer.1);
    assert!(
        answer.1.starts_with("{\"error\":") && answer.1.contains(words),
        "{}",
        answer.1
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_taken() {
    refused(post(JSON, b"[{\"id\":1},"), 400, "no JSON at byte 10");
    refused(post(GZIP, b"not packed"), 400, "damaged");
    let packed = gzip(LINES.as_bytes());
    refused(post(GZIP, &packed[..packed.len() - 5]), 400, "damaged");
    refused(post("Content-Encoding: br\r\n", b"x"), 415, "gzip");
    refused(post("Content-Type: image/png\r\n", b"x"), 415, "ndjson");
    refused(post("", &[b'x'; 1001]), 413, "1000 bytes");
    refused(post(GZIP, &gzip(&[b'x'; 1_000_000])), 413, "1000 bytes");
}

#[test]
fn only_the_right_token_opens() {
    let open = |more| {
        ask(
            &format!("POST /ingest HTTP/1.1\r\n{more}"),
            LINES.as_bytes(),
        )
    };
    refused(open(""), 401, "Bearer");
    refused(open("Authorization: Bearer secre\r\n"), 401, "Bearer");
    refused(open("Authorization: Bearer secret2\r\n"), 401, "Bearer");
}

#[test]
fn other_places_and_methods_are_told() {
    let right = "Authorization: Bearer secret\r\n";
    refused(
        ask(&format!("POST / HTTP/1.1\r\n{right}"), b""),
        404,
        "/ingest",
    );
    refused(
        ask(&format!("GET /ingest HTTP/1.1\r\n{right}"), b""),
        405,
        "POST",
    );
}
