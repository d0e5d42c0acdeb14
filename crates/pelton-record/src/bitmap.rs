//! One bit a row.

use crate::spare;

/// A row of bits: validity of a column, or the answer of a predicate.
///
/// Bits past the length are zero, so that words can be counted and combined whole.
///
/// ```
/// let even = pelton_record::Bitmap::from_fn(5, |row| row % 2 == 0);
/// assert_eq!(even.count_ones(), 3);
/// assert_eq!(even.ones().collect::<Vec<_>>(), [0, 2, 4]);
/// ```
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    /// `len` bits, all `value`.
    #[must_use]
    pub fn new(len: usize, value: bool) -> Self {
        let mut bits = Self {
            words: spare::filled(len.div_ceil(64), if value { !0 } else { 0 }),
            len,
        };
        bits.clear_tail();
        bits
    }

    /// `len` bits from `words`, low bit first; words that are missing count as zero, and bits past
    /// `len` are cleared.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.resize(len.div_ceil(64), 0);
        let mut bits = Self { words, len };
        bits.clear_tail();
        bits
    }

    /// `len` bits, each the answer of `bit`, asked in order.
    pub fn from_fn(len: usize, mut bit: impl FnMut(usize) -> bool) -> Self {
        let word = |base: usize, bit: &mut dyn FnMut(usize) -> bool| {
            (base..len.min(base + 64)).fold(0, |word, i| word | u64::from(bit(i)) << (i - base))
        };
        let words = (0..len).step_by(64).map(|base| word(base, &mut bit));
        Self {
            words: spare::collect(words),
            len,
        }
    }

    /// Number of bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True without any bit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `index`.
    ///
    /// # Panics
    ///
    /// When `index` is past the last word; debug builds check the length itself.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> bool {
        debug_assert!(index < self.len, "bit {index} of {}", self.len);
        self.words[index / 64] >> (index % 64) & 1 != 0
    }

    /// Sets bit `index` to `value`.
    ///
    /// # Panics
    ///
    /// When `index` is not below the length.
    #[inline]
    pub fn set(&mut self, index: usize, value: bool) {
        assert!(index < self.len, "bit {index} of {}", self.len);
        let mask = 1 << (index % 64);
        if value {
            self.words[index / 64] |= mask;
        } else {
            self.words[index / 64] &= !mask;
        }
    }

    /// Appends a bit.
    #[inline]
    pub fn push(&mut self, value: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        if value {
            self.words[(self.len - 1) / 64] |= 1 << ((self.len - 1) % 64);
        }
    }

    /// The words, low bit first; bits past the length are zero.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Number of bits that are set. O(len / 64).
    #[must_use]
    pub fn count_ones(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// True when every bit is set.
    #[must_use]
    pub fn all(&self) -> bool {
        self.count_ones() == self.len
    }

    /// True when at least one bit is set.
    #[must_use]
    pub fn any(&self) -> bool {
        self.words.iter().any(|&word| word != 0)
    }

    /// The positions of the set bits, ascending.
    pub fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| {
                Some(rest & (rest - 1)).filter(|&rest| rest != 0)
            })
            .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
        })
    }

    /// Bit by bit `operation` of two rows of bits.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    #[must_use]
    pub fn zip(&self, other: &Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        assert_eq!(self.len, other.len, "bitmaps of one length");
        let pairs = self.words.iter().zip(&other.words);
        let words = spare::collect(pairs.map(|(&a, &b)| operation(a, b)));
        Self::from_words(words, self.len)
    }

    /// Both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// Either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// The first and not the second.
    #[must_use]
    pub fn and_not(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Each bit turned over.
    #[must_use]
    pub fn not(&self) -> Self {
        let words = spare::collect(self.words.iter().map(|word| !word));
        Self::from_words(words, self.len)
    }

    /// Keeps the bits whose row `keep` has set, in order.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn retain(&mut self, keep: &Self) {
        assert_eq!(self.len, keep.len, "bitmaps of one length");
        let mut kept = Self {
            words: spare::take(self.words.len()),
            len: 0,
        };
        for index in keep.ones() {
            kept.push(self.get(index));
        }
        *self = kept;
    }

    fn clear_tail(&mut self) {
        if let (Some(last), tail @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << tail) - 1;
        }
    }
}

impl Clone for Bitmap {
    fn clone(&self) -> Self {
        Self {
            words: spare::copy(&self.words),
            len: self.len,
        }
    }
}

impl Drop for Bitmap {
    fn drop(&mut self) {
        spare::give(std::mem::take(&mut self.words));
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let bits = bits.into_iter();
        let mut bitmap = Self {
            words: spare::take(bits.size_hint().0.div_ceil(64)),
            len: 0,
        };
        bits.for_each(|bit| bitmap.push(bit));
        bitmap
    }
}

/// Keeps the items of `items` whose bit is set, in order and in place.
///
/// # Panics
///
/// When the lengths differ.
pub(crate) fn compact<T: Copy>(items: &mut Vec<T>, keep: &Bitmap) {
    assert_eq!(items.len(), keep.len(), "a bit an item");
    let mut end = 0;
    for (index, &word) in keep.words().iter().enumerate() {
        let base = index * 64;
        if word == !0 {
            items.copy_within(base..base + 64, end);
            end += 64;
            continue;
        }
        let mut rest = word;
        while rest != 0 {
            items[end] = items[base + rest.trailing_zeros() as usize];
            end += 1;
            rest &= rest - 1;
        }
    }
    items.truncate(end);
}
