//! Paths into JSON that stands in a column of text.
//!
//! The text is scanned up to the value asked for and no further: nothing is built, and what comes
//! after is not looked at.

use pelton_record::{DataType, Value};

use super::{Arguments, Function, call, function};
use crate::Error;
use crate::expression::node::Node;
use crate::expression::text::{self, Step};

mod scan;

use scan::{Invalid, Key, find, unquoted};

pub(super) const FUNCTIONS: [Function; 4] = [
    function("json_extract", 2, 2, |args| by_path(args, false)),
    function("json_extract_string", 2, 2, |args| by_path(args, true)),
    function("->", 2, 2, |args| by_key(args, false)),
    function("->>", 2, 2, |args| by_key(args, true)),
];

type Bound = Result<Node, Error>;

/// `$.a.b[0]`.
fn by_path(args: &mut Arguments<'_, '_>, as_text: bool) -> Bound {
    let text = args.constant(1)?;
    let Some(path) = path(&text) else {
        let message = format!("`{text}` is not a path, write $.name[0].\"other name\"");
        return Err(args.refuse(1, message));
    };
    let operands = vec![args.string(0)?];
    Ok(value_at(operands, path, as_text))
}

/// A name, or a place in an array counted from 0, or from -1 at the end.
fn by_key(args: &mut Arguments<'_, '_>, as_text: bool) -> Bound {
    let is_int = args.args[1].0.as_ref().and_then(super::Loose::data_type) == Some(DataType::Int64);
    let key = if is_int {
        args.int(1)?
    } else {
        args.string(1)?
    };
    let path = match key.as_constant().map(|column| column.value(0)) {
        Some(Value::Int64(place)) => vec![Key::Place(place)],
        Some(Value::String(name)) => vec![Key::Name(name.to_owned())],
        _ => return Err(args.refuse(1, "the key must be a constant name or number")),
    };
    let operands = vec![args.string(0)?];
    Ok(value_at(operands, path, as_text))
}

fn value_at(operands: Vec<Node>, path: Vec<Key>, as_text: bool) -> Node {
    call(operands, DataType::String, move |args| {
        let texts = args.operands[0].texts();
        text::build(args, |row, out| write(texts.at(row), &path, as_text, out))
    })
}

fn write(json: &[u8], path: &[Key], as_text: bool, out: &mut Vec<u8>) -> Step<()> {
    let invalid = |Invalid(place)| format!("not JSON at byte {place}");
    let Some(value) = find(json, path).map_err(invalid)? else {
        return Ok(None);
    };
    match (as_text, value.first()) {
        (true, Some(b'n')) => return Ok(None),
        (true, Some(b'"')) => unquoted(value, out).map_err(invalid)?,
        _ => out.extend_from_slice(value),
    }
    Ok(Some(()))
}

/// Reads `$.name[0]."other name"`; the `$` may be left out.
fn path(text: &str) -> Option<Vec<Key>> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut keys = Vec::new();
    if !text.starts_with('$') && !rest.is_empty() && !rest.starts_with(['.', '[']) {
        let (key, after) = name(rest)?;
        keys.push(key);
        rest = after;
    }
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('.') {
            Some(after) => name(after)?,
            None => place(rest.strip_prefix('[')?)?,
        };
        keys.push(key);
        rest = after;
    }
    Some(keys)
}

fn name(text: &str) -> Option<(Key, &str)> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at(text.find(['.', '[']).unwrap_or(text.len())),
    };
    (!name.is_empty()).then(|| (Key::Name(name.to_owned()), rest))
}

fn place(text: &str) -> Option<(Key, &str)> {
    let (place, rest) = text.split_once(']')?;
    Some((Key::Place(place.trim().parse().ok()?), rest))
}
