//! The server from its start to its end, and a change of its plan in between.

use std::fs;
use std::io::{BufRead, Write};
use std::process::Command;

use crate::events::{Places, SCHEMA, lines, wait_for_size};
use crate::server::Server;

#[test]
fn what_is_sent_is_filtered_and_written_and_a_signal_ends_it_with_a_report() {
    let places = Places::new();
    let out = places.text("out.ndjson");
    let arguments = ["--listen", "127.0.0.1:0", "--out", &out];
    let filter = ["--schema", "level=string", "--filter", "level = 'error'"];
    let server = Server::start(&[&arguments[..], &filter[..]].concat());
    let mut stream = server.connect();
    stream.write_all(lines(0..30_000, None).as_bytes()).unwrap();
    stream.write_all(b"no json\n").unwrap();
    drop(stream);
    let expected = lines(0..30_000, Some("error"));
    wait_for_size(&places.path("out.ndjson"), expected.len() as u64);
    let (code, said) = server.stop();
    assert!(fs::read_to_string(&out).unwrap() == expected);
    assert_eq!(code, Some(1), "a record was refused: {said}");
    assert!(said.contains("30001 read"), "{said}");
    assert!(
        said.contains("10000 written + 20000 filtered out"),
        "{said}"
    );
}

#[test]
fn files_are_named_by_the_values_of_their_records() {
    let places = Places::new();
    let out = places.text("{level}.ndjson");
    let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let server = Server::start(&[&listen[..], &SCHEMA, &["--out", &out]].concat());
    let mut stream = server.connect();
    stream.write_all(lines(0..3000, None).as_bytes()).unwrap();
    server.wait_for("written", 3000);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    for level in ["info", "error", "debug"] {
        let found = places.content(&format!("{level}.ndjson"));
        assert!(found == lines(0..3000, Some(level)), "{level}");
    }
}

#[test]
fn a_hang_up_applies_a_changed_plan_wholly_or_not_at_all() {
    let places = Places::new();
    let plan = |level: &str, out: &str| {
        format!(
            "[source]\nlisten = [\"127.0.0.1:0\"]\nschema = {{ level = \"string\" }}\n\
             [[stage]]\nfilter = \"{level}\"\n[sink]\npath = \"{}\"\n",
            places.text(out)
        )
    };
    let file = places.text("plan.toml");
    fs::write(&file, plan("level = 'error'", "one.ndjson")).unwrap();
    let mut server = Server::start(&[&file]);
    let mut stream = server.connect();
    stream.write_all(lines(0..300, None).as_bytes()).unwrap();
    let first = lines(0..300, Some("error"));
    wait_for_size(&places.path("one.ndjson"), first.len() as u64);

    let mut said = String::new();
    fs::write(&file, plan("levle = 'error'", "two.ndjson")).unwrap();
    server.signal("-HUP");
    while !said.contains("going on as before") {
        server.errors.read_line(&mut said).unwrap();
    }
    assert!(said.contains("levle"), "{said}");
    stream.write_all(lines(300..600, None).as_bytes()).unwrap();
    let both = lines(0..600, Some("error"));
    wait_for_size(&places.path("one.ndjson"), both.len() as u64);

    fs::write(&file, plan("level = 'info'", "two.ndjson")).unwrap();
    server.signal("-HUP");
    while !said.contains("reloaded\n") {
        server.errors.read_line(&mut said).unwrap();
    }
    // The connection stays.
    stream.write_all(lines(600..900, None).as_bytes()).unwrap();
    let last = lines(600..900, Some("info"));
    wait_for_size(&places.path("two.ndjson"), last.len() as u64);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(places.path("one.ndjson")).unwrap() == both);
    assert!(fs::read_to_string(places.path("two.ndjson")).unwrap() == last);
}

#[test]
fn a_hang_up_refuses_what_listeners_have_taken_over_and_says_so() {
    let places = Places::new();
    let file = places.text("plan.toml");
    let write = |source: &str, rest: &str| {
        let plan = format!(
            "[source]\nlisten = [\"127.0.0.1:0\"]\n{source}\n{rest}\n[sink]\npath = \"{}\"\n",
            places.text("out.ndjson")
        );
        fs::write(&file, plan).unwrap();
    };
    write("token = \"one\"", "");
    let mut server = Server::start(&[&file]);
    let of_source = "of source only listen, tls, schema, pattern and check can change";
    for (source, rest, expected) in [
        ("token = \"two\"", "", of_source),
        (
            "token = \"one\"\nlimits = { connections = 5 }",
            "",
            of_source,
        ),
        ("token = \"one\"\nformat = \"text\"", "", of_source),
        (
            "token = \"one\"",
            "[engine]\nrecord_limit = \"1MB\"",
            "engine.record_limit",
        ),
        (
            "token = \"one\"",
            "[serve]\ngather = \"0s\"",
            "of serve only drain can change",
        ),
    ] {
        write(source, rest);
        server.signal("-HUP");
        let mut said = String::new();
        while !said.contains("going on as before") {
            assert!(!said.contains("reloaded\n"), "{source} {rest}");
            server.errors.read_line(&mut said).unwrap();
        }
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn what_cannot_be_served_is_said_with_what_to_do() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pelton"))
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&["--listen", "nowhere", "--out", "-"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("HOST:PORT"), "{said}");
    let (code, said) = run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("sink.path or sink.url is missing"), "{said}");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--out",
        "-",
        "--filter",
        "level = 'x'",
    ];
    let (code, said) = run(&arguments);
    assert_eq!(code, Some(2));
    assert!(said.contains("level"), "{said}");
    let places = Places::new();
    let file = places.text("plan.toml");
    let plan =
        "[source]\nlisten = [\"127.0.0.1:0\"]\n[serve]\ngather = \"1s\"\n[sink]\npath = \"-\"\n";
    fs::write(&file, plan).unwrap();
    let (code, said) = run(&[&file]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("serve.gather: expected at most 10ms, found 1s"),
        "{said}"
    );
}
