//! Records on disk, in runs that are read one after the other or merged.
//!
//! A record is the length of all that follows, the length of its sort key, the sort key, and a
//! payload. Sort keys compare as bytes. Records are written in segments and never straddle two.

use std::sync::Arc;

use super::spill::{Spill, SpillFile};
use crate::Error;

/// Bytes of a segment, unless a single record is longer.
pub(crate) const SEGMENT: usize = 16 << 10;
/// Bytes of one of the two lengths before a record.
const LENGTH: usize = size_of::<u32>();

/// Writes a record behind `out`: a sort key, and what `payload` writes.
pub(crate) fn write_record(out: &mut Vec<u8>, sort_key: &[u8], payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    out.extend_from_slice(&(sort_key.len() as u32).to_le_bytes());
    out.extend_from_slice(sort_key);
    payload(out);
    let len = (out.len() - start - LENGTH) as u32;
    out[start..start + LENGTH].copy_from_slice(&len.to_le_bytes());
}

/// Takes the first record off `records`: its sort key and its payload.
pub(crate) fn read_record<'a>(records: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (len, rest) = records.split_first_chunk::<LENGTH>()?;
    let (record, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
    *records = rest;
    let (len, record) = record.split_first_chunk::<LENGTH>()?;
    Some(record.split_at(u32::from_le_bytes(*len) as usize))
}

/// The first eight bytes of a sort key, as a number that has their order.
pub(crate) fn prefix(sort_key: &[u8]) -> u64 {
    if let Some(first) = sort_key.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut bytes = [0; 8];
    bytes[..sort_key.len()].copy_from_slice(sort_key);
    u64::from_be_bytes(bytes)
}

/// A part of a file.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    len: u32,
}

/// Several runs of records in one file.
#[derive(Debug)]
pub(crate) struct Runs {
    file: SpillFile,
    segments: Vec<Vec<Segment>>,
    buffer: Vec<u8>,
    /// The run that the buffer belongs to.
    at: usize,
}

impl Runs {
    /// `count` empty runs.
    pub(crate) fn create(spill: &Spill, count: usize) -> Result<Self, Error> {
        Ok(Self {
            file: SpillFile::create(spill)?,
            segments: vec![Vec::new(); count],
            buffer: Vec::with_capacity(SEGMENT),
            at: 0,
        })
    }

    /// Number of runs.
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Bytes of all records written.
    pub(crate) fn bytes(&self) -> usize {
        let segments = self.segments.iter().flatten();
        segments.map(|segment| segment.len as usize).sum()
    }

    /// Begins one more run; gives its number.
    pub(crate) fn begin(&mut self) -> usize {
        self.segments.push(Vec::new());
        self.segments.len() - 1
    }

    /// Writes what `record` writes, one record, behind run `run`. Cheap while the run stays the
    /// same.
    pub(crate) fn push(
        &mut self,
        run: usize,
        record: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Error> {
        if run != self.at {
            self.flush()?;
            self.at = run;
        }
        let before = self.buffer.len();
        record(&mut self.buffer);
        if self.buffer.len() <= SEGMENT {
            return Ok(());
        }
        // What was there before goes out, so that the segment does not grow past its size.
        let last = self.buffer.split_off(before);
        self.flush()?;
        self.buffer.extend_from_slice(&last);
        Ok(())
    }

    /// Writes `records`, whole ones, behind run `run`, as a segment of their own.
    pub(crate) fn write(&mut self, run: usize, records: &[u8]) -> Result<(), Error> {
        let segment = Segment {
            start: self.file.append(records)?,
            len: records.len() as u32,
        };
        self.segments[run].push(segment);
        Ok(())
    }

    /// Writes what is still in memory.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.write(self.at, &buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        self.buffer.shrink_to(SEGMENT);
        Ok(())
    }

    /// Calls `with` with each segment of run `run`, read into `buffer`.
    pub(crate) fn each_segment(
        &self,
        run: usize,
        buffer: &mut Vec<u8>,
        mut with: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.segments[run].iter().try_for_each(|segment| {
            self.file
                .read(segment.start, segment.len as usize, buffer)?;
            with(buffer)
        })
    }

    /// Cursors at the beginnings of all runs that are not empty.
    fn cursors(mut self, cursors: &mut Vec<Cursor>) -> Result<(), Error> {
        self.flush()?;
        let file = Arc::new(self.file);
        let segments = self.segments.into_iter();
        for segments in segments.filter(|segments| !segments.is_empty()) {
            let mut cursor = Cursor {
                file: file.clone(),
                segments: segments.into_iter(),
                buffer: Vec::new(),
                at: 0,
            };
            cursor.refill()?;
            cursors.push(cursor);
        }
        Ok(())
    }
}

/// A place in a run.
#[derive(Debug)]
struct Cursor {
    file: Arc<SpillFile>,
    segments: std::vec::IntoIter<Segment>,
    buffer: Vec<u8>,
    at: usize,
}

impl Cursor {
    /// The record here; none at the end of the run.
    fn record(&self) -> Option<(&[u8], &[u8])> {
        read_record(&mut &self.buffer[self.at..])
    }

    fn sort_key(&self) -> &[u8] {
        self.record().map_or(&[], |(key, _)| key)
    }

    fn prefix(&self) -> u64 {
        prefix(self.sort_key())
    }

    fn advance(&mut self) -> Result<(), Error> {
        let mut rest = &self.buffer[self.at..];
        read_record(&mut rest);
        self.at = self.buffer.len() - rest.len();
        if rest.is_empty() {
            self.refill()
        } else {
            Ok(())
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        self.at = 0;
        match self.segments.next() {
            Some(segment) => self
                .file
                .read(segment.start, segment.len as usize, &mut self.buffer),
            None => {
                self.buffer = Vec::new();
                Ok(())
            }
        }
    }
}

/// Sorted runs as one.
#[derive(Debug)]
pub(crate) struct Merge {
    cursors: Vec<Cursor>,
    /// A binary heap of cursors, the one with the least sort key first, with the first bytes of
    /// that key, which mostly decide.
    heap: Vec<(u64, usize)>,
}

impl Merge {
    /// Merges all runs, each of which is sorted.
    pub(crate) fn of(runs: impl IntoIterator<Item = Runs>) -> Result<Self, Error> {
        let mut cursors = Vec::new();
        runs.into_iter()
            .try_for_each(|runs| runs.cursors(&mut cursors))?;
        let mut merge = Self {
            heap: cursors.iter().map(Cursor::prefix).zip(0..).collect(),
            cursors,
        };
        let inner = merge.heap.len() / 2;
        (0..inner).rev().for_each(|index| merge.sift_down(index));
        Ok(merge)
    }

    /// The record with the least sort key.
    pub(crate) fn peek(&self) -> Option<(&[u8], &[u8])> {
        self.heap
            .first()
            .and_then(|&(_, cursor)| self.cursors[cursor].record())
    }

    /// Goes on to the next.
    pub(crate) fn advance(&mut self) -> Result<(), Error> {
        let Some((prefix, top)) = self.heap.first_mut() else {
            return Ok(());
        };
        let cursor = &mut self.cursors[*top];
        cursor.advance()?;
        *prefix = cursor.prefix();
        if cursor.record().is_none() {
            self.heap.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    fn sift_down(&mut self, mut index: usize) {
        loop {
            let (left, right) = (2 * index + 1, 2 * index + 2);
            let mut least = index;
            for child in [left, right] {
                if child < self.heap.len() && self.is_less(child, least) {
                    least = child;
                }
            }
            if least == index {
                return;
            }
            self.heap.swap(index, least);
            index = least;
        }
    }

    fn is_less(&self, a: usize, b: usize) -> bool {
        let ((a_prefix, a), (b_prefix, b)) = (self.heap[a], self.heap[b]);
        let key = |cursor: usize| self.cursors[cursor].sort_key();
        a_prefix < b_prefix || (a_prefix == b_prefix && key(a) < key(b))
    }
}
