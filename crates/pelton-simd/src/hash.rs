//! Fast hashes of good quality, for tables and for telling records apart.
//!
//! Both are built of the folded product: two 64-bit words are multiplied to 128 bits and the
//! halves xor-ed, which spreads every bit of both over the whole word (the idea of wyhash and its
//! kin). They are no cryptography: who knows the seed can make collisions, so take a random one
//! where the data comes from strangers.
//!
//! The values are the same on every machine and at every level for the same seed. They may change
//! between versions of this crate: keep them in memory, not in files.

use crate::view::{View, first_sixteen};

/// Digits of pi: words that no data resembles, four for each of two independent hashes.
const KEYS: [Keys; 2] = [
    Keys([
        0x243f_6a88_85a3_08d3,
        0x1319_8a2e_0370_7344,
        0xa409_3822_299f_31d0,
        0x082e_fa98_ec4e_6c89,
    ]),
    Keys([
        0x4528_21e6_38d0_1377,
        0xbe54_66cf_34e9_0c6c,
        0xc0ac_29b7_c97c_50dd,
        0x3f84_d5b5_b547_0917,
    ]),
];

/// The words that a hash depends on besides the data.
#[derive(Clone, Copy)]
struct Keys([u64; 4]);

impl Keys {
    /// Keys that a stranger cannot guess if the seed is random.
    #[inline(always)]
    const fn seeded(self, seed: u64) -> Self {
        let Self([a, b, c, d]) = self;
        let (left, back) = (seed.rotate_left(16), seed.rotate_left(48));
        Self([a ^ seed, b ^ left, c ^ seed.rotate_left(32), d ^ back])
    }

    /// The hash of two words: one product, of which both halves go into the next.
    ///
    /// The factors come back with the halves, so that a zero does not swallow the other factor.
    #[inline(always)]
    const fn words(self, a: u64, b: u64, len: u64) -> u64 {
        let (x, y) = (a ^ self.0[0], b ^ self.0[1]);
        let product = (x as u128) * (y as u128);
        fold(
            product as u64 ^ x ^ len ^ self.0[2],
            (product >> 64) as u64 ^ y ^ self.0[3],
        )
    }

    /// The hash of a byte string.
    #[inline(always)]
    fn bytes(self, bytes: &[u8]) -> u64 {
        match bytes.last_chunk() {
            Some(last) if bytes.len() > 16 => self.long(bytes, u128::from_le_bytes(*last)),
            _ => self.short(first_sixteen(bytes), bytes.len()),
        }
    }

    /// The hash of at most sixteen bytes, with zeros behind them.
    #[inline(always)]
    const fn short(self, padded: u128, len: usize) -> u64 {
        self.words(padded as u64, (padded >> 64) as u64, len as u64)
    }

    /// Two chains of folded products over all but the last sixteen bytes, then those.
    fn long(self, bytes: &[u8], last: u128) -> u64 {
        let Self([mut even, mut odd, a, b]) = self;
        let (pairs, tail) = bytes[..bytes.len() - 16].as_chunks::<32>();
        for pair in pairs {
            even = absorb(even, &pair[..16], a);
            odd = absorb(odd, &pair[16..], b);
        }
        if tail.len() > 16 {
            even = absorb(even, tail, a);
            odd = absorb(odd, &tail[tail.len() - 16..], b);
        } else {
            let rest = first_sixteen(tail);
            even = fold(rest as u64 ^ even, (rest >> 64) as u64 ^ a);
        }
        self.words(
            last as u64 ^ even,
            (last >> 64) as u64 ^ odd,
            bytes.len() as u64,
        )
    }
}

/// Takes the first sixteen bytes into a chain.
#[inline(always)]
fn absorb(state: u64, bytes: &[u8], key: u64) -> u64 {
    let word = first_sixteen(&bytes[..16]);
    fold(word as u64 ^ state, (word >> 64) as u64 ^ key)
}

/// The folded product.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    product as u64 ^ (product >> 64) as u64
}

/// A word's hash.
///
/// The hash of one column is a good seed for the next: `hash_u64(b, hash_u64(a, seed))`.
///
/// ```
/// use pelton_simd::hash::hash_u64;
///
/// assert_ne!(hash_u64(1, 0), hash_u64(2, 0));
/// assert_ne!(hash_u64(1, 0), hash_u64(1, 1));
/// ```
#[inline]
#[must_use]
pub const fn hash_u64(value: u64, seed: u64) -> u64 {
    KEYS[0].seeded(seed).words(value, 0, 8)
}

/// A byte string's hash.
///
/// Strings of at most sixteen bytes cost two multiplications, longer ones one more for each
/// sixteen.
#[inline]
#[must_use]
pub fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    KEYS[0].seeded(seed).bytes(bytes)
}

/// A byte string's hash, wide enough to stand for the string itself.
///
/// The upper half is [`hash_bytes`]; the lower is computed apart with other keys. Taking both as
/// random, the chance that any two of `n` strings share a hash is about `n^2 / 2^129`: for a
/// billion strings 1.5e-21, for a trillion 1.5e-15.
///
/// ```
/// use pelton_simd::hash::{hash128, hash_bytes};
///
/// let wide = hash128(b"order-17", 42);
/// assert_eq!((wide >> 64) as u64, hash_bytes(b"order-17", 42));
/// ```
#[inline]
#[must_use]
pub fn hash128(bytes: &[u8], seed: u64) -> u128 {
    let [high, low] = KEYS.map(|keys| keys.seeded(seed).bytes(bytes));
    u128::from(high) << 64 | u128::from(low)
}

/// Appends the [`hash_u64`] of each word.
pub fn hash_u64s(values: &[u64], seed: u64, out: &mut Vec<u64>) {
    let keys = KEYS[0].seeded(seed);
    out.extend(values.iter().map(|value| keys.words(*value, 0, 8)));
}

/// Appends the [`hash_bytes`] of each view.
///
/// ```
/// use pelton_simd::hash::{hash_bytes, hash_views};
/// use pelton_simd::view::View;
///
/// let mut hashes = Vec::new();
/// hash_views(b"ab,cd", &[View { start: 3, len: 2 }], 7, &mut hashes);
/// assert_eq!(hashes, [hash_bytes(b"cd", 7)]);
/// ```
///
/// # Panics
///
/// If a view reaches past the block.
pub fn hash_views(block: &[u8], views: &[View], seed: u64, out: &mut Vec<u64>) {
    let keys = KEYS[0].seeded(seed);
    out.extend(views.iter().map(|view| keys.view(block, *view)));
}

/// Appends the [`hash128`] of each view.
///
/// # Panics
///
/// If a view reaches past the block.
pub fn hash128_views(block: &[u8], views: &[View], seed: u64, out: &mut Vec<u128>) {
    let [high, low] = KEYS.map(|keys| keys.seeded(seed));
    out.extend(views.iter().map(|view| {
        u128::from(high.view(block, *view)) << 64 | u128::from(low.view(block, *view))
    }));
}

impl Keys {
    /// The hash of a view, whose first sixteen bytes the block mostly gives in one load.
    #[inline(always)]
    fn view(self, block: &[u8], view: View) -> u64 {
        match view.len {
            0..=16 => self.short(view.prefix(block), view.len as usize),
            _ => self.bytes(view.of(block)),
        }
    }
}
