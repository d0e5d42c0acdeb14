//! Where streams of batches are kept.

use std::collections::BTreeMap;
use std::fmt;

use pelton_record::Batch;

/// How far each stream has come, by its name.
pub type Positions = BTreeMap<String, u64>;

/// What a store wants to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Records encoded by the sink's format: [`Delivery::Bytes`].
    Bytes,
    /// Columns: [`Delivery::Rows`].
    Rows,
}

/// One block's worth of records for a store.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Encoded records, with how many they are.
    Bytes {
        /// The records, each with its end.
        bytes: Vec<u8>,
        /// How many.
        records: u64,
    },
    /// Columns.
    Rows(Batch),
}

impl Delivery {
    /// Number of records.
    #[must_use]
    pub fn records(&self) -> u64 {
        match self {
            Self::Bytes { records, .. } => *records,
            Self::Rows(batch) => batch.rows() as u64,
        }
    }
}

/// What a store that [is prompt](Store::is_prompt) takes without waiting, in bytes.
pub const PROMPT_BYTES: usize = 16 << 10;

/// Puts batches away for good.
///
/// A store blocks its caller, who is a worker of one lane, until the outside has answered: while it
/// does, what comes in gathers, and the next call gets more at once. A client that is asynchronous
/// inside runs on a runtime of its own and is waited for.
///
/// The engine calls again with the same deliveries when an error says that this may help, waits
/// longer each time, and gives refused records to the dead letter.
pub trait Store: Send {
    /// What it wants to be given.
    fn shape(&self) -> Shape;

    /// The positions that were put away together with the last deliveries, in an earlier process
    /// too. What was put away half is taken back before this answers.
    ///
    /// # Errors
    ///
    /// When the place cannot be reached, or holds something that is not this store's.
    fn positions(&mut self) -> Result<Positions, StoreError>;

    /// False when another process will not know of them: the positions of such a store are only
    /// those of this one.
    fn keeps_positions(&self) -> bool {
        true
    }

    /// Puts `deliveries` away, all of them or none, together with `positions`, which are those of
    /// the streams that moved.
    ///
    /// # Errors
    ///
    /// When it did not happen. A store that cannot know (an answer that was lost) says so with a
    /// transient error, and the same deliveries may come twice: at least once is the promise then.
    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError>;

    /// True when a put of up to [`PROMPT_BYTES`] without positions would wait for nobody now:
    /// memory has room for them, or a buffer of the system. A thread that must not be kept may put
    /// then. A disk is waited for, so that a file never says so.
    fn is_prompt(&mut self) -> bool {
        false
    }

    /// Called when there is nothing to put for a while, and at the end: what was held back for
    /// speed (an open compressed frame, a sync to disk that was put off) is made to last.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What may be done about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The same call may go well later: a lost connection, a full disk, a server that is busy.
    Transient,
    /// The records will never be taken, though others may: a constraint, a value out of range.
    Refused,
    /// Nothing will be taken until somebody changes something: a wrong password, a missing table.
    Fatal,
}

/// Why a store did not take something.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
}

impl StoreError {
    /// An error of `kind`; the message names the place, what happened and what to do about it.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// What may be done about it.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
