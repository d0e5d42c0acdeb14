//! The functions, by name.

use pelton_record::DataType;

use crate::{Error, ErrorKind};

use super::bind::{Binder, type_error};
use super::node::{Kind, Node};
use super::syntax::{Arithmetic, Call, Comparison, Like, Tree};
use super::types::Loose;

fn todo_function(name: &str, tree: &Tree) -> Error {
    let error = Error::new(
        ErrorKind::UnknownFunction,
        format!("unknown function `{name}`"),
    );
    match tree.position() {
        Some(position) => error.at(position),
        None => error,
    }
}

pub(crate) fn bind(
    _binder: &mut Binder<'_>,
    call: &Call,
    _args: Vec<(Loose, &Tree)>,
    tree: &Tree,
) -> Result<Node, Error> {
    Err(todo_function(&call.name.text, tree))
}

pub(crate) fn operator(
    _binder: &mut Binder<'_>,
    name: &str,
    _operands: &[Tree; 2],
    whole: &Tree,
) -> Result<Node, Error> {
    Err(todo_function(name, whole))
}

pub(crate) fn matches(
    _binder: &mut Binder<'_>,
    _operands: &[Tree; 2],
    _fold_case: bool,
    whole: &Tree,
) -> Result<Node, Error> {
    Err(todo_function("~", whole))
}

pub(crate) fn json_field(
    _binder: &mut Binder<'_>,
    _operands: &[Tree; 2],
    _as_text: bool,
    whole: &Tree,
) -> Result<Node, Error> {
    Err(todo_function("->", whole))
}

pub(crate) fn like(_binder: &mut Binder<'_>, like: &Like) -> Result<Node, Error> {
    Err(todo_function("like", &like.operand))
}

pub(crate) fn moved_timestamp(
    _op: Arithmetic,
    (a, left): (&Loose, &Tree),
    _: (&Loose, &Tree),
) -> Option<Result<Node, Error>> {
    match a {
        Loose::Interval(_) => Some(Err(type_error("not yet", left))),
        _ => None,
    }
}

pub(crate) fn any_equal(pairs: Vec<Box<[Node; 2]>>) -> Node {
    let equal = |pair| Node::new(Kind::Compare(Comparison::Eq, pair), DataType::Bool);
    Node::new(
        Kind::Or(pairs.into_iter().map(equal).collect()),
        DataType::Bool,
    )
}
