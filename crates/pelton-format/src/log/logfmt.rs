//! `key=value key="quoted value" flag`.

use pelton_record::View;

use super::pattern::{Cursor, Emit, Mismatch, Name, Part, Pattern, Splitter};
use crate::json_escape::is_valid;

/// Pairs with space between them. Values with space, quotes or `=` stand in quotes, with JSON's
/// escapes. A key without `=`, or without anything after it, is null.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logfmt;

impl Pattern for Logfmt {
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(*self)
    }
}

impl Splitter for Logfmt {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let mut cursor = Cursor::new(line);
        loop {
            while matches!(cursor.peek(), Some(b' ' | b'\t')) {
                cursor.at += 1;
            }
            if cursor.peek().is_none() {
                return Ok(());
            }
            let key = plain(&mut cursor, |byte| {
                byte <= b' ' || byte == b'=' || byte == b'"'
            });
            if key.len == 0 {
                return cursor.mismatch("a key");
            }
            let (value, escaped) = if cursor.peek() == Some(b'=') {
                cursor.at += 1;
                value(&mut cursor)?
            } else {
                (View::default(), false)
            };
            if !matches!(cursor.peek(), None | Some(b' ' | b'\t')) {
                return cursor.mismatch("a space");
            }
            emit(Name::Key(key.of(line)), value, escaped);
        }
    }
}

/// Passes the bytes before the first that `ends`.
fn plain(cursor: &mut Cursor<'_>, ends: impl Fn(u8) -> bool) -> View {
    let start = cursor.at;
    let rest = cursor.rest();
    cursor.at += rest
        .iter()
        .position(|&byte| ends(byte))
        .unwrap_or(rest.len());
    View::between(start as u32, cursor.at as u32)
}

/// A value, and whether it has escapes.
fn value(cursor: &mut Cursor<'_>) -> Result<(View, bool), Mismatch> {
    if cursor.peek() != Some(b'"') {
        return Ok((plain(cursor, |byte| byte <= b' ' || byte == b'"'), false));
    }
    cursor.at += 1;
    let start = cursor.at;
    let mut escaped = false;
    loop {
        match cursor.peek() {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                cursor.at = (cursor.at + 2).min(cursor.line.len());
            }
            Some(_) => cursor.at += 1,
            None => return cursor.mismatch("a closing quote"),
        }
    }
    let view = View::between(start as u32, cursor.at as u32);
    if escaped && !is_valid(view.of(cursor.line)) {
        cursor.at = start;
        return cursor.mismatch("a value with valid escapes");
    }
    cursor.at += 1;
    Ok((view, escaped))
}
