//! Where to find a key by its hash.
//!
//! Tables of slots with linear probing, one for each of 64 parts of the hashes. A table grows by
//! itself and by an eighth, so that little is ever there twice; what is, is reserved twice. It lies
//! in pieces of one size, so that what one table gave back serves another. A slot has the part of
//! the hash that says where it belongs: no key is looked at but one that is likely the right one,
//! and none at all when a table grows or a slot is vacated. Vacating moves what follows back, so
//! that no graves are left (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm R).

use pelton_pool::{Budget, OverBudget, Reservation};

/// A power of two.
const TABLES: usize = 64;
const SLOTS_MIN: usize = 8;
/// Slots of a piece, 2 KiB. Where each table was one piece, the allocator had no use for what they
/// had grown out of: of a million keys 10 MB stayed resident for nothing.
const PIECE: usize = 256;

/// Numbers of keys, by the keys' hashes.
#[derive(Debug)]
pub(super) struct Index {
    tables: Vec<Table>,
    memory: Reservation,
}

#[derive(Debug, Default)]
struct Table {
    /// All full but that of a table which has only one.
    pieces: Vec<Box<[Slot]>>,
    slots: usize,
    used: usize,
}

/// A key's number, and what its place follows from; or nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The upper half of the hash, its lowest bit set; 0 where there is no key.
    tag: u32,
    number: u32,
}

impl Index {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            tables: (0..TABLES).map(|_| Table::default()).collect(),
            memory: budget.reserve(0).expect("zero bytes are always granted"),
        }
    }

    /// True when there is a number with this hash that `is_it`.
    #[inline]
    pub(super) fn contains(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> bool {
        let table = &self.tables[table(hash)];
        table.find(tag(hash), is_it).is_some()
    }

    /// Makes room for one more with this hash.
    #[inline]
    pub(super) fn make_room(&mut self, hash: u64) -> Result<(), OverBudget> {
        match self.tables[table(hash)].is_crowded() {
            true => self.resize_slow(table(hash)),
            false => Ok(()),
        }
    }

    /// Adds a number for which room was made.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        let table = &mut self.tables[table(hash)];
        table.put(Slot {
            tag: tag(hash),
            number,
        });
        table.used += 1;
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        let at = table(hash);
        let table = &mut self.tables[at];
        if let Some(place) = table.find(tag(hash), |other| other == number) {
            table.vacate(place);
            table.used -= 1;
            if table.is_deserted() {
                // Where there is no memory to make it smaller, the next removal tries again.
                let _ = self.resize_slow(at);
            }
        }
    }

    /// Gives the table `at` as many slots as it should have.
    #[cold]
    fn resize_slow(&mut self, at: usize) -> Result<(), OverBudget> {
        let table = &mut self.tables[at];
        let slots = slots_for(table.used + 1);
        self.memory.grow(bytes(slots))?;
        let before = std::mem::replace(table, Table::new(slots));
        let used = before.pieces.iter().flatten().filter(|slot| slot.tag != 0);
        used.for_each(|slot| table.put(*slot));
        table.used = before.used;
        let given_back = bytes(before.slots);
        drop(before);
        self.memory.shrink(given_back);
        Ok(())
    }
}

/// Five of seven slots in use are a good start on the way to four of five.
const fn slots_for(keys: usize) -> usize {
    match keys * 7 / 5 {
        slots if slots < SLOTS_MIN => SLOTS_MIN,
        slots if slots <= PIECE => slots,
        slots => slots.next_multiple_of(PIECE),
    }
}

/// Bytes of so many slots.
const fn bytes(slots: usize) -> u64 {
    (slots * size_of::<Slot>()) as u64
}

/// Which table has the numbers with this hash.
const fn table(hash: u64) -> usize {
    hash as usize % TABLES
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

impl Table {
    fn new(slots: usize) -> Self {
        let size = slots.min(PIECE);
        let piece = |_| vec![Slot::default(); size].into_boxed_slice();
        Self {
            pieces: (0..slots / size).map(piece).collect(),
            slots,
            used: 0,
        }
    }

    /// True when one more would be too many: more than four of five slots make long searches.
    const fn is_crowded(&self) -> bool {
        4 * self.slots < 5 * (self.used + 1)
    }

    /// True when fewer than a quarter of the slots are in use.
    const fn is_deserted(&self) -> bool {
        SLOTS_MIN < self.slots && 4 * self.used < self.slots
    }

    #[inline]
    fn slot(&self, place: usize) -> Slot {
        self.pieces[place / PIECE][place % PIECE]
    }

    fn slot_mut(&mut self, place: usize) -> &mut Slot {
        &mut self.pieces[place / PIECE][place % PIECE]
    }

    /// Where the search for `tag` begins.
    const fn home(&self, tag: u32) -> usize {
        ((tag as u64 * self.slots as u64) >> 32) as usize
    }

    const fn behind(&self, place: usize) -> usize {
        match place + 1 == self.slots {
            true => 0,
            false => place + 1,
        }
    }

    /// Slots from `place` to `other`, around the end.
    const fn distance(&self, place: usize, other: usize) -> usize {
        match place <= other {
            true => other - place,
            false => other + self.slots - place,
        }
    }

    #[inline]
    fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        if self.slots == 0 {
            return None;
        }
        let mut place = self.home(tag);
        loop {
            let slot = self.slot(place);
            if slot.tag == 0 {
                return None;
            }
            if slot.tag == tag && is_it(slot.number) {
                return Some(place);
            }
            place = self.behind(place);
        }
    }

    /// Puts a slot in the first free place from its home on.
    fn put(&mut self, slot: Slot) {
        let mut place = self.home(slot.tag);
        while self.slot(place).tag != 0 {
            place = self.behind(place);
        }
        *self.slot_mut(place) = slot;
    }

    /// Frees a place, and moves back what was put behind it for want of room.
    fn vacate(&mut self, mut hole: usize) {
        let mut place = hole;
        loop {
            place = self.behind(place);
            let slot = self.slot(place);
            if slot.tag == 0 {
                break;
            }
            // It may move when its home does not lie between the hole and where it is.
            let home = self.home(slot.tag);
            if self.distance(hole, place) <= self.distance(home, place) {
                *self.slot_mut(hole) = slot;
                hole = place;
            }
        }
        *self.slot_mut(hole) = Slot::default();
    }
}
