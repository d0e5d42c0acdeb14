//! A scanner that walks over JSON to one value of it.

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A member of an object.
    Name(String),
    /// An element of an array, counted from 0, or from -1 at the end.
    Place(i64),
}

/// The byte at which a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid(pub(super) usize);

/// Depth of arrays and objects. They are walked without the stack, one bit a level.
const DEPTH_MAX: usize = 128;

/// The text of the value at `path`, or `None` when there is none.
pub(super) fn find<'a>(json: &'a [u8], path: &[Key]) -> Result<Option<&'a [u8]>, Invalid> {
    let mut scanner = Scanner { json, at: 0 };
    scanner.blanks();
    for key in path {
        let found = match key {
            Key::Name(name) => scanner.member(name.as_bytes())?,
            Key::Place(place) => scanner.element(*place)?,
        };
        if !found {
            return Ok(None);
        }
    }
    let start = scanner.at;
    scanner.skip()?;
    Ok(Some(&json[start..scanner.at]))
}

struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` and the blanks after it, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        if next {
            self.at += 1;
            self.blanks();
        }
        next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(Invalid(self.at))
        }
    }

    /// Goes to the value of the member `name`; false when there is none.
    fn member(&mut self, name: &[u8]) -> Result<bool, Invalid> {
        if !self.take(b'{') {
            // Something else has no members, but it must be something.
            return self.skip().map(|()| false);
        }
        if self.take(b'}') {
            return Ok(false);
        }
        loop {
            let start = self.at;
            self.string()?;
            let key = &self.json[start..self.at];
            self.blanks();
            self.expect(b':')?;
            if is_name(key, name)? {
                return Ok(true);
            }
            self.skip()?;
            self.blanks();
            if !self.take(b',') {
                self.expect(b'}')?;
                return Ok(false);
            }
        }
    }

    /// Goes to element `place`; false when there is none.
    fn element(&mut self, place: i64) -> Result<bool, Invalid> {
        let start = self.at;
        let place = if place < 0 {
            let count = self.walk(i64::MAX)?.count_or(0);
            self.at = start;
            count + place
        } else {
            place
        };
        if place < 0 {
            return Ok(false);
        }
        Ok(matches!(self.walk(place)?, Walk::Found))
    }

    /// Walks over an array up to element `place`.
    fn walk(&mut self, place: i64) -> Result<Walk, Invalid> {
        if !self.take(b'[') {
            return self.skip().map(|()| Walk::Ended(0));
        }
        if self.take(b']') {
            return Ok(Walk::Ended(0));
        }
        for index in 0.. {
            if index == place {
                return Ok(Walk::Found);
            }
            self.skip()?;
            self.blanks();
            if !self.take(b',') {
                self.expect(b']')?;
                return Ok(Walk::Ended(index + 1));
            }
        }
        Ok(Walk::Ended(i64::MAX))
    }

    /// Goes past one value, whatever it is.
    fn skip(&mut self) -> Result<(), Invalid> {
        let mut open: Vec<u8> = Vec::new(); // stays empty, without a heap, for most values
        loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(opening @ (b'{' | b'[')) => {
                    if open.len() == DEPTH_MAX {
                        return Err(Invalid(self.at));
                    }
                    self.at += 1;
                    self.blanks();
                    let closing = opening + 2; // `}` and `]` come two after `{` and `[`
                    if self.peek() != Some(closing) {
                        open.push(closing);
                        self.key(closing)?;
                        continue;
                    }
                    self.at += 1;
                }
                Some(_) => self.word()?,
                None => return Err(Invalid(self.at)),
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here; true when nothing is open any more.
    fn close(&mut self, open: &mut Vec<u8>) -> Result<bool, Invalid> {
        while let Some(&closing) = open.last() {
            self.blanks();
            if self.take(b',') {
                self.key(closing)?;
                return Ok(false);
            }
            if self.peek() != Some(closing) {
                return Err(Invalid(self.at));
            }
            self.at += 1;
            open.pop();
        }
        Ok(true)
    }

    /// The name before a value, in an object.
    fn key(&mut self, closing: u8) -> Result<(), Invalid> {
        if closing == b'}' {
            self.string()?;
            self.blanks();
            self.expect(b':')?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Invalid> {
        if self.peek() != Some(b'"') {
            return Err(Invalid(self.at));
        }
        self.at += 1;
        loop {
            match memchr::memchr2(b'"', b'\\', &self.json[self.at..]) {
                Some(place) if self.json[self.at + place] == b'"' => {
                    self.at += place + 1;
                    return Ok(());
                }
                Some(place) if self.at + place + 2 <= self.json.len() => self.at += place + 2,
                _ => return Err(Invalid(self.json.len())),
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), Invalid> {
        let start = self.at;
        let within = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let rest = &self.json[start..];
        let length = rest
            .iter()
            .position(|&byte| !within(byte))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let number = || str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok());
        let digits = word
            .first()
            .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
        let valid = matches!(word, b"true" | b"false" | b"null") || digits && number();
        if !valid {
            return Err(Invalid(start));
        }
        self.at += length;
        Ok(())
    }
}

/// How a walk over an array ended.
enum Walk {
    Found,
    /// After so many elements.
    Ended(i64),
}

impl Walk {
    const fn count_or(&self, other: i64) -> i64 {
        match self {
            Self::Ended(count) => *count,
            Self::Found => other,
        }
    }
}

/// Whether a quoted key is `name`; escapes are looked into only where there are any.
fn is_name(key: &[u8], name: &[u8]) -> Result<bool, Invalid> {
    let inner = &key[1..key.len() - 1];
    if !inner.contains(&b'\\') {
        return Ok(inner == name);
    }
    let mut plain = Vec::new();
    unquoted(key, &mut plain)?;
    Ok(plain == name)
}

/// Writes the text of a quoted string without its escapes.
pub(super) fn unquoted(quoted: &[u8], out: &mut Vec<u8>) -> Result<(), Invalid> {
    let mut rest = &quoted[1..quoted.len() - 1];
    while let Some(place) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..place]);
        let used = escape(&rest[place + 1..], out).ok_or(Invalid(place))?;
        rest = &rest[place + 1 + used..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Writes one escape, and gives the bytes it took after its backslash.
fn escape(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match rest.first()? {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' => return unicode(rest, out),
        other @ (b'"' | b'\\' | b'/') => *other,
        _ => return None,
    };
    out.push(plain);
    Some(1)
}

/// `u00e9`, or a pair of surrogates; half a pair becomes the replacement character.
fn unicode(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let unit = |at: usize| {
        let digits = str::from_utf8(rest.get(at..at + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let high = unit(1)?;
    let low = rest
        .get(5..7)
        .filter(|next| *next == b"\\u")
        .and_then(|_| unit(7));
    let (code, used) = match (high, low) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 11)
        }
        _ => (high, 5),
    };
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    Some(used)
}
