//! From a path to the inputs that it names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Input};

/// The inputs that `path` names, in the order of their paths: standard input for `-`, the one
/// file, all files of a directory and the directories in it, or all that match a pattern (`*`,
/// `?`, `[...]`, `**`).
///
/// In a directory, what begins with `.` or `_` is left
/// out with all that is in it, and so are files that end in `.partial`: they are others' notes and
/// unfinished work. All other files are taken, whatever their extension. Links to files are
/// followed, links to directories are not. Directories that a pattern matches are passed over.
///
/// # Errors
///
/// When nothing matches, a directory holds no file, or a match cannot be read.
pub fn inputs(path: &str) -> Result<Vec<Input>, Error> {
    if path == "-" {
        return Ok(vec![Input::stdin()]);
    }
    let not_found = |message: &str| {
        let kind = ErrorKind::Io(io::ErrorKind::NotFound);
        Err(Error::new(kind, path, message))
    };
    let mut files = Vec::new();
    if Path::new(path).is_dir() {
        walk(Path::new(path), &mut files)?;
        if files.is_empty() {
            return not_found("the directory holds no file to read");
        }
    } else if Path::new(path).exists() || !path.contains(['*', '?', '[']) {
        files.push(PathBuf::from(path));
    } else {
        files = matches(path)?;
        if files.is_empty() {
            return not_found("no file matches the pattern");
        }
    }
    files.into_iter().map(Input::file).collect()
}

fn matches(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let found = glob::glob(pattern).map_err(|error| {
        let kind = ErrorKind::Io(io::ErrorKind::InvalidInput);
        Error::new(kind, pattern, error)
    })?;
    let mut files = Vec::new();
    for entry in found {
        let entry = entry.map_err(|error| Error::io(pattern, error.error()))?;
        if !entry.is_dir() {
            files.push(entry);
        }
    }
    Ok(files)
}

/// Adds the files of `directory` and of those in it, by name.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let name = directory.display().to_string();
    let place = |error: io::Error| Error::io(&name, &error);
    let entries = fs::read_dir(directory).map_err(place)?;
    let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(place)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, own) = (entry.path(), entry.file_name());
        let own = own.to_string_lossy();
        if own.starts_with(['.', '_']) || own.ends_with(".partial") {
            continue;
        }
        if entry.file_type().map_err(place)?.is_dir() {
            walk(&path, files)?;
        } else if !path.is_dir() {
            files.push(path);
        }
    }
    Ok(())
}
