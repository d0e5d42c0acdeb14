//! What is little is worked off by the thread that brought it, at the end of its turn.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod fake_store;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pelton::connect::stream::{Intake, Receipt, StoreErrorKind, turn};
use pelton::stream::Service;

use fake_store::{PLAN, TestStore, TestStream, arrival, balances, block_on, numbered, plan, send};

/// Long enough on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn prompt() -> TestStore {
    let store = TestStore::default();
    store.set(|told| told.prompt = true);
    store
}

fn start(more: &str, store: &TestStore) -> Service {
    let service = Service::builder(plan(&format!("{PLAN}\n{more}\n")));
    service.store("main", store.clone()).start().unwrap()
}

/// Waits until the store has so many lines.
fn wait_for(store: &TestStore, lines: usize) {
    let began = Instant::now();
    while store.lines().len() < lines {
        assert!(
            began.elapsed() < PATIENCE,
            "{} of {lines}",
            store.lines().len()
        );
        thread::yield_now();
    }
}

/// A turn that brings `text`.
fn bring(intake: &dyn Intake, text: &str) {
    turn::begin();
    send(intake, text);
    turn::end(Duration::ZERO);
}

/// True when this thread put last.
fn is_mine(store: &TestStore) -> bool {
    store.told.0.lock().unwrap().by == Some(thread::current().id())
}

/// Brings records one by one from `from` on, each when the one before is put, until this thread has
/// put `mine` of them; how many there are then.
fn bring_until_mine(service: &Service, store: &TestStore, from: u64, mine: usize) -> u64 {
    let (mut next, mut put) = (from, 0);
    let began = Instant::now();
    while put < mine {
        assert!(began.elapsed() < PATIENCE, "{put} of {mine}");
        bring(&*service.intake(), &numbered(next..next + 1));
        next += 1;
        wait_for(store, next as usize);
        put += usize::from(is_mine(store));
    }
    next
}

fn assert_all(store: &TestStore, records: u64) {
    let expected = numbered(0..records);
    assert!(store.lines().iter().eq(expected.lines()), "all, in order");
}

#[test]
fn what_is_little_is_put_before_the_turn_is_over() {
    let store = prompt();
    let service = start("", &store);
    let records = bring_until_mine(&service, &store, 0, 100);
    let report = service.stop();
    assert_all(&store, records);
    let lane = &report.lanes[0];
    assert!(report.drained && balances(lane), "{lane:?}");
    assert_eq!((lane.read, lane.written), (records, records));
}

#[test]
fn whatever_may_take_time_is_left_to_workers() {
    let patient = [
        ("", false),
        ("[flow]\nkind = \"batch\"\nlinger = \"0s\"", true),
        ("[flow]\nlinger = \"1us\"", true),
        ("[flow]\noverflow = \"spill\"", true),
        ("[sink]\nretry = { attempts = 3 }", true),
        ("[[stage]]\ndedup = { key = [\"id\"], window = 10 }", true),
    ];
    for (more, prompt) in patient {
        let store = TestStore::default();
        store.set(|told| told.prompt = prompt);
        let service = start(more, &store);
        for id in 0..200 {
            bring(&*service.intake(), &numbered(id..id + 1));
            wait_for(&store, id as usize + 1);
            assert!(!is_mine(&store), "{more}");
        }
        assert!(service.stop().drained);
        assert_all(&store, 200);
    }
}

#[test]
fn what_is_much_or_has_a_receipt_is_put_by_workers() {
    let store = prompt();
    let service = start("", &store);
    let mut next = bring_until_mine(&service, &store, 0, 1);
    let asked = || store.told.0.lock().unwrap().asked;
    let before = asked();
    for _ in 0..100 {
        // 16 KiB at 25 bytes a record.
        bring(&*service.intake(), &numbered(next..next + 1000));
        next += 1000;
        wait_for(&store, next as usize);
    }
    assert_eq!(
        asked(),
        before,
        "nobody thought of working that off in a turn"
    );
    let stream = Arc::new(TestStream {
        name: "numbers",
        committed: Mutex::default(),
    });
    for position in 1..=100 {
        let mut known = arrival(&numbered(next..next + 1));
        known.receipt = Some(Receipt {
            stream: stream.clone(),
            position,
        });
        turn::begin();
        block_on(service.intake().take(known)).unwrap();
        turn::end(Duration::ZERO);
        next += 1;
        wait_for(&store, next as usize);
        assert!(!is_mine(&store), "with a receipt");
    }
    assert!(service.stop().drained);
    assert_all(&store, next);
    let committed = stream.committed.lock().unwrap();
    assert_eq!(committed.last(), Some(&100));
}

#[test]
fn refused_records_have_their_letters() {
    let (store, letters) = (prompt(), TestStore::default());
    let text = format!("{PLAN}\non_error = \"dead_letter\"\n");
    let service = Service::builder(plan(&text));
    let service = service.store("main", store.clone());
    let service = service.dead_letter(letters.clone()).start().unwrap();
    let next = bring_until_mine(&service, &store, 0, 1);
    for bad in 0..50 {
        bring(&*service.intake(), "no json\n");
        wait_for(&letters, bad + 1);
    }
    let report = service.stop();
    assert_all(&store, next);
    assert_eq!(report.lanes[0].rejected, 50);
}

#[test]
fn what_the_store_does_not_take_is_put_by_a_worker() {
    use StoreErrorKind::{Fatal, Transient};

    let store = prompt();
    let service = start(
        "[sink]\nretry = { first = \"1us\", longest = \"1us\" }",
        &store,
    );
    let mut next = 0;
    for errors in [vec![Transient], vec![Fatal], vec![Transient; 3]] {
        for _ in 0..20 {
            next = bring_until_mine(&service, &store, next, 1);
            store.set(|told| told.errors = errors.clone().into());
            // Nothing comes behind it that would make somebody look.
            bring(&*service.intake(), &numbered(next..next + 1));
            next += 1;
            wait_for(&store, next as usize);
        }
    }
    // What it refuses for good is refused, and no more than that.
    next = bring_until_mine(&service, &store, next, 1);
    store.set(|told| told.refuses = Some("\"id\":999999,"));
    bring(&*service.intake(), &numbered(999_999..1_000_000));
    bring(&*service.intake(), &numbered(next..next + 1));
    wait_for(&store, next as usize + 1);
    let report = service.stop();
    assert!(report.drained && balances(&report.lanes[0]));
    assert_eq!(report.lanes[0].rejected, 1);
    assert_all(&store, next + 1);
}

#[test]
fn what_comes_while_a_put_fails_is_put_behind_it() {
    let store = prompt();
    let service = start("[sink]\nretry = { first = \"1us\" }", &store);
    let mut next = 0;
    for _ in 0..20 {
        next = bring_until_mine(&service, &store, next, 1);
        store.set(|told| {
            (told.stalled, told.errors) = (true, [StoreErrorKind::Transient].into());
        });
        let puts = || store.told.0.lock().unwrap().puts;
        let (first, second) = (next, next + 1);
        let before = puts();
        // Much, so that a worker is woken for it at once: 64 KiB at 25 bytes a record.
        next = second + 4000;
        thread::scope(|scope| {
            scope.spawn(|| bring(&*service.intake(), &numbered(first..second)));
            while puts() == before {
                thread::yield_now();
            }
            send(&*service.intake(), &numbered(second..next));
            while service.stats()[0].read < next {
                thread::yield_now();
            }
            store.set(|told| told.stalled = false);
        });
        wait_for(&store, next as usize);
    }
    assert!(service.stop().drained);
    assert_all(&store, next);
}

#[test]
fn many_threads_bring_while_the_store_changes_its_mind() {
    const THREADS: u64 = 4;
    const EACH: u64 = 3000;
    let store = prompt();
    let service = start("", &store);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (service, store) = (&service, &store);
            scope.spawn(move || {
                let mut next = thread * EACH;
                let end = next + EACH;
                while next < end {
                    turn::begin();
                    for _ in 0..=next % 5 {
                        let count = (1 + next % 3).min(end - next);
                        send(&*service.intake(), &numbered(next..next + count));
                        next += count;
                    }
                    turn::end(Duration::ZERO);
                    store.set(|told| told.prompt = !next.is_multiple_of(4));
                }
            });
        }
    });
    // Before the end, which would wake those who should have been woken.
    wait_for(&store, (THREADS * EACH) as usize);
    let report = service.stop();
    let lane = &report.lanes[0];
    assert!(report.drained && balances(lane), "{lane:?}");
    assert_eq!(lane.written, THREADS * EACH);
    let lines = store.lines();
    let id = |line: &String| -> u64 { line[6..line.find(',').unwrap()].parse().unwrap() };
    for thread in 0..THREADS {
        let own = thread * EACH..(thread + 1) * EACH;
        let found = lines.iter().map(id).filter(|id| own.contains(id));
        assert!(found.eq(own.clone()), "in the order of each thread");
    }
}

#[test]
fn what_was_taken_is_there_after_the_end() {
    for _ in 0..100 {
        let store = prompt();
        let service = start("[sink]\nretry = { first = \"1us\" }", &store);
        let (intake, fails) = (service.intake(), store.clone());
        let bringing = thread::spawn(move || {
            let mut taken = 0;
            loop {
                turn::begin();
                let sent = block_on(intake.take(arrival(&numbered(taken..taken + 1))));
                // Then it is put at the end, if nobody is left to put it before.
                fails.set(|told| told.errors = [StoreErrorKind::Transient].into());
                turn::end(Duration::ZERO);
                if sent.is_err() {
                    return taken;
                }
                taken += 1;
            }
        });
        wait_for(&store, 20);
        let report = service.stop();
        let taken = bringing.join().unwrap();
        assert!(report.drained);
        assert_eq!(report.lanes[0].written, taken);
        assert_all(&store, taken);
    }
}

#[test]
fn the_end_waits_for_whoever_has_something_in_hand() {
    for _ in 0..20 {
        let store = prompt();
        let service = start("[sink]\nretry = { first = \"1us\" }", &store);
        let next = bring_until_mine(&service, &store, 0, 1);
        let puts = || store.told.0.lock().unwrap().puts;
        let before = puts();
        store.set(|told| {
            (told.stalled, told.errors) = (true, [StoreErrorKind::Transient].into());
        });
        let (intake, last) = (service.intake(), numbered(next..next + 1));
        thread::scope(|scope| {
            scope.spawn(|| bring(&*intake, &last));
            while puts() == before {
                thread::yield_now();
            }
            let stopping = scope.spawn(|| service.stop());
            while block_on(intake.take(arrival(""))).is_ok() {
                thread::yield_now();
            }
            // So that the end has come as far as it can, on most machines at most times.
            (0..1000).for_each(|_| thread::yield_now());
            store.set(|told| told.stalled = false);
            assert!(stopping.join().unwrap().drained);
        });
        assert_all(&store, next + 1);
    }
}
