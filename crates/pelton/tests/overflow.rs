//! What becomes of records when a lane is full or memory is scarce: they wait on the disk, take
//! another lane, or let others go first.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod fake_store;

use std::sync::{Arc, Mutex};
use std::thread;

use pelton::connect::stream::{
    Delivery, Positions, Receipt, Shape, Store, StoreError, StoreErrorKind,
};
use pelton::stream::{LaneStats, Service};

use fake_store::{PLAN, TestStore, TestStream, arrival, balances, block_on, numbered, plan, send};

const LIMIT: u64 = 64_000_000;

fn spilling(folder: &std::path::Path, flow: &str) -> String {
    format!(
        "{PLAN}
        spill_dir = '{}'
        [flow]
        capacity = 4
        workers = 1
        overflow = \"spill\"
        {flow}
        ",
        folder.display()
    )
}

fn start(text: &str, store: &TestStore) -> Service {
    Service::builder(plan(text))
        .store("main", store.clone())
        .start()
        .unwrap()
}

fn stalled() -> TestStore {
    let store = TestStore::default();
    store.set(|told| told.stalled = true);
    store
}

/// The store is asked: whoever asks is in its hands.
fn wait_for_a_put(store: &TestStore) {
    let (told, changed) = &*store.told;
    let told = told.lock().unwrap();
    drop(changed.wait_while(told, |told| told.puts == 0).unwrap());
}

fn lines(range: std::ops::Range<u64>) -> Vec<String> {
    numbered(range).lines().map(str::to_owned).collect()
}

fn lane(service: &Service) -> LaneStats {
    service.stats().remove(0)
}

#[test]
fn a_lane_that_spills_takes_all_while_its_store_stands_still_and_gives_it_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = stalled();
    let service = start(&spilling(folder.path(), ""), &store);
    send(&*service.intake(), &numbered(0..3));
    wait_for_a_put(&store);
    for block in 1..300 {
        // Nobody waits here: whoever did would wait for ever.
        send(&*service.intake(), &numbered(block * 3..block * 3 + 3));
    }
    // One is in the hands of the worker, four are in the ring.
    let stats = lane(&service);
    assert_eq!((stats.spilled, stats.waiting_blocks), (3 * 295, 299));
    let bytes = numbered(15..900).len() as u64;
    assert_eq!(stats.waiting_spill_bytes, bytes);
    assert_eq!(stats.spilled_bytes, bytes);
    let named = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(named, 0, "files without a name are gone with the process");
    store.set(|told| told.stalled = false);
    let report = service.stop();
    assert!(store.lines() == lines(0..900), "all, in order");
    let stats = &report.lanes[0];
    assert_eq!((stats.read, stats.written), (900, 900));
    assert_eq!((stats.waiting_spill_bytes, stats.waiting_blocks), (0, 0));
    assert!(balances(stats) && report.drained, "{stats:?}");
}

#[test]
fn records_come_and_go_through_the_disk_many_times_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = TestStore::default();
    let text = spilling(folder.path(), "spill_limit = \"4KB\"");
    let service = start(&text, &store);
    let mut random = 7_u64;
    for block in 0..3000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if random >> 58 == 0 {
            store.set(|told| told.stalled = !told.stalled);
        }
        // Whatever the disk holds at most, this one has room.
        while lane(&service).waiting_spill_bytes > 3000 {
            store.set(|told| told.stalled = false);
            thread::yield_now();
        }
        send(&*service.intake(), &numbered(block..block + 1));
    }
    store.set(|told| told.stalled = false);
    let report = service.stop();
    assert!(store.lines() == lines(0..3000), "all, in order");
    assert!(balances(&report.lanes[0]) && report.drained);
}

#[test]
fn a_full_disk_queue_holds_up_its_sender_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = stalled();
    let text = spilling(folder.path(), "spill_limit = \"1KB\"");
    let service = start(&text, &store);
    let intake = service.intake();
    let sender = thread::spawn(move || {
        for block in 0..200 {
            send(&*intake, &numbered(block..block + 1));
        }
    });
    // A block has 24 bytes or more: when less room is left, the sender waits.
    while lane(&service).waiting_spill_bytes <= 1000 - 24 {
        thread::yield_now();
    }
    assert!(lane(&service).waiting_spill_bytes <= 1000);
    assert!(!sender.is_finished());
    store.set(|told| told.stalled = false);
    sender.join().unwrap();
    let report = service.stop();
    assert!(store.lines() == lines(0..200), "all, in order");
    assert!(report.drained && balances(&report.lanes[0]));
}

#[test]
fn a_disk_that_cannot_be_written_makes_the_sender_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = stalled();
    let text = spilling(&folder.path().join("missing"), "");
    let service = start(&text, &store);
    let intake = service.intake();
    let sender = thread::spawn(move || {
        for block in 0..200 {
            send(&*intake, &numbered(block..block + 1));
        }
    });
    while lane(&service).waiting_blocks < 4 {
        thread::yield_now();
    }
    store.set(|told| told.stalled = false);
    sender.join().unwrap();
    let report = service.stop();
    assert!(store.lines() == lines(0..200), "all, in order");
    assert_eq!(report.lanes[0].spilled, 0);
}

#[test]
fn what_waits_on_the_disk_when_time_is_up_is_counted_as_pending() {
    let folder = tempfile::tempdir().unwrap();
    let store = TestStore::default();
    store.set(|told| told.errors = vec![StoreErrorKind::Transient; 100_000].into());
    let text = format!(
        "{}\n[serve]\ndrain = \"50ms\"\n[sink.retry]\nfirst = \"1ms\"\nlongest = \"5ms\"",
        spilling(folder.path(), "")
    );
    let service = start(&text, &store);
    for block in 0..300 {
        send(&*service.intake(), &numbered(block * 3..block * 3 + 3));
    }
    let report = service.stop();
    let stats = &report.lanes[0];
    assert!(!report.drained);
    assert_eq!((stats.read, stats.pending, stats.written), (900, 900, 0));
    assert!(balances(stats));
}

#[test]
fn scarce_memory_sends_a_lane_to_the_disk_and_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = stalled();
    let text = spilling(folder.path(), "").replace("capacity = 4", "capacity = 256");
    let service = start(&text, &store);
    let mut held = service.budget().reserve(0).unwrap();
    send(&*service.intake(), &numbered(0..1));
    wait_for_a_put(&store);
    send(&*service.intake(), &numbered(1..2));
    assert_eq!(lane(&service).spilled, 0, "there is memory and room");
    held.grow(LIMIT / 10 * 8).unwrap();
    for id in 2..102 {
        send(&*service.intake(), &numbered(id..id + 1));
    }
    assert_eq!(lane(&service).spilled, 100);
    // Not a byte is left: what waits on the disk comes back all the same.
    held.grow(service.budget().available()).unwrap();
    store.set(|told| told.stalled = false);
    let report = service.stop();
    assert!(store.lines() == lines(0..102), "all, in order");
    assert!(report.drained && balances(&report.lanes[0]));
}

const DOWNGRADING: &str = r#"
    [[lane]]
    name = "some"
    under = "elevated"
    when = "kind = 'k0'"
    sink = { url = "memory:" }
    [[lane]]
    name = "rest"
    under = "critical"
    sink = { url = "memory:" }
"#;

#[test]
fn lanes_for_scarce_memory_take_records_while_it_is_scarce() {
    let stores = [(); 3].map(|()| TestStore::default());
    let [some, rest, main] = &stores;
    let service = Service::builder(plan(&format!("{PLAN}{DOWNGRADING}")))
        .store("some", some.clone())
        .store("rest", rest.clone())
        .store("main", main.clone())
        .start()
        .unwrap();
    let mut held = service.budget().reserve(0).unwrap();
    let mut level = |percent: u64| held.resize(LIMIT / 100 * percent).unwrap();
    let intake = service.intake();
    send(&*intake, &numbered(0..30));
    level(78);
    send(&*intake, &numbered(30..60));
    level(95);
    send(&*intake, &numbered(60..90));
    let stream = Arc::new(TestStream {
        name: "numbers",
        committed: Mutex::default(),
    });
    let mut again = arrival(&numbered(90..120));
    again.receipt = Some(Receipt {
        stream,
        position: 1,
    });
    block_on(intake.take(again)).unwrap();
    level(10);
    send(&*intake, &numbered(120..150));
    let report = service.stop();
    let k0 = |line: &String| line.contains("\"k0\"");
    let expected_some: Vec<String> = lines(30..90).into_iter().filter(k0).collect();
    let expected_rest: Vec<String> = lines(60..90).into_iter().filter(|l| !k0(l)).collect();
    let mut expected_main = lines(0..30);
    expected_main.extend(lines(30..60).into_iter().filter(|line| !k0(line)));
    // What comes again after a kill has its place, however scarce memory is.
    expected_main.extend(lines(90..150));
    assert_eq!(some.lines(), expected_some);
    assert_eq!(rest.lines(), expected_rest);
    assert_eq!(main.lines(), expected_main);
    let downgraded: Vec<u64> = report.lanes.iter().map(|lane| lane.downgraded).collect();
    assert_eq!(downgraded, [20, 20, 0]);
    assert!(report.lanes.iter().all(balances));
}

#[test]
fn a_lane_that_says_neither_what_nor_when_it_takes_is_refused() {
    let text = format!("{PLAN}\n[[lane]]\nname = \"x\"\nsink = {{ url = \"memory:\" }}\n");
    let error = Service::builder(plan(&text)).check().unwrap_err();
    assert!(error.to_string().contains("`under`"), "{error}");
}

/// Notes how many lines another store has at each put.
struct Witness {
    own: TestStore,
    other: TestStore,
    seen: Arc<Mutex<Vec<usize>>>,
}

impl Store for Witness {
    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        self.own.positions()
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        self.seen.lock().unwrap().push(self.other.lines().len());
        self.own.put(deliveries, positions)
    }
}

const BATCH: &str = r#"
    [flow]
    workers = 1
    [sink]
    retry = { first = "1ms", longest = "1ms" }
    [[lane]]
    name = "batch"
    when = "kind = 'k0'"
    sink = { url = "memory:" }
    flow = { kind = "batch", linger = "0s" }
"#;

/// Forty blocks with one record for the batch lane and two for the other.
fn send_both(service: &Service) {
    for block in 0..40 {
        send(&*service.intake(), &numbered(block * 3 + 1..block * 3 + 4));
    }
}

fn of(service: &Service, name: &str) -> LaneStats {
    let mut lanes = service.stats().into_iter();
    lanes.find(|lane| lane.lane == name).unwrap()
}

#[test]
fn a_batch_lane_lets_others_go_first_while_memory_is_critical() {
    let (main, batch) = (stalled(), TestStore::default());
    let seen = Arc::default();
    let witness = Witness {
        own: batch.clone(),
        other: main.clone(),
        seen: Arc::clone(&seen),
    };
    let service = Service::builder(plan(&format!("{PLAN}{BATCH}")))
        .store("main", main.clone())
        .store("batch", witness)
        .start()
        .unwrap();
    send(&*service.intake(), &numbered(1..2));
    wait_for_a_put(&main);
    // One that waits, so that the others have something to do.
    send(&*service.intake(), &numbered(1..2));
    let held = service.budget().reserve(LIMIT / 100 * 95).unwrap();
    send_both(&service);
    // The batch lane's worker has a block in its hands.
    while of(&service, "batch").waiting_blocks > 39 {
        thread::yield_now();
    }
    main.set(|told| told.stalled = false);
    while batch.lines().len() < 40 {
        thread::yield_now();
    }
    // But for the block in the hands of the other lane's worker, all were put before.
    let seen: Vec<usize> = seen.lock().unwrap().clone();
    assert!(seen[0] >= 2 + 80 - 2, "{seen:?}");
    drop(held);
    let report = service.stop();
    assert_eq!(main.lines().len(), 82);
    assert!(report.drained && report.lanes.iter().all(balances));
}

#[test]
fn a_batch_lane_goes_on_when_memory_is_there_again() {
    let (main, batch) = (stalled(), TestStore::default());
    let service = Service::builder(plan(&format!("{PLAN}{BATCH}")))
        .store("main", main.clone())
        .store("batch", batch.clone())
        .start()
        .unwrap();
    let held = service.budget().reserve(LIMIT / 100 * 95).unwrap();
    send_both(&service);
    drop(held);
    while batch.lines().len() < 40 {
        thread::yield_now();
    }
    assert!(main.lines().is_empty(), "which stands still meanwhile");
    main.set(|told| told.stalled = false);
    assert!(service.stop().drained);
}

#[test]
fn a_batch_lane_does_not_wait_for_a_lane_whose_sink_fails() {
    let (main, batch) = (TestStore::default(), TestStore::default());
    main.set(|told| told.errors = vec![StoreErrorKind::Transient; 1_000_000].into());
    let service = Service::builder(plan(&format!("{PLAN}{BATCH}")))
        .store("main", main.clone())
        .store("batch", batch.clone())
        .start()
        .unwrap();
    let _held = service.budget().reserve(LIMIT / 100 * 95).unwrap();
    send_both(&service);
    while batch.lines().len() < 40 {
        thread::yield_now();
    }
    main.set(|told| told.errors.clear());
    assert!(service.stop().drained);
}
