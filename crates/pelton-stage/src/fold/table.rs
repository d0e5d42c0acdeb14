//! Open addressing from keys to group numbers.

use super::keys::{Keys, is_long, long_bytes, long_len, long_word};

/// Slots are at most three quarters full.
const LOAD: (usize, usize) = (3, 4);
/// The smallest table: 16 KiB of slots, half of a first-level cache.
const SLOTS_MIN: usize = 2048;

/// The groups seen so far, numbered from 0 in the order in which they were first met.
///
/// A slot holds the upper half of a key's hash and a group number plus one; 0 is an empty slot.
/// Slots are found by the top bits of the hash and probed one by one, so that growing moves them
/// in order and needs no keys.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<u64>,
    /// 64 less the number of bits that choose a slot.
    shift: u32,
    /// The word of each group; long ones point into `long`.
    words: Vec<u128>,
    long: Vec<u8>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![0; SLOTS_MIN],
            shift: 64 - SLOTS_MIN.trailing_zeros(),
            words: Vec::new(),
            long: Vec::new(),
        }
    }

    /// Forgets all groups and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.words.clear();
        self.long.clear();
    }

    /// Number of groups.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The words of the groups.
    pub(crate) fn words(&self) -> &[u128] {
        &self.words
    }

    /// What the long words point into.
    pub(crate) fn side(&self) -> &[u8] {
        &self.long
    }

    /// The groups in the order of their slots, which is nearly that of their hashes, each with the
    /// upper half of its hash.
    pub(crate) fn groups_by_hash(&self) -> impl Iterator<Item = (u32, u32)> {
        let used = self.slots.iter().filter(|&&slot| slot != 0);
        used.map(|&slot| ((slot as u32).wrapping_sub(1), (slot >> 32) as u32))
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * 8 + self.words.capacity() * 16 + self.long.capacity()
    }

    /// Bytes to be had before there are slots for `more` groups: those of the new slots, while the
    /// old ones are still there.
    pub(crate) fn slots_growth(&self, more: usize) -> usize {
        let slots = slots_for(self.len() + more);
        if slots > self.slots.len() {
            slots * 8
        } else {
            0
        }
    }

    /// Makes slots for `more` groups.
    pub(crate) fn reserve_slots(&mut self, more: usize) {
        let slots = slots_for(self.len() + more);
        if slots > self.slots.len() {
            self.resize_slots(slots);
        }
    }

    /// Makes room for the words of `groups` in all.
    pub(crate) fn reserve_words(&mut self, groups: usize) {
        self.words
            .reserve_exact(groups.saturating_sub(self.words.len()));
    }

    /// Bytes to be had before [`reserve`](Self::reserve).
    pub(crate) fn growth(&self, more: usize) -> usize {
        let words = self.grown(more).saturating_sub(self.words.capacity());
        self.slots_growth(more) + words * size_of::<u128>()
    }

    /// Makes slots and words for `more` groups, half as many again at least as there were.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.reserve_slots(more);
        self.reserve_words(self.grown(more));
    }

    fn grown(&self, more: usize) -> usize {
        let (needed, capacity) = (self.len() + more, self.words.capacity());
        if needed > capacity {
            needed.max(capacity + capacity / 2)
        } else {
            capacity
        }
    }

    fn resize_slots(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        self.shift = 64 - slots.trailing_zeros();
        let mask = slots - 1;
        for slot in old.into_iter().filter(|&slot| slot != 0) {
            let mut index = (slot >> self.shift) as usize;
            while self.slots[index] != 0 {
                index = (index + 1) & mask;
            }
            self.slots[index] = slot;
        }
    }

    /// Finds the group of each key, adding those that are new. There must be room for as many.
    pub(crate) fn find_or_insert(&mut self, keys: &Keys, groups: &mut Vec<u32>) {
        groups.clear();
        let found = keys.words.iter().zip(&keys.hashes).map(|(&word, &hash)| {
            if is_long(word) {
                self.find_or_insert_long(long_bytes(word, keys.side()), hash)
            } else {
                self.find_or_insert_word(word, hash)
            }
        });
        groups.extend(found);
    }

    #[inline]
    fn find_or_insert_word(&mut self, word: u128, hash: u64) -> u32 {
        let mut index = (hash >> self.shift) as usize;
        let mask = self.slots.len() - 1;
        loop {
            let slot = self.slots[index & mask];
            if slot == 0 {
                return self.insert(index & mask, word, hash);
            }
            let group = (slot as u32).wrapping_sub(1);
            if slot >> 32 == hash >> 32 && self.words[group as usize] == word {
                return group;
            }
            index += 1;
        }
    }

    fn find_or_insert_long(&mut self, key: &[u8], hash: u64) -> u32 {
        let mut index = (hash >> self.shift) as usize;
        let mask = self.slots.len() - 1;
        loop {
            let slot = self.slots[index & mask];
            if slot == 0 {
                let word = long_word(self.long.len(), key.len());
                self.long.extend_from_slice(key);
                return self.insert(index & mask, word, hash);
            }
            let group = (slot as u32).wrapping_sub(1);
            if slot >> 32 == hash >> 32 && self.is_long_key(group, key) {
                return group;
            }
            index += 1;
        }
    }

    fn is_long_key(&self, group: u32, key: &[u8]) -> bool {
        let word = self.words[group as usize];
        is_long(word) && long_len(word) == key.len() && long_bytes(word, &self.long) == key
    }

    fn insert(&mut self, index: usize, word: u128, hash: u64) -> u32 {
        let group = self.words.len() as u32;
        self.words.push(word);
        self.slots[index] = hash >> 32 << 32 | u64::from(group + 1);
        group
    }
}

/// Slots for so many groups, a power of two.
fn slots_for(groups: usize) -> usize {
    (groups * LOAD.1 / LOAD.0 + 1)
        .next_power_of_two()
        .max(SLOTS_MIN)
}
