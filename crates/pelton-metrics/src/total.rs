//! A sum with a shared part and one part for each local handle: the body of counter and gauge.

use crate::cells::{Cells, Lease};
use crate::sync::{AtomicU64, CachePadded, Ordering};

/// A sum modulo 2^64. The value is the shared part plus every cell.
///
/// Everything is Relaxed: a single word is its own history, and whoever records before a read (in
/// the sense of happens-before) is in what that read sees.
#[derive(Debug)]
pub(crate) struct Total {
    shared: CachePadded<AtomicU64>,
    cells: Cells<AtomicU64>,
}

/// One writer's part of a [`Total`].
#[derive(Debug)]
pub(crate) struct LocalTotal {
    cell: Lease<AtomicU64>,
}

impl Total {
    pub(crate) fn new() -> Self {
        Self {
            shared: CachePadded::new(AtomicU64::new(0)),
            cells: Cells::new(),
        }
    }

    pub(crate) fn add(&self, amount: u64) {
        self.shared.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn set_shared(&self, value: u64) {
        self.shared.store(value, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        let mut sum = self.shared.load(Ordering::Relaxed);
        self.cells
            .for_each(|cell| sum = sum.wrapping_add(cell.load(Ordering::Relaxed)));
        sum
    }

    pub(crate) fn local(&self) -> LocalTotal {
        let cell = self.cells.claim(|| AtomicU64::new(0));
        LocalTotal { cell }
    }
}

impl LocalTotal {
    #[inline]
    pub(crate) fn add(&mut self, amount: u64) {
        // Nobody else writes the cell. A copy of its value in the handle would be a second store
        // wherever the handle lies in memory: half as much again, measured.
        let value = self.cell.load(Ordering::Relaxed).wrapping_add(amount);
        self.cell.store(value, Ordering::Relaxed);
    }
}
