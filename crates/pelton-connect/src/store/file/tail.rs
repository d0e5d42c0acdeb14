//! The end of a file, where records are put.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::checkpoint::Mark;

/// A file that is written, and how far it is good.
#[derive(Debug)]
pub(super) struct Tail {
    pub path: PathBuf,
    pub number: u64,
    pub begun_s: u64,
    /// `None` while it is closed, because too many others are open.
    file: Option<File>,
    /// A regular file, which can be cut; not a pipe or a device.
    pub regular: bool,
    /// Where the last good put ended.
    pub good: u64,
    /// Where the last write ended, at most: equal to `good` between puts.
    end: u64,
    /// Records that wait to be compressed.
    pub held: Vec<u8>,
    /// How many of these bytes came with puts before this one.
    held_good: usize,
    /// What is held is written, as far as this put is concerned.
    pub packed: bool,
    /// Written since it was last forced to the disk.
    pub unsynced: bool,
    /// Stands in the checkpoint on the disk.
    pub listed: bool,
    /// The put that used it last.
    pub used: u64,
}

impl Tail {
    /// Opens the file at `path`, making it if need be.
    pub(super) fn open(path: PathBuf, number: u64, begun_s: u64) -> io::Result<Self> {
        let file = open(&path)?;
        let metadata = file.metadata()?;
        let length = if metadata.is_file() {
            metadata.len()
        } else {
            0
        };
        Ok(Self {
            path,
            number,
            begun_s,
            file: Some(file),
            regular: metadata.is_file(),
            good: length,
            end: length,
            held: Vec::new(),
            held_good: 0,
            packed: false,
            unsynced: false,
            listed: false,
            used: 0,
        })
    }

    pub(super) fn mark(&self, name: &str) -> Mark {
        Mark {
            name: name.to_owned(),
            number: self.number,
            length: self.end,
            begun_s: self.begun_s,
        }
    }

    /// True when nothing was ever put here.
    pub(super) const fn is_new(&self) -> bool {
        self.good == 0
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(open(&self.path)?);
        }
        self.file
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes `parts` behind what is good, in one call of the system where it takes them all.
    pub(super) fn append(&mut self, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
        self.end += length;
        self.unsynced = true;
        let file = self.file()?;
        match parts {
            [only] => file.write_all(only),
            several => write_all_vectored(file, several),
        }
    }

    /// What was written is good.
    pub(super) fn keep(&mut self) {
        self.good = self.end;
        if self.packed {
            self.held.clear();
            self.packed = false;
        }
        self.held_good = self.held.len();
    }

    /// Takes over what `before`, the file before this one, holds.
    pub(super) fn inherit(&mut self, before: &mut Self) {
        self.held = std::mem::take(&mut before.held);
        self.held_good = self.held.len();
    }

    /// Forgets what this put brought.
    pub(super) fn let_go(&mut self) -> io::Result<()> {
        self.held.truncate(self.held_good);
        self.packed = false;
        self.take_back()
    }

    /// Cuts off what was written since it was last good. What a pipe has taken is gone.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        if self.end == self.good {
            return Ok(());
        }
        let good = self.good;
        if self.regular {
            self.file()?.set_len(good)?;
        }
        self.end = good;
        Ok(())
    }

    /// Cuts the file to `length`; an error of kind `UnexpectedEof` when it is shorter already.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        if !self.regular {
            return Ok(());
        }
        if self.end < length {
            let message = format!("{} bytes of {length}", self.end);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.good = length;
        self.take_back()
    }

    /// Cuts off a last line that is not whole, as far as it lies behind `length`.
    pub(super) fn cut_half_line(&mut self, length: u64) -> io::Result<()> {
        if !self.regular {
            return Ok(());
        }
        let mut reader = File::open(&self.path)?;
        let mut room = [0; 4096];
        let mut end = self.good;
        while length < end {
            let begin = length.max(end.saturating_sub(room.len() as u64));
            let piece = &mut room[..(end - begin) as usize];
            reader.seek(SeekFrom::Start(begin))?;
            reader.read_exact(piece)?;
            if let Some(newline) = piece.iter().rposition(|&byte| byte == b'\n') {
                return self.cut(begin + newline as u64 + 1);
            }
            end = begin;
        }
        self.cut(length)
    }

    /// Ends a last line that was cut short with a newline, so that the next record stands alone.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        if !self.regular || self.good == 0 {
            return Ok(());
        }
        let mut last = [0];
        let mut reader = File::open(&self.path)?;
        reader.seek(SeekFrom::Start(self.good - 1))?;
        reader.read_exact(&mut last)?;
        if last != *b"\n" {
            self.append(&mut [IoSlice::new(b"\n")])?;
            self.keep();
        }
        Ok(())
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced && self.regular {
            self.file()?.sync_data()?;
        }
        self.unsynced = false;
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.file = None;
    }
}

/// Opens for appending, and keeps others who ask out.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) if file.metadata()?.is_file() => {
            let message = "another process writes it; stop that, or give this one its own file";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, message))
        }
        // A file system without locks is written without them.
        _ => Ok(file),
    }
}

fn write_all_vectored(file: &mut File, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match file.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut parts, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
