//! Numbers that look random and are the same each time.

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The sequence of one row of one seed.
    pub(super) fn of_row(seed: u64, row: u64) -> Self {
        let mut random = Self {
            state: seed ^ row.wrapping_mul(0xd134_2543_de82_ef95),
        };
        random.state = random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In range `0..bound`, to within one part in 2^32.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// In range `0..bound`, small numbers more often: the square of a uniform number.
    pub(super) fn skewed(&mut self, bound: u64) -> u64 {
        let unit = self.next() >> 40;
        (((unit * unit) >> 24) * bound) >> 24
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    pub(super) fn pick_skewed<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.skewed(items.len() as u64) as usize]
    }
}
