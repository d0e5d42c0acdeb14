//! Files that grow, are renamed, emptied and taken up again.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use pelton_connect::net::ListenLimits;
use pelton_format::Text;
use tempfile::TempDir;

use crate::intake::Memory;
use crate::{Running, on_runtime};

struct Logs {
    folder: TempDir,
}

impl Logs {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens a file as loggers do.
    fn open(&self, name: &str) -> File {
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true);
        options.open(self.path(name)).expect("opened")
    }

    async fn follow(&self, pattern: &str, intake: Memory) -> Running {
        let address = format!("tail://{}", self.path(pattern).display());
        Running::start_with(intake, &address, Text::default(), ListenLimits::default()).await
    }
}

fn write(mut file: &File, text: &str) {
    file.write_all(text.as_bytes()).expect("written");
}

/// Waits until `text` is all that has arrived.
async fn expect(server: &Running, text: &str) {
    server.intake.until_bytes(text.len()).await;
    assert_eq!(
        String::from_utf8(server.intake.bytes()).expect("text"),
        text
    );
}

fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).expect("renamed");
}

#[test]
fn what_is_there_arrives_then_what_is_added() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\n");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\n").await;
        write(&log, "tw");
        write(&log, "o\nthree\n");
        expect(&server, "one\ntwo\nthree\n").await;
        let arrivals = server.intake.arrivals().clone();
        assert_eq!(
            arrivals[0].peer.name,
            format!("tail://{}", logs.path("app.log").display())
        );
        let receipts = arrivals
            .iter()
            .map(|arrival| arrival.receipt.as_ref().unwrap().position);
        let positions: Vec<u64> = receipts.collect();
        assert!(positions.is_sorted() && positions.ends_with(&[14]));
        server.stop().await;
    });
}

#[test]
fn a_file_that_comes_later_is_found() {
    on_runtime(async {
        let logs = Logs::new();
        let server = logs.follow("*.log", Memory::new()).await;
        write(&logs.open("b.txt"), "not this\n");
        write(&logs.open("a.log"), "this\n");
        expect(&server, "this\n").await;
        server.stop().await;
    });
}

#[test]
fn a_renamed_file_is_read_to_its_end_and_its_successor_from_the_start() {
    on_runtime(async {
        let logs = Logs::new();
        let old = logs.open("app.log");
        write(&old, "one\n");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\n").await;
        write(&old, "two\n");
        rename(&logs.path("app.log"), &logs.path("app.log.1"));
        // The logger has not opened the new file yet.
        write(&old, "three\n");
        expect(&server, "one\ntwo\nthree\n").await;
        write(&logs.open("app.log"), "four\n");
        expect(&server, "one\ntwo\nthree\nfour\n").await;
        write(&old, "five\n");
        expect(&server, "one\ntwo\nthree\nfour\nfive\n").await;
        server.stop().await;
    });
}

#[test]
fn a_file_that_is_copied_and_emptied_is_read_from_the_start() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\ntwo\n");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\ntwo\n").await;
        log.set_len(0).unwrap();
        write(&log, "three\n");
        expect(&server, "one\ntwo\nthree\n").await;
        let names = server.intake.arrivals().clone();
        let names: Vec<_> = names
            .iter()
            .map(|it| it.receipt.as_ref().unwrap())
            .collect();
        assert_ne!(names[0].stream.name(), names[names.len() - 1].stream.name());
        server.stop().await;
    });
}

#[test]
fn a_file_that_was_emptied_and_grew_past_its_old_length_is_noticed() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\n");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\n").await;
        server.intake.close();
        let intake = server.stop().await;
        log.set_len(0).unwrap();
        write(&log, "another\nand more\n");
        let server = logs.follow("app.log", Memory::after(&intake)).await;
        expect(&server, "another\nand more\n").await;
        server.stop().await;
    });
}

#[test]
fn the_last_line_of_a_deleted_file_needs_no_end() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\ntwo");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\n").await;
        fs::remove_file(logs.path("app.log")).unwrap();
        expect(&server, "one\ntwo").await;
        server.stop().await;
    });
}

#[test]
fn a_new_run_goes_on_behind_what_was_committed() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\n");
        let server = logs.follow("app.log", Memory::new()).await;
        expect(&server, "one\n").await;
        write(&log, "two\n");
        expect(&server, "one\ntwo\n").await;
        let killed = server.stop().await;
        killed.commit(1);
        let server = logs.follow("app.log", Memory::after(&killed)).await;
        expect(&server, "two\n").await;
        write(&log, "three\n");
        expect(&server, "two\nthree\n").await;
        server.stop().await;
    });
}

#[test]
fn a_file_that_was_rotated_while_nobody_followed_is_read_to_its_end() {
    on_runtime(async {
        let logs = Logs::new();
        let log = logs.open("app.log");
        write(&log, "one\n");
        let server = logs.follow("app.log", Memory::committing()).await;
        expect(&server, "one\n").await;
        let intake = server.stop().await;
        write(&log, "two\n");
        rename(&logs.path("app.log"), &logs.path("app.log.1"));
        write(&logs.open("app.log"), "three\n");
        let server = logs.follow("app.log", Memory::after(&intake)).await;
        expect(&server, "two\nthree\n").await;
        server.stop().await;
    });
}

#[test]
fn a_large_file_arrives_as_it_is() {
    on_runtime(async {
        let logs = Logs::new();
        let text: String = (0..400_000)
            .map(|line| format!("line number {line}\n"))
            .collect();
        write(&logs.open("app.log"), &text);
        let server = logs.follow("app.log", Memory::new()).await;
        server.intake.until_bytes(text.len()).await;
        assert!(server.stop().await.bytes() == text.as_bytes());
    });
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    on_runtime(async {
        let logs = Logs::new();
        let pattern = logs.path("none/*.log");
        let address = format!("tail://{}", pattern.display()).parse().unwrap();
        let format = std::sync::Arc::new(Text::default());
        let options = pelton_connect::net::ListenOptions::new(address, format);
        let error = pelton_connect::net::Listener::bind(options)
            .await
            .unwrap_err();
        let folder = logs.path("none");
        let expected = format!(
            "{}: {} is no folder; make it first",
            pattern.display(),
            folder.display()
        );
        assert_eq!(error.to_string(), expected);
    });
}
