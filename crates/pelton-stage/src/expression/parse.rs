//! From text to the parser's tree, with bounds on what is taken.

use sqlparser::ast::{Expr, Query};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::{Error, ErrorKind, Position};

/// Operators, names and brackets in one text; lists of constants do not count. A chain of
/// operators makes a tree as deep as it is long, and what walks trees uses the stack.
const WORDS_MAX: usize = 4096;

/// Brackets, calls and prefixes inside one another. The parser takes some 80 KiB of stack for each
/// in debug builds (measured), and threads may have no more than 2 MiB.
const NESTING_MAX: usize = if cfg!(debug_assertions) { 20 } else { 50 };

/// The expression that is the whole of `text`.
pub(crate) fn expression(text: &str) -> Result<Expr, Error> {
    parse(text, Parser::parse_expr)
}

/// The query that is the whole of `text`.
pub(crate) fn query(text: &str) -> Result<Box<Query>, Error> {
    parse(text, |parser| {
        let query = parser.parse_query()?;
        while parser.consume_token(&Token::SemiColon) {}
        Ok(query)
    })
}

fn parse<'a, T>(
    text: &'a str,
    read: impl FnOnce(&mut Parser<'a>) -> Result<T, ParserError>,
) -> Result<T, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(NESTING_MAX)
        .with_tokens_with_locations(tokens);
    let parsed = read(&mut parser).map_err(|error| described(text, &error))?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(parsed),
        token => Err(syntax(format!("unexpected `{token}`")).at(place(text, next.span.start))),
    }
}

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, Error> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location()
        .map_err(|error| {
            let message = uncapitalised(error.message.trim_end_matches(" at"));
            syntax(message).at(place(text, error.location))
        })?;
    let tokens: Vec<TokenWithSpan> = tokens.into_iter().flat_map(signs_apart).collect();
    let counts = |token: &&TokenWithSpan| {
        !matches!(
            token.token,
            Token::Comma | Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_)
        )
    };
    let words = tokens.iter().filter(counts).count();
    if WORDS_MAX < words {
        let message = format!("{words} names and operators, more than the {WORDS_MAX} allowed");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(tokens)
}

/// Where the first token stands that `wanted` accepts.
pub(crate) fn find(text: &str, mut wanted: impl FnMut(&Token) -> bool) -> Option<Position> {
    let tokens = tokens(text).ok()?;
    let found = tokens.iter().find(|token| wanted(&token.token))?;
    known(found.span.start)
}

/// `>-` as `>` and `-`: an operator of such characters does not end in a sign, which is the
/// operand's (PostgreSQL, "Lexical Structure", operators).
fn signs_apart(token: TokenWithSpan) -> Vec<TokenWithSpan> {
    let split = match &token.token {
        Token::CustomBinaryOperator(name) => split_sign(name),
        _ => None,
    };
    match split {
        Some(parts) => {
            let part = |part| TokenWithSpan::new(part, token.span);
            parts.map(part).to_vec()
        }
        None => vec![token],
    }
}

fn split_sign(name: &str) -> Option<[Token; 2]> {
    let (operator, sign) = name.split_at_checked(name.len() - 1)?;
    let sign = match sign {
        "-" => Token::Minus,
        "+" => Token::Plus,
        _ => return None,
    };
    let operator = match operator {
        "=" => Token::Eq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "+" => Token::Plus,
        _ => return None,
    };
    Some([operator, sign])
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Syntax, message)
}

/// The place of the parser's error stands at the end of its message, except at the end of input.
fn described(text: &str, error: &ParserError) -> Error {
    let (ParserError::ParserError(message) | ParserError::TokenizerError(message)) = error else {
        return Error::new(
            ErrorKind::Unsupported,
            format!("nested more than {NESTING_MAX} deep"),
        );
    };
    let (clause, location) = match message.rsplit_once(" at Line: ") {
        Some((clause, numbers)) => (clause, location(numbers)),
        None => (message.as_str(), None),
    };
    let clause = uncapitalised(clause).replace("found: EOF", "found the end");
    let position = match location {
        Some(location) => place(text, location),
        None => end_of(text),
    };
    syntax(clause).at(position)
}

/// `3, Column: 14`.
fn location(numbers: &str) -> Option<Location> {
    let (line, column) = numbers.split_once(", Column: ")?;
    Some(Location::new(
        line.parse().ok()?,
        column.trim().parse().ok()?,
    ))
}

/// A location of the parser's; 0 stands for one it does not know, and that is the end.
pub(crate) fn place(text: &str, location: Location) -> Position {
    known(location).unwrap_or_else(|| end_of(text))
}

/// A location of the parser's, unless it does not know.
pub(crate) fn known(location: Location) -> Option<Position> {
    let line = u32::try_from(location.line).ok().filter(|&line| 0 < line)?;
    let column = u32::try_from(location.column).ok()?;
    Some(Position { line, column })
}

fn end_of(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position {
        line: count(text.matches('\n').count() + 1),
        column: count(last.chars().count() + 1),
    }
}

fn uncapitalised(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
