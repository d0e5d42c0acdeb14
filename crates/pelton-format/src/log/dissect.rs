//! `%{host} [%{ts}] %{msg}`: keys with fixed text between them.

use std::sync::Arc;

use pelton_record::View;

use super::pattern::{Cursor, Emit, Mismatch, Name, Part, Pattern, Splitter, find};
use crate::Error;

/// One key, and the text that must follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// Its index among the parts; none when it is passed over.
    part: Option<usize>,
    /// The text behind it may be repeated: `%{level->} `.
    padded: bool,
    /// Empty after the last key only.
    after: String,
}

/// A key takes everything up to the next occurrence of the text behind it, the last one everything
/// up to the end. `%{}` and `%{?name}` pass over their text; `%{name->}` takes repetitions of the
/// text behind it with it.
#[derive(Clone, Debug)]
pub(super) struct Dissect {
    before: String,
    keys: Arc<[Key]>,
    names: Vec<String>,
}

impl Dissect {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut pieces = text.split("%{");
        let before = pieces.next().unwrap_or_default().to_owned();
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        for piece in pieces {
            let Some((name, after)) = piece.split_once('}') else {
                return Err(Error::new("dissect: `%{` without a closing `}`"));
            };
            if keys.last().is_some_and(|key: &Key| key.after.is_empty()) {
                return Err(Error::new(format!(
                    "dissect: no text between `%{{{name}}}` and the key before it"
                )));
            }
            let padded = name.ends_with("->");
            let name = name.strip_suffix("->").unwrap_or(name);
            let named = !name.is_empty() && !name.starts_with('?');
            if names.iter().any(|other| named && other == name) {
                return Err(Error::new(format!(
                    "dissect: the key `{name}` stands there twice"
                )));
            }
            let part = named.then_some(names.len());
            names.extend(named.then(|| name.to_owned()));
            let after = after.to_owned();
            keys.push(Key {
                part,
                padded,
                after,
            });
        }
        if names.is_empty() {
            return Err(Error::new(
                "dissect: a pattern names at least one key, as `%{message}`",
            ));
        }
        Ok(Self {
            before,
            keys: keys.into(),
            names,
        })
    }
}

impl Pattern for Dissect {
    fn parts(&self) -> Vec<Part> {
        self.names.iter().map(|name| Part::untyped(name)).collect()
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(self.clone())
    }
}

impl Splitter for Dissect {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let mut cursor = Cursor::new(line);
        if !line.starts_with(self.before.as_bytes()) {
            return cursor.mismatch(&format!("{:?}", self.before));
        }
        cursor.at = self.before.len();
        for (index, key) in self.keys.iter().enumerate() {
            let last = index + 1 == self.keys.len();
            let Some(length) = key.length(cursor.rest(), last) else {
                return cursor.mismatch(&format!("{:?} somewhere after it", key.after));
            };
            let view = View::between(cursor.at as u32, (cursor.at + length) as u32);
            if let Some(part) = key.part {
                emit(Name::Part(part), view, false);
            }
            cursor.at += length + key.after.len();
            while key.padded && !last && cursor.rest().starts_with(key.after.as_bytes()) {
                cursor.at += key.after.len();
            }
        }
        Ok(())
    }
}

impl Key {
    /// How much of `rest` the key takes.
    fn length(&self, rest: &[u8], last: bool) -> Option<usize> {
        let after = self.after.as_bytes();
        if last {
            return rest.ends_with(after).then(|| rest.len() - after.len());
        }
        let mut start = 0;
        loop {
            start += find(after[0], &rest[start..])?;
            if rest[start..].starts_with(after) {
                return Some(start);
            }
            start += 1;
        }
    }
}
