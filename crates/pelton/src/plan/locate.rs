//! From something wrong in a plan back to the place in the file.

use std::fmt::Write;

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: usize,
    /// In characters.
    pub column: usize,
}

impl Place {
    /// The place of byte `at` of `text`.
    pub(crate) fn of_byte(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |rest| rest.chars().count())
            + 1;
        Self { line, column }
    }
}

/// Finds the parts of a plan in its text, in the order of the plan.
///
/// Expressions and names stand in a file as they stand in the plan, so they are found by looking
/// for them, each after the one before. One that was written with escapes is not found; then the
/// message does without its place.
#[derive(Debug)]
pub(crate) struct Locator<'a> {
    text: &'a str,
    from: usize,
}

impl<'a> Locator<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, from: 0 }
    }

    /// The byte at which `part` stands next.
    pub(crate) fn find(&self, part: &str) -> Option<usize> {
        if part.is_empty() {
            return None;
        }
        Some(self.from + self.text.get(self.from..)?.find(part)?)
    }

    /// The first place in the whole text where `word` stands alone.
    pub(crate) fn word(&self, word: &str) -> Option<Place> {
        if word.is_empty() {
            return None;
        }
        let stands_alone = |&(at, _): &(usize, &str)| {
            let before = self.text[..at].chars().next_back();
            let after = self.text[at + word.len()..].chars().next();
            !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word)
        };
        let (at, _) = self.text.match_indices(word).find(stands_alone)?;
        Some(Place::of_byte(self.text, at))
    }

    /// Moves past where `part` stands next.
    pub(crate) fn skip(&mut self, part: &str) {
        if let Some(found) = self.find(part) {
            self.from = found + part.len();
        }
    }

    /// The place `line` lines and `column` columns (from 1) into the part at byte `start`.
    pub(crate) fn within(&self, start: usize, line: u32, column: u32) -> Place {
        let Place {
            line: first_line,
            column: first_column,
        } = Place::of_byte(self.text, start);
        match line {
            0 | 1 => Place {
                line: first_line,
                column: first_column + column.max(1) as usize - 1,
            },
            more => Place {
                line: first_line + more as usize - 1,
                column: column.max(1) as usize,
            },
        }
    }
}

/// The name or number with which `text` begins, quotes left out.
pub(crate) fn first_word(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => text
            .split(|letter| !is_of_word(letter))
            .next()
            .unwrap_or_default(),
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The line of `text` at `place` with a mark below the column.
pub(crate) fn excerpt(text: &str, place: Place) -> String {
    let shown = text.lines().nth(place.line - 1).unwrap_or_default();
    let number = place.line.to_string();
    let mut out = String::new();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(place.column - 1);
    // Writing to a string cannot fail.
    let _ = write!(out, "{margin} |\n{number} | {shown}\n{margin} | {indent}^");
    out
}
