//! Keys of any columns as 16 bytes a row.
//!
//! Each value becomes a piece that tells its own length: a byte that says null or how many bytes
//! follow, then those bytes, without leading zeros in numbers. The pieces of a row are put one
//! behind the other. When they fit into 15 bytes, as most keys do, they are the row's *word*, with
//! their length in the top byte; otherwise the word says where the pieces lie in a side buffer.
//! Two keys are equal exactly when their pieces are, whatever was encoded with them.

use std::hash::{BuildHasher, RandomState};

use pelton_record::{Bitmap, Column, Values, View};

use super::pieces::{float_bits, spell, wide_zigzag, zigzag};

/// Bytes of pieces that a word holds itself.
const INLINE: u32 = 15;
/// The top byte of a word whose pieces lie in the side buffer.
const LONG: u128 = 0xFF;

/// Two secrets of one stage, so that nobody can prepare keys that collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64, u64);

impl Seed {
    /// Secrets that differ from run to run.
    pub(crate) fn random() -> Self {
        let state = RandomState::new();
        Self(state.hash_one(0), state.hash_one(1))
    }

    /// Secrets that never differ, for what must give the same figures in every run.
    pub(crate) const fn fixed() -> Self {
        Self(0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03)
    }

    /// Other secrets, under which keys that went together go apart.
    pub(crate) const fn next(self) -> Self {
        Self(self.mix(1, 2), self.mix(3, 4))
    }

    #[inline]
    const fn mix(self, low: u64, high: u64) -> u64 {
        let product = (low ^ self.0) as u128 * (high ^ self.1) as u128;
        ((product >> 64) as u64 ^ product as u64).wrapping_mul(0x9E6C_63D0_876A_F4A5)
    }

    /// The hash of a word, or of any other 128 bits.
    #[inline]
    pub(crate) const fn hash(self, word: u128) -> u64 {
        self.word(word)
    }

    #[inline]
    const fn word(self, word: u128) -> u64 {
        let mixed = self.mix(word as u64, (word >> 64) as u64);
        mixed ^ mixed >> 32
    }

    /// The hash of a key whose pieces are in `side` when they do not fit into its word.
    #[inline]
    pub(crate) fn hash_of(self, word: u128, side: &[u8]) -> u64 {
        if is_long(word) {
            self.bytes(long_bytes(word, side))
        } else {
            self.word(word)
        }
    }

    fn bytes(self, bytes: &[u8]) -> u64 {
        let (chunks, rest) = bytes.as_chunks::<16>();
        let mut tail = [0; 16];
        tail[..rest.len()].copy_from_slice(rest);
        let chunks = chunks.iter().chain([&tail]);
        chunks.fold(bytes.len() as u64, |hash, chunk| {
            self.word(u128::from_le_bytes(*chunk) ^ u128::from(hash) << 64 ^ u128::from(hash))
        })
    }
}

/// The keys of some rows: a word and a hash each.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) words: Vec<u128>,
    pub(crate) hashes: Vec<u64>,
    /// The pieces of the keys that are too long for a word.
    long: Vec<u8>,
}

/// True when the pieces of `word` lie in a side buffer.
#[inline]
pub(crate) const fn is_long(word: u128) -> bool {
    word >> 120 == LONG
}

/// The word of a key whose pieces lie at `start` of a side buffer.
#[inline]
pub(crate) const fn long_word(start: usize, len: usize) -> u128 {
    LONG << 120 | (len as u128) << 64 | start as u128
}

/// The pieces that a long `word` points to.
#[inline]
pub(crate) fn long_bytes(word: u128, side: &[u8]) -> &[u8] {
    &side[word as u64 as usize..][..long_len(word)]
}

/// How many bytes of pieces a long `word` points to.
#[inline]
pub(crate) const fn long_len(word: u128) -> usize {
    (word >> 64) as u32 as usize
}

/// The pieces of any `word`, by way of `room` when the word holds them itself.
pub(crate) fn pieces<'a>(word: u128, side: &'a [u8], room: &'a mut [u8; 16]) -> &'a [u8] {
    if is_long(word) {
        return long_bytes(word, side);
    }
    *room = word.to_le_bytes();
    &room[..(word >> 120) as usize]
}

impl Keys {
    /// Encodes and hashes rows `start .. start + rows` of `columns`.
    pub(crate) fn encode<'a>(
        &mut self,
        columns: impl Iterator<Item = &'a Column> + Clone,
        start: usize,
        rows: usize,
        seed: Seed,
    ) {
        self.words.clear();
        self.words.resize(rows, 0);
        self.long.clear();
        let mut rest = columns.clone();
        if let Some(first) = rest.next() {
            append::<true>(&mut self.words, first, start);
        }
        rest.for_each(|column| append::<false>(&mut self.words, column, start));
        self.spell_out(columns, start);
        self.hash(seed);
    }

    /// Takes the keys as they come, spelt in pieces already.
    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.hashes.clear();
        self.long.clear();
    }

    /// Adds a key that is spelt in pieces already.
    pub(crate) fn push(&mut self, pieces: &[u8], seed: Seed) {
        let word = if pieces.len() <= INLINE as usize {
            let mut bytes = [0; 16];
            bytes[..pieces.len()].copy_from_slice(pieces);
            bytes[15] = pieces.len() as u8;
            u128::from_le_bytes(bytes)
        } else {
            let start = self.long.len();
            self.long.extend_from_slice(pieces);
            long_word(start, pieces.len())
        };
        self.words.push(word);
        self.hashes.push(seed.hash_of(word, &self.long));
    }

    /// Adds a key that fits into a word.
    #[inline]
    pub(crate) fn push_word(&mut self, word: u128, seed: Seed) {
        self.words.push(word);
        self.hashes.push(seed.word(word));
    }

    /// The pieces of the keys too long for a word.
    pub(crate) fn side(&self) -> &[u8] {
        &self.long
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * 16 + self.hashes.capacity() * 8 + self.long.capacity()
    }

    /// Writes the pieces of the rows that did not fit into their words.
    fn spell_out<'a>(&mut self, columns: impl Iterator<Item = &'a Column> + Clone, start: usize) {
        for (row, word) in self.words.iter_mut().enumerate() {
            if is_long(*word) {
                let begin = self.long.len();
                for column in columns.clone() {
                    spell(column, start + row, &mut self.long);
                }
                *word = long_word(begin, self.long.len() - begin);
            }
        }
    }

    fn hash(&mut self, seed: Seed) {
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.clear();
        if self.long.is_empty() {
            hashes.extend(self.words.iter().map(|&word| seed.word(word)));
        } else {
            let long = &self.long;
            hashes.extend(self.words.iter().map(|&word| seed.hash_of(word, long)));
        }
        self.hashes = hashes;
    }
}

/// The word with a piece of `len` bytes behind those it has, none in the `FIRST` column, or marked
/// as long.
#[inline]
const fn with_piece<const FIRST: bool>(word: u128, piece: u128, len: u32) -> u128 {
    let used = if FIRST { 0 } else { (word >> 120) as u32 };
    if used + len > INLINE {
        return LONG << 120;
    }
    (word | piece << (used * 8)) + ((len as u128) << 120)
}

/// Puts the pieces of `column`, from row `start` on, behind those that the words have.
fn append<const FIRST: bool>(words: &mut [u128], column: &Column, start: usize) {
    let validity = column.validity();
    match column.values() {
        Values::Bool(bits) => each::<FIRST>(words, validity, start, |row| {
            (u128::from(bits.get(row)) + 1, 1)
        }),
        Values::Int64(values) | Values::Timestamp(values) => {
            each::<FIRST>(words, validity, start, |row| number(zigzag(values[row])));
        }
        Values::Float64(values) => {
            each::<FIRST>(words, validity, start, |row| {
                number(float_bits(values[row]))
            });
        }
        Values::Decimal { mantissas, .. } => {
            each::<FIRST>(words, validity, start, |row| {
                wide_number(wide_zigzag(mantissas[row]))
            });
        }
        Values::String(strings) | Values::Bytes(strings) => {
            let (base, views) = (strings.base(), strings.views());
            each::<FIRST>(words, validity, start, |row| text(base, views[row]));
        }
        other => unreachable!("no keys of type {}", other.data_type()),
    }
}

#[inline]
fn each<const FIRST: bool>(
    words: &mut [u128],
    validity: Option<&Bitmap>,
    start: usize,
    piece: impl Fn(usize) -> (u128, u32),
) {
    // Called from one place, so that it becomes part of the loop.
    for (row, word) in words.iter_mut().enumerate() {
        let valid = validity.is_none_or(|bits| bits.get(start + row));
        let (piece, len) = if valid { piece(start + row) } else { (0, 1) };
        *word = with_piece::<FIRST>(*word, piece, len);
    }
}

#[inline]
const fn number(value: u64) -> (u128, u32) {
    let len = (64 - value.leading_zeros()).div_ceil(8);
    ((value as u128) << 8 | (len + 1) as u128, len + 1)
}

#[inline]
const fn wide_number(value: u128) -> (u128, u32) {
    let len = (128 - value.leading_zeros()).div_ceil(8);
    if len >= INLINE {
        return (0, INLINE + 1);
    }
    (value << 8 | (len + 1) as u128, len + 1)
}

#[inline]
fn text(base: &[u8], view: View) -> (u128, u32) {
    if view.len >= INLINE {
        return (0, INLINE + 1);
    }
    let piece = view.prefix(base) << 8;
    (piece | u128::from(view.len + 1), view.len + 1)
}
