//! One stretch of bytes to read: a file, standard input, memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use pelton_pool::BufferPool;

use crate::compression::{self, Compression};
use crate::file::{FileReader, Io};
use crate::source::fill;
use crate::{Error, ErrorKind, ReadOptions};

/// Something to read from start to end, with the name that messages give it.
pub struct Input {
    name: String,
    size: Option<u64>,
    origin: Start,
}

/// Where the bytes come from; files are opened only when it is their turn.
enum Start {
    Path(PathBuf),
    Reader(Box<dyn Read + Send>),
}

impl Input {
    /// The file at `path`.
    ///
    /// # Errors
    ///
    /// When it does not exist, is a directory, or cannot be looked at.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let name = path.display().to_string();
        let metadata = path.metadata().map_err(|error| Error::io(&name, &error))?;
        if metadata.is_dir() {
            let kind = ErrorKind::Io(io::ErrorKind::IsADirectory);
            return Err(Error::new(kind, &name, "is a directory, expected a file"));
        }
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            name,
            size,
            origin: Start::Path(path),
        })
    }

    /// Standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self::reader("stdin", io::stdin())
    }

    /// Bytes in memory.
    pub fn memory(name: &str, bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        let size = Some(bytes.as_ref().len() as u64);
        Self {
            size,
            ..Self::reader(name, Cursor::new(bytes))
        }
    }

    /// Anything that reads.
    pub fn reader(name: &str, reader: impl Read + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            size: None,
            origin: Start::Reader(Box::new(reader)),
        }
    }

    /// The path, or the name of the stream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes to read, when that is known beforehand: not where the name says that they are
    /// compressed.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let plain = Compression::of_path(&self.name) == Compression::None;
        self.size.filter(|_| plain)
    }

    /// Another of the same, where that can be read from its start again.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.origin {
            Start::Path(path) if self.size.is_some() => Some(Self {
                name: self.name.clone(),
                size: self.size,
                origin: Start::Path(path.clone()),
            }),
            _ => None,
        }
    }

    /// Its first bytes, unpacked, at most `len` of them; nothing where it cannot be read again.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn beginning(
        &self,
        len: usize,
        options: &ReadOptions,
        pool: &BufferPool,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(again) = self.again() else {
            return Ok(None);
        };
        let mut reader = again.start(options, pool)?;
        let mut bytes = vec![0; len];
        let filled = fill(&mut *reader, &mut bytes);
        bytes.truncate(filled.map_err(|error| Error::io(&self.name, &error))?);
        Ok(Some(bytes))
    }

    /// Opens it, and unpacks what is compressed.
    pub(crate) fn start(
        self,
        options: &ReadOptions,
        pool: &BufferPool,
    ) -> Result<Box<dyn Read + Send>, Error> {
        let reader = match self.origin {
            Start::Path(path) => {
                let opened = File::open(&path).and_then(|file| read_file(file, options.io, pool));
                opened.map_err(|error| Error::io(&self.name, &error))?
            }
            Start::Reader(reader) => reader,
        };
        compression::unpacked(&self.name, reader, options.compression, pool)
    }
}

#[cfg(all(feature = "mmap", target_os = "linux"))]
fn read_file(file: File, io: Io, pool: &BufferPool) -> io::Result<Box<dyn Read + Send>> {
    if io != Io::Mmap {
        return Ok(Box::new(FileReader::new(file)?));
    }
    match crate::map::MapReader::new(file, pool)? {
        Ok(mapped) => Ok(Box::new(mapped)),
        Err(file) => Ok(Box::new(FileReader::new(file)?)),
    }
}

#[cfg(not(all(feature = "mmap", target_os = "linux")))]
fn read_file(file: File, _: Io, _: &BufferPool) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(FileReader::new(file)?))
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish()
    }
}
