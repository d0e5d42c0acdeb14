//! Memory as a store, which the program around it can look into.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::transient;
use crate::stream::{Delivery, Positions, Shape, Store, StoreError};

/// What a [`MemoryStore`] does with deliveries that find no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Full {
    /// Forgets the oldest: what is kept is the newest that fits.
    #[default]
    Forget,
    /// Answers with a transient error until somebody has [taken](MemoryRecords::take) some.
    Refuse,
}

/// How a [`MemoryStore`] keeps.
#[derive(Clone, Debug)]
pub struct MemoryStoreOptions {
    /// What it asks for. Columns by default.
    pub shape: Shape,
    /// The most records that are kept, at least 1. 100,000 by default.
    pub records_max: u64,
    /// What happens to those beyond.
    pub full: Full,
}

impl Default for MemoryStoreOptions {
    fn default() -> Self {
        Self {
            shape: Shape::Rows,
            records_max: 100_000,
            full: Full::Forget,
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: VecDeque<Delivery>,
    /// In `deliveries`.
    records: u64,
    /// Ever put.
    total: u64,
    positions: Positions,
}

/// Keeps what it is given, up to a number of records.
///
/// ```
/// use pelton_connect::store::{MemoryStore, MemoryStoreOptions};
/// use pelton_connect::stream::{Delivery, Positions, Store};
///
/// let mut store = MemoryStore::new(MemoryStoreOptions::default());
/// let records = store.records();
/// let delivery = Delivery::Bytes { bytes: b"hello\n".to_vec(), records: 1 };
/// store.put(&[delivery], &Positions::from([("tail".to_owned(), 6)]))?;
/// assert_eq!(records.len(), 1);
/// assert_eq!(records.bytes(), b"hello\n");
/// assert_eq!(records.positions()["tail"], 6);
/// # Ok::<(), pelton_connect::stream::StoreError>(())
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    options: MemoryStoreOptions,
    records: MemoryRecords,
}

/// The view into a [`MemoryStore`]; its clones see the same.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecords {
    shared: Arc<(Mutex<Kept>, Condvar)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(options: MemoryStoreOptions) -> Self {
        let records = MemoryRecords::default();
        Self { options, records }
    }

    /// A store that goes on with what `records` shows: another one's, after a restart of an engine
    /// in the same process.
    #[must_use]
    pub const fn resume(options: MemoryStoreOptions, records: MemoryRecords) -> Self {
        Self { options, records }
    }

    /// The view into it.
    #[must_use]
    pub fn records(&self) -> MemoryRecords {
        self.records.clone()
    }
}

impl MemoryRecords {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of records kept.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.lock().records
    }

    /// True when nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of records ever put, forgotten and taken ones too.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// The positions put together with the records.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.lock().positions.clone()
    }

    /// A copy of what is kept, oldest first. Columns share their memory with the store's.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().deliveries.iter().cloned().collect()
    }

    /// The bytes of what is kept, oldest first; columns are left out.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let kept = self.lock();
        let bytes = kept.deliveries.iter().map(|delivery| match delivery {
            Delivery::Bytes { bytes, .. } => bytes.as_slice(),
            Delivery::Rows(_) => &[],
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// Takes out what is kept, oldest first, and makes room.
    #[must_use]
    pub fn take(&self) -> Vec<Delivery> {
        let mut kept = self.lock();
        kept.records = 0;
        std::mem::take(&mut kept.deliveries).into()
    }

    /// Waits until `total` records were put in all, those before this call among them.
    pub fn wait_for(&self, total: u64) {
        let mut kept = self.lock();
        while kept.total < total {
            let woken = self.shared.1.wait(kept);
            kept = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Kept {
    /// Forgets the oldest deliveries, whole ones, until `records` more find room.
    fn make_room(&mut self, records: u64, records_max: u64) {
        while self.records + records > records_max {
            let Some(oldest) = self.deliveries.pop_front() else {
                return;
            };
            self.records -= oldest.records();
        }
    }
}

impl Store for MemoryStore {
    fn shape(&self) -> Shape {
        self.options.shape
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.records.positions())
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let MemoryStoreOptions {
            records_max, full, ..
        } = self.options;
        let mut kept = self.records.lock();
        let new: u64 = deliveries.iter().map(Delivery::records).sum();
        if full == Full::Refuse && kept.records > 0 && kept.records + new > records_max {
            let held = kept.records;
            let message = format!("holds {held} of at most {records_max} records; take some out");
            return Err(transient("memory", message));
        }
        for delivery in deliveries {
            kept.make_room(delivery.records(), records_max);
            kept.records += delivery.records();
            kept.deliveries.push_back(delivery.clone());
        }
        kept.total += new;
        kept.positions.extend(positions.clone());
        drop(kept);
        self.records.shared.1.notify_all();
        Ok(())
    }
}
