//! Files that change while they are read, however their bytes come into memory.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pelton_connect::{Input, Io, ReadOptions, ReadSource, Source, inputs};
use pelton_format::Text;
use pelton_pool::{Budget, BufferPool};
use tempfile::TempDir;

/// More than is read ahead.
const LINES: usize = 200_000;

fn file(lines: usize) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lines.txt");
    fs::write(&path, text(lines)).expect("a file");
    (directory, path)
}

fn text(lines: usize) -> String {
    (0..lines)
        .map(|line| format!("line number {line}\n"))
        .collect()
}

fn open_in(path: &Path, io: Io, budget: Budget) -> ReadSource {
    let options = ReadOptions {
        block_bytes: 1 << 16,
        io,
        ..ReadOptions::default()
    };
    let inputs = inputs(path.to_str().expect("a name")).expect("inputs");
    let pool = BufferPool::new(budget);
    ReadSource::open(inputs, Arc::new(Text::default()), pool, options).expect("it opens")
}

fn open(path: &Path, io: Io) -> ReadSource {
    open_in(path, io, Budget::new(8 << 20))
}

/// All bytes, or the error that ended the reading.
fn rest(source: &mut ReadSource) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = source.next_chunk().map_err(|error| error.to_string())? {
        bytes.extend_from_slice(chunk.block.bytes());
    }
    Ok(bytes)
}

const ALL: [Io; 2] = [Io::Read, Io::Mmap];

#[test]
fn a_file_comes_whole() {
    for lines in [0, 1, 5, LINES] {
        let (_directory, path) = file(lines);
        for io in ALL {
            let bytes = rest(&mut open(&path, io)).expect("no error");
            assert!(bytes == text(lines).into_bytes(), "{io}, {lines} lines");
        }
    }
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    for io in ALL {
        for left in [0, 100, 700_001] {
            let (_directory, path) = file(LINES);
            let mut source = open(&path, io);
            source.next_chunk().expect("no error").expect("a chunk");
            let cut = OpenOptions::new().write(true).open(&path).expect("a file");
            cut.set_len(left).expect("it is cut");
            let error = rest(&mut source).expect_err("it shrank");
            let expected = format!("shrank from {} to {left} bytes", text(LINES).len());
            assert!(
                error.contains("lines.txt") && error.contains(&expected),
                "{io}: {error}"
            );
        }
    }
}

#[test]
fn a_file_that_grows_is_an_error() {
    for io in ALL {
        let (_directory, path) = file(LINES);
        let mut source = open(&path, io);
        source.next_chunk().expect("no error").expect("a chunk");
        let mut end = OpenOptions::new().append(true).open(&path).expect("a file");
        end.write_all(b"one more\n").expect("it is written");
        let error = rest(&mut source).expect_err("it grew");
        let size = text(LINES).len();
        let expected = format!("grew from {size} to {} bytes", size + 9);
        assert!(error.contains(&expected), "{io}: {error}");
    }
}

#[test]
fn a_file_that_is_gone_before_its_turn_is_an_error() {
    let (directory, path) = file(LINES);
    let later = directory.path().join("more.txt");
    fs::write(&later, "more\n").expect("a file");
    let mut source = open(directory.path(), Io::Auto);
    fs::remove_file(later).expect("it is removed");
    let error = rest(&mut source).expect_err("it is gone");
    assert!(error.contains("more.txt: no such file"), "{error}");
    assert!(path.exists());
}

#[test]
fn a_file_that_loses_its_name_while_open_is_read_to_its_end() {
    for io in ALL {
        let (_directory, path) = file(LINES);
        let mut source = open(&path, io);
        fs::remove_file(&path).expect("it is removed");
        assert!(rest(&mut source).expect("no error") == text(LINES).into_bytes());
    }
}

#[test]
fn what_is_no_file_is_read_whatever_is_asked_for() {
    for io in ALL {
        let options = ReadOptions {
            io,
            ..ReadOptions::default()
        };
        let pool = BufferPool::new(Budget::new(8 << 20));
        let input = Input::file("/dev/null").expect("a device");
        let source = ReadSource::open(vec![input], Arc::new(Text::default()), pool, options);
        assert_eq!(rest(&mut source.expect("it opens")), Ok(Vec::new()));
    }
}

#[cfg(all(feature = "mmap", target_os = "linux"))]
#[test]
fn a_window_of_a_map_is_all_that_is_held_of_it() {
    let (_directory, path) = file(LINES);
    let budget = Budget::new(2 << 20);
    let mut source = open_in(&path, Io::Mmap, budget.clone());
    assert_eq!(
        rest(&mut source).expect("no error").len(),
        text(LINES).len()
    );
    assert!(budget.high_water() >= 1 << 20, "the window is paid for");
    assert!(budget.high_water() < 3 << 19, "{}", budget.high_water());
}
