//! Budgets: what is granted, refused, given back and told, through the public door.
#![cfg(not(loom))]

use std::sync::{Arc, Mutex, PoisonError};

use pelton_pool::{Budget, Level, OverBudget, Subscription, UNLIMITED, memory};
use pelton_sync::{scaled, thread};

fn hear(ear: &Mutex<Vec<Level>>, level: Level) {
    ear.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(level);
}

/// A budget that writes down each level it tells.
fn listening(budget: &Budget) -> (Subscription, Arc<Mutex<Vec<Level>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let subscription = budget.subscribe(move |level| hear(&ear, level));
    (subscription, heard)
}

#[test]
fn limit_is_exact() {
    let budget = Budget::new(100);
    let held = budget.reserve(100).unwrap();
    assert_eq!((budget.used(), budget.available()), (100, 0));
    assert!(budget.reserve(1).is_err());
    drop(held);
    assert_eq!((budget.used(), budget.high_water()), (0, 100));
    assert_eq!(budget.reserve(101).unwrap_err().available, 100);
}

#[test]
fn zero_bytes_are_always_granted() {
    let budget = Budget::new(0);
    assert_eq!(budget.level(), Level::Critical);
    assert_eq!(budget.reserve(0).unwrap().bytes(), 0);
    assert!(budget.reserve(1).is_err());
}

#[test]
fn unlimited_counts_but_does_not_refuse() {
    let budget = Budget::unlimited();
    let held = budget.reserve(1 << 60).unwrap();
    assert_eq!((budget.limit(), budget.available()), (UNLIMITED, UNLIMITED));
    assert_eq!((budget.used(), budget.level()), (1 << 60, Level::Normal));
    drop(held);
}

#[test]
fn overflow_is_a_refusal() {
    let budget = Budget::unlimited();
    let _held = budget.reserve(1 << 61).unwrap();
    assert!(budget.reserve(u64::MAX).is_err());
    assert!(budget.reserve(u64::MAX >> 2).is_err());
    assert_eq!(budget.used(), 1 << 61);
}

#[test]
fn the_level_that_refused_is_named() {
    let engine = Budget::root("engine", 100);
    let lane = engine.child("lane", Some(80));
    let stage = lane.child("stage", None);
    let name = |refused: OverBudget| (refused.budget.to_string(), refused.available);
    assert_eq!(name(stage.reserve(90).unwrap_err()), ("lane".into(), 80));
    let _other = engine.reserve(50).unwrap();
    assert_eq!(name(stage.reserve(60).unwrap_err()), ("engine".into(), 50));
    assert_eq!((stage.used(), lane.used(), engine.used()), (0, 0, 50));
    assert_eq!(stage.available(), 50);
}

#[test]
fn a_refused_request_leaves_no_high_water() {
    let engine = Budget::new(10);
    let lane = engine.child("lane", None);
    assert!(lane.reserve(50).is_err());
    assert_eq!((lane.high_water(), lane.used()), (0, 0));
}

#[test]
fn message_names_who_needed_how_much() {
    let budget = Budget::root("lane batch", 4096);
    let refused = budget.reserve(5000).unwrap_err();
    let message = r#"budget "lane batch": requested 5000 bytes, available 4096 of 4096"#;
    assert_eq!(refused.to_string(), message);
}

#[test]
fn reservation_grows_shrinks_and_splits() {
    let budget = Budget::new(100);
    let mut held = budget.reserve(40).unwrap();
    held.grow(20).unwrap();
    assert!(held.grow(41).is_err());
    held.resize(90).unwrap();
    held.resize(50).unwrap();
    let half = held.split(25);
    held.shrink(5);
    assert_eq!((held.bytes(), half.bytes(), budget.used()), (20, 25, 45));
    drop(half);
    assert_eq!(budget.used(), 20);
}

#[test]
#[should_panic(expected = "cannot give back more than is held")]
fn giving_back_too_much_is_refused() {
    Budget::new(100).reserve(10).unwrap().shrink(11);
}

#[test]
#[should_panic(expected = "cannot split off more than is held")]
fn splitting_off_too_much_is_refused() {
    drop(Budget::new(100).reserve(10).unwrap().split(11));
}

#[test]
fn levels_have_hysteresis() {
    let budget = Budget::new(100);
    let mut held = budget.reserve(0).unwrap();
    let mut at = |bytes| {
        held.resize(bytes).unwrap();
        budget.level()
    };
    assert_eq!((at(74), at(75)), (Level::Normal, Level::Elevated));
    assert_eq!((at(65), at(64)), (Level::Elevated, Level::Normal));
    assert_eq!((at(89), at(90)), (Level::Elevated, Level::Critical));
    assert_eq!((at(80), at(79)), (Level::Critical, Level::Elevated));
    assert_eq!((at(100), at(0)), (Level::Critical, Level::Normal));
}

#[test]
fn subscribers_are_told_once_per_change() {
    let budget = Budget::new(100);
    let (_subscription, heard) = listening(&budget);
    let mut held = budget.reserve(0).unwrap();
    for bytes in [10, 75, 80, 76, 95, 96, 91, 85, 70, 66, 20, 95, 0] {
        held.resize(bytes).unwrap();
    }
    use Level::{Critical, Elevated, Normal};
    let expected = [Elevated, Critical, Elevated, Normal, Critical, Normal];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn dropped_subscription_hears_nothing() {
    let budget = Budget::new(100);
    let (subscription, heard) = listening(&budget);
    drop(subscription);
    let _held = budget.reserve(99).unwrap();
    assert!(heard.lock().unwrap().is_empty());
    assert_eq!(Arc::strong_count(&heard), 1, "the callback is gone too");
}

#[test]
fn a_child_hears_of_its_ancestors_pressure() {
    let engine = Budget::new(100);
    let lane = engine.child("lane", Some(50));
    let (_subscription, heard) = listening(&lane);
    let held = engine.reserve(90).unwrap();
    assert_eq!(lane.level(), Level::Critical);
    drop(held);
    let _held = lane.reserve(40).unwrap();
    assert_eq!(
        (lane.level(), engine.level()),
        (Level::Elevated, Level::Normal)
    );
    let expected = [Level::Critical, Level::Normal, Level::Elevated];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn a_signal_raises_the_level_and_lets_it_fall() {
    let budget = Budget::new(100);
    let (_subscription, heard) = listening(&budget);
    budget.signal(Level::Critical);
    budget.signal(Level::Critical);
    assert_eq!(budget.level(), Level::Critical);
    budget.signal(Level::Normal);
    assert_eq!(budget.level(), Level::Normal);
    assert_eq!(*heard.lock().unwrap(), [Level::Critical, Level::Normal]);
}

#[test]
fn a_callback_may_give_back_what_raised_the_level() {
    let budget = Budget::new(100);
    let cache = Arc::new(Mutex::new(Some(budget.reserve(60).unwrap())));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (spilled, ear) = (cache.clone(), heard.clone());
    let _subscription = budget.subscribe(move |level| {
        hear(&ear, level);
        drop(spilled.lock().unwrap().take());
    });
    let _held = budget.reserve(35).unwrap();
    assert_eq!((budget.used(), budget.level()), (35, Level::Normal));
    assert_eq!(*heard.lock().unwrap(), [Level::Critical, Level::Normal]);
    assert!(cache.lock().unwrap().is_none());
}

#[test]
fn a_panicking_callback_is_told_again() {
    let budget = Budget::new(100);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let _subscription = budget.subscribe(move |level| {
        ear.lock()
            .unwrap_or_else(|broken| broken.into_inner())
            .push(level);
        assert_ne!(level, Level::Critical, "no room");
    });
    let attempt = std::panic::AssertUnwindSafe(|| budget.reserve(95).map(drop));
    assert!(std::panic::catch_unwind(attempt).is_err());
    assert_eq!(budget.used(), 0, "the unwound reservation gave back");
    budget.signal(Level::Elevated);
    let last = heard.lock().unwrap().last().copied();
    assert_eq!(last, Some(budget.level()));
}

#[test]
fn used_never_passes_the_limit_under_contention() {
    let budget = Budget::new(1000);
    let lane = budget.child("lane", Some(700));
    let granted: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (1..4)
            .map(|step| {
                let lane = lane.clone();
                scope.spawn(move || hammer(&lane, step * 100))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert!(granted > 0);
    assert_eq!((lane.used(), budget.used()), (0, 0));
    assert!(lane.high_water() <= 700);
    assert_eq!(budget.level(), Level::Normal);
}

/// Takes and gives back `bytes` many times; how often it was granted.
fn hammer(budget: &Budget, bytes: u64) -> u64 {
    let attempt = |_: &u32| {
        budget
            .reserve(bytes)
            .is_ok_and(|held| held.budget().used() <= 700)
    };
    (0..scaled(5000, 20) as u32).filter(attempt).count() as u64
}

#[cfg(target_os = "linux")]
#[test]
fn this_process_is_in_memory() {
    let process = memory::process().unwrap();
    assert!(process.resident > 0 && process.peak >= process.resident);
    assert!(process.resident >= process.anonymous + process.file);
    assert_eq!(memory::level(process.resident, 1), Level::Critical);
    assert!(memory::cgroup_limit().is_none_or(|limit| limit > process.anonymous));
}
