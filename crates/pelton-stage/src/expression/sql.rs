//! What reading whole queries shares with reading expressions.

use sqlparser::ast::{Expr, Query};

use crate::Error;

use super::{Expression, parse, read};

pub(crate) use super::read::{located, unsupported};

/// The query that is the whole of `text`.
pub(crate) fn query(text: &str) -> Result<Box<Query>, Error> {
    parse::query(text)
}

/// One expression of a query.
pub(crate) fn expression(expr: &Expr) -> Result<Expression, Error> {
    Ok(Expression {
        tree: read::tree(expr)?,
    })
}
