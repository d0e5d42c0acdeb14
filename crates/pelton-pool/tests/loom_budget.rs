//! Models of the budget: the limit holds, refusals undo themselves, and no level is lost.
#![cfg(loom)]

use pelton_pool::{Budget, Level, Subscription};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Mutex, model, thread};

#[test]
fn two_never_share_what_is_enough_for_one() {
    model(|| {
        let budget = Budget::new(100);
        let other = budget.clone();
        let rival = thread::spawn(move || other.reserve(60).ok());
        let ours = budget.reserve(60).ok();
        assert!(budget.used() <= 100);
        let theirs = rival.join().unwrap();
        assert_eq!(ours.is_some() as u8 + theirs.is_some() as u8, 1);
        assert_eq!((budget.used(), budget.level()), (60, Level::Normal));
        drop((ours, theirs));
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn what_an_ancestor_refuses_is_undone_below() {
    model(|| {
        let root = Budget::new(100);
        let (left, right) = (root.child("left", Some(80)), root.child("right", Some(80)));
        let rival = thread::spawn(move || {
            let granted = right.reserve(75).is_ok();
            assert_eq!(right.used(), 0);
            granted
        });
        let granted = left.reserve(75).is_ok();
        assert_eq!(
            (left.used(), left.high_water()),
            (0, if granted { 75 } else { 0 })
        );
        assert!(rival.join().unwrap() || granted, "one of them came first");
        assert_eq!((root.used(), root.level()), (0, Level::Normal));
    });
}

#[test]
fn given_back_is_given_back_with_all_that_came_before() {
    model(|| {
        let budget = Budget::new(10);
        let held = budget.reserve(10).unwrap();
        let wiped = Arc::new(AtomicUsize::new(0));
        let (wipe, other) = (wiped.clone(), budget.clone());
        let giver = thread::spawn(move || {
            wipe.store(1, Ordering::Relaxed);
            drop(held);
        });
        if other.reserve(10).is_ok() {
            assert_eq!(wiped.load(Ordering::Relaxed), 1);
        }
        giver.join().unwrap();
    });
}

#[test]
fn the_last_level_is_told_and_none_twice_running() {
    model(|| {
        let budget = Budget::new(100);
        let heard = Arc::new(Mutex::new(vec![Level::Normal]));
        let ear = heard.clone();
        let subscription = budget.subscribe(move |level| ear.lock().unwrap().push(level));
        let other = budget.clone();
        let rival = thread::spawn(move || drop(other.reserve(50)));
        let held = budget.reserve(40);
        rival.join().unwrap();
        assert_eq!(heard.lock().unwrap().last(), Some(&budget.level()));
        drop(held);
        let heard = heard.lock().unwrap();
        assert_eq!(heard.last(), Some(&Level::Normal));
        assert!(heard.windows(2).all(|pair| pair[0] != pair[1]), "{heard:?}");
        drop(subscription);
    });
}

/// The level that was told last.
fn listen(budget: &Budget) -> (Arc<AtomicUsize>, Subscription) {
    let heard = Arc::new(AtomicUsize::new(0));
    let ear = heard.clone();
    let hear = move |level| ear.store(level as usize, Ordering::Relaxed);
    (heard, budget.subscribe(hear))
}

#[test]
fn signals_and_reservations_agree_on_the_last_word() {
    model(|| {
        let budget = Budget::new(100);
        let (heard, subscription) = listen(&budget);
        let other = budget.clone();
        let operator = thread::spawn(move || other.signal(Level::Critical));
        let held = budget.reserve(80).unwrap();
        operator.join().unwrap();
        assert_eq!(heard.load(Ordering::Relaxed), Level::Critical as usize);
        budget.signal(Level::Normal);
        assert_eq!(heard.load(Ordering::Relaxed), Level::Elevated as usize);
        drop((held, subscription));
    });
}

#[test]
fn two_signals_leave_the_last_level_told() {
    model(|| {
        let budget = Budget::new(100);
        let (heard, subscription) = listen(&budget);
        let other = budget.clone();
        let rival = thread::spawn(move || other.signal(Level::Elevated));
        budget.signal(Level::Critical);
        rival.join().unwrap();
        assert_eq!(heard.load(Ordering::Relaxed), budget.level() as usize);
        drop(subscription);
    });
}

#[test]
fn readings_stay_within_the_limit() {
    model(|| {
        let budget = Budget::new(100);
        let other = budget.clone();
        let rival = thread::spawn(move || drop(other.reserve(80)));
        let held = budget.reserve(60).ok();
        assert!(budget.used() <= 100 && budget.available() <= 100);
        assert!(budget.high_water() <= 100);
        rival.join().unwrap();
        assert!(budget.high_water() >= if held.is_some() { 60 } else { 80 });
    });
}

/// What a subscriber knows: what it last heard, or else what it read once it had subscribed.
#[test]
fn subscribing_meets_a_change() {
    const SILENCE: usize = usize::MAX;
    model(|| {
        let budget = Budget::new(100);
        let other = budget.clone();
        let rival = thread::spawn(move || other.reserve(95).unwrap());
        let heard = Arc::new(AtomicUsize::new(SILENCE));
        let ear = heard.clone();
        let subscription =
            budget.subscribe(move |level| ear.store(level as usize, Ordering::Relaxed));
        let read = budget.level() as usize;
        let known = || match heard.load(Ordering::Relaxed) {
            SILENCE => read,
            level => level,
        };
        let held = rival.join().unwrap();
        assert_eq!(known(), Level::Critical as usize);
        drop(held);
        assert_eq!(known(), Level::Normal as usize);
        drop(subscription);
    });
}

#[test]
fn a_subscription_that_ends_beside_a_change_hears_of_no_later_one() {
    model(|| {
        let budget = Budget::new(100);
        let calls = Arc::new(AtomicUsize::new(0));
        let ear = calls.clone();
        let subscription = budget.subscribe(move |_| {
            ear.fetch_add(1, Ordering::Relaxed);
        });
        let other = budget.clone();
        let rival = thread::spawn(move || other.reserve(95).unwrap());
        drop(subscription);
        let held = rival.join().unwrap();
        let before = calls.load(Ordering::Relaxed);
        assert!(before <= 1);
        drop(held);
        assert_eq!(calls.load(Ordering::Relaxed), before);
    });
}

/// The twin: who subscribes and does not look again misses what changed meanwhile.
#[test]
#[should_panic(expected = "the change went unheard")]
fn loom_rejects_a_subscription_that_looks_once() {
    model(|| {
        let state = (AtomicUsize::new(0), Mutex::new(false), AtomicUsize::new(0));
        let state = Arc::new(state);
        let other = state.clone();
        let rival = thread::spawn(move || {
            let (level, listens, told) = &*other;
            level.store(2, Ordering::Release);
            if *listens.lock().unwrap() {
                told.store(2, Ordering::Release);
            }
        });
        let (level, listens, told) = &*state;
        told.store(level.load(Ordering::Acquire), Ordering::Release);
        *listens.lock().unwrap() = true;
        rival.join().unwrap();
        assert_eq!(told.load(Ordering::Relaxed), 2, "the change went unheard");
    });
}

/// The twin: looking first and adding later lets two in where one fits.
#[test]
#[should_panic(expected = "over the limit")]
fn loom_rejects_a_look_before_the_leap() {
    model(|| {
        let used = Arc::new(AtomicUsize::new(0));
        let reserve = |used: &AtomicUsize| {
            if used.load(Ordering::Acquire) + 60 <= 100 {
                used.fetch_add(60, Ordering::AcqRel);
            }
        };
        let other = used.clone();
        let rival = thread::spawn(move || reserve(&other));
        reserve(&used);
        rival.join().unwrap();
        assert!(used.load(Ordering::Relaxed) <= 100, "over the limit");
    });
}

/// The twin: a level in a word of its own falls behind the bytes it was read from.
#[test]
#[should_panic(expected = "level fell behind")]
fn loom_rejects_a_level_beside_the_bytes() {
    model(|| {
        let state = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let add = |(used, level): &(AtomicUsize, AtomicUsize), bytes: usize| {
            let sum = used.fetch_add(bytes, Ordering::AcqRel) + bytes;
            level.store(usize::from(sum >= 75), Ordering::Release);
        };
        let other = state.clone();
        let rival = thread::spawn(move || add(&other, 40));
        add(&state, 40);
        rival.join().unwrap();
        let level = state.1.load(Ordering::Relaxed);
        assert_eq!(level, 1, "level fell behind");
    });
}

/// The twin: a teller that does not look again misses what changed while it spoke.
#[test]
#[should_panic(expected = "news was lost")]
fn loom_rejects_a_teller_that_looks_once() {
    model(|| {
        let state = Arc::new([const { 0 }; 3].map(AtomicUsize::new));
        let tell = |[level, pending, told]: &[AtomicUsize; 3]| {
            level.fetch_add(1, Ordering::AcqRel);
            if pending.fetch_add(1, Ordering::AcqRel) == 0 {
                told.store(level.load(Ordering::Acquire), Ordering::Release);
                pending.store(0, Ordering::Release);
            }
        };
        let other = state.clone();
        let rival = thread::spawn(move || tell(&other));
        tell(&state);
        rival.join().unwrap();
        assert_eq!(state[2].load(Ordering::Relaxed), 2, "news was lost");
    });
}
