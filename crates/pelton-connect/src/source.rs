//! From inputs to blocks of whole records.

use std::io::{self, Read};
use std::sync::Arc;

use pelton_format::{Cut, Format, Framer, Opened};
use pelton_pool::{Buffer, BufferPool};
use pelton_record::{Block, DataType, Origin, Schema};

use crate::{Error, ErrorKind, Input};

/// What a chunk's block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Whole records.
    Records,
    /// The beginning of one record that is longer than the limit.
    TooLarge {
        /// The record's length in bytes, without its line end.
        bytes: u64,
    },
}

/// A block and where it comes from.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The bytes.
    pub block: Block,
    /// Where they stood; sequence numbers count chunks without gaps.
    pub origin: Origin,
    /// What they are.
    pub content: Content,
    /// Input bytes used up by this chunk, and by a header before it.
    pub consumed: u64,
}

/// Brings blocks of whole records, numbered in order.
pub trait Source: Send {
    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    ///
    /// When reading fails, an input is not of the format, or there is no memory for a block.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error>;

    /// The name of input number `source`.
    fn input_name(&self, source: u32) -> &str;

    /// Bytes to read in all, when that is known.
    fn size(&self) -> Option<u64>;
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Bytes of a block, unless a single record needs more.
    pub block_bytes: usize,
    /// The longest record; a longer one comes as [`Content::TooLarge`].
    pub record_bytes_max: usize,
}

impl Default for ReadOptions {
    /// Blocks of 1 MiB, records of at most 1 MiB.
    fn default() -> Self {
        Self {
            block_bytes: 1 << 20,
            record_bytes_max: 1 << 20,
        }
    }
}

/// Bytes that are read to see what an input is, whatever the size of blocks.
const SAMPLE_BYTES: usize = 1 << 19;
/// Bytes that are read at once to get past a record that is too large.
const SKIP_BYTES: usize = 1 << 16;

/// Reads inputs one after the other into pooled buffers.
pub struct ReadSource {
    names: Vec<String>,
    size: Option<u64>,
    /// Inputs that wait for their turn, the next one last.
    waiting: Vec<Input>,
    current: Option<Box<dyn Read + Send>>,
    format: Arc<dyn Format>,
    framer: Box<dyn Framer>,
    pool: BufferPool,
    options: ReadOptions,
    opened: Opened,
    /// Bytes that were read ahead: beyond the last cut, or to see what the input is.
    ahead: Vec<u8>,
    /// How many of them have gone into blocks.
    taken: usize,
    /// The current input has no more bytes than those read ahead.
    exhausted: bool,
    source: u32,
    sequence: u64,
    /// Where the next block begins in the current input.
    byte: u64,
    /// Line ends before the first record.
    header_lines: u64,
    /// Bytes before the first record of an input that no chunk has told of yet.
    header_bytes: u64,
}

impl std::fmt::Debug for ReadSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadSource")
            .field("names", &self.names)
            .field("byte", &self.byte)
            .finish()
    }
}

impl ReadSource {
    /// Opens the first of `inputs` and reads as much of it as tells what its fields are.
    ///
    /// # Errors
    ///
    /// As [`next_chunk`](Source::next_chunk), and when there are no inputs.
    pub fn open(
        mut inputs: Vec<Input>,
        format: Arc<dyn Format>,
        pool: BufferPool,
        options: ReadOptions,
    ) -> Result<Self, Error> {
        let names = inputs.iter().map(|input| input.name().to_owned()).collect();
        let size = inputs.iter().map(Input::size).sum();
        inputs.reverse();
        let mut source = Self {
            names,
            size,
            waiting: inputs,
            current: None,
            framer: format.framer(),
            format,
            pool,
            options,
            opened: Opened {
                schema: Schema::default(),
                doubtful: Vec::new(),
                data_start: 0,
            },
            ahead: Vec::new(),
            taken: 0,
            exhausted: true,
            source: 0,
            sequence: 0,
            byte: 0,
            header_lines: 0,
            header_bytes: 0,
        };
        source.opened = source.advance()?.unwrap_or_else(|| source.opened.clone());
        Ok(source)
    }

    /// All fields of the input, with the types that its beginning suggests.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.opened.schema
    }

    /// For each field that is a string only because some values were not numbers: what most are.
    #[must_use]
    pub fn doubtful(&self) -> &[Option<DataType>] {
        &self.opened.doubtful
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.names.len() as u32
    }

    /// Line ends before the first record of an input.
    #[must_use]
    pub const fn header_lines(&self) -> u64 {
        self.header_lines
    }

    /// Goes on to the next input and reads its beginning ahead.
    fn advance(&mut self) -> Result<Option<Opened>, Error> {
        let Some(input) = self.waiting.pop() else {
            self.current = None;
            return Ok(None);
        };
        self.source = (self.names.len() - self.waiting.len() - 1) as u32;
        self.current = Some(input.start()?);
        self.exhausted = false;
        let mut sample = std::mem::take(&mut self.ahead);
        sample.resize(SAMPLE_BYTES, 0);
        let filled = self.fill(&mut sample)?;
        sample.truncate(filled);
        self.taken = 0;
        let opened = self
            .format
            .open(&sample, self.exhausted)
            .map_err(|error| Error::new(ErrorKind::Format, self.name(), error))?;
        let header = sample.drain(..opened.data_start);
        self.header_lines = header.filter(|&byte| byte == b'\n').count() as u64;
        self.byte = opened.data_start as u64;
        self.header_bytes += self.byte;
        self.ahead = sample;
        Ok(Some(opened))
    }

    /// Reads until `room` is full or the input ends, which is noted.
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Error> {
        let Some(reader) = &mut self.current else {
            return Ok(0);
        };
        let filled = fill(reader, room).map_err(|error| Error::io(self.name(), &error))?;
        self.exhausted = filled < room.len();
        Ok(filled)
    }

    fn name(&self) -> &str {
        &self.names[self.source as usize]
    }

    /// A buffer of the next bytes, as many as fit, and whether nothing comes after them.
    fn read_block(&mut self, capacity: usize) -> Result<(Buffer, bool), Error> {
        let lease = self.pool.lease(capacity);
        let mut buffer = lease.map_err(|error| Error::memory(self.name(), &error))?;
        let room = &mut buffer.spare_mut()[..capacity];
        let known = &self.ahead[self.taken..];
        let mut filled = known.len().min(capacity);
        room[..filled].copy_from_slice(&known[..filled]);
        self.taken += filled;
        if filled < capacity && !self.exhausted {
            filled += self.fill(&mut room[filled..])?;
        }
        buffer.set_len(filled);
        let complete = self.exhausted && self.taken == self.ahead.len();
        Ok((buffer, complete))
    }

    /// Gives back the end of a block: the next one begins with it.
    fn put_back(&mut self, bytes: &[u8]) {
        if self.taken < self.ahead.len() {
            self.taken -= bytes.len();
            return;
        }
        self.ahead.clear();
        self.ahead.extend_from_slice(bytes);
        self.taken = 0;
    }

    /// The next chunk of the current input, or `None` at its end.
    fn next_of_input(&mut self) -> Result<Option<Chunk>, Error> {
        let mut capacity = self.options.block_bytes;
        loop {
            let (mut buffer, complete) = self.read_block(capacity)?;
            if buffer.is_empty() {
                return Ok(None);
            }
            match self.framer.cut(&buffer, complete) {
                Cut::Records(end) => {
                    self.put_back(&buffer[end..]);
                    buffer.set_len(end);
                    return Ok(Some(self.chunk(buffer, Content::Records, end as u64)));
                }
                Cut::More => {
                    self.put_back(&buffer);
                    capacity = buffer.len() * 2;
                }
                Cut::TooLarge => return self.skip_record(buffer).map(Some),
            }
        }
    }

    /// Reads past a record that is too large; the chunk holds its beginning.
    fn skip_record(&mut self, mut buffer: Buffer) -> Result<Chunk, Error> {
        let shown = buffer.len().min(self.options.record_bytes_max);
        let mut bytes = buffer.len() as u64;
        buffer.set_len(shown);
        loop {
            // What was read holds no line end, or the framer would have found it.
            let (rest, complete) = self.read_block(SKIP_BYTES)?;
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                self.put_back(&rest[end + 1..]);
                bytes += end as u64;
                return Ok(self.chunk(buffer, Content::TooLarge { bytes }, bytes + 1));
            }
            bytes += rest.len() as u64;
            if complete {
                return Ok(self.chunk(buffer, Content::TooLarge { bytes }, bytes));
            }
        }
    }

    fn chunk(&mut self, buffer: Buffer, content: Content, consumed: u64) -> Chunk {
        let origin = Origin {
            source: self.source,
            sequence: self.sequence,
            byte: self.byte,
        };
        self.sequence += 1;
        self.byte += consumed;
        Chunk {
            block: Block::new(buffer),
            origin,
            content,
            consumed: consumed + std::mem::take(&mut self.header_bytes),
        }
    }

    /// Another input must have the fields of the first.
    fn check(&self, opened: &Opened) -> Result<(), Error> {
        let names = |schema: &Schema| {
            schema
                .fields()
                .iter()
                .map(|field| field.name.clone())
                .collect::<Vec<_>>()
        };
        let (expected, found) = (names(&self.opened.schema), names(&opened.schema));
        if expected == found {
            return Ok(());
        }
        let message = format!(
            "its fields are {}, but those of {} are {}",
            found.join(", "),
            self.names[0],
            expected.join(", ")
        );
        Err(Error::new(ErrorKind::Format, self.name(), message))
    }
}

/// Reads until `room` is full or there is no more.
fn fill(reader: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match reader.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Source for ReadSource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        while self.current.is_some() {
            if let Some(chunk) = self.next_of_input()? {
                return Ok(Some(chunk));
            }
            if let Some(opened) = self.advance()?
                && self.format.is_positional()
            {
                self.check(&opened)?;
            }
        }
        Ok(None)
    }

    fn input_name(&self, source: u32) -> &str {
        &self.names[source as usize]
    }

    fn size(&self) -> Option<u64> {
        self.size
    }
}
