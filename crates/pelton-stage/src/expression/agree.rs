//! Operands of one type: for comparing, computing, and picking one of several.

use pelton_record::{Column, DataType, Value};

use crate::Error;

use super::bind::{described, settled, type_error};
use super::node::Node;
use super::syntax::Tree;
use super::types::{Loose, common, promoted};

/// A constant decimal at the scale of the other side, where that loses nothing: mantissas of one
/// scale compare as they are.
fn one_scale(a: Node, b: Node) -> [Node; 2] {
    let (DataType::Decimal { scale: left }, DataType::Decimal { scale: right }) =
        (a.data_type, b.data_type)
    else {
        return [a, b];
    };
    if let Some(b) = rescaled(&b, left) {
        return [a, b];
    }
    let a = rescaled(&a, right).unwrap_or(a);
    [a, b]
}

/// The constant `node` at `scale`, when it is one and has no more digits.
fn rescaled(node: &Node, scale: u8) -> Option<Node> {
    let Value::Decimal(value) = node.as_constant()?.value(0) else {
        return None;
    };
    let moved = value.rescale(scale).filter(|moved| *moved == value)?;
    Some(Node::constant(Column::decimal([moved.mantissa()], scale)))
}

/// Both sides as one type; decimals keep their scales, which comparing and computing allow for.
pub(crate) fn own_scale(node: Node, shared: DataType) -> Node {
    match (node.data_type, shared) {
        (DataType::Decimal { .. }, DataType::Decimal { .. }) => node,
        (_, DataType::Decimal { .. }) => promoted(node, DataType::Decimal { scale: 0 }),
        _ => promoted(node, shared),
    }
}

/// Two sides of one type to compare.
pub(crate) fn comparable(
    (a, left): (Loose, &Tree),
    (b, right): (Loose, &Tree),
) -> Result<Box<[Node; 2]>, Error> {
    let open = a.data_type().or(b.data_type()).unwrap_or(DataType::String);
    let message = match (a.data_type(), b.data_type()) {
        (Some(_), Some(_)) => {
            format!(
                "cannot compare: {}, {}",
                described(left, &a),
                described(right, &b)
            )
        }
        _ => String::new(),
    };
    let a = settled(a, left, open).map_err(|error| beside(&error, right, open))?;
    let b = settled(b, right, open).map_err(|error| beside(&error, left, open))?;
    match common(a.data_type, b.data_type) {
        Some(shared) => Ok(Box::new(one_scale(
            own_scale(a, shared),
            own_scale(b, shared),
        ))),
        None => Err(type_error(message, left)),
    }
}

/// The error of a literal that does not read as the type of `other`.
fn beside(error: &Error, other: &Tree, data_type: DataType) -> Error {
    let message = format!("{}; `{other}` is {data_type}", error.message());
    type_error(message, other)
}

/// Values of one type, for what picks one of them.
pub(crate) fn unified(values: Vec<(Loose, &Tree)>, place: &str) -> Result<Vec<Node>, Error> {
    let mut shared = None;
    for (value, tree) in &values {
        let Some(next) = value.data_type() else {
            continue;
        };
        let Some(held) = common(shared.unwrap_or(next), next) else {
            let message = format!(
                "{place} cannot give {} and {next}: {}",
                shared.unwrap_or(next),
                described(tree, value)
            );
            return Err(type_error(message, tree));
        };
        shared = Some(held);
    }
    let shared = shared.unwrap_or(DataType::String);
    let settle = |(value, tree)| settled(value, tree, shared);
    let nodes: Vec<Node> = values.into_iter().map(settle).collect::<Result<_, _>>()?;
    // A text literal may have brought a larger scale along.
    let types = nodes.iter().map(|node| node.data_type);
    let shared = types.fold(shared, |held, next| common(held, next).unwrap_or(held));
    Ok(nodes
        .into_iter()
        .map(|node| promoted(node, shared))
        .collect())
}
