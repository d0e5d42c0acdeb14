//! Where state goes that outgrows its memory.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, ErrorKind};

/// Whether, and into which directory, state that outgrows its memory may be written.
///
/// Files are unlinked as soon as they are open where the system allows it, so that they vanish
/// however the process ends; elsewhere they are removed when the state drops.
///
/// Clones count together.
///
/// ```
/// let spill = pelton_stage::Spill::to(std::env::temp_dir());
/// assert!(spill.is_allowed() && spill.written_bytes() == 0);
/// assert!(!pelton_stage::Spill::forbidden().is_allowed());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Spill {
    directory: Option<Arc<Directory>>,
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    files: u64,
    bytes: u64,
}

impl Spill {
    /// State that outgrows its memory is an error.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::default()
    }

    /// State goes into files in `directory`, which must exist when the first is needed.
    pub fn to(directory: impl Into<PathBuf>) -> Self {
        let directory = Directory {
            path: directory.into(),
            written: Mutex::default(),
        };
        Self {
            directory: Some(Arc::new(directory)),
        }
    }

    /// True unless it is forbidden.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.directory.is_some()
    }

    /// The bytes written so far, by all stages that have a clone of this.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.with_written(|written| written.bytes).unwrap_or(0)
    }

    fn with_written<T>(&self, change: impl FnOnce(&mut Written) -> T) -> Option<T> {
        let written = &self.directory.as_ref()?.written;
        Some(change(
            &mut written.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

/// A file that is gone when this is.
///
/// ```
/// use pelton_stage::{Spill, SpillFile};
///
/// let mut file = SpillFile::create(&Spill::to(std::env::temp_dir()))?;
/// file.append(b"one")?;
/// let start = file.append(b"two")?;
/// let mut read = Vec::new();
/// file.read(start, 3, &mut read)?;
/// assert_eq!(read, b"two");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct SpillFile {
    file: File,
    /// Where it is, unless its name is gone already.
    path: Option<PathBuf>,
    len: u64,
    spill: Spill,
}

impl SpillFile {
    /// An empty file in the directory of `spill`.
    ///
    /// # Errors
    ///
    /// When there can be none.
    ///
    /// # Panics
    ///
    /// When spilling is [forbidden](Spill::forbidden).
    pub fn create(spill: &Spill) -> Result<Self, Error> {
        let directory = spill
            .directory
            .as_ref()
            .map(|directory| directory.path.as_path());
        let directory = directory.expect("files are created where spilling is allowed");
        let number = spill.with_written(|written| {
            written.files += 1;
            written.files
        });
        let (file, path) = create_in(directory, number.unwrap_or(0))
            .map_err(|error| failed("write to", directory, &error))?;
        let unlinked = std::fs::remove_file(&path).is_ok();
        Ok(Self {
            file,
            path: (!unlinked).then_some(path),
            len: 0,
            spill: spill.clone(),
        })
    }

    /// Writes `bytes` at the end; gives where they begin.
    ///
    /// # Errors
    ///
    /// When the system refuses; what of them was written is written over by the next.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let start = self.len;
        let written = self.file.seek(SeekFrom::Start(start));
        let written = written.and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| self.failed("write to", &error))?;
        self.len += bytes.len() as u64;
        self.spill
            .with_written(|written| written.bytes += bytes.len() as u64);
        Ok(start)
    }

    /// Reads `len` bytes from `start` on into `out`, instead of what is there.
    ///
    /// # Errors
    ///
    /// When the system refuses, or there are not so many.
    pub fn read(&self, start: u64, len: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        out.resize(len, 0);
        let read = read_at(&self.file, start, out);
        read.map_err(|error| self.failed("read back from", &error))
    }

    fn failed(&self, doing: &str, error: &io::Error) -> Error {
        let directory = self.spill.directory.as_ref();
        failed(
            doing,
            directory.map_or(Path::new("."), |directory| &directory.path),
            error,
        )
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nobody is left to be told that it failed.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Reads without moving the file's cursor, which several readers share.
#[cfg(unix)]
fn read_at(file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

/// Reads without moving the file's cursor, which several readers share.
#[cfg(windows)]
fn read_at(file: &File, mut start: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, start)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (start, out) = (start + read as u64, &mut out[read..]);
    }
    Ok(())
}

/// Makes a file with a name that no other has: of this process and number, or the next free one.
fn create_in(directory: &Path, number: u64) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let process = std::process::id();
    let mut attempt = 0u32;
    loop {
        let path = directory.join(format!("pelton-{process}-{number}-{attempt}.spill"));
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn failed(doing: &str, directory: &Path, error: &io::Error) -> Error {
    let message = format!(
        "cannot {doing} the spill directory {}: {error}",
        directory.display()
    );
    Error::new(ErrorKind::Spill, message)
}
