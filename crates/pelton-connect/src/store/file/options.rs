//! What can be asked of a file store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pelton_format::Format;

use crate::Compression;

/// What becomes of a file that is there already and has no checkpoint. One with a checkpoint is
/// always gone on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Records go behind what it holds.
    #[default]
    Append,
    /// It is emptied; where files are numbered, the next number is begun instead.
    Replace,
    /// It is left alone, and the store does not open.
    Refuse,
}

/// When what was written is forced to the disk, so that it outlives a power failure. A process
/// that dies, by `kill -9` too, loses nothing under any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// When the system thinks fit.
    #[default]
    None,
    /// At a put when so much time has gone by, and at each flush.
    Interval(Duration),
    /// At every put, before the checkpoint that tells of it.
    Commit,
}

/// Where a [`FileStore`](super::FileStore) writes, and how.
#[derive(Clone)]
pub struct FileStoreOptions {
    /// The file. With columns in braces (`out/{country}.ndjson`) each record goes to the file that
    /// its values name; that needs a `format`.
    pub path: String,
    /// What each file begins with: a CSV's names. Nothing by default.
    pub header: Vec<u8>,
    /// Encodes records here, from columns; `None`, the default, when they come encoded.
    pub format: Option<Arc<dyn Format>>,
    /// True, the default, when records are lines: a last one that a killed process left half is
    /// then cut off, or, where it may be somebody else's, ended before another is put behind it.
    pub lines: bool,
    /// What becomes of a file that is there already.
    pub existing: Existing,
    /// Compresses what is written, by default as the extension of the path says (`.gz`, `.zst`).
    /// Needs the feature `compression`.
    pub compression: Compression,
    /// The codec's level: 0 to 9 for gzip, 6 by default; 1 to 19 for Zstandard, 3 by default.
    pub level: Option<u32>,
    /// Records without positions wait in memory, for each file, until they are so many bytes or
    /// there is a flush, and are compressed together then. 1 MiB by default.
    pub frame_bytes: usize,
    /// When what was written is forced to the disk. Never by default.
    pub sync: SyncPolicy,
    /// Begins the next file before a put that would make this one longer, in bytes. Never by
    /// default.
    pub rotate_bytes: Option<u64>,
    /// Begins the next file with each period of this length, counted from 1970 in UTC: an hour
    /// gives files from one full hour to the next. Whole seconds, at least one. Never by default.
    pub rotate_every: Option<Duration>,
    /// The most files that are open at once, at least 1. 64 by default.
    pub open_files_max: usize,
}

impl FileStoreOptions {
    /// The defaults, for `path`.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            header: Vec::new(),
            format: None,
            lines: true,
            existing: Existing::default(),
            compression: Compression::default(),
            level: None,
            frame_bytes: 1 << 20,
            sync: SyncPolicy::default(),
            rotate_bytes: None,
            rotate_every: None,
            open_files_max: 64,
        }
    }

    pub(super) const fn rotates(&self) -> bool {
        self.rotate_bytes.is_some() || self.rotate_every.is_some()
    }
}

impl fmt::Debug for FileStoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStoreOptions")
            .field("path", &self.path)
            .field("format", &self.format.as_ref().map(|format| format.name()))
            .field("existing", &self.existing)
            .field("compression", &self.compression)
            .field("sync", &self.sync)
            .field("rotate_bytes", &self.rotate_bytes)
            .field("rotate_every", &self.rotate_every)
            .finish_non_exhaustive()
    }
}
