//! What an earlier process left in the folder of a spool.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::layout::{Reader, Writer};
use super::segment::{HEAD_BYTES, Segment, number_of};

/// Holds the number before which everything is trimmed, and its checksum.
const TRIMMED: &str = "trimmed";

/// What was found when a spool was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Entries that were not trimmed yet.
    pub entries: u64,
    /// Bytes behind the last whole entry, which were cut off: an append that was interrupted.
    pub cut_bytes: u64,
    /// Segments behind a damaged place. They are set aside under these names, and not read.
    pub set_aside: Vec<PathBuf>,
}

/// The segments of a folder.
#[derive(Debug)]
pub(super) struct Found {
    pub segments: VecDeque<Segment>,
    /// Everything before this number is trimmed.
    pub trimmed: u64,
    pub recovery: Recovery,
}

/// Reads what is in `folder`, and cuts off what is not whole.
pub(super) fn recover(folder: &Path) -> io::Result<Found> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        paths.extend(number_of(&path).map(|number| (number, path)));
    }
    paths.sort();
    let mut found = Found {
        segments: VecDeque::new(),
        trimmed: read_trimmed(folder)?,
        recovery: Recovery::default(),
    };
    let mut whole = true;
    for (number, path) in &paths {
        whole = whole && take(path, &mut found)?;
        if !whole {
            leave(path, &mut found.recovery)?;
            found.trimmed = found.trimmed.max(if found.segments.is_empty() {
                *number
            } else {
                0
            });
        }
    }
    let first = found.segments.front().map_or(0, |segment| segment.first);
    found.trimmed = found.trimmed.max(first);
    let end = found.segments.back().map_or(0, |segment| segment.end);
    found.recovery.entries = end.saturating_sub(found.trimmed);
    Ok(found)
}

/// Takes a segment in; false when neither it nor what follows can be read.
fn take(path: &Path, found: &mut Found) -> io::Result<bool> {
    let Some(segment) = Segment::scan(path)? else {
        return Ok(false);
    };
    if found
        .segments
        .back()
        .is_some_and(|before| before.end != segment.first)
    {
        return Ok(false);
    }
    let rest = path.metadata()?.len() - segment.bytes;
    if rest > 0 {
        segment.append_to()?.set_len(segment.bytes)?;
        found.recovery.cut_bytes += rest;
    }
    found.segments.push_back(segment);
    Ok(true)
}

/// Removes a segment that was never begun, and sets any other aside.
fn leave(path: &Path, recovery: &mut Recovery) -> io::Result<()> {
    let length = path.metadata()?.len();
    if length < HEAD_BYTES {
        recovery.cut_bytes += length;
        return fs::remove_file(path);
    }
    let aside = path.with_extension("unread");
    fs::rename(path, &aside)?;
    recovery.set_aside.push(aside);
    Ok(())
}

/// 0 when there is none, or it is damaged: then entries come again.
fn read_trimmed(folder: &Path) -> io::Result<u64> {
    match fs::read(folder.join(TRIMMED)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        bytes => {
            let bytes = bytes?;
            let number = Reader::unsealed(&bytes).and_then(|mut from| from.u64());
            Ok(number.unwrap_or(0))
        }
    }
}

pub(super) fn write_trimmed(folder: &Path, number: u64) -> io::Result<()> {
    let beside = folder.join("trimmed.new");
    let mut file = File::create(&beside)?;
    file.write_all(&Writer::default().u64(number).sealed())?;
    drop(file);
    fs::rename(beside, folder.join(TRIMMED))
}
