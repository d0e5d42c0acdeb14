//! Reading what is compressed.

use std::io::{self, Read};

use pelton_pool::{Buffer, BufferPool, OverBudget};

use super::Compression;
use super::gzip::GzipMember;
use super::zstd::ZstdFrame;

/// Compressed bytes that are read at once.
const INPUT_BYTES: usize = 64 << 10;
/// Bytes that any member's head fits into, as far as it must be looked at.
const HEAD_BYTES: usize = 18;

/// One member of a compressed stream: gzip's member, Zstandard's frame.
pub(super) trait Member: Send {
    /// Prepares for the member that begins with `head`.
    fn begin(&mut self, head: &[u8]) -> Result<(), String>;

    /// Unpacks some of `input` into `output`.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String>;

    /// What such a member is called.
    fn name(&self) -> &'static str;
}

/// What one step came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub read: usize,
    pub written: usize,
    /// The member is complete, and all of it is written.
    pub ended: bool,
}

/// Unpacks member after member.
pub(super) struct Unpacker {
    reader: Box<dyn Read + Send>,
    member: Box<dyn Member>,
    codec: Compression,
    /// Compressed bytes, of which so many are used up.
    input: Buffer,
    taken: usize,
    /// Where `input` begins among the compressed bytes.
    offset: u64,
    /// There are no more of them.
    exhausted: bool,
    /// A member has begun and not ended.
    inside: bool,
}

impl Unpacker {
    pub(super) fn new(
        reader: Box<dyn Read + Send>,
        codec: Compression,
        pool: &BufferPool,
    ) -> Result<Self, OverBudget> {
        let member: Box<dyn Member> = match codec {
            Compression::Zstd => Box::new(ZstdFrame::new(pool.budget())),
            _ => Box::new(GzipMember::new(pool.budget())?),
        };
        Ok(Self {
            reader,
            member,
            codec,
            input: pool.lease(INPUT_BYTES)?,
            taken: 0,
            offset: 0,
            exhausted: false,
            inside: false,
        })
    }

    /// Sees to it that `wanted` bytes are at hand, or all that are left.
    fn refill(&mut self, wanted: usize) -> io::Result<()> {
        if self.input.len() - self.taken >= wanted || self.exhausted {
            return Ok(());
        }
        let left = self.input.len() - self.taken;
        self.input.as_mut_slice().copy_within(self.taken.., 0);
        self.input.set_len(left);
        self.offset += self.taken as u64;
        self.taken = 0;
        while self.input.len() < wanted && !self.exhausted {
            let room = INPUT_BYTES - self.input.len();
            let read = match self.reader.read(&mut self.input.spare_mut()[..room]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.input.advance(read);
            self.exhausted = read == 0;
        }
        Ok(())
    }

    /// Goes on to the next member; false when there is none.
    fn begin(&mut self) -> io::Result<bool> {
        self.refill(HEAD_BYTES)?;
        let mut head = &self.input[self.taken..];
        let first = self.offset + self.taken as u64 == 0;
        if !first && self.codec == Compression::Gzip {
            // Zeros may stand behind a member: tapes and blocks are filled up with them.
            while head.first() == Some(&0) {
                self.taken += head.iter().take_while(|&&byte| byte == 0).count();
                self.refill(HEAD_BYTES)?;
                head = &self.input[self.taken..];
            }
        }
        if head.is_empty() {
            return Ok(false);
        }
        if Compression::of_magic(head) != self.codec {
            return Err(self.damaged("what follows is something else, or damaged"));
        }
        let begun = self.member.begin(head);
        begun.map_err(|reason| self.damaged(&reason))?;
        self.inside = true;
        Ok(true)
    }

    fn damaged(&self, reason: &str) -> io::Error {
        let (member, at) = (self.member.name(), self.offset + self.taken as u64);
        let advice = "fetch or make the file again, or keep what can be saved with";
        let tool = self.codec;
        let message = match self.inside {
            _ if reason.starts_with("needs ") => {
                format!("the {member} at byte {at} of the compressed file {reason}")
            }
            true => format!(
                "the {member} is damaged near byte {at} of the compressed file: {reason}; {advice} \
                 `{tool} -dc`"
            ),
            false => format!(
                "no {member} begins at byte {at} of the compressed file: {reason}; {advice} \
                 `{tool} -dc`"
            ),
        };
        io::Error::new(io::ErrorKind::InvalidData, message)
    }

    fn truncated(&self) -> io::Error {
        let (member, at) = (self.member.name(), self.offset + self.taken as u64);
        let message = format!(
            "the compressed file ends at byte {at}, inside a {member}: it was cut short; fetch or \
             make it again"
        );
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

impl Read for Unpacker {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            if output.is_empty() || !self.inside && !self.begin()? {
                return Ok(0);
            }
            self.refill(1)?;
            let step = self.member.step(&self.input[self.taken..], output);
            let step = step.map_err(|reason| self.damaged(&reason))?;
            self.taken += step.read;
            self.inside = !step.ended;
            let stuck = step.read == 0 && step.written == 0 && !step.ended;
            if stuck && self.exhausted && self.taken == self.input.len() {
                return Err(self.truncated());
            }
            if step.written > 0 {
                return Ok(step.written);
            }
        }
    }
}
