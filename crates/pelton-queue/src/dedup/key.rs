//! Keys, and how long values become keys.

use super::slot::{Pair, Slot, Word};

/// What a table can hold: `u64` and `u128`.
///
/// Sealed: the slots are made for these two.
pub trait Key: private::Scramble {}

impl Key for u64 {}
impl Key for u128 {}

pub(super) mod private {
    use super::{Pair, Slot, Word};
    use std::fmt::Debug;
    use std::hash::Hash;

    /// A key as the table sees it.
    pub trait Scramble: Copy + Eq + Hash + Debug + Send + Sync + 'static {
        /// Where one key fits.
        type Slot: Slot<Self>;

        /// One to one, and all bits depend on all: sequential keys spread over the table.
        #[must_use]
        fn scramble(self, seed: u64) -> Self;

        /// True for the few scrambled keys whose bits mean something else in a slot.
        fn is_reserved(self) -> bool;

        /// The bits that choose the place in the table.
        fn rank(self) -> u64;
    }

    impl Scramble for u64 {
        type Slot = Word;

        #[inline]
        fn scramble(self, seed: u64) -> Self {
            super::mix(self ^ seed)
        }

        #[inline]
        fn is_reserved(self) -> bool {
            Word::RESERVED.contains(&self)
        }

        #[inline]
        fn rank(self) -> u64 {
            self
        }
    }

    impl Scramble for u128 {
        type Slot = Pair;

        /// Two Feistel rounds around the mix, each undone by doing it again.
        #[inline]
        fn scramble(self, seed: u64) -> Self {
            let (high, low) = ((self >> 64) as u64, self as u64);
            let high = super::mix(high ^ seed);
            let low = low ^ super::mix(high);
            let high = high ^ super::mix(low);
            Self::from(high) << 64 | Self::from(low)
        }

        #[inline]
        fn is_reserved(self) -> bool {
            Pair::is_reserved(self)
        }

        #[inline]
        fn rank(self) -> u64 {
            (self >> 64) as u64
        }
    }
}

/// One to one: each step can be undone. The constants are those of `SplitMix64` (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014).
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Makes a 128-bit key of a value of any length: `SipHash-1-3` with 128 bits of output (Aumasson
/// and Bernstein, "SipHash: a fast short-input PRF", 2012).
///
/// Keep `secret` fixed as long as keys are compared, and secret from whoever chooses the values:
/// then nobody can make two values meet on purpose. See [the table of chances](super) for how
/// likely two meet by accident. About a nanosecond a byte.
///
/// ```
/// use pelton_queue::dedup::key_of;
///
/// let secret = [1, 2];
/// assert_eq!(key_of(b"order 1", secret), key_of(b"order 1", secret));
/// assert_ne!(key_of(b"order 1", secret), key_of(b"order 2", secret));
/// ```
#[must_use]
pub fn key_of(value: &[u8], secret: [u64; 2]) -> u128 {
    sip128::<1, 3>(value, secret)
}

fn sip128<const WORD_ROUNDS: usize, const FINAL_ROUNDS: usize>(
    value: &[u8],
    [key0, key1]: [u64; 2],
) -> u128 {
    let mut state = Sip([
        key0 ^ 0x736f_6d65_7073_6575,
        key1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        key0 ^ 0x6c79_6765_6e65_7261,
        key1 ^ 0x7465_6462_7974_6573,
    ]);
    let (words, rest) = value.as_chunks::<8>();
    for word in words {
        state.absorb::<WORD_ROUNDS>(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = value.len() as u8;
    state.absorb::<WORD_ROUNDS>(u64::from_le_bytes(last));
    let low = state.squeeze::<FINAL_ROUNDS>(2, 0xee);
    let high = state.squeeze::<FINAL_ROUNDS>(1, 0xdd);
    u128::from(high) << 64 | u128::from(low)
}

struct Sip([u64; 4]);

impl Sip {
    fn absorb<const ROUNDS: usize>(&mut self, word: u64) {
        self.0[3] ^= word;
        self.rounds::<ROUNDS>();
        self.0[0] ^= word;
    }

    fn squeeze<const ROUNDS: usize>(&mut self, index: usize, mark: u64) -> u64 {
        self.0[index] ^= mark;
        self.rounds::<ROUNDS>();
        self.0.iter().fold(0, |sum, word| sum ^ word)
    }

    fn rounds<const ROUNDS: usize>(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        for _ in 0..ROUNDS {
            a = a.wrapping_add(b);
            c = c.wrapping_add(d);
            b = b.rotate_left(13) ^ a;
            d = d.rotate_left(16) ^ c;
            a = a.rotate_left(32).wrapping_add(d);
            c = c.wrapping_add(b);
            d = d.rotate_left(21) ^ a;
            b = b.rotate_left(17) ^ c;
            c = c.rotate_left(32);
        }
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::private::Scramble;
    use super::*;

    /// The first two vectors that the authors publish for `SipHash-2-4` with 128 bits.
    #[test]
    fn sip_agrees_with_the_published_vectors() {
        let secret = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let empty = 0x9302_55c7_1472_f66d_e6a8_25ba_047f_81a3;
        assert_eq!(sip128::<2, 4>(&[], secret), empty);
        let zero = 0x45fc_229b_1159_7634_44af_996b_d8c1_87da;
        assert_eq!(sip128::<2, 4>(&[0], secret), zero);
    }

    #[test]
    fn lengths_and_rests_all_make_different_keys() {
        let zeros = [0; 40];
        let keys: std::collections::HashSet<u128> =
            (0..=40).map(|len| key_of(&zeros[..len], [1, 2])).collect();
        assert_eq!(keys.len(), 41);
    }

    #[test]
    fn scrambling_is_one_to_one_on_a_sample() {
        let count = crate::sync::scaled(10_000, 200);
        let keys = (0..count as u128).map(|key| (key << 57).scramble(7));
        let sample: std::collections::HashSet<u128> = keys.collect();
        assert_eq!(sample.len(), count);
    }
}
