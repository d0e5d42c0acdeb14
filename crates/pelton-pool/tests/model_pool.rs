//! The buffer pool against a plain account of what is lent.
#![cfg(not(loom))]

use std::collections::BTreeMap;

use pelton_pool::{Budget, Buffer, BufferPool};
use proptest::prelude::*;

const LIMIT: u64 = 64 << 10;
const LARGEST: usize = 8 << 10;

#[derive(Clone, Debug)]
enum Step {
    Lease(usize),
    Append(usize, usize),
    Return(usize),
    Shrink(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..20_000usize).prop_map(Step::Lease),
        2 => (any::<usize>(), 0..5000usize).prop_map(|(which, bytes)| Step::Append(which, bytes)),
        4 => any::<usize>().prop_map(Step::Return),
        1 => (0.0..1.0).prop_map(Step::Shrink),
    ]
}

/// A pool, and what a plain account says of it.
struct Both {
    pool: BufferPool,
    out: Vec<(Buffer, Vec<u8>)>,
    /// How often each class served so far.
    served: BTreeMap<usize, u64>,
}

impl Both {
    fn new() -> Self {
        let builder = BufferPool::builder().budget(Budget::new(LIMIT));
        Self {
            pool: builder.largest_class(LARGEST).build(),
            out: Vec::new(),
            served: BTreeMap::new(),
        }
    }

    fn lent(&self) -> u64 {
        self.out
            .iter()
            .map(|(buffer, _)| buffer.capacity() as u64)
            .sum()
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Lease(bytes) => self.lease(bytes),
            Step::Append(which, bytes) => self.append(which, bytes),
            Step::Return(which) => {
                if let Some(which) = which.checked_rem(self.out.len()) {
                    let (buffer, _) = self.out.swap_remove(which);
                    drop(buffer);
                }
            }
            Step::Shrink(fraction) => drop(self.pool.shrink(fraction)),
        }
    }

    /// Refused only if what is lent and what is asked for do not fit together.
    fn lease(&mut self, bytes: usize) {
        let size = match bytes {
            0..=LARGEST => bytes.next_power_of_two().max(64),
            _ => bytes.next_multiple_of(64),
        };
        let fits = self.lent() + size as u64 <= LIMIT;
        let leased = self.pool.lease(bytes);
        assert_eq!(leased.is_ok(), fits);
        if let Ok(buffer) = leased {
            assert_eq!((buffer.capacity(), buffer.len()), (size, 0));
            self.out.push((buffer, Vec::new()));
        }
    }

    fn append(&mut self, which: usize, bytes: usize) {
        let Some(which) = which.checked_rem(self.out.len()) else {
            return;
        };
        let (buffer, text) = &mut self.out[which];
        let more = vec![(bytes % 251) as u8; bytes];
        if buffer.extend_from_slice(&more).is_ok() {
            text.extend(more);
        }
    }

    fn check(&mut self) {
        let stats = self.pool.stats();
        let lent = self.lent();
        assert_eq!(stats.outstanding, self.out.len());
        assert_eq!(stats.held_bytes, lent + stats.idle_bytes);
        assert_eq!(self.pool.budget().used(), stats.held_bytes);
        assert!(stats.high_water <= LIMIT);
        for class in &stats.classes {
            let size = class.size;
            let out = self
                .out
                .iter()
                .filter(|(buffer, _)| buffer.capacity() == size);
            assert_eq!(class.outstanding, out.count());
            let served = class.hits + class.misses;
            let before = self.served.insert(size, served).unwrap_or(0);
            assert!(served >= before);
        }
        for (buffer, text) in &self.out {
            assert_eq!(&buffer[..], &text[..]);
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_its_naive_twin(steps in prop::collection::vec(step(), 1..150)) {
        let mut both = Both::new();
        for step in steps {
            both.apply(step);
            both.check();
        }
        both.out.clear();
        both.pool.trim();
        prop_assert_eq!(both.pool.stats().held_bytes, 0);
    }
}
