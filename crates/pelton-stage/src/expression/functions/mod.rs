//! The functions, by name. What each does is in `docs/FUNCTIONS.md`, whose examples are tests.

mod case;
mod choice;
mod hash;
mod json;
mod like;
mod number;
mod pattern;
mod string;
mod timestamp;

use std::sync::Arc;

use pelton_record::{DataType, nearest};

use crate::{Error, ErrorKind};

use super::bind::{Binder, described, settled, type_error};
use super::cast;
use super::node::{Args, Kind, Node};
use super::operand::Outcome;
use super::syntax::{Call, Tree};
use super::types::{Loose, folded, promoted};

pub(crate) use choice::any_equal;
pub(crate) use like::like;
pub(crate) use timestamp::moved as moved_timestamp;

/// A function: its name, how many arguments it takes, and what binds a call of it.
struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    bind: fn(&mut Arguments<'_, '_>) -> Result<Node, Error>,
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    bind: fn(&mut Arguments<'_, '_>) -> Result<Node, Error>,
) -> Function {
    Function {
        name,
        least,
        most,
        bind,
    }
}

/// No bound but that of the text.
const MANY: usize = usize::MAX;

fn catalogue() -> impl Iterator<Item = &'static Function> {
    let parts: [&'static [Function]; 7] = [
        &string::FUNCTIONS,
        &number::FUNCTIONS,
        &timestamp::FUNCTIONS,
        &choice::FUNCTIONS,
        &hash::FUNCTIONS,
        &pattern::FUNCTIONS,
        &json::FUNCTIONS,
    ];
    parts.into_iter().flatten()
}

/// The names of all functions, in no particular order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    catalogue().map(|function| function.name)
}

/// Binds the call of a function by its name.
pub(crate) fn bind(
    binder: &mut Binder<'_>,
    call: &Call,
    args: Vec<(Loose, &Tree)>,
) -> Result<Node, Error> {
    let located = |error: Error| match call.name.place.0 {
        Some(position) => error.at(position),
        None => error,
    };
    let name = call.name.text.as_str();
    let Some(function) = catalogue().find(|function| function.name == name) else {
        return Err(located(unknown(name)));
    };
    if !(function.least..=function.most).contains(&args.len()) {
        return Err(located(wrong_count(function, args.len())));
    }
    let mut arguments = Arguments {
        binder,
        name: function.name,
        args: args
            .into_iter()
            .map(|(loose, tree)| (Some(loose), tree))
            .collect(),
    };
    (function.bind)(&mut arguments).map_err(located)
}

/// Binds an operator that works as the function `name` does.
pub(crate) fn operator(
    binder: &mut Binder<'_>,
    name: &str,
    operands: &[Tree],
    whole: &Tree,
) -> Result<Node, Error> {
    let mut args = Vec::with_capacity(operands.len());
    for operand in operands {
        args.push((binder.loose(operand)?, operand));
    }
    let call = Call {
        name: super::syntax::Name {
            text: name.to_owned(),
            place: super::syntax::Place(whole.position()),
        },
        args: Vec::new(),
        distinct: false,
        star: false,
    };
    bind(binder, &call, args)
}

/// Binds `~` and its kin.
pub(crate) fn matches(
    binder: &mut Binder<'_>,
    operands: &[Tree; 2],
    fold_case: bool,
    whole: &Tree,
) -> Result<Node, Error> {
    let name = if fold_case {
        "regexp_ilike"
    } else {
        "regexp_like"
    };
    operator(binder, name, operands, whole)
}

/// Binds `->` and `->>`.
pub(crate) fn json_field(
    binder: &mut Binder<'_>,
    operands: &[Tree; 2],
    as_text: bool,
    whole: &Tree,
) -> Result<Node, Error> {
    let name = if as_text { "->>" } else { "->" };
    operator(binder, name, operands, whole)
}

fn unknown(name: &str) -> Error {
    let hint = match nearest(name, names()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    let message = format!("unknown function `{name}`{hint}");
    Error::new(ErrorKind::UnknownFunction, message)
}

fn wrong_count(function: &Function, count: usize) -> Error {
    let Function {
        name, least, most, ..
    } = function;
    let wanted = match (*least, *most) {
        (least, most) if least == most => least.to_string(),
        (least, MANY) => format!("{least} or more"),
        (least, most) => format!("{least} to {most}"),
    };
    let message = format!("`{name}` takes {wanted} arguments, not {count}");
    Error::new(ErrorKind::Type, message)
}

/// The arguments of a call while it is bound; each is taken once.
struct Arguments<'b, 's> {
    binder: &'b mut Binder<'s>,
    name: &'static str,
    args: Vec<(Option<Loose>, &'b Tree)>,
}

impl<'b> Arguments<'b, '_> {
    const fn len(&self) -> usize {
        self.args.len()
    }

    fn take(&mut self, index: usize) -> (Loose, &'b Tree) {
        let (loose, tree) = &mut self.args[index];
        (loose.take().expect("an argument is taken once"), tree)
    }

    /// Argument `index` as `wanted`, to which numbers are promoted.
    fn typed(&mut self, index: usize, wanted: DataType) -> Result<Node, Error> {
        let (loose, tree) = self.take(index);
        let wider = |own: DataType| wanted == DataType::Float64 && own.is_numeric();
        match loose.data_type() {
            Some(own) if own != wanted && !wider(own) => {
                let (name, is) = (self.name, described(tree, &loose));
                Err(type_error(
                    format!("{is} where {name} needs {wanted}"),
                    tree,
                ))
            }
            _ => Ok(promoted(settled(loose, tree, wanted)?, wanted)),
        }
    }

    fn string(&mut self, index: usize) -> Result<Node, Error> {
        self.typed(index, DataType::String)
    }

    fn int(&mut self, index: usize) -> Result<Node, Error> {
        self.typed(index, DataType::Int64)
    }

    fn float(&mut self, index: usize) -> Result<Node, Error> {
        self.typed(index, DataType::Float64)
    }

    fn timestamp(&mut self, index: usize) -> Result<Node, Error> {
        self.typed(index, DataType::Timestamp)
    }

    /// Argument `index`, which must be a number of any type.
    fn number(&mut self, index: usize) -> Result<Node, Error> {
        let (loose, tree) = self.take(index);
        match loose.data_type() {
            Some(own) if !own.is_numeric() => {
                let (name, is) = (self.name, described(tree, &loose));
                Err(type_error(
                    format!("{is} where {name} needs a number"),
                    tree,
                ))
            }
            _ => settled(loose, tree, DataType::Float64),
        }
    }

    /// Argument `index` of any type, written as text.
    fn written(&mut self, index: usize) -> Result<Node, Error> {
        let (loose, tree) = self.take(index);
        let node = settled(loose, tree, DataType::String)?;
        let kind = Kind::Cast(cast::Cast::to(DataType::String), Box::new(node));
        Ok(folded(Node::new(kind, DataType::String)))
    }

    /// Argument `index`, which must be a constant text.
    fn constant(&mut self, index: usize) -> Result<String, Error> {
        let tree = self.args[index].1;
        let node = self.string(index)?;
        match node.as_constant().map(|column| column.value(0)) {
            Some(pelton_record::Value::String(text)) => Ok(text.to_owned()),
            _ => {
                let message = format!("`{tree}` must be a constant text for {}", self.name);
                Err(type_error(message, tree))
            }
        }
    }

    fn all(
        &mut self,
        each: fn(&mut Self, usize) -> Result<Node, Error>,
    ) -> Result<Vec<Node>, Error> {
        (0..self.len()).map(|index| each(self, index)).collect()
    }

    /// An error about argument `index`.
    fn refuse(&self, index: usize, message: impl Into<String>) -> Error {
        type_error(message, self.args[index].1)
    }
}

/// A call of `kernel`.
fn call(
    args: Vec<Node>,
    data_type: DataType,
    kernel: impl Fn(&Args<'_>) -> Outcome<'static> + Send + Sync + 'static,
) -> Node {
    let kernel = Arc::new(kernel);
    Node::new(Kind::Call { kernel, args }, data_type)
}
