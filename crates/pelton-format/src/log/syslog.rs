//! Syslog: RFC 5424, and the older form that RFC 3164 describes.

use pelton_record::{DataType, View};
use pelton_simd::number::parse_i64;

use super::pattern::{Cursor, Emit, Mismatch, Name, Part, Pattern, Splitter, unless_dash};

/// `<priority>1 timestamp host app procid msgid [data] message`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rfc5424;

/// `<priority>Mmm dd hh:mm:ss host tag[pid]: message`, in files mostly without a priority.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rfc3164;

fn priority_parts() -> [Part; 2] {
    let facility = |text: &[u8]| parse_i64(text).map(|priority| priority / 8);
    let severity = |text: &[u8]| parse_i64(text).map(|priority| priority % 8);
    [
        Part::new("facility", DataType::Int64).read_by(facility),
        Part::new("severity", DataType::Int64).read_by(severity),
    ]
}

/// `<191>` or less, without needless zeros.
fn priority(cursor: &mut Cursor<'_>, emit: Emit<'_>) -> Result<(), Mismatch> {
    const EXPECTED: &str = "a priority from <0> to <191>";
    if cursor.peek() != Some(b'<') {
        return cursor.mismatch(EXPECTED);
    }
    cursor.at += 1;
    let view = cursor.until(b'>');
    let digits = view.of(cursor.line);
    let plain =
        digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || !digits.starts_with(b"0"));
    if !plain || view.len > 3 || parse_i64(digits).is_none_or(|priority| priority > 191) {
        cursor.at = view.start as usize;
        return cursor.mismatch(EXPECTED);
    }
    cursor.pass(b'>', "`>`")?;
    emit(Name::Part(0), view, false);
    emit(Name::Part(1), view, false);
    Ok(())
}

impl Pattern for Rfc5424 {
    fn parts(&self) -> Vec<Part> {
        let mut parts = priority_parts().to_vec();
        parts.push(Part::new("ts", DataType::Timestamp));
        let texts = [
            "host",
            "app",
            "procid",
            "msgid",
            "structured_data",
            "message",
        ];
        parts.extend(texts.map(|name| Part::new(name, DataType::String)));
        parts
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(*self)
    }
}

impl Splitter for Rfc5424 {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let mut cursor = Cursor::new(line);
        priority(&mut cursor, emit)?;
        cursor.pass(b'1', "version 1")?;
        cursor.pass(b' ', "a space")?;
        let words = [
            "a timestamp",
            "a host",
            "an app name",
            "a process id",
            "a message id",
        ];
        for (index, expected) in words.into_iter().enumerate() {
            let view = cursor.word_and_space(expected)?;
            emit(Name::Part(2 + index), unless_dash(line, view), false);
        }
        emit(Name::Part(7), structured_data(&mut cursor)?, false);
        if cursor.peek().is_some() {
            cursor.pass(b' ', "a space or the end of the line")?;
        }
        if cursor.rest().starts_with(b"\xef\xbb\xbf") {
            cursor.at += 3;
        }
        let message = View::between(cursor.at as u32, line.len() as u32);
        emit(Name::Part(8), message, false);
        Ok(())
    }
}

/// `-`, or elements in brackets, in whose quotes a backslash escapes the next byte.
fn structured_data(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    let start = cursor.at;
    if cursor.peek() == Some(b'-') {
        cursor.at += 1;
        return Ok(View::default());
    }
    if cursor.peek() != Some(b'[') {
        return cursor.mismatch("`-` or structured data in brackets");
    }
    while cursor.peek() == Some(b'[') {
        let mut quoted = false;
        loop {
            cursor.at += 1;
            match cursor.peek() {
                Some(b'\\') if quoted => cursor.at += 1,
                Some(b'"') => quoted = !quoted,
                Some(b']') if !quoted => break,
                Some(_) => {}
                None => {
                    cursor.at = cursor.line.len();
                    return cursor.mismatch("`]` after structured data");
                }
            }
        }
        cursor.at += 1;
    }
    Ok(View::between(start as u32, cursor.at as u32))
}

impl Pattern for Rfc3164 {
    fn parts(&self) -> Vec<Part> {
        let mut parts = priority_parts().to_vec();
        let texts = ["ts", "host", "tag", "pid", "message"];
        parts.extend(texts.map(|name| Part::new(name, DataType::String)));
        parts
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(*self)
    }
}

impl Splitter for Rfc3164 {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let mut cursor = Cursor::new(line);
        if cursor.peek() == Some(b'<') {
            priority(&mut cursor, emit)?;
        }
        emit(Name::Part(2), short_time(&mut cursor)?, false);
        cursor.pass(b' ', "a space")?;
        emit(Name::Part(3), cursor.word_and_space("a host")?, false);
        let ends = |byte: &u8| matches!(byte, b':' | b'[' | b' ');
        let rest = cursor.rest();
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        emit(Name::Part(4), advance(&mut cursor, length), false);
        if cursor.peek() == Some(b'[') {
            cursor.at += 1;
            let pid = cursor.until(b']');
            cursor.pass(b']', "`]` after a process id")?;
            emit(Name::Part(5), pid, false);
        }
        cursor.pass(b':', "a colon after the tag")?;
        if cursor.peek() == Some(b' ') {
            cursor.at += 1;
        }
        let length = cursor.rest().len();
        emit(Name::Part(6), advance(&mut cursor, length), false);
        Ok(())
    }
}

fn advance(cursor: &mut Cursor<'_>, length: usize) -> View {
    let start = cursor.at;
    cursor.at += length;
    View::between(start as u32, cursor.at as u32)
}

/// `Jan  1 23:59:59`: a time without a year.
fn short_time(cursor: &mut Cursor<'_>) -> Result<View, Mismatch> {
    const TIME: &[u8; 15] = b"aaa xd dd:dd:dd";
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'a' => byte.is_ascii_alphabetic(),
        b'd' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_digit() || byte == b' ',
        _ => byte == shape,
    };
    let matching = cursor
        .rest()
        .iter()
        .zip(TIME)
        .take_while(|pair| fits(*pair))
        .count();
    if matching < TIME.len() {
        cursor.at += matching;
        return cursor.mismatch("a time as `Jan  1 23:59:59`");
    }
    Ok(advance(cursor, TIME.len()))
}
