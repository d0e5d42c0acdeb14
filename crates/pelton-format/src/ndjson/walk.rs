//! The way through one record, from structural character to structural character.
//!
//! The scan has found every bracket, colon, comma and quote, so a string costs a step to its end
//! and an unwanted number a step to the comma. All structure is checked on the way; scalars that
//! nobody wants are checked by their first byte, and the escapes in unwanted strings not at all.

use std::borrow::Cow;

use pelton_record::View;

use super::paths::{Paths, Target};
use super::shape::{Found, NONE, START, Shape};
use crate::fields::Fields;
use crate::json::{DEPTH_MAX, is_number, is_short_number, is_space, is_value};
use crate::json_escape::{has_control, has_escape, is_valid, unescape};

/// The record is not one JSON object. What exactly is wrong is found out by a slower reader.
#[derive(Debug)]
pub(super) struct Broken;

pub(super) type Walked<T = ()> = Result<T, Broken>;

/// The structural positions of a key: the separator before it, two quotes and a colon.
const KEY_POSITIONS: usize = 4;

/// What a block of records is read with.
pub(super) struct Walk<'a> {
    pub bytes: &'a [u8],
    /// The structural positions of the block; behind those of the last line stands the end.
    pub positions: &'a [u32],
    /// The index of the first position not passed yet. Always at or past `at`.
    pub next: usize,
    pub at: usize,
    /// The block holds control characters other than newlines.
    pub controls: bool,
    /// The block holds backslashes.
    pub escapes: bool,
    pub paths: &'a Paths,
    pub shape: &'a mut Shape,
    pub fields: &'a mut Fields,
}

impl Walk<'_> {
    /// Walks the line that begins at `start`, before position `next`, and ends before `end`.
    pub(super) fn record(&mut self, start: usize, next: usize, end: usize) -> Walked {
        (self.at, self.next) = (start, next);
        self.space();
        if self.peek() != b'{' {
            return Err(Broken);
        }
        self.object(0, 1)?;
        self.space();
        if self.at == end { Ok(()) } else { Err(Broken) }
    }

    /// The byte here; at the end of the block a newline, as at the end of other lines.
    #[inline(always)]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b'\n')
    }

    /// Passes space, but no newline.
    #[inline(always)]
    pub(super) fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    /// Passes one structural character.
    #[inline(always)]
    pub(super) const fn pass(&mut self) {
        self.at += 1;
        self.next += 1;
    }

    /// Walks an object whose members `node` knows, from its brace on.
    fn object(&mut self, node: u32, depth: u32) -> Walked {
        if depth > DEPTH_MAX {
            return Err(Broken);
        }
        let mut previous = START;
        let mut predicted = self.shape.first(node);
        loop {
            (previous, predicted) = self.run(previous, predicted, depth)?;
            let Some(found) = self.member(node, previous, predicted)? else {
                return Ok(());
            };
            self.value(found.target, depth)?;
            (previous, predicted) = (found.key, found.next);
        }
    }

    /// Walks members for as long as the prediction holds and the values are strings and scalars.
    /// Answers the last key and the one to expect.
    ///
    /// Place and position are kept in registers here: this is where nearly all time goes.
    #[inline(always)]
    fn run(&mut self, mut previous: u32, mut predicted: u32, depth: u32) -> Walked<(u32, u32)> {
        let (bytes, positions) = (self.bytes, self.positions);
        let (mut at, mut next) = (self.at, self.next);
        while let Some((index, key)) = self.shape.predict(bytes, at, predicted) {
            let start = at + key.length();
            match bytes.get(start) {
                Some(b'"') => {
                    let Some(inner) = string(bytes, positions, start, next + KEY_POSITIONS) else {
                        return Err(Broken);
                    };
                    if self.controls && has_control(inner.of(bytes)) {
                        return Err(Broken);
                    }
                    if let Some(column) = key.target.column {
                        wanted_string(self.fields, bytes, column, depth, inner, self.escapes)?;
                    }
                    at = inner.end() as usize + 1;
                    next += KEY_POSITIONS + 2;
                }
                Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                    next += KEY_POSITIONS;
                    let end = positions[next];
                    if let Some(column) = key.target.column {
                        let view = View::between(start as u32, end);
                        wanted_scalar(self.fields, bytes, column, depth, view)?;
                    }
                    at = end as usize;
                }
                _ => break,
            }
            (previous, predicted) = (index, key.next);
        }
        (self.at, self.next) = (at, next);
        Ok((previous, predicted))
    }

    /// Reads the key of the next member, with the separator before it, or the closing brace.
    #[inline]
    fn member(&mut self, node: u32, previous: u32, predicted: u32) -> Walked<Option<Found>> {
        if let Some((index, key)) = self.shape.predict(self.bytes, self.at, predicted) {
            self.at += key.length();
            self.next += KEY_POSITIONS;
            return Ok(Some(key.found(index)));
        }
        self.space();
        if self.peek() == b'}' {
            self.pass();
            return Ok(None);
        }
        self.member_slow(node, previous)
    }

    #[inline(never)]
    fn member_slow(&mut self, node: u32, previous: u32) -> Walked<Option<Found>> {
        let start = self.at;
        let opens = previous == START;
        if self.peek() != if opens { b'{' } else { b',' } {
            return Err(Broken);
        }
        self.pass();
        self.space();
        if opens && self.peek() == b'}' {
            self.pass();
            return Ok(None);
        }
        let inner = self.key()?;
        let text = &self.bytes[start..self.at];
        let key = match self.shape.recall(node, previous, text) {
            Some(known) => known,
            None => {
                let target = self.paths.target(node, &self.unescaped(inner)?);
                match self.shape.learn(node, previous, text, target) {
                    NONE => return Ok(Some(Found::unknown(target))),
                    learned => learned,
                }
            }
        };
        Ok(Some(self.shape.key(key).found(key)))
    }

    /// Passes a key and its colon, up to the value, and answers what lies between the quotes.
    #[inline]
    pub(super) fn key(&mut self) -> Walked<View> {
        if self.peek() != b'"' {
            return Err(Broken);
        }
        let inner = self.string()?;
        self.space();
        if self.peek() != b':' {
            return Err(Broken);
        }
        self.pass();
        self.space();
        Ok(inner)
    }

    fn unescaped(&self, inner: View) -> Walked<Cow<'_, [u8]>> {
        let inner = inner.of(self.bytes);
        if !self.escapes || !inner.contains(&b'\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let mut key = Vec::with_capacity(inner.len());
        if !is_valid(inner) {
            return Err(Broken);
        }
        unescape(inner, &mut key);
        Ok(Cow::Owned(key))
    }

    /// Passes a string, from its opening quote on, and answers what lies between the quotes.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Walked<View> {
        let inner = string(self.bytes, self.positions, self.at, self.next).ok_or(Broken)?;
        if self.controls && has_control(inner.of(self.bytes)) {
            return Err(Broken);
        }
        self.next += 2;
        self.at = inner.end() as usize + 1;
        Ok(inner)
    }

    /// Passes a number, `true`, `false` or `null`, up to the next structural character.
    #[inline(always)]
    pub(super) fn scalar(&mut self) -> View {
        let start = self.at as u32;
        let end = self.positions[self.next];
        self.at = end as usize;
        View::between(start, end)
    }

    /// Passes a value and puts it where it is wanted.
    fn value(&mut self, target: Target, depth: u32) -> Walked {
        match self.peek() {
            b'"' => {
                let inner = self.string()?;
                match target.column {
                    Some(column) => {
                        wanted_string(self.fields, self.bytes, column, depth, inner, self.escapes)
                    }
                    None => Ok(()),
                }
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let view = self.scalar();
                match target.column {
                    Some(column) => wanted_scalar(self.fields, self.bytes, column, depth, view),
                    None => Ok(()),
                }
            }
            _ => self.value_slow(target, depth),
        }
    }

    /// Passes an object or an array, or more space than the predicted key had behind it.
    #[inline(never)]
    fn value_slow(&mut self, target: Target, depth: u32) -> Walked {
        match self.peek() {
            b'{' | b'[' if target.is_none() => self.skip(depth),
            b'{' | b'[' => self.nested(target, depth),
            b' ' | b'\t' | b'\r' => {
                self.space();
                self.value(target, depth)
            }
            _ => Err(Broken),
        }
    }

    /// Passes an object or array that is wanted itself, or in parts.
    fn nested(&mut self, target: Target, depth: u32) -> Walked {
        let start = self.at;
        match target.node {
            Some(node) if self.peek() == b'{' => self.object(node, depth + 1)?,
            Some(node) => self.array(node, depth + 1)?,
            None => self.skip(depth)?,
        }
        if let Some(column) = target.column {
            // Its text is the value, so all of it must be valid.
            if !is_value(&self.bytes[start..self.at]) {
                return Err(Broken);
            }
            let view = View::between(start as u32, self.at as u32);
            self.fields.json(column, depth, view);
        }
        Ok(())
    }

    /// Walks an array of which `node` asks for elements, from its bracket on.
    fn array(&mut self, node: u32, depth: u32) -> Walked {
        if depth > DEPTH_MAX {
            return Err(Broken);
        }
        self.pass();
        self.space();
        if self.peek() == b']' {
            self.pass();
            return Ok(());
        }
        let wanted: Vec<_> = self.paths.elements(node).collect();
        for index in 0.. {
            let target = wanted.iter().find(|(wanted, _)| *wanted == index);
            self.value(
                target.map_or(Target::default(), |(_, target)| *target),
                depth,
            )?;
            self.space();
            match self.peek() {
                b',' => self.pass(),
                b']' => break,
                _ => return Err(Broken),
            }
            self.space();
        }
        self.pass();
        Ok(())
    }
}

/// What lies between the quotes of the string that begins at `at`, at position `next`.
#[inline(always)]
fn string(bytes: &[u8], positions: &[u32], at: usize, next: usize) -> Option<View> {
    debug_assert_eq!(positions[next] as usize, at, "an opening quote");
    // A string that never closes is followed by the newline.
    let close = *positions.get(next + 1)?;
    let closed = bytes.get(close as usize) == Some(&b'"');
    closed.then(|| View::between(at as u32 + 1, close))
}

#[inline(always)]
fn wanted_string(
    fields: &mut Fields,
    bytes: &[u8],
    column: u32,
    depth: u32,
    inner: View,
    escapes: bool,
) -> Walked {
    let escaped = escapes && has_escape(inner.of(bytes));
    if escaped && !is_valid(inner.of(bytes)) {
        return Err(Broken);
    }
    fields.string(column, depth, inner, escaped);
    Ok(())
}

#[inline(always)]
fn wanted_scalar(fields: &mut Fields, bytes: &[u8], column: u32, depth: u32, view: View) -> Walked {
    let length = view.len as usize;
    if is_short_number(&bytes[view.start as usize..], length) {
        fields.number(column, depth, view);
        return Ok(());
    }
    let mut text = view.of(bytes);
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    let len = text.len() as u32;
    let view = View { len, ..view };
    match text[0] {
        b't' | b'f' if matches!(text, b"true" | b"false") => fields.bool(column, depth, view),
        b'n' if text == b"null" => fields.null(column, depth),
        _ if is_number(text) => fields.number(column, depth, view),
        _ => return Err(Broken),
    }
    Ok(())
}
