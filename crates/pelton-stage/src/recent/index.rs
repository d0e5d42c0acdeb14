//! Where to find a key by its hash.
//!
//! Tables of slots with linear probing, one for each of 64 parts of the hashes. A table grows by
//! itself and by an eighth, so that little is ever there twice; what is, is reserved twice. A slot
//! has the part of the hash that says where it belongs: no key is looked at but one that is likely
//! the right one, and none at all when a table grows or a slot is vacated. Vacating moves what
//! follows back, so that no graves are left (Knuth, The Art of Computer Programming, volume 3,
//! 6.4, algorithm R).

use pelton_pool::{Budget, OverBudget, Reservation};

/// A power of two.
const TABLES: usize = 64;
const SLOTS_MIN: usize = 8;

/// Numbers of keys, by the keys' hashes.
#[derive(Debug)]
pub(super) struct Index {
    tables: Vec<Table>,
    memory: Reservation,
}

#[derive(Debug, Default)]
struct Table {
    slots: Vec<Slot>,
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
        // Five of seven in use are a good start on the way to four of five.
        let slots = SLOTS_MIN.max((table.used + 1) * 7 / 5);
        self.memory.grow(bytes(slots))?;
        let before = std::mem::replace(&mut table.slots, vec![Slot::default(); slots]);
        let used = before.iter().filter(|slot| slot.tag != 0);
        used.for_each(|slot| table.put(*slot));
        let given_back = bytes(before.len());
        drop(before);
        self.memory.shrink(given_back);
        Ok(())
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
    /// True when one more would be too many: more than four of five slots make long searches.
    const fn is_crowded(&self) -> bool {
        4 * self.slots.len() < 5 * (self.used + 1)
    }

    /// True when fewer than a quarter of the slots are in use.
    const fn is_deserted(&self) -> bool {
        SLOTS_MIN < self.slots.len() && 4 * self.used < self.slots.len()
    }

    /// Where the search for `tag` begins.
    const fn home(&self, tag: u32) -> usize {
        ((tag as u64 * self.slots.len() as u64) >> 32) as usize
    }

    const fn behind(&self, place: usize) -> usize {
        match place + 1 == self.slots.len() {
            true => 0,
            false => place + 1,
        }
    }

    /// Slots from `place` to `other`, around the end.
    const fn distance(&self, place: usize, other: usize) -> usize {
        match place <= other {
            true => other - place,
            false => other + self.slots.len() - place,
        }
    }

    #[inline]
    fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let mut place = self.home(tag);
        loop {
            // There is none where there are no slots.
            let slot = self.slots.get(place)?;
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
        while self.slots[place].tag != 0 {
            place = self.behind(place);
        }
        self.slots[place] = slot;
    }

    /// Frees a place, and moves back what was put behind it for want of room.
    fn vacate(&mut self, mut hole: usize) {
        let mut place = hole;
        loop {
            place = self.behind(place);
            let slot = self.slots[place];
            if slot.tag == 0 {
                break;
            }
            // It may move when its home does not lie between the hole and where it is.
            let home = self.home(slot.tag);
            if self.distance(hole, place) <= self.distance(home, place) {
                self.slots[hole] = slot;
                hole = place;
            }
        }
        self.slots[hole] = Slot::default();
    }
}
