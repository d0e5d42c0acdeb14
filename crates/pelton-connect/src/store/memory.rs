//! Memory as a store, which the program around it can look into.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pelton_format::{Cut, Format};
use pelton_record::{Batch, Bitmap};

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
#[derive(Clone)]
pub struct MemoryStoreOptions {
    /// What it asks for. Columns by default.
    pub shape: Shape,
    /// The most records that are kept, at least 1. 100,000 by default.
    pub records_max: u64,
    /// The most bytes of encoded records that are kept; columns are counted as none. 16 MiB by
    /// default.
    pub bytes_max: u64,
    /// What happens to those beyond.
    pub full: Full,
    /// How encoded records look, so that they can be told apart; `None`, the default: each is a
    /// line.
    pub format: Option<Arc<dyn Format>>,
}

impl Default for MemoryStoreOptions {
    fn default() -> Self {
        Self {
            shape: Shape::Rows,
            records_max: 100_000,
            bytes_max: 16 << 20,
            full: Full::Forget,
            format: None,
        }
    }
}

impl fmt::Debug for MemoryStoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStoreOptions")
            .field("shape", &self.shape)
            .field("records_max", &self.records_max)
            .field("bytes_max", &self.bytes_max)
            .field("full", &self.full)
            .finish_non_exhaustive()
    }
}

/// Keeps the newest of what it is given, up to a number of records and of bytes.
///
/// Both bounds hold to the record: of a delivery that is too large its last records are kept.
/// Records of columns are held as they came, which shares their memory.
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
        self.lock().records()
    }

    /// True when nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of encoded records that are kept.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.lock().bytes.len() as u64
    }

    /// Number of records ever put, forgotten and taken ones too.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// Number of records that found no room, or had to make some.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.lock().forgotten
    }

    /// The positions put together with the records.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.lock().positions.clone()
    }

    /// A copy of what is kept, oldest first. Columns share their memory with the store's.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        let kept = self.lock();
        let bytes = kept.newest(u64::MAX);
        kept.batches
            .iter()
            .cloned()
            .map(Delivery::Rows)
            .chain(bytes)
            .collect()
    }

    /// The bytes of what is kept, oldest first; columns are left out.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.newest(u64::MAX)
    }

    /// The bytes of the newest `records`, oldest first, or of as many as are kept; columns are left
    /// out.
    #[must_use]
    pub fn newest(&self, records: u64) -> Vec<u8> {
        match self.lock().newest(records) {
            Some(Delivery::Bytes { bytes, .. }) => bytes,
            _ => Vec::new(),
        }
    }

    /// Takes out what is kept, oldest first, and makes room.
    #[must_use]
    pub fn take(&self) -> Vec<Delivery> {
        let mut kept = self.lock();
        let bytes = kept.newest(u64::MAX);
        kept.bytes.clear();
        kept.lengths.clear();
        let batches = std::mem::take(&mut kept.batches);
        batches
            .into_iter()
            .map(Delivery::Rows)
            .chain(bytes)
            .collect()
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

/// What is kept. A store has one shape, so there are either bytes or batches.
#[derive(Debug, Default)]
struct Kept {
    /// Encoded records, one behind the other.
    bytes: VecDeque<u8>,
    /// How long each of them is.
    lengths: VecDeque<u32>,
    batches: VecDeque<Batch>,
    /// Ever put.
    total: u64,
    forgotten: u64,
    positions: Positions,
}

impl Kept {
    fn records(&self) -> u64 {
        let rows: usize = self.batches.iter().map(Batch::rows).sum();
        (self.lengths.len() + rows) as u64
    }

    /// The last of the encoded records, so many at the most; `None` when there are none.
    fn newest(&self, records: u64) -> Option<Delivery> {
        let records = records.min(self.lengths.len() as u64);
        let lengths = self.lengths.iter().rev().take(records as usize);
        let length: usize = lengths.map(|&length| length as usize).sum();
        let bytes = self.bytes.range(self.bytes.len() - length..);
        let bytes: Vec<u8> = bytes.copied().collect();
        (records > 0).then_some(Delivery::Bytes { bytes, records })
    }

    /// Keeps `delivery`.
    fn push(&mut self, delivery: &Delivery, options: &MemoryStoreOptions) {
        match delivery {
            Delivery::Bytes { bytes, .. } => {
                self.lengths
                    .extend(lengths(bytes, options.format.as_deref()));
                self.bytes.extend(bytes);
            }
            Delivery::Rows(batch) => self.batches.push_back(batch.clone()),
        }
    }

    /// Forgets the oldest until what is left is within the limits.
    fn trim(&mut self, records_max: u64, bytes_max: u64) {
        let mut excess = self.records().saturating_sub(records_max);
        while let Some(oldest) = self.batches.front_mut().filter(|_| excess > 0) {
            let rows = excess.min(oldest.rows() as u64);
            forget_rows(oldest, rows as usize);
            if oldest.rows() == 0 {
                self.batches.pop_front();
            }
            self.forgotten += rows;
            excess -= rows;
        }
        while excess > 0 || self.bytes.len() as u64 > bytes_max {
            let Some(length) = self.lengths.pop_front() else {
                return;
            };
            self.bytes.drain(..length as usize);
            self.forgotten += 1;
            excess = excess.saturating_sub(1);
        }
    }
}

/// Drops the first `rows` of a batch.
fn forget_rows(batch: &mut Batch, rows: usize) {
    let mut keep = Bitmap::new(batch.rows(), true);
    (0..rows).for_each(|row| keep.set(row, false));
    batch.retain(&keep);
}

/// How long each of the records is that `bytes` hold, all of them together as long as `bytes`.
fn lengths(bytes: &[u8], format: Option<&dyn Format>) -> Vec<u32> {
    let mut framer = format.map(Format::framer);
    let mut is_whole = |record: &[u8]| {
        let cut = framer.as_mut().map(|framer| framer.cut(record, false));
        cut.is_none_or(|cut| cut != Cut::More)
    };
    let mut lengths = Vec::new();
    let mut start = 0;
    for end in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let end = end.0 + 1;
        if is_whole(&bytes[start..end]) {
            lengths.push((end - start) as u32);
            start = end;
        }
    }
    if start < bytes.len() {
        lengths.push((bytes.len() - start) as u32);
    }
    lengths
}

impl Store for MemoryStore {
    fn shape(&self) -> Shape {
        self.options.shape
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.records.positions())
    }

    fn is_prompt(&mut self) -> bool {
        true
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let mut kept = self.records.lock();
        let new: u64 = deliveries.iter().map(Delivery::records).sum();
        if self.options.full == Full::Refuse {
            self.check_room(&kept, deliveries, new)?;
        }
        for delivery in deliveries {
            kept.push(delivery, &self.options);
            if self.options.full == Full::Forget {
                kept.trim(self.options.records_max, self.options.bytes_max);
            }
        }
        kept.total += new;
        kept.positions.extend(positions.clone());
        drop(kept);
        self.records.shared.1.notify_all();
        Ok(())
    }
}

impl MemoryStore {
    /// What comes to an empty store is taken, however much it is: it will never be less.
    fn check_room(&self, kept: &Kept, new: &[Delivery], records: u64) -> Result<(), StoreError> {
        let MemoryStoreOptions {
            records_max,
            bytes_max,
            ..
        } = self.options;
        let (held, held_bytes) = (kept.records(), kept.bytes.len() as u64);
        if held == 0 {
            return Ok(());
        }
        if held + records > records_max {
            let message = format!("holds {held} of at most {records_max} records; take some out");
            return Err(transient("memory", message));
        }
        let bytes = new.iter().map(|delivery| match delivery {
            Delivery::Bytes { bytes, .. } => bytes.len() as u64,
            Delivery::Rows(_) => 0,
        });
        if held_bytes + bytes.sum::<u64>() > bytes_max {
            let message = format!("holds {held_bytes} of at most {bytes_max} bytes; take some out");
            return Err(transient("memory", message));
        }
        Ok(())
    }
}
