//! TLS on real sockets, with certificates that are made for it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pelton_connect::net::{
    Client, ClientOptions, ClientTls, ClientTlsFiles, ListenLimits, Outgoing, ServerTls,
    ServerTlsFiles,
};
use pelton_format::Ndjson;
use tokio::task::spawn_blocking;

use crate::certificates::Authority;
use crate::intake::Memory;
use crate::{Running, on_runtime};

/// A listener with a certificate.
async fn listen(address: &str, tls: ServerTls, limits: ListenLimits) -> Running {
    let change = |options: &mut pelton_connect::net::ListenOptions| options.tls = Some(tls);
    Running::start_changed(
        Memory::committing(),
        address,
        Ndjson::default(),
        limits,
        change,
    )
    .await
}

async fn tcp(tls: ServerTls) -> Running {
    listen("127.0.0.1:0", tls, ListenLimits::default()).await
}

/// Runs what blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("no panic")
}

/// Sends `text` over TLS, and says how that ended.
async fn send(place: &str, tls: &ClientTls, text: &str) -> io::Result<()> {
    let (place, tls, text) = (place.to_owned(), tls.clone(), text.to_owned());
    blocking(move || {
        let mut stream = Outgoing::connect_tls(&place, &tls)?;
        stream.write_all(text.as_bytes())?;
        stream.finish()
    })
    .await
}

fn lines(count: u64) -> String {
    (0..count).map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

#[test]
fn lines_arrive_whole_when_the_sender_has_finished() {
    on_runtime(async {
        let authority = Authority::new();
        let server = tcp(authority.server(None)).await;
        let client = authority.client(None);
        let text = lines(200_000);
        send(&server.place, &client, &text).await.unwrap();
        let metrics = server.metrics.clone();
        assert!(server.stop().await.bytes() == text.as_bytes());
        assert_eq!(
            (metrics.accepted.value(), metrics.unsecured.value()),
            (1, 0)
        );
        assert_eq!((metrics.failed.value(), metrics.open.value()), (0, 0));
    });
}

#[test]
fn small_writes_and_a_last_line_without_an_end_arrive() {
    on_runtime(async {
        let authority = Authority::new();
        let server = tcp(authority.server(None)).await;
        let (place, client) = (server.place.clone(), authority.client(None));
        blocking(move || {
            let mut stream = Outgoing::connect_tls(&place, &client).unwrap();
            for byte in lines(20).trim_end().bytes() {
                stream.write_all(&[byte]).unwrap();
            }
            stream.finish().unwrap();
        })
        .await;
        assert_eq!(server.stop().await.bytes(), lines(20).trim_end().as_bytes());
    });
}

#[test]
fn an_end_that_was_not_announced_makes_no_record_of_half_a_line() {
    on_runtime(async {
        let authority = Authority::new();
        let server = tcp(authority.server(None)).await;
        let (place, client) = (server.place.clone(), authority.client(None));
        blocking(move || {
            let mut stream = Outgoing::connect_tls(&place, &client).unwrap();
            stream.write_all(b"{\"id\":1}\n{\"id\":10").unwrap();
            // Dropped without a farewell, as by somebody who cuts the line.
        })
        .await;
        server.ended(1).await;
        let metrics = server.metrics.clone();
        assert_eq!(server.stop().await.bytes(), b"{\"id\":1}\n");
        assert_eq!((metrics.failed.value(), metrics.torn_bytes.value()), (1, 8));
    });
}

#[test]
fn acknowledged_batches_are_committed() {
    on_runtime(async {
        let authority = Authority::new();
        let limits = ListenLimits::default();
        let server = listen("acked://127.0.0.1:0", authority.server(None), limits).await;
        let options = ClientOptions {
            tls: Some(authority.client(None)),
            ..ClientOptions::new(&server.place, "tester")
        };
        let committed = blocking(move || {
            let mut client = Client::connect(options).unwrap();
            for number in 0..500 {
                let line = format!("{{\"id\":{number}}}\n");
                client.send(line.as_bytes(), number + 1).unwrap();
            }
            client.flush().unwrap()
        })
        .await;
        assert_eq!(committed, 500);
        assert_eq!(server.stop().await.bytes(), lines(500).as_bytes());
    });
}

#[cfg(feature = "http")]
#[test]
fn a_post_is_taken_and_answered() {
    on_runtime(async {
        let authority = Authority::new();
        let limits = ListenLimits::default();
        let server = listen("http://127.0.0.1:0", authority.server(None), limits).await;
        let (place, client) = (server.place.clone(), authority.client(None));
        let answer = blocking(move || {
            let mut stream = Outgoing::connect_tls(&place, &client).unwrap();
            let body = lines(3);
            let length = body.len();
            let head = "POST /ingest HTTP/1.1\r\nHost: here\r\nConnection: close\r\n";
            write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with("{\"records\":3}\n"), "{answer}");
        assert_eq!(server.stop().await.bytes(), lines(3).as_bytes());
    });
}

#[test]
fn clients_are_let_in_by_their_certificates() {
    on_runtime(async {
        let (authority, clients) = (Authority::new(), Authority::new());
        let server = tcp(authority.server(Some(&clients))).await;
        let refused = send(&server.place, &authority.client(None), &lines(1)).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("wants a client's certificate"),
            "{refused}"
        );
        let stranger = authority.client(Some(&authority));
        let refused = send(&server.place, &stranger, &lines(1)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{refused}");
        let welcome = authority.client(Some(&clients));
        send(&server.place, &welcome, &lines(2)).await.unwrap();
        let metrics = server.metrics.clone();
        assert_eq!(server.stop().await.bytes(), lines(2).as_bytes());
        assert_eq!(metrics.unsecured.value(), 2);
    });
}

#[test]
fn an_acknowledging_sender_without_a_certificate_does_not_try_again() {
    on_runtime(async {
        let authority = Authority::new();
        let tls = authority.server(Some(&authority));
        let server = listen("acked://127.0.0.1:0", tls, ListenLimits::default()).await;
        let options = ClientOptions {
            tls: Some(authority.client(None)),
            ..ClientOptions::new(&server.place, "tester")
        };
        let refused = blocking(|| Client::connect(options).unwrap_err()).await;
        let refused = refused.to_string();
        assert!(
            refused.contains("wants a client's certificate"),
            "{refused}"
        );
        let metrics = server.metrics.clone();
        server.stop().await;
        assert_eq!(metrics.accepted.value(), 1);
    });
}

#[test]
fn a_server_is_known_by_its_authority_and_its_name() {
    on_runtime(async {
        let (authority, other) = (Authority::new(), Authority::new());
        let server = tcp(authority.server(None)).await;
        let refused = send(&server.place, &other.client(None), "")
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("give the authority"),
            "{refused}"
        );
        let named = |name: &str| {
            let files = ClientTlsFiles {
                ca: Some(authority.ca()),
                server_name: Some(name.to_owned()),
                ..ClientTlsFiles::default()
            };
            ClientTls::load(&files)
        };
        let refused = send(&server.place, &named("elsewhere").unwrap(), "").await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("connect to the name"), "{refused}");
        let client = named("127.0.0.1").unwrap();
        send(&server.place, &client, &lines(1)).await.unwrap();
        let refused = named("not a name").unwrap_err().to_string();
        assert!(refused.starts_with("not a name: expected"), "{refused}");
        assert_eq!(server.stop().await.bytes(), lines(1).as_bytes());
    });
}

#[test]
fn plain_text_is_hung_up_on_and_counted() {
    on_runtime(async {
        let authority = Authority::new();
        let server = tcp(authority.server(None)).await;
        let place = server.place.clone();
        blocking(move || {
            let mut stream = TcpStream::connect(place).unwrap();
            stream.write_all(lines(10).as_bytes()).unwrap();
            // An alert, and then the end; or the end alone, as a reset.
            let _ = stream.read_to_end(&mut Vec::new());
        })
        .await;
        server.ended(1).await;
        let metrics = server.metrics.clone();
        assert!(server.stop().await.bytes().is_empty());
        assert_eq!(metrics.unsecured.value(), 1);
    });
}

#[test]
fn a_client_that_meets_no_tls_is_told_so() {
    on_runtime(async {
        let authority = Authority::new();
        let talker = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = talker.local_addr().unwrap().to_string();
        let talking = spawn_blocking(move || {
            let mut stream = talker.accept().unwrap().0;
            stream.write_all(b"220 hello, this is no TLS\r\n").unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let refused = send(&place, &authority.client(None), "").await.unwrap_err();
        assert!(
            refused.to_string().contains("does not speak TLS"),
            "{refused}"
        );
        talking.await.unwrap();
    });
}

#[test]
fn a_handshake_that_never_comes_is_closed_and_the_next_has_its_turn() {
    on_runtime(async {
        let authority = Authority::new();
        let limits = ListenLimits {
            handshake_time_max: Duration::from_millis(200),
            handshakes_max: 1,
            ..ListenLimits::default()
        };
        let server = listen("127.0.0.1:0", authority.server(None), limits).await;
        let place = server.place.clone();
        blocking(move || {
            let mut silent = TcpStream::connect(place).unwrap();
            assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
        })
        .await;
        server.ended(1).await;
        assert_eq!(server.metrics.unsecured.value(), 1);
        send(&server.place, &authority.client(None), &lines(3))
            .await
            .unwrap();
        assert_eq!(server.stop().await.bytes(), lines(3).as_bytes());
    });
}

#[test]
fn a_stop_does_not_wait_for_a_handshake() {
    on_runtime(async {
        let authority = Authority::new();
        let limits = ListenLimits {
            handshake_time_max: Duration::from_secs(3600),
            ..ListenLimits::default()
        };
        let server = listen("127.0.0.1:0", authority.server(None), limits).await;
        let silent = TcpStream::connect(&server.place).unwrap();
        while server.metrics.open.value() == 0 {
            tokio::task::yield_now().await;
        }
        server.stop().await;
        drop(silent);
    });
}

#[test]
fn other_certificates_are_shown_to_those_who_come_later() {
    on_runtime(async {
        let (first, second) = (Authority::new(), Authority::new());
        let tls = first.server(None);
        let server = tcp(tls.clone()).await;
        let (place, client) = (server.place.clone(), first.client(None));
        let mut early = blocking(move || Outgoing::connect_tls(&place, &client).unwrap()).await;
        tls.replace(&second.server(None));
        let refused = send(&server.place, &first.client(None), "").await;
        assert!(refused.is_err());
        send(&server.place, &second.client(None), &lines(1))
            .await
            .unwrap();
        blocking(move || {
            early.write_all(b"{\"id\":1}\n").unwrap();
            early.finish().unwrap();
        })
        .await;
        assert_eq!(server.stop().await.bytes(), lines(2).as_bytes());
    });
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let (cert, key) = authority.sign("127.0.0.1");
    let (_, other) = authority.sign("b");
    let text = authority.path("text.pem");
    fs::write(&text, "no PEM at all\n").unwrap();
    let check = |cert: &std::path::Path, key: &std::path::Path, ca, expected: &str| {
        let files = ServerTlsFiles {
            cert: cert.to_owned(),
            key: key.to_owned(),
            client_ca: ca,
        };
        let error = ServerTls::load(&files).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let none = authority.path("none.pem");
    check(&none, &key, None, "none.pem: no such file");
    check(&text, &key, None, "text.pem: holds no certificate");
    check(&cert, &cert, None, "127.0.0.1.pem: holds no private key");
    check(
        &cert,
        &other,
        None,
        "127.0.0.1.pem: does not go with the key in",
    );
    check(&cert, &key, Some(none), "none.pem: no such file");
    check(&cert, &key, Some(text), "text.pem: holds no certificate");
    let torn = authority.path("torn.pem");
    fs::write(&torn, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    check(&torn, &key, None, "torn.pem: is damaged PEM");
}

#[test]
fn what_was_deciphered_and_not_read_is_not_forgotten() {
    on_runtime(async {
        let authority = Authority::new();
        // Less is read at once than one record of TLS holds.
        let limits = ListenLimits {
            bytes_per_second_max: Some(10_000),
            ..ListenLimits::default()
        };
        let server = listen("127.0.0.1:0", authority.server(None), limits).await;
        let (place, client) = (server.place.clone(), authority.client(None));
        let text = lines(1200);
        let sent = text.clone();
        let open = blocking(move || {
            let mut stream = Outgoing::connect_tls(&place, &client).unwrap();
            stream.write_all(sent.as_bytes()).unwrap();
            stream
        })
        .await;
        server.intake.until_bytes(text.len()).await;
        drop(open);
        assert!(server.stop().await.bytes() == text.as_bytes());
    });
}
