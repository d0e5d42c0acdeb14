//! The files of a spool, and where it stands in them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::time::Instant;

use super::recover::{recover, write_trimmed};
use super::segment::{Segment, SegmentReader, encode};
use super::{Entry, Recovery, SpoolOptions};
use crate::store::SyncPolicy;

#[derive(Debug)]
pub(super) struct State {
    /// Never empty; the last one is appended to.
    segments: VecDeque<Segment>,
    file: File,
    /// Everything before is trimmed.
    pub trimmed: u64,
    /// Number of the next entry to be read.
    cursor: u64,
    /// Where that is: a reader, and the first entry of its segment.
    reader: Option<(SegmentReader, u64)>,
    /// On the disk.
    pub bytes: u64,
    /// Half an entry lies behind the last one.
    torn: bool,
    pub closed: bool,
    synced: Instant,
    /// The entry being written; kept for its memory.
    scratch: Vec<u8>,
    /// Keeps others out.
    _lock: File,
}

impl State {
    pub(super) fn open(options: &SpoolOptions) -> io::Result<(Self, Recovery)> {
        fs::create_dir_all(&options.folder)?;
        let lock = File::create(options.folder.join("lock"))?;
        if lock.try_lock().is_err() {
            let message = "another process has this spool open";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
        }
        let mut found = recover(&options.folder)?;
        let file = match found.segments.back() {
            Some(last) => last.append_to()?,
            None => {
                let (first, file) = Segment::create(&options.folder, found.trimmed)?;
                found.segments.push_back(first);
                file
            }
        };
        let mut state = Self {
            bytes: found.segments.iter().map(|segment| segment.bytes).sum(),
            segments: found.segments,
            file,
            trimmed: 0,
            cursor: 0,
            reader: None,
            torn: false,
            closed: false,
            synced: Instant::now(),
            scratch: Vec::new(),
            _lock: lock,
        };
        state.trimmed = found.trimmed;
        state.cursor = found.trimmed;
        state.remove_trimmed(options)?;
        Ok((state, found.recovery))
    }

    /// Number of the next entry.
    pub(super) fn end(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.end)
    }

    /// True when the next entry goes to the next segment.
    pub(super) fn is_full(&self, options: &SpoolOptions) -> bool {
        let last = self.segments.back();
        last.is_some_and(|last| last.bytes >= options.segment_bytes && last.end > last.first)
    }

    fn roll_to(&mut self, first: u64, options: &SpoolOptions) -> io::Result<()> {
        if options.sync != SyncPolicy::None {
            self.file.sync_data()?;
        }
        let (segment, file) = Segment::create(&options.folder, first)?;
        self.bytes += segment.bytes;
        self.segments.push_back(segment);
        self.file = file;
        Ok(())
    }

    pub(super) fn append(
        &mut self,
        note: &[u8],
        body: &[u8],
        rolls: bool,
        options: &SpoolOptions,
    ) -> io::Result<u64> {
        let number = self.end();
        if rolls {
            self.roll_to(number, options)?;
        }
        encode(number, note, body, &mut self.scratch);
        let good = self.segments.back().map_or(0, |segment| segment.bytes);
        if self.torn {
            self.file.set_len(good)?;
        }
        self.torn = true;
        let written = self
            .file
            .write_all(&self.scratch)
            .and_then(|()| self.settle(options));
        if let Err(error) = written {
            self.torn = self.file.set_len(good).is_err();
            return Err(error);
        }
        self.torn = false;
        if let Some(segment) = self.segments.back_mut() {
            segment.end += 1;
            segment.bytes += self.scratch.len() as u64;
        }
        self.bytes += self.scratch.len() as u64;
        Ok(number)
    }

    /// Goes back to the oldest entry that is not trimmed.
    pub(super) fn rewind(&mut self) {
        self.cursor = self.trimmed;
        self.reader = None;
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.synced = Instant::now();
        self.file.sync_data()
    }

    /// Forces what was written to the disk, if it is time.
    fn settle(&mut self, options: &SpoolOptions) -> io::Result<()> {
        let due = match options.sync {
            SyncPolicy::None => false,
            SyncPolicy::Interval(every) => self.synced.elapsed() >= every,
            SyncPolicy::Commit => true,
        };
        if due { self.sync() } else { Ok(()) }
    }

    pub(super) fn read(&mut self) -> io::Result<Option<Entry>> {
        if self.cursor >= self.end() {
            return Ok(None);
        }
        let holds = |segment: &&Segment| (segment.first..segment.end).contains(&self.cursor);
        let Some(segment) = self.segments.iter().find(holds) else {
            return Err(damaged());
        };
        let mut reader = match self.reader.take() {
            Some((reader, first)) if first == segment.first => reader,
            _ => {
                let mut reader = SegmentReader::open(&segment.path)?;
                for number in segment.first..self.cursor {
                    reader.read(number, segment.bytes)?.ok_or_else(damaged)?;
                }
                reader
            }
        };
        let entry = reader
            .read(self.cursor, segment.bytes)?
            .ok_or_else(damaged)?;
        self.reader = Some((reader, segment.first));
        self.cursor += 1;
        Ok(Some(entry))
    }

    pub(super) fn trim(&mut self, before: u64, options: &SpoolOptions) -> io::Result<()> {
        if before <= self.trimmed {
            return Ok(());
        }
        write_trimmed(&options.folder, before)?;
        self.trimmed = before;
        if self.cursor < before {
            self.rewind();
        }
        self.remove_trimmed(options)
    }

    /// Removes the segments that hold nothing but trimmed entries.
    fn remove_trimmed(&mut self, options: &SpoolOptions) -> io::Result<()> {
        let done = |last: &Segment| match last.end == last.first {
            true => last.end < self.trimmed,
            false => last.end <= self.trimmed,
        };
        if self.segments.back().is_some_and(done) {
            self.roll_to(self.trimmed, options)?;
        }
        while self.segments.len() > 1 && self.segments[0].end <= self.trimmed {
            fs::remove_file(&self.segments[0].path)?;
            self.bytes -= self.segments[0].bytes;
            self.segments.pop_front();
        }
        Ok(())
    }
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "an entry was damaged while the spool was open",
    )
}
