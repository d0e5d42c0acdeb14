//! One stretch of bytes to read: a file, standard input, memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

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
            return Err(Error::new(
                kind,
                &name,
                "is a directory, expected a file or a pattern",
            ));
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

    /// Bytes to read, when that is known beforehand.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Opens it.
    pub(crate) fn start(self) -> Result<Box<dyn Read + Send>, Error> {
        match self.origin {
            Start::Path(path) => {
                let file = File::open(&path).map_err(|error| Error::io(&self.name, &error))?;
                Ok(Box::new(file))
            }
            Start::Reader(reader) => Ok(reader),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish()
    }
}

/// The inputs that `path` names: standard input for `-`, the one file, or all that match a pattern
/// (`*`, `?`, `[...]`, `**`), in the order of their names.
///
/// # Errors
///
/// When nothing matches, or a match cannot be read.
pub fn inputs(path: &str) -> Result<Vec<Input>, Error> {
    if path == "-" {
        return Ok(vec![Input::stdin()]);
    }
    if Path::new(path).exists() || !path.contains(['*', '?', '[']) {
        return Ok(vec![Input::file(path)?]);
    }
    let not_found = ErrorKind::Io(io::ErrorKind::NotFound);
    let matches = glob::glob(path).map_err(|error| Error::new(not_found, path, error))?;
    let mut found = Vec::new();
    for entry in matches {
        let entry = entry.map_err(|error| Error::io(path, error.error()))?;
        if !entry.is_dir() {
            found.push(Input::file(entry)?);
        }
    }
    if found.is_empty() {
        return Err(Error::new(not_found, path, "no file matches the pattern"));
    }
    Ok(found)
}
