//! SQL scalar expressions: text, then a tree, then columns.
//!
//! `parse` and `read` make a tree of the text, `bind` looks its names and types up in a schema,
//! `node` evaluates what comes of it, a column at a time.

mod agree;
mod arithmetic;
mod bind;
mod cast;
mod choose;
mod compare;
mod functions;
mod interval;
mod logic;
mod node;
mod number;
mod operand;
mod parse;
mod print;
mod read;
mod rewrite;
#[cfg(feature = "serde")]
mod serial;
pub(crate) mod sql;
mod syntax;
mod text;
mod time;
mod types;
mod wide;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use pelton_record::{Batch, Bitmap, Column, DataType, Schema};

use crate::{Error, Position};

use logic::Truth;
use node::{Kind, Node};
use operand::Context;
use syntax::{Call, Name, Place, Tree};

pub use operand::Failure;
pub use rewrite::AggregateCall;

/// A scalar expression of SQL, not yet bound to columns.
///
/// It is data: it has a text form ([`Display`](fmt::Display)) that parses to the same expression,
/// and with the feature `serde` it is written and read as that text.
///
/// ```
/// use pelton_stage::Expression;
///
/// let expression = Expression::parse("quantity*unit_price > 100 and country in ('DE','AT')")?;
/// assert_eq!(expression.columns(), ["quantity", "unit_price", "country"]);
/// assert_eq!(
///     expression.to_string(),
///     "quantity * unit_price > 100 AND country IN ('DE', 'AT')"
/// );
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    tree: Tree,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// When the text is not SQL, or not of the part of it that is understood; the error says
    /// where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tree = read::tree(&parse::expression(text)?)?;
        Ok(Self { tree })
    }

    /// The expression that is the column `name`, spelled exactly so.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self {
            tree: Tree::Column(Name {
                text: name.to_owned(),
                place: Place::default(),
            }),
        }
    }

    /// The column's name, when the expression is just that.
    #[must_use]
    pub fn as_column(&self) -> Option<&str> {
        match &self.tree {
            Tree::Column(name) => Some(&name.text),
            _ => None,
        }
    }

    /// The call of the function `name` with this expression as its argument.
    pub(crate) fn within(self, name: &str) -> Self {
        Self {
            tree: Tree::Call(Call {
                name: Name {
                    text: name.to_owned(),
                    place: Place::default(),
                },
                args: vec![self.tree],
                distinct: false,
                star: false,
            }),
        }
    }

    /// The names of the columns that it uses, in the order of the text, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.tree.columns(&mut names);
        names
    }

    /// Where it uses the column `name` first, when that is known.
    #[must_use]
    pub fn position_of(&self, name: &str) -> Option<Position> {
        self.tree.position_of(name)
    }

    /// Where it stands in its text, when that is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.tree.position()
    }

    /// Looks up names and types.
    ///
    /// # Errors
    ///
    /// When a column or function is unknown (the error proposes the nearest name), or types do
    /// not fit.
    pub fn bind(&self, schema: &Schema) -> Result<Bound, Error> {
        let node = bind::bind(&self.tree, schema)?;
        Ok(Bound {
            node,
            text: self.to_string(),
        })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// An expression bound to the columns of a schema.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::Expression;
///
/// let schema = Schema::of([("x", DataType::Int64)]);
/// let inverse = Expression::parse("100 / x")?.bind(&schema)?;
/// assert_eq!(inverse.data_type(), DataType::Int64);
///
/// let batch = Batch::from_columns(schema.into(), vec![Column::int64([5, 0])]);
/// let outcome = inverse.eval(&batch);
/// assert_eq!(outcome.column().value(0), Value::Int64(20));
/// assert_eq!(outcome.failures()[0].row, 1);
/// assert_eq!(outcome.failures()[0].reason, "division by zero");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Bound {
    node: Node,
    text: String,
}

impl Bound {
    /// The type of the result.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        self.node.data_type
    }

    /// The text of the expression, for messages.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The index of the column, when the expression is just that.
    #[must_use]
    pub const fn as_column(&self) -> Option<usize> {
        match self.node.kind {
            Kind::Column(index) => Some(index),
            _ => None,
        }
    }

    /// Its value for each row.
    ///
    /// # Panics
    ///
    /// When the columns of `batch` are not those of the schema that it was bound to.
    #[must_use]
    pub fn eval<'a>(&'a self, batch: &'a Batch) -> Evaluated<'a> {
        let outcome = self.node.eval(Context::new(batch));
        Evaluated {
            column: outcome.operand.spread(batch.rows()),
            failures: outcome.failures,
        }
    }

    /// The rows for which it is true, those for which it is false, and those that failed; the
    /// others are null.
    ///
    /// # Panics
    ///
    /// When it is not bool, or `batch` not as [`eval`](Self::eval) asks.
    #[must_use]
    pub fn test(&self, batch: &Batch) -> Tested {
        let outcome = self.node.eval(Context::new(batch));
        let Truth { yes, no } = Truth::of(&outcome.operand, batch.rows());
        Tested {
            yes,
            no,
            failures: outcome.failures,
        }
    }
}

/// The value of an expression for each row of a batch.
#[derive(Clone, Debug)]
pub struct Evaluated<'a> {
    column: Cow<'a, Column>,
    failures: Vec<Failure>,
}

impl<'a> Evaluated<'a> {
    /// The values; rows that failed are null.
    #[must_use]
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// The rows that failed, ascending.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Values and failures apart. The column is borrowed when the expression is just a column.
    #[must_use]
    pub fn into_parts(self) -> (Cow<'a, Column>, Vec<Failure>) {
        (self.column, self.failures)
    }
}

/// The answers of a predicate.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Rows for which it is true.
    pub yes: Bitmap,
    /// Rows for which it is false.
    pub no: Bitmap,
    /// Rows that failed, ascending; neither true nor false.
    pub failures: Vec<Failure>,
}
