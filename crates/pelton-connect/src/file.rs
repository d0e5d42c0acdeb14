//! Reading a file that must stay as it is.

use std::fs::File;
use std::io::{self, Read};

/// How the bytes of a file come into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// By what was measured to be no slower: [`Read`](Self::Read). Copying out of a window of a map
    /// took 1.07 times as long in the median of seven rounds over a file that the system had in
    /// memory, since each page must be mapped before it can be copied.
    #[default]
    Auto,
    /// Into leased buffers, with the system's `read`.
    Read,
    /// Through a window of a memory map that slides over the file. Where the system has none, and
    /// for what is no regular file, as [`Read`](Self::Read).
    Mmap,
}

impl std::str::FromStr for Io {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "read" => Ok(Self::Read),
            "mmap" => Ok(Self::Mmap),
            _ => Err(format!("expected auto, read or mmap, found `{text}`")),
        }
    }
}

impl std::fmt::Display for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Read => "read",
            Self::Mmap => "mmap",
        })
    }
}

/// A file, read to the end that it had when it was opened.
///
/// Records may be cut in two where a file changes under the reader, so that one that grew or shrank
/// is an error. What has no size of its own (a pipe, a device, a file of `/proc`) is read as far as
/// it goes.
pub(crate) struct FileReader {
    file: File,
    /// Bytes at the time of opening.
    size: Option<u64>,
    read: u64,
}

impl FileReader {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let size = regular_size(&file)?;
        Ok(Self {
            file,
            size,
            read: 0,
        })
    }
}

/// The bytes of a regular file; none for what has no size, or says that it has none.
pub(crate) fn regular_size(file: &File) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    let regular = metadata.is_file() && metadata.len() > 0;
    Ok(regular.then_some(metadata.len()))
}

/// The error of a file that had `before` bytes and now has `now`.
pub(crate) fn changed(before: u64, now: u64) -> io::Error {
    let verb = if now < before { "shrank" } else { "grew" };
    let message = format!(
        "{verb} from {before} to {now} bytes while it was read; read a copy of it, or pipe it in \
         to take what is there"
    );
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl Read for FileReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(room)?;
        self.read += read as u64;
        match self.size {
            Some(size) if self.read > size || read == 0 && self.read < size && !room.is_empty() => {
                let now = self.file.metadata()?.len();
                Err(changed(size, now))
            }
            _ => Ok(read),
        }
    }
}
