//! Blocks of whole lines.

use std::io::{self, Read};

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Reads whole lines, as many at a time as a read gives.
pub(crate) struct Lines<R> {
    reader: R,
    /// What was read: given lines first, then those to give, then a torn one.
    bytes: Vec<u8>,
    given: usize,
    /// The longest line that may come.
    line_bytes_max: usize,
    ended: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) const fn new(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader,
            bytes: Vec::new(),
            given: 0,
            line_bytes_max,
            ended: false,
        }
    }

    /// The next lines, up to `lines` of them, in at most `bytes_max` bytes unless one line
    /// needs more; nothing at the end. The last line may have no end.
    pub(crate) fn next(&mut self, lines: u64, bytes_max: usize) -> io::Result<(&[u8], u64)> {
        let (length, count) = loop {
            let ready = &self.bytes[self.given..];
            let found = leading_lines(ready, lines, bytes_max);
            if found.1 > 0 {
                break found;
            }
            if self.ended {
                break (ready.len(), u64::from(!ready.is_empty()));
            }
            if ready.len() > self.line_bytes_max {
                let message = format!("a line is longer than {} bytes", self.line_bytes_max);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            self.fill()?;
        };
        self.given += length;
        Ok((&self.bytes[self.given - length..self.given], count))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.given);
        self.given = 0;
        let before = self.bytes.len();
        self.bytes.resize(before + READ_BYTES, 0);
        let read = self.reader.read(&mut self.bytes[before..]);
        self.bytes.truncate(before + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(())
    }
}

/// Bytes and number of the whole lines at the beginning that keep both bounds; one line may break
/// the bound of bytes.
fn leading_lines(bytes: &[u8], lines: u64, bytes_max: usize) -> (usize, u64) {
    let (mut end, mut count) = (0, 0);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let whole = line.ends_with(b"\n");
        let fits = count == 0 || end + line.len() <= bytes_max;
        if count == lines || !whole || !fits {
            break;
        }
        end += line.len();
        count += 1;
    }
    (end, count)
}
