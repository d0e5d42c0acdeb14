//! Dedup windows that outlive the process: a service is started from what lay on the disk at each
//! moment that matters of an earlier one, and what it puts is compared with an unbroken run.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod fake_store;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pelton::connect::stream::{Delivery, Positions, Receipt, Shape, Store, StoreError};
use pelton::stream::Service;

use fake_store::{TestStream, arrival, block_on, lines_of, plan, send};

/// What a kill leaves: the store's contents, and the folder of the lane's state.
struct Left {
    lines: Vec<String>,
    positions: Positions,
    state: tempfile::TempDir,
}

impl Left {
    fn nothing() -> Self {
        Self {
            lines: Vec::new(),
            positions: Positions::new(),
            state: tempfile::tempdir().unwrap(),
        }
    }
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// A store that notes what a kill would leave just before and just after one of its puts.
#[derive(Clone)]
struct Watched(Arc<Mutex<Watch>>);

struct Watch {
    now: Left,
    puts: usize,
    /// The number of the put, and whether it is to be there.
    at: (usize, bool),
    left: Option<Left>,
}

impl Watch {
    fn look(&mut self, done: bool) {
        if self.at == (self.puts, done) {
            self.left = Some(Left {
                lines: self.now.lines.clone(),
                positions: self.now.positions.clone(),
                state: copy(self.now.state.path()),
            });
        }
    }
}

impl Store for Watched {
    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.0.lock().unwrap().now.positions.clone())
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let mut watch = self.0.lock().unwrap();
        watch.look(false);
        watch.now.lines.extend(deliveries.iter().flat_map(lines_of));
        watch.now.positions.extend(positions.clone());
        watch.look(true);
        watch.puts += 1;
        Ok(())
    }
}

const BLOCK: u64 = 5;

fn record(index: u64) -> (u64, u64) {
    let random = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    // About in the order of time, and keys that come again soon or late.
    (random % 40, index + 5 - random % 6)
}

fn line(index: u64) -> String {
    let (key, second) = record(index);
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{{\"key\":\"a key of more than fifteen bytes {key}\",\"index\":{index},\
         \"at\":\"2024-01-01T00:{minute:02}:{second:02}Z\"}}"
    )
}

fn block(number: u64) -> String {
    let range = number * BLOCK..(number + 1) * BLOCK;
    range.map(|index| line(index) + "\n").collect()
}

fn stage(window: &str, state: &Path) -> String {
    format!(
        "[source]
        schema = {{ key = \"string\", at = \"timestamp\" }}
        [engine]
        workers = 2
        memory_limit = \"64MB\"
        [[stage]]
        dedup = {{ key = [\"key\"], {window} }}
        [flow]
        kind = \"transactional\"
        state = '{0}'
        [sink]
        path = '{0}/unused.ndjson'
        ",
        state.display()
    )
}

/// Starts a service from `left`, gives it all blocks, and tells what a kill at `at` would leave,
/// or what is there in the end.
fn run(
    left: Left,
    window: &str,
    blocks: u64,
    name: Option<&'static str>,
    at: (usize, bool),
) -> Left {
    let text = stage(window, left.state.path());
    let store = Watched(Arc::new(Mutex::new(Watch {
        now: left,
        puts: 0,
        at,
        left: None,
    })));
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    let stream = name.map(|name| {
        Arc::new(TestStream {
            name,
            committed: Mutex::default(),
        })
    });
    for number in 0..blocks {
        let mut arrival = arrival(&block(number));
        arrival.receipt = stream.clone().map(|stream| Receipt {
            stream,
            position: number + 1,
        });
        block_on(service.intake().take(arrival)).unwrap();
    }
    assert!(service.stop().drained);
    let watch = Arc::into_inner(store.0).unwrap().into_inner().unwrap();
    watch.left.unwrap_or(watch.now)
}

/// What a window of the last `rows` kept lets through.
fn by_rows(count: u64, rows: usize) -> Vec<String> {
    let mut seen = VecDeque::new();
    let mut kept = Vec::new();
    for index in 0..count {
        let (key, _) = record(index);
        if seen.contains(&key) {
            continue;
        }
        seen.push_back(key);
        if seen.len() > rows {
            seen.pop_front();
        }
        kept.push(line(index));
    }
    kept
}

/// What a window of `span` seconds lets through; keys are forgotten in the order they came in.
fn by_time(count: u64, span: u64) -> Vec<String> {
    let mut seen: VecDeque<(u64, u64)> = VecDeque::new();
    let mut latest = 0;
    let mut kept = Vec::new();
    for index in 0..count {
        let (key, at) = record(index);
        latest = latest.max(at);
        while seen.front().is_some_and(|(_, at)| at + span < latest) {
            seen.pop_front();
        }
        if seen.iter().any(|(had, _)| *had == key) {
            continue;
        }
        seen.push_back((key, at));
        kept.push(line(index));
    }
    kept
}

/// Kills every generation after a put or two, before or after it is there, until one comes to its
/// end.
fn generations(window: &str, blocks: u64, name: &'static str) -> (Vec<String>, usize) {
    let mut left = Left::nothing();
    let mut random = 1_u64;
    let mut generations = 0;
    let done = |left: &Left| left.positions.get(name) == Some(&blocks);
    while !done(&left) {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = ((random >> 62) as usize, random >> 40 & 1 == 1);
        left = run(left, window, blocks, Some(name), at);
        generations += 1;
    }
    (left.lines, generations)
}

#[test]
fn an_acknowledged_stream_that_is_killed_again_and_again_comes_to_what_an_unbroken_one_does() {
    let (lines, generations) = generations("window = 12", 60, "numbers");
    assert_eq!(lines, by_rows(60 * BLOCK, 12));
    assert!(generations > 2, "{generations}");
}

#[test]
fn windows_of_time_are_restored_as_they_were() {
    let (lines, _) = generations("within = \"20s\", time = \"at\"", 60, "numbers");
    assert_eq!(lines, by_time(60 * BLOCK, 20));
}

#[test]
fn a_stream_that_can_be_read_again_is_not_held_back_for_what_is_on_the_disk() {
    let (lines, _) = generations("window = 12", 60, "visits");
    assert_eq!(lines, by_rows(60 * BLOCK, 12));
}

#[test]
fn whoever_sends_all_again_after_a_kill_finds_no_record_put_twice() {
    for at in [(0, false), (0, true), (1, false), (1, true), (3, true)] {
        let left = run(Left::nothing(), "window = 1000", 20, None, at);
        let left = run(left, "window = 1000", 20, None, (usize::MAX, true));
        let mut put = left.lines;
        put.sort();
        let mut expected = by_rows(20 * BLOCK, 1000);
        expected.sort();
        assert_eq!(put, expected, "killed at {at:?}");
    }
}

#[test]
fn a_window_under_another_key_begins_anew() {
    let left = run(
        Left::nothing(),
        "window = 1000",
        4,
        None,
        (usize::MAX, true),
    );
    let text = stage("window = 1000", left.state.path()).replace("[\"key\"]", "[\"key\", \"at\"]");
    let first = left.lines.len();
    let store = Watched(Arc::new(Mutex::new(Watch {
        now: left,
        puts: 0,
        at: (usize::MAX, true),
        left: None,
    })));
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    send(&*service.intake(), &block(0));
    assert!(service.stop().drained);
    assert_eq!(
        store.0.lock().unwrap().now.lines.len(),
        first + BLOCK as usize
    );
}

#[test]
fn what_is_kept_of_a_window_is_bounded() {
    let state = tempfile::tempdir().unwrap();
    let text = "[source]
        schema = { id = \"int64\" }
        [engine]
        memory_limit = \"64MB\"
        [[stage]]
        dedup = { key = [\"id\"], window = 1000 }
        [flow]
        state = 'HERE'
        [sink]
        path = 'HERE/unused.ndjson'
        "
    .replace("HERE", state.path().to_str().unwrap());
    let store = fake_store::TestStore::default();
    let service = Service::builder(plan(&text))
        .store("main", store)
        .start()
        .unwrap();
    for block in 0..200 {
        let lines = (block * 5000..block * 5000 + 5000).map(|id| format!("{{\"id\":{id}}}\n"));
        send(&*service.intake(), &lines.collect::<String>());
    }
    assert_eq!(service.stop().lanes[0].written, 1_000_000);
    let files = fs::read_dir(state.path()).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    // A million keys are 16 MB. What is there: the file being written, of 4 MiB and a put, and what
    // is trimmed no more often than every MiB.
    assert!(bytes < 10 << 20, "{bytes}");
}

#[test]
fn what_cannot_be_kept_is_said_with_what_to_do() {
    let error = |text: &str| {
        Service::builder(plan(text))
            .start()
            .unwrap_err()
            .to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let kept = stage("window = 3", folder.path());
    let without = kept.replace("state =", "#");
    let said = error(&without);
    assert!(
        said.contains("flow.state") && said.contains("sink.key"),
        "{said}"
    );
    let path = format!("path = '{}/unused.ndjson'", folder.path().display());
    let nowhere = kept
        .replace(&path, "url = \"tcp:127.0.0.1:1\"")
        .replace("kind = \"transactional\"", "");
    let said = error(&nowhere);
    assert!(said.contains("keeps positions"), "{said}");
    let windowed = kept.replace(
        "dedup = { key = [\"key\"], window = 3 }",
        "window = { time = \"at\", size = \"10s\", compute = { n = \"count(*)\" } }",
    );
    let said = error(&windowed);
    assert!(said.contains("a lane with a window"), "{said}");
}
