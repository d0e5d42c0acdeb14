//! One open-addressed array of slots.

use std::fmt;
use std::sync::Arc as StdArc;

use super::allowance::Allowance;
use super::key::Key;
use super::slot::{LINE, Line, Seen, Slot};
use super::table::SHARDS;
use crate::prefetch::prefetch;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, CachePadded, Ordering, scaled};

/// Slots that one helper moves to the next array at a time: about a microsecond's work.
const CHUNK: usize = scaled(256, 1);

/// What an insertion came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The key was not there and now is.
    Inserted,
    /// The key was there.
    Present,
    /// The array takes no more keys here: the caller's view is out of date.
    Sealed,
    /// The array has no slot left.
    Full,
}

/// Slots with linear probing. The place of a key is its rank, without the bits that chose the
/// shard, scaled to the length, so that any length will do, and an array moves into a larger one
/// front to front, in order. The search starts with the line that the place is in, at its front:
/// then most searches end in the one line that was asked for ahead of time.
pub(super) struct Array<K: Key> {
    lines: Box<[Line<K::Slot>]>,
    /// Slots in use: all but some of the last line, so that shards can have different lengths even
    /// when they are short.
    len: usize,
    /// The last one that puts keys in.
    generation: AtomicU64,
    /// Keys put in, as far as they have been counted.
    held: CachePadded<AtomicUsize>,
    /// The next chunk to be moved to the array that replaces this one.
    next_chunk: CachePadded<AtomicUsize>,
    /// Chunks that have been moved.
    moved_chunks: AtomicUsize,
    /// Set when the array that replaces this one had no room: then this one stays beside it.
    stuck: AtomicBool,
    /// Where the memory goes back to.
    allowance: StdArc<dyn Allowance>,
}

impl<K: Key> Array<K> {
    /// None if the allowance or the system does not give the memory.
    pub(super) fn new(
        len: usize,
        generation: u64,
        allowance: &StdArc<dyn Allowance>,
    ) -> Option<Self> {
        if !allowance.grow(Self::bytes(len)) {
            return None;
        }
        let Some(lines) = K::Slot::empty(len.div_ceil(LINE)) else {
            allowance.shrink(Self::bytes(len));
            return None;
        };
        Some(Self {
            lines,
            len,
            generation: AtomicU64::new(generation),
            held: CachePadded::new(AtomicUsize::new(0)),
            next_chunk: CachePadded::new(AtomicUsize::new(0)),
            moved_chunks: AtomicUsize::new(0),
            stuck: AtomicBool::new(false),
            allowance: allowance.clone(),
        })
    }

    /// The memory of `len` slots, in whole lines.
    pub(super) const fn bytes(len: usize) -> usize {
        len.div_ceil(LINE)
            .saturating_mul(size_of::<Line<K::Slot>>())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn slots(&self) -> &[K::Slot] {
        &Line::slots(&self.lines)[..self.len]
    }

    pub(super) fn allowance(&self) -> &StdArc<dyn Allowance> {
        &self.allowance
    }

    #[inline]
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Goes on to put keys in, in `generation` too.
    pub(super) fn extend_to(&self, generation: u64) {
        // Relaxed: whoever reads the old one does what came before.
        self.generation.store(generation, Ordering::Relaxed);
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, keys: usize) {
        self.held.fetch_add(keys, Ordering::Relaxed);
    }

    /// The line at whose first slot the search for `key` starts.
    #[inline]
    fn home(&self, key: K) -> usize {
        let rank = key.rank().wrapping_mul(SHARDS as u64);
        let place = ((u128::from(rank) * self.len as u128) >> 64) as usize;
        place / LINE
    }

    #[inline]
    pub(super) fn prefetch(&self, key: K) {
        let line = &raw const self.lines[self.home(key)];
        for offset in (0..size_of::<Line<K::Slot>>()).step_by(64) {
            prefetch(line.wrapping_byte_add(offset));
        }
    }

    /// The slots in the order of the search for `key`.
    #[inline]
    fn probe(&self, key: K) -> impl Iterator<Item = &K::Slot> {
        let (wrapped, first) = self.slots().split_at(LINE * self.home(key));
        first.iter().chain(wrapped)
    }

    /// Puts `key` in unless it is there.
    #[inline]
    pub(super) fn insert(&self, key: K) -> Outcome {
        for slot in self.probe(key) {
            let mut seen = slot.look(key);
            if seen == Seen::Empty {
                if slot.claim(key) {
                    return Outcome::Inserted;
                }
                seen = slot.look(key);
            }
            match seen {
                Seen::Same => return Outcome::Present,
                Seen::Sealed => return Outcome::Sealed,
                Seen::Other | Seen::Empty => {}
            }
        }
        Outcome::Full
    }

    /// True if `key` is there; else it never will be, because the slot that it would take is sealed
    /// now.
    #[inline]
    pub(super) fn settle(&self, key: K) -> bool {
        for slot in self.probe(key) {
            let mut seen = slot.look(key);
            if seen == Seen::Empty {
                if slot.seal() {
                    return false;
                }
                seen = slot.look(key);
            }
            match seen {
                Seen::Same => return true,
                Seen::Sealed => return false,
                Seen::Other | Seen::Empty => {}
            }
        }
        false
    }

    /// True if `key` is there now.
    pub(super) fn contains(&self, key: K) -> bool {
        self.probe(key)
            .map(|slot| slot.look(key))
            .find(|seen| *seen != Seen::Other)
            == Some(Seen::Same)
    }

    /// True if it cannot be moved into the array behind it.
    pub(super) fn is_stuck(&self) -> bool {
        // Relaxed: an old answer costs one more try.
        self.stuck.load(Ordering::Relaxed)
    }

    /// About how many keys are still to be moved.
    pub(super) fn unmoved(&self) -> usize {
        let chunks = self.chunks();
        let left = chunks.saturating_sub(self.moved_chunks.load(Ordering::Relaxed));
        (self.held() as u128 * left as u128 / chunks as u128) as usize
    }

    fn chunks(&self) -> usize {
        self.len().div_ceil(CHUNK)
    }

    /// Moves one chunk into `target`; true if that was the last to be moved.
    pub(super) fn move_chunk(&self, target: &Self) -> bool {
        let chunks = self.chunks();
        if self.next_chunk.load(Ordering::Relaxed) >= chunks {
            return false;
        }
        let start = self.next_chunk.fetch_add(1, Ordering::Relaxed) * CHUNK;
        let Some(slots) = self.slots().get(start..) else {
            return false;
        };
        let Some(copied) = move_slots(&slots[..CHUNK.min(slots.len())], target) else {
            self.stuck.store(true, Ordering::Relaxed);
            return false;
        };
        target.count(copied);
        // ORDERING: AcqRel; pairs with itself: the last mover retires this array after all that
        // the others have put into the target.
        self.moved_chunks.fetch_add(1, Ordering::AcqRel) + 1 == chunks
    }
}

/// Moves each of `slots`, and says how many keys were new in `target`; none if it takes no more.
fn move_slots<K: Key>(slots: &[K::Slot], target: &Array<K>) -> Option<usize> {
    slots.iter().try_fold(0, |copied, slot| {
        move_slot(slot, target).map(|new| copied + usize::from(new))
    })
}

/// Seals an empty slot, or copies its key; true if the key is new in `target`. None if the target
/// takes no more: then this array stays beside it.
fn move_slot<K: Key>(slot: &K::Slot, target: &Array<K>) -> Option<bool> {
    let mut held = slot.key();
    if held.is_none() && !slot.seal() {
        // Sealed before, or a key has come in between.
        held = slot.key();
    }
    let Some(key) = held else {
        return Some(false);
    };
    match target.insert(key) {
        Outcome::Inserted => Some(true),
        Outcome::Present => Some(false),
        Outcome::Sealed | Outcome::Full => None,
    }
}

impl<K: Key> Drop for Array<K> {
    fn drop(&mut self) {
        self.allowance.shrink(Self::bytes(self.len()));
    }
}

impl<K: Key> fmt::Debug for Array<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array")
            .field("len", &self.len())
            .field("held", &self.held())
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
