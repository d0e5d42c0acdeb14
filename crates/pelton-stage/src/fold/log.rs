//! Records in parts, in memory as long as there is any, and on disk beyond that.
//!
//! A part is a list of chunks that records are written behind, each record whole in one chunk.
//! When the budget refuses another chunk, all of them are written to disk as they are and used
//! again. So memory grows by small pieces, is never copied, and is given back whole.

use std::sync::Arc;

use pelton_pool::{Budget, OverBudget};

use super::memory::{Memory, floor};
use super::runs::Runs;
use super::spill::Spill;
use crate::Error;

/// Number of parts.
pub(crate) const PARTS: usize = 128;
/// Bytes of a chunk, unless a single record is longer: what a log needs at least is a chunk a
/// part, a mebibyte.
const CHUNK: usize = 8 << 10;

/// Records in parts.
#[derive(Debug)]
pub(crate) struct Log {
    stage: Arc<str>,
    spill: Spill,
    memory: Memory,
    /// The chunks of each part, of which the last is written to.
    parts: Vec<Vec<Vec<u8>>>,
    spare: Vec<Vec<u8>>,
    /// Bytes of all chunks, full or empty.
    bytes: usize,
    runs: Vec<Runs>,
}

impl Log {
    /// An empty log of the stage called `stage`.
    pub(crate) fn new(stage: &Arc<str>, spill: &Spill, budget: &Budget) -> Self {
        Self {
            stage: stage.clone(),
            spill: spill.clone(),
            memory: Memory::new(budget, floor(spill, budget)),
            parts: vec![Vec::new(); PARTS],
            spare: Vec::new(),
            bytes: 0,
            runs: Vec::new(),
        }
    }

    /// The chunk of `part` that has room for `len` more bytes.
    #[inline]
    pub(crate) fn room(&mut self, part: usize, len: usize) -> Result<&mut Vec<u8>, Error> {
        let fits = |chunk: &Vec<u8>| chunk.capacity() - chunk.len() >= len;
        if !self.parts[part].last().is_some_and(fits) {
            self.add_chunk(part, len)?;
        }
        Ok(self.parts[part].last_mut().expect("there is one now"))
    }

    #[cold]
    fn add_chunk(&mut self, part: usize, len: usize) -> Result<(), Error> {
        let chunk = match self.chunk(len) {
            Ok(chunk) => chunk,
            Err(refused) if !self.spill.is_allowed() || self.bytes == 0 => {
                return Err(self.memory.refusal(&self.stage, &refused));
            }
            Err(_) => {
                self.flush()?;
                let chunk = self.chunk(len);
                chunk.map_err(|refused| self.memory.refusal(&self.stage, &refused))?
            }
        };
        self.parts[part].push(chunk);
        Ok(())
    }

    /// An empty chunk with room for `len` bytes.
    fn chunk(&mut self, len: usize) -> Result<Vec<u8>, OverBudget> {
        if len <= CHUNK
            && let Some(chunk) = self.spare.pop()
        {
            return Ok(chunk);
        }
        let size = len.max(CHUNK);
        if self.memory.resize(self.bytes + size).is_err() {
            // A record longer than a chunk cannot use those that are spare, but their memory.
            self.drop_spare();
            self.memory.resize(self.bytes + size)?;
        }
        self.bytes += size;
        Ok(Vec::with_capacity(size))
    }

    /// Writes everything to disk.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.runs.is_empty() {
            self.runs.push(Runs::create(&self.spill, PARTS)?);
        }
        for (part, chunks) in self.parts.iter_mut().enumerate() {
            for mut chunk in chunks.drain(..) {
                self.runs[0].write(part, &chunk)?;
                chunk.clear();
                if chunk.capacity() == CHUNK {
                    self.spare.push(chunk);
                } else {
                    self.bytes -= chunk.capacity();
                }
            }
        }
        Ok(())
    }

    /// Takes over the records of `other`, which has parts by the same hash.
    pub(crate) fn append(&mut self, mut other: Self) -> Result<(), Error> {
        for (part, chunks) in self.parts.iter_mut().zip(&mut other.parts) {
            // The chunk that is written to stays last.
            part.splice(0..0, chunks.drain(..));
        }
        self.spare.append(&mut other.spare);
        self.runs.append(&mut other.runs);
        drop(other.memory);
        self.bytes += other.bytes;
        self.hold()
    }

    /// Gives the memory of empty chunks back; when some records are on disk, of all.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        if self.is_spilled() {
            self.flush()?;
        }
        self.drop_spare();
        self.memory.give_back_floor();
        self.hold()
    }

    fn drop_spare(&mut self) {
        let spare = std::mem::take(&mut self.spare);
        self.bytes -= spare.iter().map(Vec::capacity).sum::<usize>();
    }

    fn hold(&mut self) -> Result<(), Error> {
        let held = self.memory.resize(self.bytes);
        held.map_err(|refused| self.memory.refusal(&self.stage, &refused))
    }

    /// True when some records are on disk.
    pub(crate) fn is_spilled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// True without records.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_spilled() && self.parts.iter().all(Vec::is_empty)
    }

    /// Bytes of all chunks in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of all records, on disk too, or a little more.
    pub(crate) fn records_bytes(&self) -> usize {
        let written: usize = self.runs.iter().map(Runs::bytes).sum();
        written + self.bytes - self.spare_bytes()
    }

    /// Bytes of the chunks without records.
    pub(crate) fn spare_bytes(&self) -> usize {
        self.spare.len() * CHUNK
    }

    /// The error when `memory`, taken for records of this log, was refused.
    pub(crate) fn refusal(&self, memory: &Memory, refused: &OverBudget) -> Error {
        memory.refusal(&self.stage, refused)
    }

    /// Where its memory comes from.
    pub(crate) fn budget(&self) -> &Budget {
        self.memory.budget()
    }

    /// An empty log like this one.
    pub(crate) fn like(&self) -> Self {
        self.like_in(self.budget())
    }

    /// An empty log like this one, whose memory comes from `budget`.
    pub(crate) fn like_in(&self, budget: &Budget) -> Self {
        Self::new(&self.stage, &self.spill, budget)
    }

    /// Takes the records of `part` out of memory, so that they can be written anew with
    /// [`room`](Self::room); the chunks go to [`recycle`](Self::recycle).
    pub(crate) fn take_part(&mut self, part: usize) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.parts[part])
    }

    /// Uses a chunk again.
    pub(crate) fn recycle(&mut self, mut chunk: Vec<u8>) {
        if chunk.capacity() == CHUNK {
            chunk.clear();
            self.spare.push(chunk);
        } else {
            self.bytes -= chunk.capacity();
        }
    }

    /// Calls `with` with the records of each chunk of `part`.
    pub(crate) fn each_chunk(
        &self,
        part: usize,
        mut with: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.parts[part].iter().try_for_each(|chunk| with(chunk))?;
        let mut buffer = Vec::new();
        let mut runs = self.runs.iter();
        runs.try_for_each(|runs| runs.each_segment(part, &mut buffer, &mut with))
    }
}
