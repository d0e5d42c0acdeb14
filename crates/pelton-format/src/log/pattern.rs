//! What a pattern is, and the cursor with which patterns go through a line.

use std::fmt::Debug;

use pelton_record::{DataType, View};

use crate::fields::Reads;

/// A field that a pattern always has.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: String,
    /// The type that its text always has; without one the sample decides.
    pub data_type: Option<DataType>,
    /// How its text is read as that type, where that is no common spelling.
    pub reads: Option<Reads>,
}

impl Part {
    pub(super) fn new(name: &str, data_type: DataType) -> Self {
        Self {
            name: name.to_owned(),
            data_type: Some(data_type),
            reads: None,
        }
    }

    pub(super) fn read_by(self, reads: Reads) -> Self {
        Self {
            reads: Some(reads),
            ..self
        }
    }

    /// A part whose type the sample decides.
    pub(super) fn untyped(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            data_type: None,
            reads: None,
        }
    }
}

/// Which part was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    /// The one of this index in [`Pattern::parts`].
    Part(usize),
    /// The one of this name.
    Key(&'a [u8]),
}

/// Where a line leaves its pattern, and what should have stood there.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub at: usize,
    pub expected: String,
}

/// Called with each part found: its name, where its text lies in the line, and whether that has
/// JSON's escapes in it.
pub(super) type Emit<'a> = &'a mut dyn FnMut(Name<'_>, View, bool);

/// How the lines of a log look. The next one is one more implementation.
pub(super) trait Pattern: Debug + Send + Sync {
    /// The parts that lines have; none when each line names its own.
    fn parts(&self) -> Vec<Part>;

    /// A splitter for one worker.
    fn splitter(&self) -> Box<dyn Splitter>;
}

/// Takes lines apart.
pub(super) trait Splitter: Send {
    /// Finds the parts of one line, which is valid UTF-8.
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch>;
}

/// A place in a line.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub line: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[cold]
    pub(super) fn mismatch<T>(&self, expected: &str) -> Result<T, Mismatch> {
        Err(Mismatch {
            at: self.at,
            expected: expected.to_owned(),
        })
    }

    /// Passes `byte`, which must come next.
    #[inline]
    pub(super) fn pass(&mut self, byte: u8, expected: &str) -> Result<(), Mismatch> {
        if self.peek() != Some(byte) {
            return self.mismatch(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes what comes before the next `byte`, or the end, and answers where it lies.
    #[inline]
    pub(super) fn until(&mut self, byte: u8) -> View {
        let start = self.at;
        self.at += find(byte, self.rest()).unwrap_or(self.line.len() - start);
        View::between(start as u32, self.at as u32)
    }

    /// Passes one or more characters other than space, and answers where they lie.
    #[inline]
    pub(super) fn word(&mut self, expected: &str) -> Result<View, Mismatch> {
        let view = self.until(b' ');
        if view.len == 0 {
            return self.mismatch(expected);
        }
        Ok(view)
    }

    /// [`word`](Self::word), and the space that must follow it.
    #[inline]
    pub(super) fn word_and_space(&mut self, expected: &str) -> Result<View, Mismatch> {
        let view = self.word(expected)?;
        self.pass(b' ', "a space")?;
        Ok(view)
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), Mismatch> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.mismatch("the end of the line"),
        }
    }
}

/// The first place of `byte`, eight bytes at a time.
#[inline]
pub(super) fn find(byte: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, tail) = text.as_chunks::<8>();
    let pattern = ONES * u64::from(byte);
    for (index, word) in words.iter().enumerate() {
        let zero_where_equal = u64::from_le_bytes(*word) ^ pattern;
        let found = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES << 7);
        if found != 0 {
            return Some(index * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let at = tail.iter().position(|&other| other == byte)?;
    Some(words.len() * 8 + at)
}

/// `view` of `line`, or nothing in its place when a single `-` stands there.
#[inline]
pub(super) fn unless_dash(line: &[u8], view: View) -> View {
    match view.of(line) {
        b"-" => View::default(),
        _ => view,
    }
}
