//! A write-ahead log of bounded size.

mod recover;
mod segment;
mod state;

pub use recover::Recovery;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use self::segment::{HEAD_BYTES, encoded_bytes};
use self::state::State;
use super::SyncPolicy;
use crate::Error;

/// Where a [`Spool`] is, and how large it may become.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// The folder, which it has for itself; it is made if it is not there.
    pub folder: PathBuf,
    /// Bytes on the disk at most. 1 GiB by default.
    pub capacity_bytes: u64,
    /// Bytes after which the next file is begun; room is given back a file at a time. 16 MiB by
    /// default, and an eighth of the capacity at most.
    pub segment_bytes: u64,
    /// When entries are forced to the disk. Never by default: then a power failure may cost the
    /// last ones, a process that dies costs none.
    pub sync: SyncPolicy,
}

impl SpoolOptions {
    /// The defaults, in `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            capacity_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            sync: SyncPolicy::default(),
        }
    }
}

/// Why a spool did not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpoolError {
    /// There is no room until something is trimmed.
    Full,
    /// The entry will never find room.
    TooLarge {
        /// What it takes on the disk.
        bytes: u64,
        /// What there is.
        capacity_bytes: u64,
    },
    /// It was [closed](Spool::close).
    Closed,
    /// The operating system refused, or what is on the disk is damaged.
    Io(Error),
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the spool is full"),
            Self::TooLarge {
                bytes,
                capacity_bytes,
            } => write!(
                f,
                "an entry of {bytes} bytes does not fit into a spool of {capacity_bytes}"
            ),
            Self::Closed => f.write_str("the spool is closed"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SpoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// What was put into a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// One more than that of the entry before; it stays over restarts.
    pub number: u64,
    /// What the writer wanted to be remembered with it.
    pub note: Vec<u8>,
    /// The bytes.
    pub body: Vec<u8>,
}

/// A queue on the disk: entries are appended at one end, read in order, and trimmed when what was
/// read has had its effect. Clones are the same spool.
///
/// # Guarantees
///
/// - An entry that was appended is read, also by another process after a `kill -9`.
/// - What is read is what was appended, in order and without gaps: entries are numbered and
///   checksummed. An entry that is half there, and everything behind a damaged one, is not read,
///   and [`recovery`](Self::recovery) tells of it.
/// - At most `capacity_bytes` lie on the disk.
///
/// # Limits
///
/// - One process at a time; threads take turns.
/// - Reading begins again at what is not trimmed when the spool is opened: at least once.
///
/// ```
/// use pelton_connect::store::{Spool, SpoolOptions};
///
/// let folder = tempfile::tempdir()?;
/// let spool = Spool::open(SpoolOptions::new(folder.path()))?;
/// spool.append(b"from 10.0.0.7", b"hello")?;
/// let entry = spool.read()?.expect("an entry");
/// assert_eq!((entry.number, &entry.body[..]), (0, &b"hello"[..]));
/// spool.trim(entry.number + 1)?;
/// assert!(spool.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Spool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: SpoolOptions,
    recovery: Recovery,
    state: Mutex<State>,
    /// Something was appended or trimmed, or all is over.
    changed: Condvar,
}

impl Spool {
    /// Opens the spool in the folder of `options`, and reads what is there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or written, or another process has it open.
    pub fn open(mut options: SpoolOptions) -> Result<Self, SpoolError> {
        let most = (options.capacity_bytes / 8).max(HEAD_BYTES + 1);
        options.segment_bytes = options.segment_bytes.min(most);
        let opened = State::open(&options);
        let place = options.folder.display().to_string();
        let (state, recovery) = opened.map_err(|error| failed(&place, &error))?;
        let shared = Arc::new(Shared {
            options,
            recovery,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        Ok(Self { shared })
    }

    /// What was found when it was opened.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.shared.recovery
    }

    /// Appends an entry, and waits for room; gives its number.
    ///
    /// # Errors
    ///
    /// When it was closed, the entry is larger than the spool, or the system refuses.
    pub fn append(&self, note: &[u8], body: &[u8]) -> Result<u64, SpoolError> {
        let mut state = self.lock();
        loop {
            match self.append_locked(&mut state, note, body) {
                Err(SpoolError::Full) => state = self.wait(state),
                appended => return appended,
            }
        }
    }

    /// Appends an entry; gives its number.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append), and [`SpoolError::Full`] when there is no room.
    pub fn try_append(&self, note: &[u8], body: &[u8]) -> Result<u64, SpoolError> {
        self.append_locked(&mut self.lock(), note, body)
    }

    /// The next entry; `None` when all were read.
    ///
    /// # Errors
    ///
    /// When the system refuses, or an entry was damaged since the spool was opened.
    pub fn read(&self) -> Result<Option<Entry>, SpoolError> {
        let read = self.lock().read();
        read.map_err(|error| self.failed(&error))
    }

    /// The next entry, once there is one; `None` when the spool was closed and all were read.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_blocking(&self) -> Result<Option<Entry>, SpoolError> {
        let mut state = self.lock();
        loop {
            let read = state.read().map_err(|error| self.failed(&error))?;
            if read.is_some() || state.closed {
                return Ok(read);
            }
            state = self.wait(state);
        }
    }

    /// Goes back to the oldest entry that is not trimmed.
    pub fn rewind(&self) {
        self.lock().rewind();
    }

    /// Forgets the entries before number `before`: what they were there for is done. Entries that
    /// are appended later get numbers from `before` on, even where less were appended so far: what
    /// a power failure took from here may have had its effect elsewhere.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn trim(&self, before: u64) -> Result<(), SpoolError> {
        let mut state = self.lock();
        let trimmed = state.trim(before, &self.shared.options);
        self.shared.changed.notify_all();
        trimmed.map_err(|error| self.failed(&error))
    }

    /// Forces what was appended to the disk.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn sync(&self) -> Result<(), SpoolError> {
        let synced = self.lock().sync();
        synced.map_err(|error| self.failed(&error))
    }

    /// Takes nothing more, and wakes who waits. What is there can be read and trimmed.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Number of entries that are not trimmed.
    #[must_use]
    pub fn len(&self) -> u64 {
        let state = self.lock();
        state.end().saturating_sub(state.trimmed)
    }

    /// The number that the next entry gets.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.lock().end()
    }

    /// True when everything is trimmed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on the disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn append_locked(
        &self,
        state: &mut State,
        note: &[u8],
        body: &[u8],
    ) -> Result<u64, SpoolError> {
        let options = &self.shared.options;
        let bytes = encoded_bytes(note.len(), body.len());
        let capacity_bytes = options.capacity_bytes;
        if state.closed {
            return Err(SpoolError::Closed);
        }
        if HEAD_BYTES + bytes > capacity_bytes || bytes > u64::from(u32::MAX) {
            return Err(SpoolError::TooLarge {
                bytes,
                capacity_bytes,
            });
        }
        let rolls = state.is_full(options);
        let more = bytes + if rolls { HEAD_BYTES } else { 0 };
        if state.bytes + more > capacity_bytes {
            return Err(SpoolError::Full);
        }
        let appended = state.append(note, body, rolls, options);
        self.shared.changed.notify_all();
        appended.map_err(|error| self.failed(&error))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.shared
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &io::Error) -> SpoolError {
        failed(&self.shared.options.folder.display().to_string(), error)
    }
}

fn failed(place: &str, error: &io::Error) -> SpoolError {
    SpoolError::Io(Error::io(place, error))
}
