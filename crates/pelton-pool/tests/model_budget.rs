//! The budget against a naive twin: a list of what each level holds, summed anew each time.
#![cfg(not(loom))]

use pelton_pool::{Budget, Level, Reservation};
use proptest::prelude::*;

const LIMITS: [u64; 3] = [1000, 600, 900];

/// Three budgets, the root and two children, and what is held from which.
struct Both {
    budgets: [Budget; 3],
    held: Vec<(usize, Reservation)>,
    levels: [Level; 3],
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(usize, u64),
    Resize(usize, u64),
    Split(usize, u64),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 0..500u64).prop_map(|(who, bytes)| Step::Reserve(who, bytes)),
        (any::<usize>(), 0..800u64).prop_map(|(which, bytes)| Step::Resize(which, bytes)),
        (any::<usize>(), 0..800u64).prop_map(|(which, bytes)| Step::Split(which, bytes)),
        any::<usize>().prop_map(Step::Drop),
    ]
}

impl Both {
    fn new() -> Self {
        let root = Budget::root("root", LIMITS[0]);
        let left = root.child("left", Some(LIMITS[1]));
        let right = root.child("right", Some(LIMITS[2]));
        Self {
            budgets: [root, left, right],
            held: Vec::new(),
            levels: [Level::Normal; 3],
        }
    }

    /// The twin's count: a child holds its own, the root holds everything.
    fn used(&self, who: usize) -> u64 {
        let own = |(owner, _): &&(usize, Reservation)| who == 0 || *owner == who;
        self.held
            .iter()
            .filter(own)
            .map(|(_, held)| held.bytes())
            .sum()
    }

    fn fits(&self, who: usize, bytes: u64) -> bool {
        [0, who]
            .iter()
            .all(|&level| self.used(level) + bytes <= LIMITS[level])
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Reserve(who, bytes) => {
                let fits = self.fits(who, bytes);
                let result = self.budgets[who].reserve(bytes);
                assert_eq!(result.is_ok(), fits || bytes == 0);
                self.held.extend(result.ok().map(|held| (who, held)));
            }
            Step::Drop(which) => {
                let which = which.checked_rem(self.held.len());
                drop(which.map(|which| self.held.swap_remove(which)));
            }
            Step::Resize(which, bytes) => self.resize(which, bytes),
            Step::Split(which, bytes) => {
                let Some(which) = which.checked_rem(self.held.len()) else {
                    return;
                };
                let (who, held) = &mut self.held[which];
                let part = held.split(bytes.min(held.bytes()));
                let who = *who;
                self.held.push((who, part));
            }
        }
    }

    fn resize(&mut self, which: usize, bytes: u64) {
        let Some(which) = which.checked_rem(self.held.len()) else {
            return;
        };
        let (who, before) = (self.held[which].0, self.held[which].1.bytes());
        let fits = bytes <= before || self.fits(who, bytes - before);
        assert_eq!(self.held[which].1.resize(bytes).is_ok(), fits);
    }

    /// The naive account of the hysteresis, in percent, as the documentation words it.
    fn naive_level(&self, who: usize) -> Level {
        let share = self.used(who) * 100;
        let at = |percent: u64| share >= LIMITS[who] * percent;
        match self.levels[who] {
            _ if at(90) => Level::Critical,
            Level::Critical if at(80) => Level::Critical,
            _ if at(75) => Level::Elevated,
            Level::Elevated | Level::Critical if at(65) => Level::Elevated,
            _ => Level::Normal,
        }
    }

    fn check(&mut self) {
        for who in 0..3 {
            self.levels[who] = self.naive_level(who);
        }
        for (who, budget) in self.budgets.iter().enumerate() {
            assert_eq!(budget.used(), self.used(who));
            assert_eq!(budget.level(), self.levels[who].max(self.levels[0]));
            assert!(budget.high_water() >= budget.used());
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_its_naive_twin(steps in prop::collection::vec(step(), 1..200)) {
        let mut both = Both::new();
        for step in steps {
            both.apply(step);
            both.check();
        }
        both.held.clear();
        prop_assert_eq!(both.budgets[0].used(), 0);
    }
}
