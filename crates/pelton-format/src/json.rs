//! JSON by RFC 8259, read byte by byte and in full: for samples, for values that are kept as JSON
//! text, and to say what exactly is wrong with a record that a faster reader gave up on.

use std::borrow::Cow;
use std::ops::Range;

use crate::json_escape::{self, unescape};

/// How deep objects and arrays may lie in one another.
pub(crate) const DEPTH_MAX: u32 = 64;

/// What kind a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// Where JSON goes wrong, and what should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub at: usize,
    pub expected: &'static str,
}

impl Fault {
    /// `expected a colon at byte 7 of the record, found "x"`
    pub(crate) fn reason(self, text: &[u8]) -> String {
        let Self { at, expected } = self;
        let found = match text.get(at) {
            None => "its end".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(b' ') => "a space".to_owned(),
            Some(byte) => format!("byte 0x{byte:02x}"),
        };
        format!("expected {expected} at byte {at} of the record, found {found}")
    }
}

/// A place in a text that should be JSON.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

/// What to do with each member of an object: it is called with the key and must read the value.
pub(crate) type Member<'a, 'b> =
    &'b mut dyn FnMut(Cow<'a, [u8]>, &mut Reader<'a>) -> Result<(), Fault>;

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
        }
    }

    /// Reads all of the text as one object.
    pub(crate) fn record(mut self, member: Member<'a, '_>) -> Result<(), Fault> {
        self.space();
        if self.peek() != Some(b'{') {
            return self.fault("`{`");
        }
        self.object(member)?;
        self.end()
    }

    /// Nothing but space may follow.
    fn end(&mut self) -> Result<(), Fault> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("the end of the line"),
        }
    }

    /// The kind of the value that begins here, by its first byte.
    pub(crate) fn kind(&self) -> Option<Kind> {
        Some(match self.peek()? {
            b'n' => Kind::Null,
            b't' | b'f' => Kind::Bool,
            b'-' | b'0'..=b'9' => Kind::Number,
            b'"' => Kind::String,
            b'[' => Kind::Array,
            b'{' => Kind::Object,
            _ => return None,
        })
    }

    /// Reads a value and answers what it is and where its text lies.
    pub(crate) fn value(&mut self) -> Result<(Kind, Range<usize>), Fault> {
        let start = self.at;
        let Some(kind) = self.kind() else {
            return self.fault("a value");
        };
        match kind {
            Kind::Object => self.object(&mut |_, reader| reader.value().map(drop))?,
            Kind::Array => self.array()?,
            Kind::String => {
                self.string()?;
            }
            Kind::Number => self.number()?,
            Kind::Null => self.word("null")?,
            Kind::Bool if self.peek() == Some(b't') => self.word("true")?,
            Kind::Bool => self.word("false")?,
        }
        Ok((kind, start..self.at))
    }

    /// The text of the value at `range`; that of a string without quotes and escapes.
    pub(crate) fn text(&self, kind: Kind, range: Range<usize>) -> Cow<'a, [u8]> {
        match kind {
            Kind::String => plain(&self.bytes[range.start + 1..range.end - 1]),
            _ => Cow::Borrowed(&self.bytes[range]),
        }
    }

    /// Reads an object, from its brace on.
    pub(crate) fn object(&mut self, member: Member<'a, '_>) -> Result<(), Fault> {
        self.open()?;
        if self.close(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.fault("a key in quotes");
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return self.fault("a colon");
            }
            self.at += 1;
            self.space();
            member(plain(&self.bytes[key]), self)?;
            if self.close(b'}') {
                return Ok(());
            }
            self.comma("a comma or `}`")?;
        }
    }

    fn array(&mut self) -> Result<(), Fault> {
        self.open()?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            self.space();
            self.value()?;
            if self.close(b']') {
                return Ok(());
            }
            self.comma("a comma or `]`")?;
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        if self.depth == DEPTH_MAX {
            return self.fault("at most 64 levels of nesting");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Passes `bracket` if it comes next, after space.
    fn close(&mut self, bracket: u8) -> bool {
        self.space();
        let closes = self.peek() == Some(bracket);
        if closes {
            self.at += 1;
            self.depth -= 1;
        }
        closes
    }

    fn comma(&mut self, expected: &'static str) -> Result<(), Fault> {
        if self.peek() != Some(b',') {
            return self.fault(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string and answers what lies between its quotes.
    fn string(&mut self) -> Result<Range<usize>, Fault> {
        let start = self.at + 1;
        self.at = start;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += self.escape_length()?,
                Some(0x20..) => self.at += 1,
                Some(_) => return self.fault("an escape for a control character"),
                None => return self.fault("a closing quote"),
            }
        }
        self.at += 1;
        Ok(start..self.at - 1)
    }

    fn escape_length(&self) -> Result<usize, Fault> {
        match json_escape::decode(&self.bytes[self.at..]) {
            Some((_, length)) => Ok(length),
            None => self.fault("a valid escape"),
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().take_while(|byte| inside(byte)).count();
        if !is_number(&rest[..length]) {
            return self.fault("a number");
        }
        self.at += length;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fault(word);
        }
        self.at += word.len();
        Ok(())
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn fault<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault {
            at: self.at,
            expected,
        })
    }
}

/// What stood between quotes, without escapes. Those must be valid.
fn plain(inner: &[u8]) -> Cow<'_, [u8]> {
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    unescape(inner, &mut text);
    Cow::Owned(text)
}

/// True for the bytes that may stand between tokens of a line.
#[inline]
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// True for exactly the numbers of JSON's grammar.
#[inline]
pub(crate) fn is_number(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(unsigned);
    if whole == 0 || whole > 1 && unsigned[0] == b'0' {
        return false;
    }
    whole == unsigned.len() || is_tail(&unsigned[whole..])
}

/// True for most short numbers: the first `length` bytes of `text` are digits with at most one
/// point between them. False says nothing.
///
/// Sixteen bytes at once, those behind the number masked out.
#[inline]
pub(crate) fn is_short_number(text: &[u8], length: usize) -> bool {
    const ONES: u128 = u128::MAX / 0xff;
    let Some(head) = text
        .first_chunk::<16>()
        .filter(|_| (1..=16).contains(&length))
    else {
        return false;
    };
    let digits = u128::from_le_bytes(*head) ^ (ONES * 0x30);
    // The high bit of each byte that is above nine.
    let above = (((digits & (ONES * 0x7f)) + ONES * 0x76) | digits) & (ONES * 0x80);
    let others = above & (u128::MAX >> (8 * (16 - length)));
    let zero_first = head[0] == b'0';
    if others == 0 {
        return !zero_first || length == 1;
    }
    let point = (others.trailing_zeros() / 8) as usize;
    let only = others & (others - 1) == 0 && head[point] == b'.';
    only && 0 < point && point + 1 < length && (!zero_first || point == 1)
}

/// A fraction, an exponent, or both.
fn is_tail(mut rest: &[u8]) -> bool {
    if let [b'.', fraction @ ..] = rest {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let unsigned = match exponent {
            [b'+' | b'-', unsigned @ ..] => unsigned,
            unsigned => unsigned,
        };
        return !unsigned.is_empty() && digits(unsigned) == unsigned.len();
    }
    rest.is_empty()
}

/// How many digits `text` begins with.
#[inline]
fn digits(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len())
}

/// Reads all of `text` as one value.
pub(crate) fn is_value(text: &[u8]) -> bool {
    let mut reader = Reader::new(text);
    reader.value().is_ok() && reader.end().is_ok()
}
