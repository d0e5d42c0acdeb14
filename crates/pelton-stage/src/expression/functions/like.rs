//! LIKE and ILIKE.

use memchr::memmem;
use pelton_record::{Bitmap, DataType, Value, Values, spare};

use super::call;
use crate::Error;
use crate::expression::bind::{Binder, described, negate_if, settled, type_error};
use crate::expression::node::Node;
use crate::expression::operand::Outcome;
use crate::expression::syntax::{Escape, Like, Tree};
use crate::expression::text;

/// A pattern taken apart.
#[derive(Clone, Debug)]
enum Pattern {
    /// No magic at all.
    Exact(Vec<u8>),
    /// `text%`.
    Prefix(Vec<u8>),
    /// `%text`.
    Suffix(Vec<u8>),
    /// `%text%`.
    Contains(Box<memmem::Finder<'static>>),
    General(Vec<Piece>),
}

/// A step of a general pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Letter(char),
}

/// Binds `LIKE`: compiled once when the pattern is constant.
pub(crate) fn like(binder: &mut Binder<'_>, like: &Like) -> Result<Node, Error> {
    let text = |binder: &mut Binder<'_>, tree: &Tree| {
        let loose = binder.loose(tree)?;
        match loose.data_type() {
            Some(other) if other != DataType::String => {
                let message = format!("{} where LIKE needs string", described(tree, &loose));
                Err(type_error(message, tree))
            }
            _ => settled(loose, tree, DataType::String),
        }
    };
    let operand = text(binder, &like.operand)?;
    let pattern = text(binder, &like.pattern)?;
    let (escape, fold_case) = (like.escape, like.fold_case);
    let constant = match pattern.as_constant().map(|column| column.value(0)) {
        Some(Value::String(text)) => {
            let compiled = compile(text, escape, fold_case);
            Some(compiled.map_err(|reason| type_error(reason, &like.pattern))?)
        }
        _ => None,
    };
    let node = call(vec![operand, pattern], DataType::Bool, move |args| {
        let (texts, patterns) = (args.operands[0].texts(), args.operands[1].texts());
        let holds = |pattern: &Pattern, row| match fold_case {
            true => pattern.matches(fold(texts.str(row)).as_bytes()),
            false => pattern.matches(texts.at(row)),
        };
        if let (Some(pattern), false) = (&constant, fold_case) {
            let mut bits = Bitmap::new(args.context.rows(), false);
            args.for_each(|row| {
                if pattern.matches(texts.at(row)) {
                    bits.set(row, true);
                }
            });
            return Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new());
        }
        let (bits, validity, failures) = text::rows(args, |row| match &constant {
            Some(pattern) => Ok(Some(holds(pattern, row))),
            None => {
                let pattern = compile(patterns.str(row), escape, fold_case)?;
                Ok(Some(holds(&pattern, row)))
            }
        });
        Outcome::of(Values::Bool(spare::bits(bits)), validity, failures)
    });
    Ok(negate_if(like.negated, node))
}

/// Text without case.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.to_lowercase()
    }
}

fn compile(pattern: &str, escape: Escape, fold_case: bool) -> Result<Pattern, &'static str> {
    let folded = if fold_case {
        fold(pattern)
    } else {
        pattern.to_owned()
    };
    let escape = match escape {
        Escape::Backslash => Some('\\'),
        Escape::None => None,
        Escape::Char(escape) => Some(escape),
    };
    let mut pieces = Vec::new();
    let mut letters = folded.chars();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            letter if Some(letter) == escape => match letters.next() {
                Some(literal) => Piece::Letter(literal),
                None => return Err("the pattern must not end with its escape"),
            },
            '%' => Piece::Any,
            '_' => Piece::One,
            letter => Piece::Letter(letter),
        });
    }
    pieces.dedup_by(|a, b| *a == Piece::Any && *b == Piece::Any);
    Ok(simple(&pieces).unwrap_or(Pattern::General(pieces)))
}

/// A pattern whose magic is at its ends only.
fn simple(pieces: &[Piece]) -> Option<Pattern> {
    let (front, inner) = match pieces {
        [Piece::Any, inner @ ..] => (true, inner),
        inner => (false, inner),
    };
    let (back, inner) = match inner {
        [inner @ .., Piece::Any] => (true, inner),
        inner => (false, inner),
    };
    let letters: Option<String> = inner
        .iter()
        .map(|piece| match piece {
            Piece::Letter(letter) => Some(*letter),
            _ => None,
        })
        .collect();
    let letters = letters?.into_bytes();
    Some(match (front, back) {
        (false, false) => Pattern::Exact(letters),
        (false, true) => Pattern::Prefix(letters),
        (true, false) => Pattern::Suffix(letters),
        (true, true) => Pattern::Contains(memmem::Finder::new(&letters).into_owned().into()),
    })
}

impl Pattern {
    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(letters) => text == letters,
            Self::Prefix(letters) => text.starts_with(letters),
            Self::Suffix(letters) => text.ends_with(letters),
            Self::Contains(finder) => finder.find(text).is_some(),
            // Columns of text hold nothing else, so the check never fails.
            Self::General(pieces) => str::from_utf8(text).is_ok_and(|text| general(pieces, text)),
        }
    }
}

/// Greedy with one step back: when something does not fit, the last `%` takes one letter more.
/// Time is at most the product of both lengths.
fn general(pieces: &[Piece], text: &str) -> bool {
    let (mut piece, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut next = rest.clone();
        match (pieces.get(piece), next.next()) {
            (Some(Piece::Any), _) => {
                piece += 1;
                retry = Some((piece, rest.clone()));
                continue;
            }
            (None, None) => return true,
            (Some(Piece::One), Some(_)) => {
                (piece, rest) = (piece + 1, next);
                continue;
            }
            (Some(Piece::Letter(wanted)), Some(letter)) if *wanted == letter => {
                (piece, rest) = (piece + 1, next);
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (piece, rest) = (*after, from.clone());
    }
}

/// The first place of `part` in `text`.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memmem::find(text, part)
}
