//! Where bytes are put away.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, ErrorKind};

/// Takes bytes in order, and keeps them for good when told so.
///
/// Dropping a sink without [`commit`](Self::commit) gives up what was written, as far as the place
/// allows.
pub trait Sink: Send {
    /// Puts `bytes` after what was written before.
    ///
    /// # Errors
    ///
    /// When the place refuses: a full disk, a closed pipe.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Makes what was written last, and visible under its name.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn commit(&mut self) -> Result<(), Error>;
}

/// A file that appears under its name when it is complete.
///
/// Until then the bytes are in `NAME.partial` beside it. A path that is there and is no regular
/// file (a pipe, a device) is written as it is.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    file: File,
    /// What to rename, and to what; `None` for what is written in place, and after the commit.
    pending: Option<(PathBuf, PathBuf)>,
    /// Whether the commit waits for the disk.
    synced: bool,
}

impl FileSink {
    /// Begins to write the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        if path.is_dir() {
            let kind = ErrorKind::Io(io::ErrorKind::IsADirectory);
            return Err(Error::new(
                kind,
                &name,
                "is a directory, expected a file to write",
            ));
        }
        let partial = partial_path(path);
        let target = if special { path } else { &partial };
        let file = File::create(target).map_err(|error| Error::io(&name, &error))?;
        let pending = (!special).then(|| (partial.clone(), path.to_owned()));
        Ok(Self {
            name,
            file,
            pending,
            synced: false,
        })
    }

    /// Whether the commit waits until the disk has the bytes, and then the name.
    ///
    /// It does not unless told so: a file that was committed survives the end of the process in
    /// any case, and a failure of power only when it was synced.
    #[must_use]
    pub const fn synced(mut self, synced: bool) -> Self {
        self.synced = synced;
        self
    }

    fn finish(&mut self) -> io::Result<()> {
        let regular = self.pending.is_some();
        if self.synced && regular {
            self.file.sync_all()?;
        }
        if let Some((partial, path)) = self.pending.take() {
            fs::rename(partial, &path)?;
            if self.synced {
                sync_name(&path)?;
            }
        }
        Ok(())
    }
}

/// Makes the name of a file last: it stands in its directory.
fn sync_name(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match cfg!(unix) {
        true => File::open(parent.unwrap_or(Path::new(".")))?.sync_all(),
        false => Ok(()),
    }
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all(bytes)
            .map_err(|error| Error::io(&self.name, &error))
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.finish().map_err(|error| Error::io(&self.name, &error))
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if let Some((partial, _)) = self.pending.take() {
            // Nobody is left to tell; at the worst a .partial file stays behind.
            let _ = fs::remove_file(partial);
        }
    }
}

/// Standard output.
#[derive(Debug, Default)]
pub struct StdoutSink;

impl Sink for StdoutSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = io::stdout().write_all(bytes);
        written.map_err(|error| Error::io("stdout", &error))
    }

    fn commit(&mut self) -> Result<(), Error> {
        io::stdout()
            .flush()
            .map_err(|error| Error::io("stdout", &error))
    }
}

/// Memory, which whoever made the sink can look into.
///
/// ```
/// use pelton_connect::{MemorySink, Sink};
///
/// let mut sink = MemorySink::default();
/// let seen = sink.clone();
/// sink.write(b"hello")?;
/// assert_eq!(seen.take(), b"hello");
/// # Ok::<(), pelton_connect::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemorySink {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemorySink {
    /// Takes out what was written so far.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for MemorySink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
