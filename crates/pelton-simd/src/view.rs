//! Views: many short strings that lie in one block.

use crate::Level;
use crate::load::load_short;
use crate::vector::{Kernel, Vector, dispatch};

/// A string by its place in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct View {
    /// Where it starts, in bytes from the start of the block.
    pub start: u32,
    /// How long it is, in bytes.
    pub len: u32,
}

impl View {
    /// The view of `start .. end`.
    ///
    /// # Panics
    ///
    /// In debug builds when `end` is before `start`.
    #[inline]
    #[must_use]
    pub const fn between(start: u32, end: u32) -> Self {
        debug_assert!(start <= end, "a view ends behind its start");
        Self {
            start,
            len: end.wrapping_sub(start),
        }
    }

    /// One past the last byte.
    #[inline]
    #[must_use]
    pub const fn end(self) -> u32 {
        self.start + self.len
    }

    /// The bytes.
    ///
    /// # Panics
    ///
    /// If the view reaches past the block.
    #[inline]
    #[must_use]
    pub fn of(self, block: &[u8]) -> &[u8] {
        &block[self.start as usize..][..self.len as usize]
    }

    /// The first sixteen bytes, or all if there are fewer, the first in the lowest place, zeros
    /// above the last.
    ///
    /// Two views of the same length up to sixteen are equal if their prefixes are. Where the block
    /// goes on for sixteen bytes it is one load and no branch on the length.
    ///
    /// # Panics
    ///
    /// If those bytes reach past the block.
    #[inline(always)]
    #[must_use]
    pub fn prefix(self, block: &[u8]) -> u128 {
        match sixteen(block, self.start as usize) {
            Some(word) => word & low_bytes(self.len as usize),
            None => first_sixteen(self.of(block)),
        }
    }
}

/// Sixteen bytes of the block, if it has as many from there on.
#[inline(always)]
fn sixteen(block: &[u8], start: usize) -> Option<u128> {
    block
        .get(start..)?
        .first_chunk()
        .map(|bytes| u128::from_le_bytes(*bytes))
}

/// Sixteen times all ones and sixteen zeros.
static ONES_THEN_ZEROS: [u8; 32] = {
    let mut table = [0; 32];
    let mut i = 0;
    while i < 16 {
        table[i] = 0xff;
        i += 1;
    }
    table
};

/// Ones in the lowest `count` bytes, sixteen at most; a load instead of shifts of two words.
#[inline(always)]
fn low_bytes(count: usize) -> u128 {
    let mask = ONES_THEN_ZEROS[16 - count.min(16)..].first_chunk();
    u128::from_le_bytes(mask.copied().unwrap_or_default())
}

/// The first sixteen bytes, or all if there are fewer, the first in the lowest place.
#[inline(always)]
pub(crate) fn first_sixteen(bytes: &[u8]) -> u128 {
    if let Some(bytes) = bytes.first_chunk() {
        return u128::from_le_bytes(*bytes);
    }
    match bytes.split_first_chunk() {
        Some((low, rest)) => {
            u128::from(u64::from_le_bytes(*low)) | u128::from(load_short(rest)) << 64
        }
        None => u128::from(load_short(bytes)),
    }
}

/// Writes a bit for each view: whether its bytes are the needle's. `out` is overwritten.
///
/// The lengths are compared first, then sixteen bytes at once; the block needs no padding.
///
/// ```
/// use pelton_simd::view::{View, equal};
///
/// let views = [View { start: 0, len: 2 }, View { start: 3, len: 2 }, View { start: 3, len: 1 }];
/// let mut bits = Vec::new();
/// equal(b"ab,cd", &views, b"cd", &mut bits);
/// assert_eq!(bits, [0b010]);
/// ```
///
/// # Panics
///
/// If a view as long as the needle reaches past the block.
#[inline]
pub fn equal(block: &[u8], views: &[View], needle: &[u8], out: &mut Vec<u64>) {
    equal_at(Level::detect(), block, views, needle, out);
}

/// [`equal`] at a level of choice.
///
/// # Panics
///
/// As [`equal`].
pub fn equal_at(level: Level, block: &[u8], views: &[View], needle: &[u8], out: &mut Vec<u64>) {
    out.clear();
    out.reserve(views.len().div_ceil(64));
    dispatch(
        level,
        Equal {
            block,
            views,
            needle,
            out,
        },
    );
}

struct Equal<'a> {
    block: &'a [u8],
    views: &'a [View],
    needle: &'a [u8],
    out: &'a mut Vec<u64>,
}

impl Equal<'_> {
    #[inline(always)]
    fn run(self, same: impl Fn(View) -> bool) {
        for views in self.views.chunks(64) {
            let mut word = 0;
            for (i, view) in views.iter().enumerate() {
                let equal = view.len as usize == self.needle.len() && same(*view);
                word |= u64::from(equal) << i;
            }
            self.out.push(word);
        }
    }
}

impl Kernel for Equal<'_> {
    type Output = ();

    fn scalar(self) {
        let (block, needle) = (self.block, self.needle);
        self.run(|view| view.of(block) == needle);
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) {
        let (block, needle) = (self.block, self.needle);
        if needle.len() > 16 {
            return self.scalar();
        }
        let wanted = first_sixteen(needle);
        let mask = low_bytes(needle.len());
        self.run(|view| match sixteen(block, view.start as usize) {
            Some(word) => word & mask == wanted,
            None => view.of(block) == needle,
        });
    }
}
