//! Files as a store.
//!
//! Between puts, each file ends where the last good put ended: what a failed write left (a full
//! disk) is cut off again. Once a put brought positions, a checkpoint beside the files says how
//! long each of them is with the positions reached; a store that begins again cuts them to that,
//! so that what the streams send again is not there twice.
//!
//! The one rule that makes this safe at every moment: no byte that may have to be cut off is
//! written to a file before a checkpoint that tells of that file lies on the disk.

mod checkpoint;
mod codec;
mod commit;
mod options;
mod partition;
mod recover;
mod tail;
mod target;
mod write;

pub use options::{Existing, FileStoreOptions, SyncPolicy};

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use pelton_format::Encoder;

use self::checkpoint::Rule;
use self::codec::Codec;
use self::tail::Tail;
use self::target::Target;
use self::write::Piece;
use super::fatal;
use crate::stream::{Delivery, Positions, Shape, Store, StoreError};

/// Appends records to a file, or to many.
///
/// # Guarantees
///
/// - A put is one write of the system, and without positions nothing else.
/// - A put that fails is cut off again.
/// - Puts with positions have their effect exactly once over restarts, a `kill -9` at any moment
///   included: the checkpoint `NAME.checkpoint` beside the file holds the positions and lengths.
///   With [`SyncPolicy::Commit`] that holds for a power failure too.
/// - Puts without positions stay, if they come between others too; the last may stay in part when
///   the process is killed inside it. With `lines` a half line at its end is then cut off where a
///   checkpoint tells that it was written here, and else ended.
///
/// # Names
///
/// With `rotate_bytes` or `rotate_every`, files have numbers of at least six digits before their
/// extensions: `out/events.ndjson` becomes `out/events.000001.ndjson` and so on. The highest is
/// the one being written; the others are complete.
///
/// In a path with columns, `{country}` becomes the value: letters, digits and `-` as they are, `.`
/// and `_` too but for the first, any other byte as `%` and two hexadecimal digits; null becomes
/// `_null` and the empty string `_empty`. The checkpoint of `out/{a}/{b}.csv` is
/// `out/a-b.csv.checkpoint`.
///
/// # Compression
///
/// Each put with positions ends a frame (a member of gzip, a frame of Zstandard); those without
/// are gathered in memory until there are `frame_bytes` of them or a flush comes, and are lost when
/// the process is killed before. A compressed file always has a checkpoint.
///
/// # Limits
///
/// - A pipe or a device takes what it is given: nothing is cut off, and positions are forgotten
///   with the process.
/// - A file that became shorter than its checkpoint says, or was renamed or removed, is an error.
///
/// ```
/// use pelton_connect::store::{FileStore, FileStoreOptions};
/// use pelton_connect::stream::{Delivery, Positions, Store};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("events.txt").display().to_string();
/// let mut store = FileStore::open(FileStoreOptions::new(&path))?;
/// assert!(store.positions()?.is_empty());
///
/// let line = |text: &str| [Delivery::Bytes { bytes: text.into(), records: 1 }];
/// store.put(&line("one\n"), &Positions::from([("tail".to_owned(), 4)]))?;
/// drop(store);
///
/// let mut store = FileStore::open(FileStoreOptions::new(&path))?;
/// assert_eq!(store.positions()?["tail"], 4);
/// store.put(&line("two\n"), &Positions::from([("tail".to_owned(), 8)]))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "one\ntwo\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStore {
    options: FileStoreOptions,
    target: Target,
    encoder: Option<Box<dyn Encoder>>,
    /// `None` when nothing is compressed.
    codec: Option<Codec>,
    /// By name; more than `open_files_max` only inside a put.
    tails: BTreeMap<String, Tail>,
    positions: Positions,
    /// That of the checkpoint on the disk, if there is one.
    rule: Option<Rule>,
    /// What was there is looked at, and half puts are cut off.
    recovered: bool,
    /// Number of puts.
    puts: u64,
    synced: Instant,
}

impl FileStore {
    /// A store that writes as `options` say. Files are looked at when its positions are asked for,
    /// or at the first put.
    ///
    /// # Errors
    ///
    /// [`Fatal`](crate::stream::StoreErrorKind::Fatal), when the options make no sense.
    pub fn open(options: FileStoreOptions) -> Result<Self, StoreError> {
        let path = options.path.clone();
        let target = Target::parse(&path, options.rotates());
        let target = target.map_err(|message| fatal(&path, message))?;
        if target.is_partitioned() && options.format.is_none() {
            let message = "has columns in braces, which needs records as columns; give a format";
            return Err(fatal(&path, message));
        }
        if target.is_partitioned() && options.existing != Existing::Append {
            return Err(fatal(
                &path,
                "files that columns name can only be appended to",
            ));
        }
        if options
            .rotate_every
            .is_some_and(|every| every < Duration::from_secs(1))
        {
            return Err(fatal(&path, "rotates more often than once a second"));
        }
        Ok(Self {
            codec: Codec::of(&options).map_err(|message| fatal(&path, message))?,
            encoder: options.format.as_ref().map(|format| format.encoder()),
            options,
            target,
            tails: BTreeMap::new(),
            positions: Positions::new(),
            rule: None,
            recovered: false,
            puts: 0,
            synced: Instant::now(),
        })
    }

    fn put_plain(&mut self, pieces: &[Piece<'_>], positions: &Positions) -> Result<(), StoreError> {
        let rule = match positions.is_empty() {
            true => Rule::Keep,
            false => Rule::Cut,
        };
        self.announce(rule)?;
        self.write(pieces)?;
        self.reach(positions)
    }

    fn put_packed(
        &mut self,
        pieces: &[Piece<'_>],
        positions: &Positions,
        codec: Codec,
    ) -> Result<(), StoreError> {
        if !self.hold(pieces) && positions.is_empty() {
            return Ok(());
        }
        self.write_packed(positions, codec)
    }

    fn write_packed(&mut self, positions: &Positions, codec: Codec) -> Result<(), StoreError> {
        self.announce(Rule::Cut)?;
        self.pack(codec)?;
        self.reach(positions)
    }

    /// Keeps what was written, or takes it back.
    fn settled(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(error) = written {
            self.take_back();
            return Err(error);
        }
        self.settle()
    }
}

impl Store for FileStore {
    fn shape(&self) -> Shape {
        match self.encoder {
            Some(_) => Shape::Rows,
            None => Shape::Bytes,
        }
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        self.recover()?;
        Ok(self.positions.clone())
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        self.recover()?;
        let pieces = self.pieces(deliveries)?;
        self.mend()?;
        self.puts += 1;
        for piece in &pieces {
            self.place(piece)?;
        }
        let written = match self.codec {
            None => self.put_plain(&pieces, positions),
            Some(codec) => self.put_packed(&pieces, positions, codec),
        };
        self.settled(written)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let packed = match self.codec {
            Some(codec) if self.tails.values().any(|tail| !tail.held.is_empty()) => {
                self.write_packed(&Positions::new(), codec)
            }
            _ => Ok(()),
        };
        self.settled(packed)?;
        self.sync()
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("options", &self.options)
            .field("positions", &self.positions)
            .finish_non_exhaustive()
    }
}
