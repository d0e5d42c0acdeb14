//! The inside of JSON strings: escapes read and written.

/// One escape sequence, from its backslash on: the character and how many bytes spell it.
///
/// Surrogates count only as a pair, of which both halves are escaped.
pub(crate) fn decode(text: &[u8]) -> Option<(char, usize)> {
    let short = |character| Some((character, 2));
    match *text.get(1)? {
        b'"' => short('"'),
        b'\\' => short('\\'),
        b'/' => short('/'),
        b'b' => short('\u{8}'),
        b'f' => short('\u{c}'),
        b'n' => short('\n'),
        b'r' => short('\r'),
        b't' => short('\t'),
        b'u' => decode_unicode(text),
        _ => None,
    }
}

fn decode_unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = hex(text.get(2..6)?)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = match text.get(6..8)? {
        b"\\u" => hex(text.get(8..12)?)?,
        _ => return None,
    };
    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let code = 0x1_0000 + ((first - 0xd800) << 10) + low;
    Some((char::from_u32(code)?, 12))
}

/// The number of four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        Some(number << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// True when all escapes in `inner`, which stood between quotes, are valid.
pub(crate) fn is_valid(inner: &[u8]) -> bool {
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        match decode(&rest[at..]) {
            Some((_, length)) => rest = &rest[at + length..],
            None => return false,
        }
    }
    true
}

/// Appends the text that `inner`, which stood between quotes, spells. An invalid escape stands for
/// itself.
pub(crate) fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let (character, length) = decode(&rest[at..]).unwrap_or(('\\', 1));
        let mut utf8 = [0; 4];
        out.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
}

/// Appends `text` as a JSON string, quotes included.
///
/// Escaped are quotes, backslashes and control characters, nothing else.
#[inline]
pub(crate) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        write_escaped(text, out);
    }
    out.push(b'"');
}

#[cold]
fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x20.. => {
                out.push(byte);
                continue;
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

/// True when nothing in `text` needs an escape; eight bytes at a time.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let (words, tail) = text.as_chunks::<8>();
    let special = words
        .iter()
        .fold(0, |all, word| all | special(u64::from_le_bytes(*word)));
    let tail = tail
        .iter()
        .any(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
    special == 0 && !tail
}

/// True when `inner`, which stood between quotes, holds a backslash; eight bytes at a time.
#[inline]
pub(crate) fn has_escape(inner: &[u8]) -> bool {
    let (words, tail) = inner.as_chunks::<8>();
    let found = words.iter().fold(0, |all, word| {
        all | zeros(u64::from_le_bytes(*word) ^ (0x5c * ONES))
    });
    found & HIGHS != 0 || tail.contains(&b'\\')
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Not zero when a byte of `word` is a quote, a backslash or a control character.
#[inline]
const fn special(word: u64) -> u64 {
    let control = word.wrapping_sub(0x20 * ONES) & !word;
    (control | zeros(word ^ (0x22 * ONES)) | zeros(word ^ (0x5c * ONES))) & HIGHS
}

/// High bits set where a byte is zero, and perhaps above one that is.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

/// True when `text` holds a control character, which no JSON string may.
#[inline]
pub(crate) fn has_control(text: &[u8]) -> bool {
    text.iter().any(|&byte| byte < 0x20)
}
