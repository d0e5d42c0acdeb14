//! What reading whole queries shares with reading expressions.

use sqlparser::ast::{Expr, Query};

use sqlparser::tokenizer::Token;

use crate::{Error, Position};

use super::{Expression, parse, read};

pub(crate) use super::read::{located, unsupported};

/// The query that is the whole of `text`.
pub(crate) fn query(text: &str) -> Result<Box<Query>, Error> {
    parse::query(text)
}

/// Where the keyword `word` stands first.
pub(crate) fn word(text: &str, word: &str) -> Option<Position> {
    parse::find(text, |token| is_word(token, word))
}

/// Where the first comma behind the keyword `word` stands.
pub(crate) fn comma_behind(text: &str, word: &str) -> Option<Position> {
    let mut behind = false;
    parse::find(text, |token| {
        behind |= is_word(token, word);
        behind && *token == Token::Comma
    })
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none()
        && found.value.eq_ignore_ascii_case(word))
}

/// One expression of a query.
pub(crate) fn expression(expr: &Expr) -> Result<Expression, Error> {
    Ok(Expression {
        tree: read::tree(expr)?,
    })
}
