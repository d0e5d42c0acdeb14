//! Access logs of web servers: `common` and `combined`.

use pelton_record::{DataType, View};
use pelton_simd::number::parse_timestamp;

use super::pattern::{Cursor, Emit, Mismatch, Name, Part, Pattern, Splitter, find, unless_dash};

/// `host ident user [day/Mon/year:h:m:s zone] "method target protocol" status bytes`, and for the
/// combined log `"referer" "user agent"` after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub combined: bool,
}

impl Pattern for Access {
    fn parts(&self) -> Vec<Part> {
        let text = |name| Part::new(name, DataType::String);
        let number = |name| Part::new(name, DataType::Int64);
        let ts = Part::new("ts", DataType::Timestamp).read_by(parse_time);
        let mut parts = vec![text("host"), text("ident"), text("user"), ts];
        parts.extend(["method", "path", "query", "protocol"].map(text));
        parts.extend(["status", "bytes"].map(number));
        if self.combined {
            parts.extend(["referer", "user_agent"].map(text));
        }
        parts
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(*self)
    }
}

impl Splitter for Access {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let mut cursor = Cursor::new(line);
        for (index, name) in ["a host", "an ident", "a user"].into_iter().enumerate() {
            let view = cursor.word_and_space(name)?;
            emit(Name::Part(index), unless_dash(line, view), false);
        }
        emit(Name::Part(3), time(&mut cursor)?, false);
        cursor.pass(b' ', "a space")?;
        request(&mut cursor, emit)?;
        cursor.pass(b' ', "a space")?;
        emit(Name::Part(8), status(&mut cursor)?, false);
        cursor.pass(b' ', "a space")?;
        emit(Name::Part(9), bytes(&mut cursor)?, false);
        if self.combined {
            for index in [10, 11] {
                cursor.pass(b' ', "a space")?;
                let view = quoted(&mut cursor)?;
                emit(Name::Part(index), unless_dash(line, view), false);
            }
        }
        cursor.end()
    }
}

/// How an instant looks: `d` for digits, `a` for letters.
const TIME: &[u8; 26] = b"dd/aaa/dddd:dd:dd:dd +dddd";

/// An instant in brackets; answers what is inside.
fn time(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    cursor.pass(b'[', "`[`")?;
    let start = cursor.at;
    let Some(text) = cursor.rest().first_chunk::<26>() else {
        return cursor.mismatch("a time as 31/Jan/2024:23:59:59 +0000");
    };
    for (at, (&byte, &shape)) in text.iter().zip(TIME).enumerate() {
        let fits = match shape {
            b'd' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            b'+' => matches!(byte, b'+' | b'-'),
            _ => byte == shape,
        };
        if !fits {
            cursor.at += at;
            return cursor.mismatch("a time as 31/Jan/2024:23:59:59 +0000");
        }
    }
    cursor.at += TIME.len();
    cursor.pass(b']', "`]`")?;
    Ok(View::between(start as u32, start as u32 + 26))
}

/// `31/Jan/2024:23:59:59 +0100` as nanoseconds since 1970.
fn parse_time(text: &[u8]) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let text: &[u8; 26] = text.try_into().ok()?;
    let (names, _) = MONTHS.as_chunks::<3>();
    let month = 1 + names.iter().position(|name| *name == text[3..6])? as u8;
    let mut iso = *b"yyyy-mm-ddThh:mm:ss+zzzz";
    iso[..4].copy_from_slice(&text[7..11]);
    iso[5..7].copy_from_slice(&[b'0' + month / 10, b'0' + month % 10]);
    iso[8..10].copy_from_slice(&text[..2]);
    iso[11..19].copy_from_slice(&text[12..20]);
    iso[19..].copy_from_slice(&text[21..]);
    parse_timestamp(&iso)
}

/// What stands between quotes, in which a backslash escapes the next byte.
fn quoted(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    cursor.pass(b'"', "`\"`")?;
    let start = cursor.at;
    loop {
        let Some(length) = find(b'"', cursor.rest()) else {
            return cursor.mismatch("a closing quote");
        };
        let inner = &cursor.line[start..cursor.at + length];
        cursor.at += length + 1;
        let backslashes = inner
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if backslashes % 2 == 0 {
            return Ok(View::between(start as u32, cursor.at as u32 - 1));
        }
    }
}

/// `"method target protocol"`, or `"-"` where there was no request.
fn request(cursor: &mut Cursor<'_>, emit: Emit<'_>) -> Result<(), Mismatch> {
    let whole = quoted(cursor)?;
    let line = cursor.line;
    let inner = whole.of(line);
    if inner == b"-" {
        return Ok(());
    }
    let fault = |at: usize, expected: &str| {
        Err(Mismatch {
            at: whole.start as usize + at,
            expected: expected.to_owned(),
        })
    };
    let method = inner
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    if method == 0 || inner.get(method) != Some(&b' ') {
        return fault(method, "a method in capitals and a space");
    }
    let target = &inner[method + 1..];
    let length = find(b' ', target).unwrap_or(target.len());
    let protocol = method + 2 + length;
    if length == 0 || !is_protocol(inner.get(protocol..).unwrap_or_default()) {
        return fault(
            protocol.min(inner.len()),
            "a target, a space and `HTTP/` with a version",
        );
    }
    let view =
        |from: usize, to: usize| View::between(whole.start + from as u32, whole.start + to as u32);
    emit(Name::Part(4), view(0, method), false);
    let path = method + 1 + find(b'?', &target[..length]).unwrap_or(length);
    emit(Name::Part(5), view(method + 1, path), false);
    let query = (path + 1).min(protocol - 1);
    emit(Name::Part(6), view(query, protocol - 1), false);
    emit(Name::Part(7), view(protocol, inner.len()), false);
    Ok(())
}

fn is_protocol(text: &[u8]) -> bool {
    let version = text.strip_prefix(b"HTTP/").unwrap_or_default();
    !version.is_empty()
        && version
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn status(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    let view = cursor.until(b' ');
    if view.len != 3 || !is_digits(view.of(cursor.line)) {
        cursor.at = view.start as usize;
        return cursor.mismatch("a status of three digits");
    }
    Ok(view)
}

fn bytes(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    let view = cursor.until(b' ');
    match view.of(cursor.line) {
        b"-" => Ok(View::default()),
        text if !text.is_empty() && is_digits(text) => Ok(view),
        _ => {
            cursor.at = view.start as usize;
            cursor.mismatch("a number of bytes or `-`")
        }
    }
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}
