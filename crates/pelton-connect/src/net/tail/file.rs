//! One file that is followed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::super::feed::{Feed, READ_BYTES};
use super::super::pump::{Halt, read_piece};
use super::super::unfinished::Unfinished;
use super::super::{ListenOptions, Stop};
use crate::stream::{Intake, Peer, Stream};

/// A turn reads so many pieces; then the other files have theirs.
const PIECES_PER_TURN: usize = 64;
/// A file is told from others by no more than this of its first line.
const FIRST_LINE_BYTES: usize = 256;

/// What stays the same when a file is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// A file's contents, which are new when it was emptied and begun again.
struct Contents {
    /// The first line, or the beginning of a long one.
    first_line: Vec<u8>,
    name: String,
}

impl Stream for Contents {
    fn name(&self) -> &str {
        &self.name
    }

    fn committed(&self, _position: u64) {
        // A file need not be told: it is read from the position that the engine keeps.
    }

    fn rereads(&self) -> bool {
        true
    }

    fn counts_bytes(&self) -> bool {
        true
    }
}

/// A file, and how far it was read.
pub(super) struct Followed {
    pub(super) id: FileId,
    /// No name that is followed leads to it any more.
    pub(super) retired: bool,
    pattern: String,
    path: PathBuf,
    file: File,
    /// Where the next read begins.
    read: u64,
    last_read: usize,
    /// Known once the first line is whole.
    current: Option<(Arc<Contents>, Feed)>,
}

impl Followed {
    pub(super) fn open(pattern: &str, path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self {
            id: FileId::from(&file.metadata()?),
            retired: false,
            pattern: pattern.to_owned(),
            path: path.to_owned(),
            file,
            read: 0,
            last_read: READ_BYTES,
            current: None,
        })
    }

    /// True when an earlier run read some of it and not all.
    pub(super) fn is_begun(&self, intake: &dyn Intake) -> bool {
        let position = self.contents(false).ok().flatten();
        let position = position.and_then(|contents| intake.position(&contents.name));
        position.is_some_and(|position| position < self.size().unwrap_or(0))
    }

    /// When it was written to.
    pub(super) fn changed(&self) -> Option<SystemTime> {
        self.file.metadata().and_then(|file| file.modified()).ok()
    }

    /// True when it has no name at all.
    pub(super) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Reads what is there, up to a turn's worth. True when there is more.
    pub(super) async fn read_turn(
        &mut self,
        options: &ListenOptions,
        intake: &Arc<dyn Intake>,
        stop: &Stop,
    ) -> Result<bool, Halt> {
        if self.is_begun_anew()? {
            self.finish_contents().await?;
        }
        if self.current.is_none() {
            // Who has not written a whole line yet is asked again.
            let Some(contents) = self.contents(false)? else {
                return Ok(false);
            };
            self.begin(contents, options, intake)?;
        }
        for _ in 0..PIECES_PER_TURN {
            if self.read >= self.size()? || stop.is_stopped() {
                return Ok(false);
            }
            let mut reader = At {
                file: &self.file,
                position: self.read,
            };
            let Some((_, feed)) = &mut self.current else {
                return Ok(false);
            };
            self.last_read = read_piece(&mut reader, feed, self.last_read).await?;
            self.read += self.last_read as u64;
        }
        Ok(true)
    }

    /// Hands on the last record, which nothing ends.
    pub(super) async fn finish(
        mut self,
        options: &ListenOptions,
        intake: &Arc<dyn Intake>,
        stop: &Stop,
    ) -> Result<(), Halt> {
        if self.current.is_none()
            && let Some(contents) = self.contents(true)?
        {
            self.begin(contents, options, intake)?;
            while self.read_turn(options, intake, stop).await? {}
        }
        self.finish_contents().await
    }

    async fn finish_contents(&mut self) -> Result<(), Halt> {
        self.read = 0;
        match self.current.take() {
            Some((_, mut feed)) => Ok(feed.finish().await?),
            None => Ok(()),
        }
    }

    /// True when it is shorter than what was read of it, or begins with another line.
    fn is_begun_anew(&self) -> io::Result<bool> {
        let Some((contents, _)) = &self.current else {
            return Ok(false);
        };
        if self.size()? < self.read {
            return Ok(true);
        }
        let mut room = [0; FIRST_LINE_BYTES];
        let length = contents.first_line.len();
        let read = self.file.read_at(&mut room[..length], 0)?;
        Ok(room[..read] != contents.first_line)
    }

    /// Goes on where an earlier run came to.
    fn begin(
        &mut self,
        contents: Contents,
        options: &ListenOptions,
        intake: &Arc<dyn Intake>,
    ) -> io::Result<()> {
        let known = intake.position(&contents.name).unwrap_or(0);
        // A shorter file with the same first line was begun anew.
        self.read = if known <= self.size()? { known } else { 0 };
        self.last_read = READ_BYTES;
        let peer = Peer {
            source: options.source,
            name: format!("tail://{}", self.path.display()),
        };
        let contents = Arc::new(contents);
        let feed = Feed::new(options, intake.clone(), peer, Unfinished::unlimited());
        let feed = feed.of_stream(contents.clone(), self.read);
        self.current = Some((contents, feed));
        Ok(())
    }

    /// What the file holds now, if its first line is whole or long enough, or nothing more comes
    /// (`complete`).
    fn contents(&self, complete: bool) -> io::Result<Option<Contents>> {
        let mut room = [0; FIRST_LINE_BYTES];
        let read = self.file.read_at(&mut room, 0)?;
        let line = room[..read].iter().position(|&byte| byte == b'\n');
        let enough = read == room.len() || complete && read > 0;
        let Some(last) = line.or_else(|| enough.then(|| read - 1)) else {
            return Ok(None);
        };
        let first_line = room[..=last].to_vec();
        let seal = crc32fast::hash(&first_line);
        let (pattern, inode) = (&self.pattern, self.id.inode);
        let name = format!("tail:{pattern}:{inode}:{seal:08x}");
        Ok(Some(Contents { first_line, name }))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Reads at a position of its own.
struct At<'a> {
    file: &'a File,
    position: u64,
}

impl Read for At<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(room, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}
