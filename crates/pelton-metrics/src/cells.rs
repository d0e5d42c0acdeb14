//! The cells behind every local handle: one writer each, many readers, used again after a drop.
//!
//! A cell is never emptied. When its handle goes, the cell keeps what it holds and is marked free;
//! the next handle goes on from there. So nothing has to be folded, no reader can see a count twice
//! or miss it, and the number of cells is the largest number of handles that were alive at once.
//!
//! ```text
//! free --claim (under the list's lock)--> taken --drop of the lease--> free
//! ```

use std::ops::Deref;

use crate::sync::{Arc, AtomicBool, CachePadded, Mutex, Ordering, lock};

/// All cells of one metric.
#[derive(Debug)]
pub(crate) struct Cells<C> {
    list: Mutex<Vec<Arc<CachePadded<Slot<C>>>>>,
}

#[derive(Debug)]
struct Slot<C> {
    /// True while a lease lives. Set under the list's lock, cleared by the lease alone.
    taken: AtomicBool,
    cell: C,
}

/// The right to write one cell, until dropped.
#[derive(Debug)]
pub(crate) struct Lease<C> {
    slot: Arc<CachePadded<Slot<C>>>,
}

impl<C> Cells<C> {
    pub(crate) fn new() -> Self {
        let list = Mutex::new(Vec::new());
        Self { list }
    }

    /// Takes a free cell, or one that `make` makes.
    pub(crate) fn claim(&self, make: impl FnOnce() -> C) -> Lease<C> {
        let mut list = lock(&self.list);
        let free = list.iter().find(|slot| slot.is_free());
        let slot = free.cloned().unwrap_or_else(|| {
            let slot = Arc::new(CachePadded::new(Slot::new(make())));
            list.push(slot.clone());
            slot
        });
        // Relaxed: claims exclude each other by the lock, and only the lease clears the mark.
        slot.taken.store(true, Ordering::Relaxed);
        Lease { slot }
    }

    /// Shows every cell, taken or free, to `visit`. New handles wait meanwhile; records do not.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&C)) {
        for slot in lock(&self.list).iter() {
            visit(&slot.cell);
        }
    }
}

impl<C> Slot<C> {
    fn new(cell: C) -> Self {
        let taken = AtomicBool::new(false);
        Self { taken, cell }
    }

    fn is_free(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release store in `Lease::drop`, so that the new owner
        // goes on from the last value of the old one.
        !self.taken.load(Ordering::Acquire)
    }
}

impl<C> Deref for Lease<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.slot.cell
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        // ORDERING: Release; pairs with the Acquire load in `Slot::is_free`.
        self.slot.taken.store(false, Ordering::Release);
    }
}
