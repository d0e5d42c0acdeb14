//! The write-ahead log: what is read back is what was appended, whatever happens to the files.
#![allow(clippy::unwrap_used, reason = "what tests share is no test itself")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use pelton_connect::store::{Entry, Spool, SpoolError, SpoolOptions, SyncPolicy};
use proptest::collection::vec;
use proptest::prelude::*;

fn small(folder: &Path) -> SpoolOptions {
    SpoolOptions {
        capacity_bytes: 2000,
        segment_bytes: 150,
        ..SpoolOptions::new(folder)
    }
}

fn open(options: SpoolOptions) -> Spool {
    Spool::open(options).unwrap()
}

fn read_all(spool: &Spool) -> Vec<Entry> {
    std::iter::from_fn(|| spool.read().unwrap()).collect()
}

fn bodies(spool: &Spool) -> Vec<String> {
    let text = |entry: Entry| String::from_utf8(entry.body).unwrap();
    read_all(spool).into_iter().map(text).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "spool")
        })
        .collect();
    found.sort();
    found
}

#[test]
fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    assert!(spool.read().unwrap().is_none());
    for number in 0..20_u64 {
        let body = format!("body {number}");
        assert_eq!(spool.append(b"note", body.as_bytes()).unwrap(), number);
    }
    let entries = read_all(&spool);
    assert_eq!(entries.len(), 20);
    assert_eq!(entries[19].body, b"body 19");
    assert_eq!(entries[19].note, b"note");
    assert_eq!(entries[19].number, 19);
    assert!(segments(folder.path()).len() > 3, "several files");
}

#[test]
fn another_process_goes_on_where_it_was_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    for body in ["a", "b", "c", "d"] {
        spool.append(b"", body.as_bytes()).unwrap();
    }
    assert_eq!(bodies(&spool), ["a", "b", "c", "d"]);
    spool.trim(2).unwrap();
    drop(spool);
    let spool = open(small(folder.path()));
    assert_eq!(spool.recovery().entries, 2);
    assert_eq!(bodies(&spool), ["c", "d"]);
    assert_eq!(spool.append(b"", b"e").unwrap(), 4);
    spool.rewind();
    assert_eq!(bodies(&spool), ["c", "d", "e"]);
}

#[test]
fn what_is_trimmed_gives_its_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    let empty = spool.bytes();
    for number in 0..1000 {
        spool.append(b"", &[7; 100]).unwrap();
        spool.trim(number + 1).unwrap();
    }
    assert!(spool.is_empty());
    assert_eq!(spool.bytes(), empty);
    assert_eq!(segments(folder.path()).len(), 1);
    drop(spool);
    assert_eq!(open(small(folder.path())).append(b"", b"").unwrap(), 1000);
}

#[test]
fn a_full_spool_answers_so() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    let mut appended = 0;
    while spool.try_append(b"", &[7; 100]).is_ok() {
        appended += 1;
    }
    assert!(matches!(
        spool.try_append(b"", &[7; 100]),
        Err(SpoolError::Full)
    ));
    let on_disk: u64 = segments(folder.path())
        .iter()
        .map(|p| p.metadata().unwrap().len())
        .sum();
    assert_eq!(on_disk, spool.bytes());
    assert!((1800..=2000).contains(&on_disk), "{on_disk} bytes");
    spool.trim(2).unwrap();
    spool.try_append(b"", &[7; 100]).unwrap();
    assert_eq!(spool.len(), appended - 2 + 1);
    assert!(matches!(
        spool.try_append(b"", &[7; 3000]),
        Err(SpoolError::TooLarge {
            bytes: 3020,
            capacity_bytes: 2000
        })
    ));
}

#[test]
fn a_writer_waits_for_room_and_a_reader_for_entries() {
    const ENTRIES: u64 = 2000;
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    let writer = spool.clone();
    let writer = thread::spawn(move || {
        for number in 0..ENTRIES {
            writer.append(b"", &number.to_le_bytes()).unwrap();
        }
        writer.close();
    });
    let mut expected = 0_u64;
    while let Some(entry) = spool.read_blocking().unwrap() {
        assert_eq!(entry.body, expected.to_le_bytes());
        expected += 1;
        spool.trim(expected).unwrap();
    }
    writer.join().unwrap();
    assert_eq!(expected, ENTRIES);
    assert!(matches!(spool.append(b"", b""), Err(SpoolError::Closed)));
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(small(folder.path()));
    let error = Spool::open(small(folder.path())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("another process has this spool open"),
        "{error}"
    );
    drop(first);
    open(small(folder.path()));
}

#[test]
fn numbers_go_on_behind_what_had_its_effect() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(small(folder.path()));
    spool.append(b"", b"a").unwrap();
    spool.trim(50).unwrap();
    assert_eq!(spool.append(b"", b"b").unwrap(), 50);
    drop(spool);
    let spool = open(small(folder.path()));
    assert_eq!(bodies(&spool), ["b"]);
    assert_eq!(spool.append(b"", b"c").unwrap(), 51);
}

#[test]
fn every_policy_keeps_the_same() {
    let interval = SyncPolicy::Interval(Duration::ZERO);
    for sync in [SyncPolicy::None, interval, SyncPolicy::Commit] {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(SpoolOptions {
            sync,
            ..small(folder.path())
        });
        spool.append(b"", b"a").unwrap();
        spool.sync().unwrap();
        drop(spool);
        assert_eq!(bodies(&open(small(folder.path()))), ["a"]);
    }
}

/// A spool with some entries, of which the first so many are trimmed.
fn filled(folder: &Path, entries: &[Vec<u8>], trimmed: usize) -> Vec<Entry> {
    let spool = open(small(folder));
    for (number, body) in entries.iter().enumerate() {
        spool.append(&[number as u8], body).unwrap();
    }
    spool.trim(trimmed as u64).unwrap();
    spool.rewind();
    read_all(&spool)
}

/// What is read is a beginning of what was there, and goes on to take entries.
fn reads_a_prefix(folder: &Path, whole: &[Entry]) -> usize {
    let spool = open(small(folder));
    let found = read_all(&spool);
    // A trim that was forgotten shows entries again, which is no harm.
    let again = found
        .iter()
        .take_while(|entry| entry.number < whole[0].number)
        .count();
    let found = &found[again..];
    assert!(
        whole.starts_with(found),
        "{found:?} is no beginning of {whole:?}"
    );
    let number = spool.append(b"new", b"new").unwrap();
    let last = read_all(&spool);
    assert_eq!(last.len(), 1);
    assert_eq!((last[0].number, &last[0].body[..]), (number, &b"new"[..]));
    found.len()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_cut_at_any_byte_leaves_a_prefix() {
    let entries: Vec<Vec<u8>> = (0..9_u8)
        .map(|byte| vec![byte; usize::from(byte) * 5])
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path(), &entries, 1);
    let last = segments(folder.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let mut lengths = Vec::new();
    for length in 0..=bytes.len() {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let path = copied.path().join(last.file_name().unwrap());
        fs::write(path, &bytes[..length]).unwrap();
        lengths.push(reads_a_prefix(copied.path(), &whole));
    }
    assert_eq!(lengths.last(), Some(&whole.len()), "uncut, all are there");
    assert!(lengths.is_sorted(), "the more is left, the more is read");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_anywhere_leaves_a_prefix(
        entries in vec(vec(any::<u8>(), 0..60), 2..15),
        trimmed in 0_usize..2,
        place in any::<(prop::sample::Index, prop::sample::Index)>(),
        bit in 0_u32..8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let whole = filled(folder.path(), &entries, trimmed);
        let mut files = segments(folder.path());
        files.extend(Some(folder.path().join("trimmed")).filter(|path| path.exists()));
        let path = place.0.get(&files);
        let mut bytes = fs::read(path).unwrap();
        let at = place.1.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(path, bytes).unwrap();
        reads_a_prefix(folder.path(), &whole);
    }
}
