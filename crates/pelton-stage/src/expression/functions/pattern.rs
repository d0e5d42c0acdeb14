//! Regular expressions, compiled once when the expression is bound.
//!
//! They are those of the crate `regex`: time linear in the text whatever the pattern, no
//! back-references and no look-around.

use pelton_record::{Bitmap, DataType, Values};
use regex::bytes::{Regex, RegexBuilder};

use super::{Arguments, Function, call, function};
use crate::Error;
use crate::expression::node::Node;
use crate::expression::operand::Outcome;
use crate::expression::text;

pub(super) const FUNCTIONS: [Function; 5] = [
    function("regexp_like", 2, 3, |args| like(args, false)),
    function("regexp_ilike", 2, 2, |args| like(args, true)),
    function("regexp_replace", 3, 4, replace),
    function("regexp_extract", 2, 3, extract),
    function("regexp_count", 2, 2, count),
];

type Bound = Result<Node, Error>;

/// What the flags of PostgreSQL say.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    fold_case: bool,
    all: bool,
}

/// Argument `index` as flags: `i` and `g`.
fn flags(args: &mut Arguments<'_, '_>, index: usize, known: &str) -> Result<Flags, Error> {
    if args.len() <= index {
        return Ok(Flags::default());
    }
    let text = args.constant(index)?;
    match text.chars().find(|&flag| !known.contains(flag)) {
        Some(flag) => Err(args.refuse(index, format!("unknown flag `{flag}`, known are {known}"))),
        None => Ok(Flags {
            fold_case: text.contains('i'),
            all: text.contains('g'),
        }),
    }
}

/// Argument 1 as a pattern.
fn pattern(args: &mut Arguments<'_, '_>, fold_case: bool) -> Result<Regex, Error> {
    let pattern = args.constant(1)?;
    let built = RegexBuilder::new(&pattern)
        .case_insensitive(fold_case)
        .build();
    built.map_err(|error| {
        let text = error.to_string();
        // The message of a syntax error draws a picture and says what is wrong in its last line.
        let last = text.lines().last().unwrap_or_default();
        let clause = last.strip_prefix("error: ").unwrap_or(last);
        args.refuse(
            1,
            format!("`{pattern}` is not a regular expression: {clause}"),
        )
    })
}

fn like(args: &mut Arguments<'_, '_>, fold_case: bool) -> Bound {
    let flags = flags(args, 2, "i")?;
    let pattern = pattern(args, fold_case || flags.fold_case)?;
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::Bool, move |args| {
        let texts = args.operands[0].texts();
        let mut bits = Bitmap::new(args.context.rows(), false);
        args.for_each(|row| {
            if pattern.is_match(texts.at(row)) {
                bits.set(row, true);
            }
        });
        Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new())
    }))
}

/// PostgreSQL's `\1` and `\&` as the crate's `${1}` and `${0}`.
fn replacement(text: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '$' => out.push_str("$$"),
            '\\' => match letters.next() {
                Some(digit @ '0'..='9') => out.extend(["${", &digit.to_string(), "}"]),
                Some('&') => out.push_str("${0}"),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            letter => out.push(letter),
        }
    }
    out.into_bytes()
}

/// Replaces the first match, or all of them with the flag `g`.
fn replace(args: &mut Arguments<'_, '_>) -> Bound {
    let flags = flags(args, 3, "gi")?;
    let pattern = pattern(args, flags.fold_case)?;
    let by = replacement(&args.constant(2)?);
    let limit = if flags.all { 0 } else { 1 };
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::String, move |args| {
        let texts = args.operands[0].texts();
        text::build(args, |row, out| {
            out.extend_from_slice(&pattern.replacen(texts.at(row), limit, by.as_slice()));
            Ok(Some(()))
        })
    }))
}

/// What a group of the first match took (the whole match is group 0); null without a match.
fn extract(args: &mut Arguments<'_, '_>) -> Bound {
    let pattern = pattern(args, false)?;
    let group = match args.len() {
        3 => {
            let group = args.int(2)?;
            let constant = group.as_constant().map(|column| column.value(0));
            let Some(pelton_record::Value::Int64(group)) = constant else {
                return Err(args.refuse(2, "the group must be constant"));
            };
            usize::try_from(group).unwrap_or(usize::MAX)
        }
        _ => 0,
    };
    if pattern.captures_len() <= group {
        let message = format!("the pattern has no group {group}");
        return Err(args.refuse(1, message));
    }
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::String, move |args| {
        let texts = args.operands[0].texts();
        let mut places = pattern.capture_locations();
        text::build(args, |row, out| {
            let text = texts.at(row);
            let found = pattern
                .captures_read(&mut places, text)
                .and(places.get(group));
            Ok(found.map(|(start, end)| out.extend_from_slice(&text[start..end])))
        })
    }))
}

fn count(args: &mut Arguments<'_, '_>) -> Bound {
    let pattern = pattern(args, false)?;
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::Int64, move |args| {
        let texts = args.operands[0].texts();
        let (counts, validity, failures) = text::rows(args, |row| {
            Ok(Some(pattern.find_iter(texts.at(row)).count() as i64))
        });
        Outcome::of(Values::Int64(counts), validity, failures)
    }))
}
