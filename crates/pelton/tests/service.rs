//! A pipeline without an end, driven by hand: arrivals in, a store that does as it is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod fake_store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use pelton::connect::stream::{Receipt, StoreErrorKind};
use pelton::stream::Service;

use fake_store::{PLAN, TestStore, TestStream, arrival, balances, block_on, numbered, plan, send};

#[test]
fn records_leave_in_the_order_in_which_they_came_and_are_accounted_for() {
    let store = TestStore::default();
    let text = format!("{PLAN}\n[[stage]]\nfilter = \"kind <> 'k1'\"\n");
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    let intake = service.intake();
    for block in 0..500 {
        send(&*intake, &numbered(block * 10..block * 10 + 10));
    }
    send(&*intake, "no json\n");
    let report = service.stop();
    let expected: Vec<String> = numbered(0..5000)
        .lines()
        .filter(|line| !line.contains("k1"))
        .map(str::to_owned)
        .collect();
    assert!(store.lines() == expected, "in order");
    let lane = &report.lanes[0];
    assert!(report.drained && balances(lane), "{lane:?}");
    let written = expected.len() as u64;
    assert_eq!((lane.read, lane.written, lane.rejected), (5001, written, 1));
}

#[test]
fn text_is_parsed_on_its_way_through_a_lane() {
    let store = TestStore::default();
    let stage = "parse = { column = \"kind\", format = \"log\", pattern = \"k%{n}\", \
                 schema = { n = \"int64\" } }";
    let text = format!("{PLAN}\n[[stage]]\n{stage}\n");
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    send(&*service.intake(), &numbered(0..300));
    send(&*service.intake(), "{\"id\":300,\"kind\":\"kx\"}\n");
    let report = service.stop();
    let with_n = |id: u64| format!("{{\"id\":{id},\"kind\":\"k{0}\",\"n\":{0}}}", id % 3);
    let expected: Vec<String> = (0..300).map(with_n).collect();
    assert_eq!(store.lines(), expected);
    assert_eq!(
        (report.lanes[0].written, report.lanes[0].rejected),
        (300, 1)
    );
    assert!(balances(&report.lanes[0]));
}

#[test]
fn lanes_take_the_records_that_are_theirs() {
    let (urgent, odd, rest) = (
        TestStore::default(),
        TestStore::default(),
        TestStore::default(),
    );
    let text = format!(
        "{PLAN}
        [[lane]]
        name = \"urgent\"
        when = \"kind = 'k0'\"
        sink = {{ url = \"memory:\" }}
        [[lane]]
        name = \"odd\"
        when = \"id % 2 = 1\"
        sink = {{ url = \"memory:\" }}
        "
    );
    let service = Service::builder(plan(&text))
        .store("urgent", urgent.clone())
        .store("odd", odd.clone())
        .store("main", rest.clone())
        .start()
        .unwrap();
    let intake = service.intake();
    for block in 0..50 {
        send(&*intake, &numbered(block * 7..block * 7 + 7));
    }
    send(&*intake, "broken\n");
    let report = service.stop();
    let all = numbered(0..350);
    let id = |line: &&str| line[6..line.find(',').unwrap()].parse::<u64>().unwrap();
    let of = |test: &dyn Fn(u64) -> bool| -> Vec<String> {
        all.lines()
            .filter(|line| test(id(line)))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(urgent.lines(), of(&|id| id % 3 == 0));
    assert_eq!(odd.lines(), of(&|id| id % 3 != 0 && id % 2 == 1));
    assert_eq!(rest.lines(), of(&|id| id % 3 != 0 && id % 2 == 0));
    let main = report
        .lanes
        .iter()
        .find(|lane| lane.lane == "main")
        .unwrap();
    assert_eq!(main.rejected, 1);
    assert!(report.lanes.iter().all(balances));
}

#[test]
fn a_store_that_fails_for_a_while_costs_nothing() {
    let store = TestStore::default();
    store.set(|told| {
        told.errors = [StoreErrorKind::Transient, StoreErrorKind::Fatal].into();
    });
    let text = format!("{PLAN}\n[sink]\nretry = {{ first = \"1ms\" }}");
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    for block in 0..20 {
        send(&*service.intake(), &numbered(block..block + 1));
    }
    let report = service.stop();
    assert_eq!(store.lines().len(), 20);
    assert_eq!(report.lanes[0].retries, 2);
    assert!(report.drained && !report.lanes[0].broken);
}

#[test]
fn a_record_that_the_store_refuses_goes_to_the_dead_letter_alone() {
    let (store, letters) = (
        TestStore {
            rows: true,
            ..TestStore::default()
        },
        TestStore::default(),
    );
    store.set(|told| told.refuses = Some("13"));
    let text = format!("{PLAN}\n[[stage]]\nselect = [\"id\"]\n");
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .dead_letter(letters.clone())
        .start()
        .unwrap();
    send(&*service.intake(), &numbered(0..100));
    let report = service.stop();
    let expected: Vec<String> = (0..100)
        .filter(|id| *id != 13)
        .map(|id: u64| id.to_string())
        .collect();
    assert_eq!(store.lines(), expected);
    assert_eq!(letters.lines().len(), 1);
    assert!(
        letters.lines()[0].contains("not this one"),
        "{:?}",
        letters.lines()
    );
    assert!(letters.lines()[0].contains("13"));
    let lane = &report.lanes[0];
    assert_eq!((lane.written, lane.rejected), (99, 1));
    assert!(balances(lane));
}

#[test]
fn all_lanes_write_to_one_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("refused.ndjson");
    let text = format!(
        "{PLAN}
        on_error = \"dead_letter\"
        [dead_letter]
        path = '{}'
        [[stage]]
        validate = {{ small = \"id < 3\" }}
        [[lane]]
        name = \"zero\"
        when = \"kind = 'k0'\"
        sink = {{ url = \"memory:\" }}
        stage = [{{ validate = {{ small = \"id < 3\" }} }}]
        ",
        letters.display()
    );
    let service = Service::builder(plan(&text))
        .store("zero", TestStore::default())
        .store("main", TestStore::default())
        .start()
        .unwrap();
    send(&*service.intake(), &numbered(0..6));
    let report = service.stop();
    assert!(report.drained, "{report}");
    let told = std::fs::read_to_string(letters).unwrap();
    let mut lanes: Vec<&str> = told
        .lines()
        .map(|line| {
            if line.contains("\"lane\":\"zero\"") {
                "zero"
            } else {
                "main"
            }
        })
        .collect();
    lanes.sort_unstable();
    assert_eq!(lanes, ["main", "main", "zero"]);
}

#[test]
fn a_stalled_store_stops_the_sender_and_nothing_is_lost() {
    let store = TestStore::default();
    store.set(|told| told.stalled = true);
    let text = format!("{PLAN}\n[flow]\ncapacity = 4\nworkers = 1\n");
    let service = Service::builder(plan(&text))
        .store("main", store.clone())
        .start()
        .unwrap();
    let intake = service.intake();
    let taken = Arc::new(Mutex::new(0));
    let count = taken.clone();
    let sender = thread::spawn(move || {
        for block in 0..200 {
            send(&*intake, &numbered(block..block + 1));
            *count.lock().unwrap() += 1;
        }
    });
    // Once the store is asked and the inbox is full, the sender waits.
    while service.stats()[0].waiting_blocks < 4 {
        thread::yield_now();
    }
    assert!(*taken.lock().unwrap() < 100);
    store.set(|told| told.stalled = false);
    sender.join().unwrap();
    let report = service.stop();
    let expected: Vec<String> = numbered(0..200).lines().map(str::to_owned).collect();
    assert_eq!(store.lines(), expected);
    assert!(report.drained);
}

#[test]
fn what_is_shed_is_counted_to_the_record() {
    for (overflow, newest) in [("shed_oldest", false), ("shed_newest", true)] {
        let store = TestStore::default();
        store.set(|told| told.stalled = true);
        let text =
            format!("{PLAN}\n[flow]\ncapacity = 4\nworkers = 1\noverflow = \"{overflow}\"\n");
        let service = Service::builder(plan(&text))
            .store("main", store.clone())
            .start()
            .unwrap();
        for block in 0..300 {
            send(&*service.intake(), &numbered(block * 3..block * 3 + 3));
        }
        store.set(|told| told.stalled = false);
        let report = service.stop();
        let lane = &report.lanes[0];
        assert_eq!(lane.read, 900, "{overflow}");
        assert_eq!(lane.written + lane.shed, 900, "{overflow}");
        assert!(lane.shed > 600, "{overflow}: {lane:?}");
        assert_eq!(store.lines().len() as u64, lane.written, "{overflow}");
        let last = store.lines().last().cloned().unwrap();
        assert_eq!(last.contains("\"id\":899,"), !newest, "{overflow}: {last}");
    }
}

#[test]
fn streams_hear_of_what_is_committed_and_what_was_put_before_is_not_put_again() {
    let store = TestStore::default();
    store.set(|told| {
        told.positions.insert("numbers".to_owned(), 30);
    });
    let service = Service::builder(plan(PLAN))
        .store("main", store.clone())
        .start()
        .unwrap();
    let intake = service.intake();
    assert_eq!(intake.position("numbers"), Some(30));
    assert_eq!(intake.position("others"), None);
    let stream = Arc::new(TestStream {
        name: "numbers",
        committed: Mutex::default(),
    });
    // The sender does not know, and begins two blocks before.
    for end in [20, 30, 40, 50, 60, 50] {
        let mut arrival = arrival(&numbered(end - 10..end));
        arrival.receipt = Some(Receipt {
            stream: stream.clone(),
            position: end,
        });
        block_on(intake.take(arrival)).unwrap();
    }
    let positions = |service: &Service| service.positions().get("numbers").copied();
    while positions(&service) != Some(60) {
        thread::yield_now();
    }
    let report = service.stop();
    let expected: Vec<String> = numbered(30..60).lines().map(str::to_owned).collect();
    assert_eq!(store.lines(), expected);
    assert_eq!(report.lanes[0].read, 30);
    let committed = stream.committed.lock().unwrap();
    assert_eq!(committed.last(), Some(&60));
    assert!(committed.is_sorted(), "{committed:?}");
}

#[test]
fn lanes_that_came_differently_far_each_get_what_they_have_not() {
    let all = numbered(0..60);
    let byte = |lines: usize| -> u64 {
        let taken = all.split_inclusive('\n').take(lines);
        taken.map(|line| line.len() as u64).sum()
    };
    let (odd, rest) = (TestStore::default(), TestStore::default());
    for (store, lines) in [(&odd, 9), (&rest, 34)] {
        store.set(|told| {
            told.positions.insert("bytes".to_owned(), byte(lines));
        });
    }
    let lane = "[[lane]]\nname = \"odd\"\nwhen = \"id % 2 = 1\"\nsink = { url = \"memory:\" }";
    let service = Service::builder(plan(&format!("{PLAN}\n{lane}")))
        .store("odd", odd.clone())
        .store("main", rest.clone())
        .start()
        .unwrap();
    let intake = service.intake();
    let stream = Arc::new(TestStream {
        name: "bytes",
        committed: Mutex::default(),
    });
    // Read from the beginning again, in blocks that were never cut where the lanes stood.
    assert_eq!(intake.position("bytes"), Some(byte(9)));
    for (from, to) in [(9, 50), (50, 60)] {
        let mut arrival = arrival(&numbered(from as u64..to as u64));
        arrival.byte = byte(from);
        arrival.receipt = Some(Receipt {
            stream: stream.clone(),
            position: byte(to),
        });
        block_on(intake.take(arrival)).unwrap();
    }
    let report = service.stop();
    let of = |from: u64, odd: u64| -> Vec<String> {
        let ids = (from..60).filter(|id| id % 2 == odd);
        ids.map(|id| numbered(id..id + 1).trim_end().to_owned())
            .collect()
    };
    assert_eq!(odd.lines(), of(9, 1));
    assert_eq!(rest.lines(), of(34, 0));
    assert_eq!(service_position(&stream), byte(60));
    assert!(report.lanes.iter().all(balances));
}

#[test]
fn positions_are_kept_where_every_store_keeps_them() {
    let lane = "[[lane]]\nname = \"odd\"\nwhen = \"id % 2 = 1\"\nsink = { url = \"memory:\" }";
    for forgets in [false, true] {
        let (odd, rest) = (TestStore::default(), TestStore::default());
        rest.set(|told| told.forgets = forgets);
        let service = Service::builder(plan(&format!("{PLAN}\n{lane}")))
            .store("odd", odd)
            .store("main", rest)
            .start()
            .unwrap();
        assert_eq!(service.intake().keeps_positions(), !forgets);
        assert!(service.stop().drained);
    }
}

/// The last that a stream was told of.
fn service_position(stream: &TestStream) -> u64 {
    stream.committed.lock().unwrap().last().copied().unwrap()
}

#[test]
fn a_store_that_never_answers_is_given_up_at_the_deadline() {
    let store = TestStore::default();
    store.set(|told| told.errors = vec![StoreErrorKind::Transient; 100_000].into());
    let text = format!(
        "{PLAN}\n[serve]\ndrain = \"50ms\"\n[sink.retry]\nfirst = \"1ms\"\nlongest = \"5ms\""
    );
    let service = Service::builder(plan(&text))
        .store("main", store)
        .start()
        .unwrap();
    send(&*service.intake(), &numbered(0..10));
    let report = service.stop();
    assert!(!report.drained);
    let lane = &report.lanes[0];
    assert_eq!((lane.read, lane.pending, lane.written), (10, 10, 0));
    assert!(balances(lane));
}

#[test]
fn stages_that_need_an_end_are_refused_with_what_to_use_instead() {
    let text = format!("{PLAN}\n[[stage]]\nsort = [\"id\"]\n");
    let error = Service::builder(plan(&text))
        .store("main", TestStore::default())
        .start()
        .unwrap_err();
    assert!(
        error.to_string().contains("a window has one of its own"),
        "{error}"
    );
}

const WINDOWED: &str = r#"
    [source]
    schema = { at = "timestamp", who = "string" }
    [engine]
    workers = 2
    memory_limit = "64MB"
    [[stage]]
    [stage.window]
    time = "at"
    size = "10s"
    lateness = "3s"
    by = ["who"]
    compute = { hits = "count(*)" }
    [[stage]]
    select = ["window_start", "who", "hits"]
    [[stage]]
    filter = "hits > 1"
    [sink]
    format = "csv"
    url = "memory:"
"#;

fn second(at: u64) -> String {
    format!("2024-01-01T00:{:02}:{:02}Z", at / 60, at % 60)
}

/// Events in about the order of their time, up to `jitter` seconds late.
fn visits(count: u64, jitter: u64) -> Vec<(u64, String)> {
    (0..count)
        .map(|index| {
            let late = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
            (
                index + jitter - late % (jitter + 1),
                format!("u{}", index % 3),
            )
        })
        .collect()
}

fn visit_lines(visits: &[(u64, String)]) -> String {
    let line =
        |(at, user): &(u64, String)| format!("{{\"at\":\"{}\",\"who\":\"{user}\"}}\n", second(*at));
    visits.iter().map(line).collect()
}

/// What the windows of all visits must hold: start and user, and how often.
fn expected_windows(visits: &[(u64, String)]) -> BTreeMap<String, u64> {
    let mut windows = BTreeMap::new();
    for (at, user) in visits {
        *windows
            .entry(format!("{},{user}", second(at - at % 10)))
            .or_default() += 1;
    }
    windows.retain(|_, hits| *hits > 1);
    windows
}

fn windows_of(lines: &[String]) -> BTreeMap<String, u64> {
    lines
        .iter()
        .map(|line| {
            let (group, hits) = line.rsplit_once(',').unwrap();
            (group.to_owned(), hits.parse().unwrap())
        })
        .collect()
}

#[test]
fn windows_close_behind_the_watermark_and_hold_what_is_theirs() {
    let store = TestStore::default();
    let service = Service::builder(plan(WINDOWED))
        .store("main", store.clone())
        .start()
        .unwrap();
    let visits = visits(300, 3);
    for some in visits.chunks(7) {
        send(&*service.intake(), &visit_lines(some));
    }
    // Hopelessly late.
    send(&*service.intake(), &visit_lines(&[(5, "u0".to_owned())]));
    let report = service.stop();
    assert_eq!(windows_of(&store.lines()), expected_windows(&visits));
    assert_eq!(
        store.lines().len(),
        expected_windows(&visits).len(),
        "each once"
    );
    let lane = &report.lanes[0];
    assert_eq!((lane.read, lane.folded, lane.rejected), (301, 300, 1));
    assert!(balances(lane) && report.drained, "{lane:?}");
}

/// Sends `visits[from..to]` as positions of a stream, one block a visit.
fn send_visits(service: &Service, visits: &[(u64, String)], from: u64, to: u64) {
    let stream = Arc::new(TestStream {
        name: "visits",
        committed: Mutex::default(),
    });
    for position in from..to {
        let mut arrival = arrival(&visit_lines(&visits[position as usize..][..1]));
        arrival.receipt = Some(Receipt {
            stream: stream.clone(),
            position: position + 1,
        });
        block_on(service.intake().take(arrival)).unwrap();
    }
}

#[test]
fn windows_that_were_open_when_the_process_ended_are_made_again_and_none_is_put_twice() {
    let visits = visits(300, 3);
    for cut in [1, 17, 95, 150, 299] {
        let store = TestStore::default();
        let start = || {
            Service::builder(plan(WINDOWED))
                .store("main", store.clone())
                .start()
                .unwrap()
        };
        let service = start();
        send_visits(&service, &visits, 0, cut);
        // Whatever is open is not put, for it can come again.
        assert!(service.stop().drained);
        let service = start();
        let from = service.intake().position("visits").unwrap_or(0);
        assert!(from <= cut && cut - from < 40, "{from} of {cut}");
        send_visits(&service, &visits, from, 300);
        drop(service.stop());
        let mut expected = expected_windows(&visits);
        let put = windows_of(&store.lines());
        assert_eq!(store.lines().len(), put.len(), "each once, cut at {cut}");
        // The last windows are open still.
        expected.retain(|group, _| *group < second(290));
        let closed: BTreeMap<_, _> = put
            .into_iter()
            .filter(|(group, _)| *group < second(290))
            .collect();
        assert_eq!(closed, expected, "cut at {cut}");
    }
}

#[test]
fn tables_are_refused_where_there_is_no_end() {
    let plan = plan(
        "source = { listen = [\"stdin:\"] }\n[sink]\npath = \"out.csv\"\nformat = \"table\"\n",
    );
    let started = Service::builder(plan)
        .store("main", TestStore::default())
        .start();
    let error = started.unwrap_err().to_string();
    assert!(error.contains("for pipelines with an end"), "{error}");
}
