//! The room for one key.

#[cfg(not(loom))]
use std::alloc::{Layout, alloc_zeroed};
#[cfg(not(loom))]
use std::ptr::NonNull;
use std::slice;

use crate::sync::{AtomicU64, Backoff, Ordering};

/// No key yet.
const EMPTY: u64 = 0;
/// No key, and never will be: look in the next array.
const SEALED: u64 = u64::MAX;

/// What a look at a slot finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// No key yet.
    Empty,
    /// No key, and never will be.
    Sealed,
    /// The key asked for.
    Same,
    /// Another key.
    Other,
}

/// Slots of a line.
pub(super) const LINE: usize = if cfg!(loom) { 1 } else { 8 };

/// Slots side by side that are brought near together: one line of the cache, or two for 128 bits.
#[derive(Debug, Default)]
#[cfg_attr(not(loom), repr(align(64)))]
pub struct Line<S>([S; LINE]);

impl<S> Line<S> {
    /// The slots of all `lines` in order.
    #[inline]
    pub(super) fn slots(lines: &[Self]) -> &[S] {
        const { assert!(size_of::<Self>() == LINE * size_of::<S>()) };
        // SAFETY: a line is so many slots and nothing else, as was just seen, so that many slots
        // follow each other here, borrowed like the lines.
        unsafe { slice::from_raw_parts(lines.as_ptr().cast(), LINE * lines.len()) }
    }
}

/// Goes from empty to a key or to sealed, and then stays.
pub trait Slot<K>: Send + Sync + Sized {
    /// So many lines of empty ones, in memory that is there: see [`touch`]. None where the system
    /// has no such memory.
    fn empty(lines: usize) -> Option<Box<[Line<Self>]>>;

    /// What is here, compared with `key`.
    fn look(&self, key: K) -> Seen;

    /// Puts `key` into an empty slot; false if something else came first.
    fn claim(&self, key: K) -> bool;

    /// Seals an empty slot; false if something else came first.
    fn seal(&self) -> bool;

    /// The key here, if any.
    fn key(&self) -> Option<K>;
}

/// The room for 64 bits.
#[derive(Debug, Default)]
pub struct Word(AtomicU64);

impl Word {
    pub(super) const RESERVED: [u64; 2] = [EMPTY, SEALED];
}

impl Slot<u64> for Word {
    fn empty(lines: usize) -> Option<Box<[Line<Self>]>> {
        zeroed(lines)
    }

    #[inline]
    fn look(&self, key: u64) -> Seen {
        // Relaxed: the word is all there is to a key.
        match self.0.load(Ordering::Relaxed) {
            EMPTY => Seen::Empty,
            SEALED => Seen::Sealed,
            held if held == key => Seen::Same,
            _ => Seen::Other,
        }
    }

    #[inline]
    fn claim(&self, key: u64) -> bool {
        replace_empty(&self.0, key)
    }

    #[inline]
    fn seal(&self) -> bool {
        replace_empty(&self.0, SEALED)
    }

    fn key(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|word| !Self::RESERVED.contains(word))
    }
}

/// The room for 128 bits: the high word is claimed, then the low word follows.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct Pair {
    /// As a [`Word`].
    high: AtomicU64,
    /// [`EMPTY`] until the one who claimed the high word has written it.
    low: AtomicU64,
}

impl Pair {
    pub(super) fn is_reserved(key: u128) -> bool {
        let (high, low) = split(key);
        Word::RESERVED.contains(&high) || low == EMPTY
    }

    /// The low word, waited for if need be: its owner has nothing to do but to write it.
    #[inline]
    fn wait_low(&self) -> u64 {
        let mut backoff = Backoff::new();
        loop {
            // Relaxed: the word is all that is wanted.
            let low = self.low.load(Ordering::Relaxed);
            if low != EMPTY {
                return low;
            }
            backoff.snooze();
        }
    }
}

impl Slot<u128> for Pair {
    fn empty(lines: usize) -> Option<Box<[Line<Self>]>> {
        zeroed(lines)
    }

    #[inline]
    fn look(&self, key: u128) -> Seen {
        let (high, low) = split(key);
        match self.high.load(Ordering::Relaxed) {
            EMPTY => Seen::Empty,
            SEALED => Seen::Sealed,
            held if held == high && self.wait_low() == low => Seen::Same,
            _ => Seen::Other,
        }
    }

    #[inline]
    fn claim(&self, key: u128) -> bool {
        let (high, low) = split(key);
        let claimed = replace_empty(&self.high, high);
        if claimed {
            self.low.store(low, Ordering::Relaxed);
        }
        claimed
    }

    #[inline]
    fn seal(&self) -> bool {
        replace_empty(&self.high, SEALED)
    }

    fn key(&self) -> Option<u128> {
        let high = self.high.load(Ordering::Relaxed);
        if Word::RESERVED.contains(&high) {
            return None;
        }
        Some(u128::from(high) << 64 | u128::from(self.wait_low()))
    }
}

#[inline]
fn split(key: u128) -> (u64, u64) {
    ((key >> 64) as u64, key as u64)
}

#[inline]
fn replace_empty(word: &AtomicU64, value: u64) -> bool {
    // Relaxed: each word is claimed once and decides for itself; nothing else is read on the
    // strength of it.
    word.compare_exchange(EMPTY, value, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
}

/// The usual page of the system, in bytes; on larger ones more is written than need be.
#[cfg(not(loom))]
const PAGE: usize = 4096;

/// Slots of words that are all [`EMPTY`].
#[cfg(not(loom))]
fn zeroed<S: Zeros>(lines: usize) -> Option<Box<[Line<S>]>> {
    let layout = Layout::array::<Line<S>>(lines).ok()?;
    if layout.size() == 0 {
        return Some(Box::default());
    }
    // SAFETY: the size is not zero.
    let memory = NonNull::new(unsafe { alloc_zeroed(layout) })?;
    let lines = NonNull::slice_from_raw_parts(memory.cast::<Line<S>>(), lines);
    // SAFETY: allocated just now with the layout of such a slice, and a line is atomic words alone,
    // for which zero is a value.
    let lines = unsafe { Box::from_raw(lines.as_ptr()) };
    touch(Line::slots(&lines));
    Some(lines)
}

/// Writes to each page.
///
/// An insertion looks before it writes. Untouched memory that is read first is the system's page of
/// zeros, and the write that follows replaces it, for which all cores of the process are stopped:
/// measured, growing to ten million keys then takes a third longer.
#[cfg(not(loom))]
fn touch<S: Zeros>(slots: &[S]) {
    let pages = slots.iter().step_by(PAGE / size_of::<S>());
    pages.for_each(Zeros::write_empty);
}

/// The atomics of a model have an inside, so they are made one by one.
#[cfg(loom)]
fn zeroed<S: Zeros>(lines: usize) -> Option<Box<[Line<S>]>> {
    Some((0..lines).map(|_| Line::default()).collect())
}

/// Slots made of atomic words alone, whose default is [`EMPTY`], zero.
trait Zeros: Default {
    /// Writes to a slot that nobody else has seen what it holds already.
    #[cfg(not(loom))]
    fn write_empty(&self);
}

impl Zeros for Word {
    #[cfg(not(loom))]
    fn write_empty(&self) {
        // Relaxed: nobody else has seen the slot. The store of an atomic is not left out.
        self.0.store(EMPTY, Ordering::Relaxed);
    }
}

impl Zeros for Pair {
    #[cfg(not(loom))]
    fn write_empty(&self) {
        // Relaxed: as for a word.
        self.high.store(EMPTY, Ordering::Relaxed);
    }
}
