//! The first and last value, and the one that is there most often.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use pelton_record::{Bitmap, Column, Strings, Value, Values};
use pelton_simd::number;

use super::accumulator::{Rows, Scratch, Summary};
use super::extreme::Side;
use super::{Function, read_bytes, take, write_bytes};
use crate::Error;
use crate::fold::pieces::{Decoder, spell};

/// The value of the row that stands first or last in the input, null included.
#[derive(Default)]
pub(crate) struct Pick<S> {
    /// Where the row stands, and its value in pieces.
    found: Option<(u64, Vec<u8>)>,
    side: PhantomData<S>,
}

impl<S: Side> Pick<S> {
    fn beats(&self, position: u64) -> bool {
        let found = self.found.as_ref();
        found.is_none_or(|(known, _)| S::replaces(position.cmp(known)))
    }

    /// Takes `piece` instead of what was there; gives the bytes by which the heap grew.
    fn put(&mut self, position: u64, piece: &[u8]) -> usize {
        let (known, value) = self.found.get_or_insert_default();
        let before = value.capacity();
        *known = position;
        value.clear();
        value.extend_from_slice(piece);
        value.capacity() - before
    }
}

impl<S: Side> Summary for Pick<S> {
    fn update(states: &mut [Self], rows: &Rows<'_>, scratch: &mut Scratch) -> usize {
        let (column, mut grown) = (rows.argument(), 0);
        for (index, (&group, &position)) in rows.groups.iter().zip(rows.positions).enumerate() {
            let state = &mut states[group as usize];
            if state.beats(position) {
                scratch.bytes.clear();
                spell(column, rows.start + index, &mut scratch.bytes);
                grown += state.put(position, &scratch.bytes);
            }
        }
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.found.is_some()));
        if let Some((position, value)) = &self.found {
            out.extend_from_slice(&position.to_le_bytes());
            write_bytes(value, out);
        }
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        if take(input) == [0] {
            return 0;
        }
        let position = u64::from_le_bytes(take(input));
        let value = read_bytes(input);
        if self.beats(position) {
            self.put(position, value)
        } else {
            0
        }
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        _: Function,
        like: &Values,
    ) -> Result<Column, Error> {
        let found = groups.iter().map(|&group| &states[group as usize].found);
        let values = found.map(|found| found.as_ref().map(|(_, value)| value.as_slice()));
        Ok(decode(values, like))
    }
}

/// A column of values in pieces, like those of `like`.
fn decode<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, like: &Values) -> Column {
    let mut decoder = Decoder::new(like.data_type());
    for value in values {
        decoder.push(&mut value.unwrap_or(&[0]));
    }
    decoder.finish()
}

/// How often each value is there.
#[derive(Default)]
pub(crate) struct Mode {
    /// For each value in pieces, its count and where it first stands.
    counts: BTreeMap<Vec<u8>, (u64, u64)>,
}

/// What an entry of a tree takes beside the bytes of its key.
const ENTRY: usize = 64;

impl Mode {
    fn add(&mut self, piece: &[u8], count: u64, position: u64) -> usize {
        if let Some((known, first)) = self.counts.get_mut(piece) {
            (*known, *first) = (*known + count, position.min(*first));
            return 0;
        }
        self.counts.insert(piece.to_vec(), (count, position));
        piece.len() + ENTRY
    }

    /// The `count` values that are there most often, and how often, the most frequent first.
    fn top(&self, count: usize) -> Vec<(&[u8], u64)> {
        let mut all: Vec<_> = self.counts.iter().collect();
        all.sort_unstable_by_key(|(_, (count, first))| (std::cmp::Reverse(*count), *first));
        let top = all.into_iter().take(count);
        top.map(|(value, (count, _))| (value.as_slice(), *count))
            .collect()
    }

    /// The value that is there most often; of several, the one that comes first.
    fn result(&self) -> Option<&[u8]> {
        let most = self
            .counts
            .iter()
            .max_by_key(|(_, (count, first))| (*count, !first));
        most.map(|(value, _)| value.as_slice())
    }
}

impl Summary for Mode {
    fn update(states: &mut [Self], rows: &Rows<'_>, scratch: &mut Scratch) -> usize {
        let (column, mut grown) = (rows.argument(), 0);
        rows.each_valid(states, |state, index| {
            scratch.bytes.clear();
            spell(column, rows.start + index, &mut scratch.bytes);
            grown += state.add(&scratch.bytes, 1, rows.positions[index]);
        });
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.counts.len() as u64).to_le_bytes());
        for (value, (count, first)) in &self.counts {
            out.extend_from_slice(&count.to_le_bytes());
            out.extend_from_slice(&first.to_le_bytes());
            write_bytes(value, out);
        }
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let values = u64::from_le_bytes(take(input));
        let entries = (0..values).map(|_| {
            let count = u64::from_le_bytes(take(input));
            let first = u64::from_le_bytes(take(input));
            self.add(read_bytes(input), count, first)
        });
        entries.sum()
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        like: &Values,
    ) -> Result<Column, Error> {
        let states = groups.iter().map(|&group| &states[group as usize]);
        match function {
            Function::TopK(count) => Ok(tops(states, usize::from(count), like)),
            _ => Ok(decode(states.map(Self::result), like)),
        }
    }
}

/// For each group a JSON object of its most frequent values and their counts; null without values.
fn tops<'a>(states: impl Iterator<Item = &'a Mode>, count: usize, like: &Values) -> Column {
    let (mut texts, mut valid) = (Strings::default(), Bitmap::default());
    for state in states {
        let top = state.top(count);
        let values = decode(top.iter().map(|(value, _)| Some(*value)), like);
        let mut text = String::from("{");
        for (row, (_, count)) in top.iter().enumerate() {
            let comma = if row == 0 { "" } else { ", " };
            text.push_str(comma);
            quote(&spelled(&values.value(row)), &mut text);
            text.push_str(&format!(": {count}"));
        }
        text.push('}');
        texts.push(text.as_bytes());
        valid.push(!top.is_empty());
    }
    Column::new(Values::String(texts), Some(valid))
}

/// A value as CSV has it.
fn spelled(value: &Value<'_>) -> String {
    match value {
        Value::Timestamp(ns) => {
            let mut out = Vec::new();
            number::write_timestamp(&mut out, *ns);
            String::from_utf8_lossy(&out).into_owned()
        }
        value => value.to_string(),
    }
}

/// Appends `text` as a string of JSON.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            plain => out.push(plain),
        }
    }
    out.push('"');
}
