//! From inputs to blocks of whole records.

use std::io::Read;
use std::sync::Arc;

use pelton_format::{Cut, Format, Framer, Opened};
use pelton_pool::{Buffer, BufferPool};
use pelton_record::{Block, DataType, Origin, Schema};

use crate::sample::{self, Sample};
use crate::source::fill;
use crate::{Chunk, Content, Error, ErrorKind, Input, ReadOptions, Source};

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
    /// An input with bytes in it has had its turn.
    begun: bool,
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
    /// Where there are several, some of the others are looked into as well: types are those that
    /// fit them all. Inputs without any bytes hold no records and are passed over.
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
            begun: false,
            source: 0,
            sequence: 0,
            byte: 0,
            header_lines: 0,
            header_bytes: 0,
        };
        if let Some((opened, header)) = source.advance()? {
            source.opened = opened;
            source.learn(header)?;
        }
        Ok(source)
    }

    /// Looks into some of the inputs that wait, so that types fit them too.
    fn learn(&mut self, header: Vec<u8>) -> Result<(), Error> {
        let others: Vec<Input> = sample::choose(&self.waiting);
        if others.is_empty() || !self.format.is_inferred() {
            return Ok(());
        }
        let mut sample = Sample::new(&*self.format, header);
        sample.add(&self.ahead, self.exhausted);
        for input in others {
            let name = input.name().to_owned();
            let reader = input.start(&self.options, &self.pool)?;
            let opened = sample.read(&name, reader)?;
            if let Some(opened) = opened.filter(|_| self.format.is_positional()) {
                self.check(&name, &opened)?;
            }
        }
        let opened = self.format.open(sample.bytes(), true);
        let opened = opened.map_err(|error| Error::new(ErrorKind::Format, self.name(), error))?;
        self.opened.schema = opened.schema;
        self.opened.doubtful = opened.doubtful;
        Ok(())
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

    /// The names of all inputs, in order.
    pub fn input_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
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

    /// Goes on to the next input and reads its beginning ahead; answers what that says, and what
    /// stands before the first record.
    fn advance(&mut self) -> Result<Option<(Opened, Vec<u8>)>, Error> {
        loop {
            let Some(input) = self.waiting.pop() else {
                self.current = None;
                return Ok(None);
            };
            self.source = (self.names.len() - self.waiting.len() - 1) as u32;
            self.current = Some(input.start(&self.options, &self.pool)?);
            self.exhausted = false;
            self.byte = 0;
            self.taken = 0;
            let mut sample = std::mem::take(&mut self.ahead);
            sample.resize(SAMPLE_BYTES, 0);
            let filled = self.fill(&mut sample)?;
            sample.truncate(filled);
            self.ahead = sample;
            // When all are empty, the format is asked what it makes of the last.
            let last = self.waiting.is_empty() && !self.begun;
            if filled > 0 || last {
                return self.begin().map(Some);
            }
        }
    }

    /// Opens what was read ahead of an input.
    fn begin(&mut self) -> Result<(Opened, Vec<u8>), Error> {
        self.begun = true;
        let opened = self.format.open(&self.ahead, self.exhausted);
        let opened = opened.map_err(|error| Error::new(ErrorKind::Format, self.name(), error))?;
        let header: Vec<u8> = self.ahead.drain(..opened.data_start).collect();
        self.header_lines = header.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.byte = opened.data_start as u64;
        self.header_bytes += self.byte;
        Ok((opened, header))
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
    fn check(&self, name: &str, opened: &Opened) -> Result<(), Error> {
        let difference = sample::difference(&self.opened.schema, &opened.schema);
        let Some(difference) = difference else {
            return Ok(());
        };
        let message = format!(
            "{difference} in {}; files that are read together have the same columns in the same \
             order",
            self.names[0]
        );
        Err(Error::new(ErrorKind::Format, name, message))
    }
}

impl Source for ReadSource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        while self.current.is_some() {
            if let Some(chunk) = self.next_of_input()? {
                return Ok(Some(chunk));
            }
            if let Some((opened, _)) = self.advance()?
                && self.format.is_positional()
            {
                self.check(self.name(), &opened)?;
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
