//! What a server answers over HTTP about itself, asked in plain bytes.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use pelton::plan::Plan;
use pelton::server::Server;
use serde_json::Value;

/// A server with two lanes, `errors` in memory as CSV and the rest as NDJSON, of which it keeps
/// four.
fn start(more: &str) -> Server {
    let plan = format!(
        r#"
        [source]
        listen = ["127.0.0.1:0"]
        schema = {{ id = "int64", level = "string" }}
        [[lane]]
        name = "the errors"
        when = "level = 'error'"
        stage = [{{ select = ["id", "level"] }}]
        sink = {{ url = "memory:", format = "csv" }}
        [[lane]]
        name = "files"
        when = "level = 'none'"
        sink = {{ path = "-" }}
        [sink]
        url = "memory:"
        keep_records = 4
        [serve]
        admin = "127.0.0.1:0"
        {more}
        "#
    );
    Server::start(Plan::from_toml(&plan).unwrap(), None).unwrap()
}

/// Sends lines and waits until they are where they belong.
fn send(server: &Server, lines: &str) {
    let written = || server.stats().iter().map(|lane| lane.written).sum::<u64>();
    let expected = written() + lines.lines().count() as u64;
    let addresses = server.addresses();
    let address = addresses[0].strip_prefix("tcp://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(lines.as_bytes()).unwrap();
    while written() < expected {
        thread::yield_now();
    }
}

/// Asks for `path`: the head of the answer, and its body.
fn ask(server: &Server, path: &str, more: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.admin_address().unwrap()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> u16 {
    head[9..12].parse().unwrap()
}

fn json(server: &Server, path: &str, expected: u16) -> Value {
    let (head, body) = ask(server, path, "");
    assert_eq!(status(&head), expected, "{head}");
    serde_json::from_str(&body).unwrap()
}

fn text(server: &Server, path: &str) -> String {
    let (head, body) = ask(server, path, "");
    assert_eq!(status(&head), 200, "{head}");
    body
}

fn line(id: u64, level: &str) -> String {
    format!("{{\"id\":{id},\"level\":\"{level}\"}}\n")
}

fn info(ids: std::ops::Range<u64>) -> String {
    ids.map(|id| line(id, "info")).collect()
}

#[test]
fn the_newest_records_of_a_lane_are_answered_in_its_format() {
    let server = start("");
    assert_eq!(text(&server, "/memory/main"), "");
    send(&server, &(info(0..3) + &line(3, "error")));
    send(&server, &line(4, "error"));
    let (head, body) = ask(&server, "/memory/main", "");
    assert_eq!(body, info(0..3));
    assert!(head.contains("application/x-ndjson"), "{head}");
    assert_eq!(text(&server, "/memory/main?limit=2"), info(1..3));
    assert_eq!(text(&server, "/memory/main?limit=0"), "");
    let (head, body) = ask(&server, "/memory/the%20errors?limit=1", "");
    assert_eq!(body, "id,level\n4,error\n");
    assert!(head.contains("text/csv"), "{head}");
    let errors = text(&server, "/memory/the%20errors");
    assert_eq!(errors, "id,level\n3,error\n4,error\n");
    let _ = server.stop();
}

#[test]
fn what_is_beyond_the_limit_is_dropped_and_counted() {
    let server = start("");
    send(&server, &info(0..1000));
    send(&server, &info(1000..1003));
    assert_eq!(text(&server, "/memory/main?limit=99"), info(999..1003));
    let stats = &json(&server, "/stats", 200)["memory_sinks"]["main"];
    let bytes = info(999..1003).len();
    assert_eq!(stats["records"], 4);
    assert_eq!(stats["bytes"], bytes);
    assert_eq!(stats["forgotten"], 999);
    for _ in 0..2 {
        let metrics = text(&server, "/metrics");
        let has = |line: &str| assert!(metrics.contains(line), "no {line} in {metrics}");
        has("pelton_memory_forgotten_total{lane=\"main\"} 999\n");
        has("pelton_memory_records{lane=\"main\"} 4\n");
        has(&format!("pelton_memory_bytes{{lane=\"main\"}} {bytes}\n"));
        has("pelton_memory_forgotten_total{lane=\"the errors\"} 0\n");
    }
    let _ = server.stop();
}

#[test]
fn who_asks_for_another_lane_is_told_which_there_are() {
    let server = start("");
    let lanes = serde_json::json!(["main", "the errors"]);
    for lane in ["nothing", "files", "main/"] {
        let answer = json(&server, &format!("/memory/{lane}"), 404);
        assert_eq!(answer["lanes"], lanes);
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(&format!("\"{lane}\"")), "{error}");
    }
    assert_eq!(json(&server, "/memory", 200)["lanes"], lanes);
    for query in ["limit=some", "limit=-1", "last=3"] {
        let answer = json(&server, &format!("/memory/main?{query}"), 400);
        let error = answer["error"].as_str().unwrap();
        assert!(error.ends_with(&format!("found {query}")), "{error}");
    }
    let paths = &json(&server, "/memories", 404)["paths"];
    assert!(paths.as_array().unwrap().contains(&"/memory/LANE".into()));
    let _ = server.stop();
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let server = start("token = \"secret\"");
    for path in ["/metrics", "/health", "/ready", "/stats", "/memory/main"] {
        for shown in [
            "",
            "Authorization: Bearer secre\r\n",
            "Authorization: secret\r\n",
        ] {
            let (head, _) = ask(&server, path, shown);
            assert_eq!(status(&head), 401, "{path} {shown}");
            assert!(
                head.to_lowercase().contains("www-authenticate: bearer"),
                "{head}"
            );
        }
        let (head, _) = ask(&server, path, "Authorization: Bearer secret\r\n");
        assert_eq!(status(&head), 200, "{path}");
    }
    let _ = server.stop();
}

#[test]
fn records_that_are_no_text_are_not_kept_to_be_looked_at() {
    let plan =
        "[source]\nlisten = [\"127.0.0.1:0\"]\n[sink]\nurl = \"memory:\"\nformat = \"frames\"\n";
    let error = Server::start(Plan::from_toml(plan).unwrap(), None).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("expected ndjson, csv or text, found frames"),
        "{error}"
    );
}
