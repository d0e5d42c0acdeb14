//! The store that is a file.
#![allow(clippy::unwrap_used, reason = "what tests share is no test itself")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pelton_connect::store::{Existing, FileStore, FileStoreOptions, SyncPolicy};
use pelton_connect::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};
use pelton_format::Ndjson;
use pelton_record::{Batch, Bitmap, Column, DataType, Schema};
use tempfile::TempDir;

fn lines(texts: &[&str]) -> Vec<Delivery> {
    let line = |text: &&str| Delivery::Bytes {
        bytes: format!("{text}\n").into(),
        records: 1,
    };
    texts.iter().map(line).collect()
}

fn at(position: u64) -> Positions {
    Positions::from([("s".to_owned(), position)])
}

fn none() -> Positions {
    Positions::new()
}

fn options(folder: &TempDir, name: &str) -> FileStoreOptions {
    FileStoreOptions::new(folder.path().join(name).display().to_string())
}

/// All files under `folder` but checkpoints, by their path in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            found.extend(inner.map(|(file, text)| (format!("{name}/{file}"), text)));
        } else if !name.contains("checkpoint") {
            found.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    found
}

fn expect(folder: &TempDir, expected: &[(&str, &str)]) {
    let expected = expected.iter();
    let expected = expected.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    assert_eq!(files(folder.path()), expected.collect());
}

#[test]
fn smoke() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    assert_eq!(store.shape(), Shape::Bytes);
    store.put(&lines(&["1", "2"]), &none())?;
    store.put(&lines(&["3"]), &none())?;
    store.put(&[], &none())?;
    store.flush()?;
    expect(&folder, &[("a", "1\n2\n3\n")]);
    assert!(
        !folder.path().join("a.checkpoint").exists(),
        "nobody asked for one"
    );
    Ok(())
}

#[test]
fn what_lies_behind_the_checkpoint_is_cut_off() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    store.put(&lines(&["1"]), &at(1))?;
    drop(store);
    let path = folder.path().join("a");
    fs::write(&path, "1\n2\nhal").unwrap();

    let mut store = FileStore::open(options(&folder, "a"))?;
    assert_eq!(store.positions()?, at(1));
    expect(&folder, &[("a", "1\n")]);
    Ok(())
}

#[test]
fn positions_of_streams_that_stand_still_stay() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    store.put(&lines(&["1"]), &Positions::from([("x".to_owned(), 7)]))?;
    store.put(&lines(&["2"]), &Positions::from([("y".to_owned(), 9)]))?;
    drop(store);
    let positions = FileStore::open(options(&folder, "a"))?.positions()?;
    assert_eq!(
        positions,
        Positions::from([("x".to_owned(), 7), ("y".to_owned(), 9)])
    );
    Ok(())
}

#[test]
fn records_without_positions_stay_among_others() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    store.put(&lines(&["1"]), &at(1))?;
    store.put(&lines(&["plain"]), &none())?;
    drop(store);
    let mut store = FileStore::open(options(&folder, "a"))?;
    assert_eq!(store.positions()?, at(1));
    store.put(&lines(&["2"]), &at(2))?;
    drop(store);
    FileStore::open(options(&folder, "a"))?.positions()?;
    expect(&folder, &[("a", "1\nplain\n2\n")]);
    Ok(())
}

#[test]
fn half_a_line_of_records_without_positions_is_cut_off() -> Result<(), StoreError> {
    for half in ["", "h", "half", &"h".repeat(10_000)] {
        for whole in ["", "plain\n", &format!("{}\n", "p".repeat(5000))] {
            let folder = tempfile::tempdir().unwrap();
            let mut store = FileStore::open(options(&folder, "a"))?;
            store.put(&lines(&["1"]), &at(1))?;
            // The checkpoint tells now that what follows is kept.
            store.put(&lines(&["2"]), &none())?;
            drop(store);
            let path = folder.path().join("a");
            fs::write(&path, format!("1\n2\n{whole}{half}")).unwrap();

            let mut store = FileStore::open(options(&folder, "a"))?;
            store.put(&lines(&["3"]), &at(2))?;
            expect(&folder, &[("a", &format!("1\n2\n{whole}3\n"))]);
        }
    }
    Ok(())
}

#[test]
fn a_half_line_is_ended_before_the_next_record() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "1\nhal").unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    store.put(&lines(&["2"]), &none())?;
    expect(&folder, &[("a", "1\nhal\n2\n")]);

    fs::write(folder.path().join("b"), "1\nhal").unwrap();
    let raw = FileStoreOptions {
        lines: false,
        ..options(&folder, "b")
    };
    FileStore::open(raw)?.put(&lines(&["f"]), &none())?;
    assert_eq!(files(folder.path())["b"], "1\nhalf\n");
    Ok(())
}

#[test]
fn the_header_comes_once_a_file() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let csv = || FileStoreOptions {
        header: b"name\n".to_vec(),
        ..options(&folder, "a.csv")
    };
    for text in ["1", "2"] {
        let mut store = FileStore::open(csv())?;
        store.put(&lines(&[text]), &none())?;
        store.put(&lines(&[text]), &none())?;
    }
    expect(&folder, &[("a.csv", "name\n1\n1\n2\n2\n")]);
    Ok(())
}

#[test]
fn what_exists_is_treated_as_told() -> Result<(), StoreError> {
    for (existing, expected) in [
        (Existing::Append, "old\nnew\n"),
        (Existing::Replace, "new\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "old\n").unwrap();
        let chosen = FileStoreOptions {
            existing,
            ..options(&folder, "a")
        };
        FileStore::open(chosen)?.put(&lines(&["new"]), &none())?;
        expect(&folder, &[("a", expected)]);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "old\n").unwrap();
    let refuse = FileStoreOptions {
        existing: Existing::Refuse,
        ..options(&folder, "a")
    };
    let error = FileStore::open(refuse)?.positions().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    assert!(error.to_string().contains("exists already"), "{error}");
    expect(&folder, &[("a", "old\n")]);
    Ok(())
}

#[test]
fn files_rotate_by_size() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let rotated = || FileStoreOptions {
        rotate_bytes: Some(8),
        header: b"h\n".to_vec(),
        ..options(&folder, "a.csv")
    };
    let mut store = FileStore::open(rotated())?;
    for text in ["11", "22", "33", "longer than a file"] {
        store.put(&lines(&[text]), &at(1))?;
    }
    drop(store);
    FileStore::open(rotated())?.put(&lines(&["44"]), &none())?;
    expect(
        &folder,
        &[
            ("a.000001.csv", "h\n11\n22\n"),
            ("a.000002.csv", "h\n33\n"),
            ("a.000003.csv", "h\nlonger than a file\n"),
            ("a.000004.csv", "h\n44\n"),
        ],
    );
    Ok(())
}

#[test]
fn files_rotate_with_the_hour() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let path = folder.path().join("a.000003.txt");
    fs::write(&path, "old\n").unwrap();
    let before = SystemTime::now() - 2 * hour;
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(before)
        .unwrap();

    let rotated = || FileStoreOptions {
        rotate_every: Some(hour),
        ..options(&folder, "a.txt")
    };
    let mut store = FileStore::open(rotated())?;
    store.put(&lines(&["new"]), &none())?;
    expect(
        &folder,
        &[("a.000003.txt", "old\n"), ("a.000004.txt", "new\n")],
    );
    Ok(())
}

fn visits(rows: &[(Option<&str>, i64)]) -> Delivery {
    let schema = Schema::of([("country", DataType::String), ("n", DataType::Int64)]);
    let known = Bitmap::from_fn(rows.len(), |row| rows[row].0.is_some());
    let countries = Column::strings(rows.iter().map(|row| row.0.unwrap_or("")));
    let numbers = Column::int64(rows.iter().map(|row| row.1));
    let columns = vec![countries.with_validity(known), numbers];
    Delivery::Rows(Batch::from_columns(schema.into(), columns))
}

#[test]
fn records_go_to_the_file_of_their_column() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let parted = || FileStoreOptions {
        format: Some(Arc::new(Ndjson::default())),
        open_files_max: 1,
        ..options(&folder, "{country}/n.json")
    };
    let mut store = FileStore::open(parted())?;
    assert_eq!(store.shape(), Shape::Rows);
    store.put(
        &[visits(&[
            (Some("no"), 1),
            (Some("../x"), 2),
            (Some("no"), 3),
        ])],
        &at(3),
    )?;
    store.put(&[visits(&[(None, 4)]), visits(&[(Some("no"), 5)])], &at(5))?;
    drop(store);
    let mut store = FileStore::open(parted())?;
    assert_eq!(store.positions()?, at(5));
    store.put(&[visits(&[(Some("../x"), 6)])], &at(6))?;
    let line = |country: &str, n: i64| format!("{{\"country\":{country},\"n\":{n}}}\n");
    expect(
        &folder,
        &[
            (
                "%2E.%2Fx/n.json",
                &(line("\"../x\"", 2) + &line("\"../x\"", 6)),
            ),
            ("_null/n.json", &line("null", 4)),
            (
                "no/n.json",
                &(line("\"no\"", 1) + &line("\"no\"", 3) + &line("\"no\"", 5)),
            ),
        ],
    );
    Ok(())
}

#[test]
fn a_path_that_names_no_column_says_which_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let parted = FileStoreOptions {
        format: Some(Arc::new(Ndjson::default())),
        ..options(&folder, "{county}.json")
    };
    let mut store = FileStore::open(parted).unwrap();
    let error = store
        .put(&[visits(&[(Some("no"), 1)])], &none())
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    assert!(
        error.to_string().contains("did you mean `{country}`?"),
        "{error}"
    );
}

#[test]
fn a_second_store_is_kept_out() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut first = FileStore::open(options(&folder, "a"))?;
    first.put(&lines(&["1"]), &none())?;
    let mut second = FileStore::open(options(&folder, "a"))?;
    let error = second.put(&lines(&["2"]), &none()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient);
    assert!(
        error.to_string().contains("another process writes it"),
        "{error}"
    );
    drop(first);
    second.put(&lines(&["2"]), &none())?;
    expect(&folder, &[("a", "1\n2\n")]);
    Ok(())
}

#[test]
fn a_damaged_checkpoint_stops_the_store() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    FileStore::open(options(&folder, "a"))?.put(&lines(&["1"]), &at(1))?;
    let checkpoint = folder.path().join("a.checkpoint");
    let mut bytes = fs::read(&checkpoint).unwrap();
    bytes[20] ^= 1;
    fs::write(&checkpoint, bytes).unwrap();
    let error = FileStore::open(options(&folder, "a"))?
        .positions()
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    Ok(())
}

#[test]
fn a_file_shorter_than_its_checkpoint_stops_the_store() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    FileStore::open(options(&folder, "a"))?.put(&lines(&["123"]), &at(1))?;
    fs::write(folder.path().join("a"), "12").unwrap();
    let error = FileStore::open(options(&folder, "a"))?
        .positions()
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    assert!(
        error
            .to_string()
            .contains("holds 2 bytes of 4 that its checkpoint"),
        "{error}"
    );
    expect(&folder, &[("a", "12")]);
    Ok(())
}

#[test]
fn a_checkpoint_that_cannot_be_written_takes_the_records_back() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::open(options(&folder, "a"))?;
    store.put(&lines(&["1"]), &at(1))?;
    // A folder stands where the checkpoint is to be written.
    let beside = folder.path().join("a.checkpoint.new");
    fs::create_dir(&beside).unwrap();
    store.put(&lines(&["2"]), &at(2)).unwrap_err();
    fs::remove_dir(&beside).unwrap();
    expect(&folder, &[("a", "1\n")]);
    assert_eq!(store.positions()?, at(1));
    store.put(&lines(&["2"]), &at(2))?;
    expect(&folder, &[("a", "1\n2\n")]);
    Ok(())
}

#[test]
fn every_policy_writes_the_same() -> Result<(), StoreError> {
    let none = SyncPolicy::None;
    for sync in [
        none,
        SyncPolicy::Interval(Duration::ZERO),
        SyncPolicy::Commit,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let chosen = FileStoreOptions {
            sync,
            ..options(&folder, "a")
        };
        let mut store = FileStore::open(chosen)?;
        store.put(&lines(&["1"]), &at(1))?;
        store.put(&lines(&["2"]), &at(2))?;
        store.flush()?;
        expect(&folder, &[("a", "1\n2\n")]);
    }
    Ok(())
}

#[test]
fn a_device_takes_everything_and_keeps_no_checkpoint() -> Result<(), StoreError> {
    let mut store = FileStore::open(FileStoreOptions::new("/dev/null"))?;
    store.put(&lines(&["1"]), &at(1))?;
    assert_eq!(store.positions()?, at(1));
    assert!(!Path::new("/dev/null.checkpoint").exists());
    Ok(())
}

#[test]
fn a_full_device_is_a_reason_to_try_again() -> Result<(), StoreError> {
    let mut store = FileStore::open(FileStoreOptions::new("/dev/full"))?;
    let error = store.put(&lines(&["1"]), &none()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Transient);
    assert_eq!(error.to_string(), "/dev/full: no space left on device");
    Ok(())
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let refused = |options: FileStoreOptions| FileStore::open(options).unwrap_err().to_string();
    assert!(refused(FileStoreOptions::new("out/")).contains("name the file to write"));
    assert!(refused(FileStoreOptions::new("{a}.csv")).contains("give a format"));
    let often = FileStoreOptions {
        rotate_every: Some(Duration::from_millis(1)),
        ..FileStoreOptions::new("a")
    };
    assert!(refused(often).contains("once a second"));
}

#[test]
fn a_missing_folder_is_fatal() -> Result<(), StoreError> {
    let mut store = FileStore::open(FileStoreOptions::new("/nowhere/at/all"))?;
    assert_eq!(store.positions().unwrap_err().kind(), StoreErrorKind::Fatal);
    Ok(())
}

#[cfg(feature = "compression")]
mod compressed {
    use std::io::Read;

    use super::*;

    fn unpacked(folder: &TempDir, name: &str) -> String {
        let file = File::open(folder.path().join(name)).unwrap();
        let mut text = String::new();
        match name.ends_with(".gz") {
            true => flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text),
            false => zstd::Decoder::new(file).unwrap().read_to_string(&mut text),
        }
        .unwrap();
        text
    }

    #[test]
    fn records_wait_for_a_flush_and_positions_do_not() -> Result<(), StoreError> {
        for name in ["a.csv.gz", "a.csv.zst"] {
            let folder = tempfile::tempdir().unwrap();
            let header = b"n\n".to_vec();
            let csv = FileStoreOptions {
                header,
                ..options(&folder, name)
            };
            let mut store = FileStore::open(csv.clone())?;
            store.put(&lines(&["1", "2"]), &none())?;
            assert_eq!(folder.path().join(name).metadata().unwrap().len(), 0);
            store.flush()?;
            assert_eq!(unpacked(&folder, name), "n\n1\n2\n");
            store.put(&lines(&["3"]), &none())?;
            store.put(&lines(&["4"]), &at(4))?;
            assert_eq!(unpacked(&folder, name), "n\n1\n2\n3\n4\n");
            store.put(&lines(&["lost"]), &none())?;
            drop(store);
            let mut store = FileStore::open(csv)?;
            assert_eq!(store.positions()?, at(4));
            store.put(&lines(&["5"]), &at(5))?;
            assert_eq!(unpacked(&folder, name), "n\n1\n2\n3\n4\n5\n");
        }
        Ok(())
    }

    #[test]
    fn many_records_do_not_wait() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let packed = FileStoreOptions {
            frame_bytes: 10,
            rotate_bytes: Some(1),
            ..options(&folder, "a.gz")
        };
        let mut store = FileStore::open(packed)?;
        for _ in 0..4 {
            store.put(&lines(&["1234"]), &none())?;
        }
        assert_eq!(unpacked(&folder, "a.000001.gz"), "1234\n1234\n");
        assert_eq!(unpacked(&folder, "a.000002.gz"), "1234\n1234\n");
        Ok(())
    }

    #[test]
    fn half_a_frame_is_cut_off() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::open(options(&folder, "a.zst"))?;
        store.put(&lines(&["1"]), &none())?;
        store.flush()?;
        drop(store);
        let path = folder.path().join("a.zst");
        let mut bytes = fs::read(&path).unwrap();
        let half = bytes[..bytes.len() / 2].to_vec();
        bytes.extend(half);
        fs::write(&path, bytes).unwrap();
        let mut store = FileStore::open(options(&folder, "a.zst"))?;
        store.put(&lines(&["2"]), &at(2))?;
        assert_eq!(unpacked(&folder, "a.zst"), "1\n2\n");
        Ok(())
    }

    #[test]
    fn what_cannot_be_written_is_not_held_twice() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::open(options(&folder, "a.gz"))?;
        store.put(&lines(&["1"]), &none())?;
        let beside = folder.path().join("a.gz.checkpoint.new");
        fs::create_dir(&beside).unwrap();
        store.put(&lines(&["2"]), &at(2)).unwrap_err();
        store.flush().unwrap_err();
        fs::remove_dir(&beside).unwrap();
        store.put(&lines(&["2"]), &at(2))?;
        assert_eq!(unpacked(&folder, "a.gz"), "1\n2\n");
        Ok(())
    }

    #[test]
    fn there_is_no_such_level() {
        let folder = tempfile::tempdir().unwrap();
        let packed = FileStoreOptions {
            level: Some(10),
            ..options(&folder, "a.gz")
        };
        let error = FileStore::open(packed).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no gzip level 10, expected 0 to 9"),
            "{error}"
        );
    }
}
