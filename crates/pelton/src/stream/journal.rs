//! What a lane's windows of keys remember, on the disk.
//!
//! Before each put the changes that its records made are appended, and the number of the entry goes
//! into the store with the positions, all or nothing. So a restart knows which entries had their
//! effect: those before the number that the store has. Entries behind it were of a put that never
//! was; they are declared void by an entry of their own before anything new is put, since numbers
//! go on behind them.
//!
//! It must never restore a key whose record the store does not have: that record would be taken
//! for one when it comes again.
//!
//! # Layout
//!
//! A [`Spool`] whose notes say what an entry is: `keep`, with the changes of each step as 32 bits
//! of length and so many bytes; or `void`, with the 64 bits of the first number that is void, up to
//! this one. Numbers are little-endian.

use std::collections::VecDeque;
use std::ops::Range;

use pelton_connect::store::{Spool, SpoolError, SpoolOptions};

use crate::Error;

const KEEP: &[u8] = b"keep";
const VOID: &[u8] = b"void";
/// Trimming renames a file: it is done for so many bytes at once.
const TRIM_BYTES: usize = 1 << 20;
/// Room is given back a file at a time.
const SEGMENT_BYTES: u64 = 4 << 20;

/// What has changed in the ordered steps of a lane with one put.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Of each step.
    pub parts: Vec<Vec<u8>>,
    /// Batches that each step has seen by now.
    pub batches: Vec<u64>,
}

/// The changes that are still needed.
#[derive(Debug)]
pub(super) struct Journal {
    log: Spool,
    /// Those in the log that are in effect.
    entries: VecDeque<Kept>,
    /// Of entries that are forgotten and not trimmed.
    over_bytes: usize,
}

/// An entry that may be needed.
#[derive(Debug)]
struct Kept {
    number: u64,
    bytes: usize,
    /// Those that each step had seen by then.
    batches: Vec<u64>,
}

impl Journal {
    /// Opens the journal in `folder`.
    pub(super) fn open(folder: &str) -> Result<Self, SpoolError> {
        let log = Spool::open(SpoolOptions {
            // The windows bound it, and their memory is bounded.
            capacity_bytes: u64::MAX / 2,
            segment_bytes: SEGMENT_BYTES,
            ..SpoolOptions::new(folder)
        })?;
        Ok(Self {
            log,
            entries: VecDeque::new(),
            over_bytes: 0,
        })
    }

    /// Gives `restore` the changes that had their effect, oldest first, where the store has `mark`;
    /// it answers the batches that each step has seen then.
    pub(super) fn recover(
        &mut self,
        mark: u64,
        mut restore: impl FnMut(&[&[u8]]) -> Result<Vec<u64>, Error>,
    ) -> Result<(), Error> {
        let failed = |error: SpoolError| Error::state(&error);
        let voids = self.voids().map_err(failed)?;
        self.log.rewind();
        while let Some(entry) = self.log.read().map_err(failed)? {
            let void = voids.iter().any(|range| range.contains(&entry.number));
            if entry.note != KEEP || void || entry.number >= mark {
                continue;
            }
            let batches = restore(&parts(&entry.body))?;
            self.entries.push_back(Kept {
                number: entry.number,
                bytes: entry.body.len(),
                batches,
            });
        }
        self.begin_behind(mark).map_err(failed)
    }

    /// The numbers of entries that never had an effect.
    fn voids(&self) -> Result<Vec<Range<u64>>, SpoolError> {
        let mut voids = Vec::new();
        self.log.rewind();
        while let Some(entry) = self.log.read()? {
            if let (VOID, Some(from)) = (&*entry.note, entry.body.first_chunk()) {
                voids.push(u64::from_le_bytes(*from)..entry.number);
            }
        }
        Ok(voids)
    }

    /// Sees to it that what is there from `mark` on is void for ever, and that new entries have
    /// numbers behind it.
    fn begin_behind(&mut self, mark: u64) -> Result<(), SpoolError> {
        if self.log.is_empty() {
            return self.log.trim(mark);
        }
        if self.log.end() < mark {
            tracing::warn!(
                entries = mark - self.log.end(),
                "the disk lost the end of what dedup remembers; its records may come through again"
            );
        }
        while self.log.end() < mark {
            self.log.append(VOID, &self.log.end().to_le_bytes())?;
        }
        if self.log.end() > mark {
            self.log.append(VOID, &mark.to_le_bytes())?;
        }
        Ok(())
    }

    /// Appends changes; the mark that the store must have for them to be in effect.
    pub(super) fn append(&mut self, changes: &Changes) -> Result<u64, SpoolError> {
        let mut body = Vec::new();
        for part in &changes.parts {
            body.extend_from_slice(&(part.len() as u32).to_le_bytes());
            body.extend_from_slice(part);
        }
        let number = self.log.append(KEEP, &body)?;
        self.entries.push_back(Kept {
            number,
            bytes: body.len(),
            batches: changes.batches.clone(),
        });
        Ok(number + 1)
    }

    /// Forgets the entries whose keys are all forgotten: those of batches before `needs`. The last
    /// one stays, for it says how late it is. To be called when the last put went well.
    pub(super) fn trim(&mut self, needs: &[u64]) {
        let over = |batches: &[u64]| batches.iter().zip(needs).all(|(seen, need)| seen <= need);
        while self.entries.len() > 1
            && over(&self.entries[0].batches)
            && let Some(entry) = self.entries.pop_front()
        {
            self.over_bytes += entry.bytes;
        }
        let Some(first) = self
            .entries
            .front()
            .filter(|_| self.over_bytes >= TRIM_BYTES)
        else {
            return;
        };
        if let Err(error) = self.log.trim(first.number) {
            // It is larger than it need be, and no worse.
            tracing::warn!(%error, "what dedup forgot is still on the disk");
        }
        self.over_bytes = 0;
    }
}

/// What was appended for each step.
fn parts(mut body: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk()
        && let Some((part, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)
    {
        parts.push(part);
        body = rest;
    }
    parts
}
