//! The stores that write to a peer, over real sockets.
#![allow(clippy::unwrap_used, reason = "what tests share is no test itself")]

use std::io::{BufRead, BufReader, Read};
#[cfg(all(feature = "net", target_os = "linux"))]
use std::net::SocketAddr;
use std::net::TcpListener;
#[cfg(any(feature = "http-store", all(feature = "net", target_os = "linux")))]
use std::net::TcpStream;
#[cfg(feature = "http-store")]
use std::thread;
#[cfg(all(feature = "net", target_os = "linux"))]
use std::time::{Duration, Instant};

use pelton_connect::store::{TcpStore, TcpStoreOptions};
#[cfg(all(feature = "net", target_os = "linux"))]
use pelton_connect::stream::PROMPT_BYTES;
use pelton_connect::stream::{Delivery, Positions, Store, StoreErrorKind};

fn lines(texts: &[&str]) -> Vec<Delivery> {
    let line = |text: &&str| Delivery::Bytes {
        bytes: format!("{text}\n").into(),
        records: 1,
    };
    texts.iter().map(line).collect()
}

fn none() -> Positions {
    Positions::new()
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[test]
fn a_peer_that_closed_is_connected_to_again() {
    let (listener, address) = listen();
    let header = b"name\n".to_vec();
    let options = TcpStoreOptions {
        header,
        ..TcpStoreOptions::new(address)
    };
    let mut store = TcpStore::open(options).unwrap();
    store.put(&lines(&["a", "b"]), &none()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(peer);
    let mut text = String::new();
    for _ in 0..3 {
        reader.read_line(&mut text).unwrap();
    }
    assert_eq!(text, "name\na\nb\n");
    drop(reader);

    store.put(&lines(&["c"]), &none()).unwrap();
    drop(store);
    let (mut peer, _) = listener.accept().unwrap();
    text.clear();
    peer.read_to_string(&mut text).unwrap();
    assert_eq!(text, "name\nc\n");
}

/// A put of as much as may be put without waiting.
#[cfg(all(feature = "net", target_os = "linux"))]
fn little() -> [Delivery; 1] {
    let bytes = vec![b'\n'; PROMPT_BYTES];
    let records = bytes.len() as u64;
    [Delivery::Bytes { bytes, records }]
}

#[cfg(all(feature = "net", target_os = "linux"))]
#[test]
fn a_peer_is_prompt_as_long_as_there_is_room() {
    let (listener, address) = listen();
    let mut options = TcpStoreOptions::new(address);
    // Far longer than all puts together, and short enough to tell of one that waits.
    options.write_timeout = Duration::from_secs(20);
    let mut store = TcpStore::open(options).unwrap();
    assert!(!store.is_prompt(), "it has to be connected to");
    store.put(&lines(&["a"]), &none()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut sent = 2;
    while store.is_prompt() {
        store.put(&little(), &none()).unwrap();
        sent += PROMPT_BYTES;
        assert!(sent < 1 << 30, "nobody reads");
    }
    assert!(sent > 2, "there was room in the beginning");
    let mut read = vec![0; sent];
    peer.read_exact(&mut read).unwrap();
    let began = Instant::now();
    while !store.is_prompt() {
        assert!(began.elapsed() < Duration::from_secs(20), "all is read");
    }
}

#[cfg(all(feature = "net", target_os = "linux"))]
#[test]
fn a_peer_that_closed_after_it_was_prompt_is_connected_to_again() {
    let (listener, address) = listen();
    let mut store = TcpStore::open(TcpStoreOptions::new(address)).unwrap();
    store.put(&lines(&["a"]), &none()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.read_exact(&mut [0; 2]).unwrap();
    // And then there is nothing to put.
    assert!(store.is_prompt());
    drop(peer);
    store.put(&lines(&["b"]), &none()).unwrap();
    let (mut peer, _) = accept_soon(&listener);
    peer.read_exact(&mut [0; 2]).unwrap();
    drop(peer);
    let began = Instant::now();
    while store.is_prompt() {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody is there");
    }
}

/// The connection that was made by now.
#[cfg(all(feature = "net", target_os = "linux"))]
fn accept_soon(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    listener.set_nonblocking(true).unwrap();
    let (peer, address) = listener.accept().expect("it has connected again");
    peer.set_nonblocking(false).unwrap();
    (peer, address)
}

/// An address from port `first` on at which nobody listens, of those that the system gives to
/// sockets that connect: Linux gives even ports to these, and odd ones to listeners.
fn nobody_at(first: u16) -> String {
    let mut ports = (first..60_000).step_by(2).map(|port| ("127.0.0.1", port));
    let free = ports.find_map(|port| TcpListener::bind(port).ok());
    free.unwrap().local_addr().unwrap().to_string()
}

#[test]
fn where_nobody_listens_a_store_does_not_write_to_itself() {
    let mut store = TcpStore::open(TcpStoreOptions::new(nobody_at(40_000))).unwrap();
    // One connection in some 14,000 would be to itself.
    for _ in 0..60_000 {
        let error = store.put(&lines(&["a"]), &none()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Transient);
    }
}

#[cfg(feature = "net")]
#[test]
fn where_nobody_listens_a_client_is_not_connected_to_itself() {
    let address = nobody_at(50_000);
    assert!((0..60_000).all(|_| pelton_connect::net::Outgoing::connect(&address).is_err()));
}

#[test]
fn nobody_there_is_a_reason_to_try_again() {
    let (listener, address) = listen();
    drop(listener);
    let mut store = TcpStore::open(TcpStoreOptions::new(&address)).unwrap();
    let error = store.put(&lines(&["a"]), &none()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient);
    assert_eq!(
        error.to_string(),
        format!("tcp://{address}: connection refused")
    );
    assert!(TcpStore::open(TcpStoreOptions::new("nowhere")).is_err());
}

/// Reads one request; gives its head, in lower case, and its body.
#[cfg(feature = "http-store")]
fn request(peer: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(peer);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split_whitespace().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

#[cfg(feature = "http-store")]
mod http {
    use std::io::Write;

    use pelton_connect::store::{HttpStore, HttpStoreOptions};

    use super::*;

    /// A server, which ends with the heads and bodies of the requests that it took.
    type Server = thread::JoinHandle<Vec<(String, Vec<u8>)>>;

    /// A server that gives the same answer to the first `requests` of them, all on one connection.
    fn serve(requests: usize, answer: &'static str) -> (String, Server) {
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let answer = |_| {
                let request = request(&peer);
                (&peer).write_all(answer.as_bytes()).unwrap();
                request
            };
            let requests = (0..requests).map(answer).collect();
            peer.flush().unwrap();
            requests
        });
        (format!("http://{address}/in"), server)
    }

    #[test]
    fn a_put_is_one_request() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let (url, server) = serve(2, ok);
        let options = HttpStoreOptions {
            bearer: Some("secret".to_owned()),
            headers: vec![("x-origin".to_owned(), "test".to_owned())],
            ..HttpStoreOptions::new(url)
        };
        assert!(!format!("{options:?}").contains("secret"));
        let mut store = HttpStore::open(options).unwrap();
        let moved = Positions::from([("s".to_owned(), 3)]);
        store.put(&lines(&["a", "b"]), &moved).unwrap();
        store.put(&lines(&["c"]), &none()).unwrap();
        assert_eq!(store.positions().unwrap(), moved);
        let requests = server.join().unwrap();
        assert_eq!(requests[0].1, b"a\nb\n");
        assert_eq!(requests[1].1, b"c\n");
        for expected in [
            "post /in http/1.1",
            "authorization: bearer secret",
            "content-type: application/x-ndjson",
            "x-origin: test",
        ] {
            assert!(
                requests[0].0.contains(expected),
                "{expected} in {}",
                requests[0].0
            );
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let check = |answer: &'static str, kind, expected: &str| {
            let (url, server) = serve(1, answer);
            let mut store = HttpStore::open(HttpStoreOptions::new(&url)).unwrap();
            let error = store.put(&lines(&["a"]), &none()).unwrap_err();
            server.join().unwrap();
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.to_string(), format!("{url}: answered {expected}"));
        };
        check(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\n\
             back\nsoon",
            StoreErrorKind::Transient,
            "503 Service Unavailable: back soon; asks to be tried again after 7",
        );
        check(
            "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
            StoreErrorKind::Transient,
            "429 Too Many Requests",
        );
        check(
            "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 3\r\n\r\nbad",
            StoreErrorKind::Refused,
            "422 Unprocessable Entity: bad",
        );
        check(
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            StoreErrorKind::Fatal,
            "401 Unauthorized",
        );
        check(
            "HTTP/1.1 301 Moved Permanently\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n",
            StoreErrorKind::Fatal,
            "301 Moved Permanently; name /new instead",
        );
    }

    #[test]
    fn no_server_is_a_reason_to_try_again() {
        let (listener, address) = listen();
        drop(listener);
        let options = HttpStoreOptions::new(format!("http://{address}/"));
        let mut store = HttpStore::open(options).unwrap();
        let error = store.put(&lines(&["a"]), &none()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Transient, "{error}");
        assert!(HttpStore::open(HttpStoreOptions::new("ftp://a")).is_err());
    }

    #[cfg(feature = "compression")]
    #[test]
    fn what_is_sent_may_be_compressed() {
        let ok = "HTTP/1.1 204 No Content\r\n\r\n";
        let (url, server) = serve(1, ok);
        let options = HttpStoreOptions {
            gzip: true,
            ..HttpStoreOptions::new(url)
        };
        let mut store = HttpStore::open(options).unwrap();
        store.put(&lines(&["a"]), &none()).unwrap();
        let requests = server.join().unwrap();
        assert!(requests[0].0.contains("content-encoding: gzip"));
        let mut text = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&requests[0].1[..]);
        decoder.read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\n");
    }
}
