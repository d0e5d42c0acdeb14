//! Which types go together, and how a value gets from one to the other.

use pelton_record::{Batch, Column, DataType, Schema, Values};

use super::cast::{self, Cast};
use super::interval::Interval;
use super::node::{Kind, Node};
use super::operand::Context;

/// A bound operand whose type may still be open.
#[derive(Debug)]
pub(crate) enum Loose {
    Known(Node),
    /// Null of any type.
    Null,
    /// A string literal, which reads as whatever stands next to it.
    Text(String),
    Interval(Interval),
}

impl Loose {
    /// The type, unless it is open.
    pub(crate) const fn data_type(&self) -> Option<DataType> {
        match self {
            Self::Known(node) => Some(node.data_type),
            Self::Null | Self::Text(_) | Self::Interval(_) => None,
        }
    }
}

/// The type that holds the values of both: int64 goes to decimal, and both go to float64.
pub(crate) fn common(a: DataType, b: DataType) -> Option<DataType> {
    use DataType as T;
    match (a, b) {
        (a, b) if a == b => Some(a),
        (T::Decimal { scale: a }, T::Decimal { scale: b }) => Some(T::Decimal { scale: a.max(b) }),
        (T::Int64, T::Decimal { scale }) | (T::Decimal { scale }, T::Int64) => {
            Some(T::Decimal { scale })
        }
        (a, b) if a.is_numeric() && b.is_numeric() => Some(T::Float64),
        _ => None,
    }
}

/// `node` as `to`, which [`common`] or [`cast::possible`] allows.
pub(crate) fn promoted(node: Node, to: DataType) -> Node {
    if node.data_type == to {
        return node;
    }
    folded(Node::new(Kind::Cast(Cast::to(to), Box::new(node)), to))
}

/// Null of `data_type`.
pub(crate) fn null(data_type: DataType) -> Node {
    Node::constant(Column::nulls(data_type, 1))
}

/// A string literal as `data_type`, or why it does not read as one.
pub(crate) fn literal(text: &str, data_type: DataType) -> Result<Node, String> {
    let column = Column::strings([text]);
    let to = match data_type {
        // A decimal keeps the digits that it was written with.
        DataType::Decimal { scale } => {
            super::number::parse_decimal(text.as_bytes()).map_or(data_type, |value| {
                DataType::Decimal {
                    scale: value.scale().max(scale),
                }
            })
        }
        other => other,
    };
    cast::constant(&column, Cast::to(to))
        .map(Node::constant)
        .map_err(std::borrow::Cow::into_owned)
}

/// Computes `node` now if all its operands are constants and it does not fail.
pub(crate) fn folded(node: Node) -> Node {
    let children = node.kind.children();
    let constant = !children.is_empty() && children.iter().all(|node| node.as_constant().is_some());
    if !constant {
        return node;
    }
    let schema = Schema::of([("", DataType::Bool)]);
    let batch = Batch::from_columns(schema.into(), vec![Column::bools([true])]);
    let outcome = node.eval(Context::new(&batch));
    if !outcome.failures.is_empty() {
        return node;
    }
    Node::constant(compact(outcome.operand.spread(1).into_owned()))
}

/// The same one row, with nothing kept alive but its own bytes.
fn compact(column: Column) -> Column {
    let (values, validity) = column.into_parts();
    let values = match values {
        Values::String(strings) => Values::String(strings.iter().collect()),
        Values::Bytes(strings) => Values::Bytes(strings.iter().collect()),
        other => other,
    };
    Column::new(values, validity)
}
