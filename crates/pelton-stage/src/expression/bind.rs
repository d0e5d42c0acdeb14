//! From names to columns, from literals to types: what turns a tree into a [`Node`].

use pelton_record::{Column, DataType, Schema};

use crate::{Error, ErrorKind};

use super::agree::{comparable, own_scale, unified};
use super::arithmetic::result_scale;
use super::cast::{self, Cast};
use super::functions;
use super::node::{Kind, Node};
use super::syntax::{
    Arithmetic, BinaryOp, Call, Case, Comparison, Literal, Name, Target, Test, Tree,
};
use super::types::{self, Loose, common, folded};

/// Looks names up in a schema.
#[derive(Debug)]
pub(crate) struct Binder<'s> {
    schema: &'s Schema,
    /// Number of local values in scope.
    level: usize,
}

/// Binds `tree` to the columns of `schema`. Text whose type nothing decides is a string.
pub(crate) fn bind(tree: &Tree, schema: &Schema) -> Result<Node, Error> {
    let mut binder = Binder { schema, level: 0 };
    let loose = binder.loose(tree)?;
    settled(loose, tree, DataType::String)
}

/// `error` at the place of `tree`, when that is known.
fn at(error: Error, tree: &Tree) -> Error {
    match tree.position() {
        Some(position) => error.at(position),
        None => error,
    }
}

pub(crate) fn type_error(message: impl Into<String>, tree: &Tree) -> Error {
    at(Error::new(ErrorKind::Type, message), tree)
}

/// `` `quantity` is int64 ``.
pub(crate) fn described(tree: &Tree, loose: &Loose) -> String {
    match loose {
        Loose::Known(node) => format!("`{tree}` is {}", node.data_type),
        Loose::Null => "null".to_owned(),
        Loose::Text(_) => format!("{tree} is text"),
        Loose::Interval(_) => format!("`{tree}` is an interval"),
    }
}

/// `loose` with its own type, or `open` when that is not decided yet.
pub(crate) fn settled(loose: Loose, tree: &Tree, open: DataType) -> Result<Node, Error> {
    match loose {
        Loose::Known(node) => Ok(node),
        Loose::Null => Ok(types::null(open)),
        Loose::Text(text) => types::literal(&text, open).map_err(|reason| type_error(reason, tree)),
        Loose::Interval(_) => {
            let hint = "an interval can only be added to a timestamp or taken from it";
            Err(type_error(hint, tree))
        }
    }
}

impl Binder<'_> {
    pub(crate) fn loose(&mut self, tree: &Tree) -> Result<Loose, Error> {
        match tree {
            Tree::Literal(literal) => Ok(loose_literal(literal)),
            Tree::Cast {
                operand,
                target,
                tolerant,
            } => self.cast(operand, *target, *tolerant).map(Loose::Known),
            _ => self.node(tree).map(folded).map(Loose::Known),
        }
    }

    fn node(&mut self, tree: &Tree) -> Result<Node, Error> {
        match tree {
            Tree::Column(name) => self.column(name),
            Tree::Binary(op, operands) => self.binary(*op, operands, tree),
            Tree::Not(operand) => {
                let operand = self.condition(operand, "NOT")?;
                Ok(Node::new(Kind::Not(Box::new(operand)), DataType::Bool))
            }
            Tree::Negate(operand) => self.negate(operand),
            Tree::Is {
                test,
                negated,
                operand,
            } => self.is(*test, *negated, operand),
            Tree::Distinct { negated, operands } => {
                let operands = self.comparable(&operands[0], &operands[1])?;
                let kind = Kind::Distinct {
                    negated: *negated,
                    operands,
                };
                Ok(Node::new(kind, DataType::Bool))
            }
            Tree::Between { negated, operands } => self.between(*negated, operands),
            Tree::In {
                negated,
                operand,
                list,
            } => self.within(*negated, operand, list),
            Tree::Like(like) => functions::like(self, like),
            Tree::Case(case) => self.case(case),
            Tree::Call(call) => self.call(call, tree),
            Tree::Literal(_) | Tree::Cast { .. } => {
                let loose = self.loose(tree)?;
                settled(loose, tree, DataType::String)
            }
        }
    }

    fn column(&self, name: &Name) -> Result<Node, Error> {
        let Some(index) = self.schema.index_of(&name.text) else {
            return Err(unknown_column(self.schema, name));
        };
        let data_type = self.schema.fields()[index].data_type;
        Ok(Node::new(Kind::Column(index), data_type))
    }

    /// An operand that must be bool.
    pub(crate) fn condition(&mut self, tree: &Tree, place: &str) -> Result<Node, Error> {
        let loose = self.loose(tree)?;
        if let Some(other) = loose.data_type().filter(|&other| other != DataType::Bool) {
            let message = format!("`{tree}` is {other} where {place} needs bool");
            return Err(type_error(message, tree));
        }
        settled(loose, tree, DataType::Bool)
    }

    fn binary(&mut self, op: BinaryOp, operands: &[Tree; 2], whole: &Tree) -> Result<Node, Error> {
        let [left, right] = operands;
        match op {
            BinaryOp::And | BinaryOp::Or => self.logic(op, whole),
            BinaryOp::Compare(comparison) => {
                let operands = self.comparable(left, right)?;
                Ok(Node::new(
                    Kind::Compare(comparison, operands),
                    DataType::Bool,
                ))
            }
            BinaryOp::Arithmetic(op) => self.arithmetic(op, left, right),
            BinaryOp::Power => functions::operator(self, "power", operands, whole),
            BinaryOp::Concat => functions::operator(self, "||", operands, whole),
            BinaryOp::Matches { negated, fold_case } => {
                let matches = functions::matches(self, operands, fold_case, whole)?;
                Ok(negate_if(negated, matches))
            }
            BinaryOp::JsonField { as_text } => {
                functions::json_field(self, operands, as_text, whole)
            }
        }
    }

    /// A chain of one operator as one node of many operands.
    fn logic(&mut self, op: BinaryOp, whole: &Tree) -> Result<Node, Error> {
        let word = if op == BinaryOp::And { "AND" } else { "OR" };
        let mut operands = Vec::new();
        let mut rest = whole;
        while let Tree::Binary(next, pair) = rest
            && *next == op
        {
            operands.push(self.condition(&pair[1], word)?);
            rest = &pair[0];
        }
        operands.push(self.condition(rest, word)?);
        operands.reverse();
        let kind = match op {
            BinaryOp::And => Kind::And(operands),
            _ => Kind::Or(operands),
        };
        Ok(Node::new(kind, DataType::Bool))
    }

    fn negate(&mut self, tree: &Tree) -> Result<Node, Error> {
        let loose = self.loose(tree)?;
        let operand = settled(loose, tree, DataType::Float64)?;
        let zero = match operand.data_type {
            DataType::Int64 => Column::int64([0]),
            // -0.0 - x would lose the sign of zero, so the sign is a factor there.
            DataType::Float64 => {
                let operands = Box::new([Node::constant(Column::float64([-1.0])), operand]);
                let kind = Kind::Arithmetic(Arithmetic::Multiply, operands);
                return Ok(Node::new(kind, DataType::Float64));
            }
            DataType::Decimal { scale } => Column::decimal([0], scale),
            other => {
                let message = format!("`{tree}` is {other} and has no sign");
                return Err(type_error(message, tree));
            }
        };
        let data_type = operand.data_type;
        let operands = Box::new([Node::constant(zero), operand]);
        Ok(Node::new(
            Kind::Arithmetic(Arithmetic::Subtract, operands),
            data_type,
        ))
    }

    fn is(&mut self, test: Test, negated: bool, tree: &Tree) -> Result<Node, Error> {
        let operand = match test {
            Test::Null => {
                let loose = self.loose(tree)?;
                settled(loose, tree, DataType::String)?
            }
            Test::True | Test::False => self.condition(tree, "IS TRUE or IS FALSE")?,
        };
        let kind = Kind::Is {
            test,
            negated,
            operand: Box::new(operand),
        };
        Ok(Node::new(kind, DataType::Bool))
    }

    fn comparable(&mut self, left: &Tree, right: &Tree) -> Result<Box<[Node; 2]>, Error> {
        let (a, b) = (self.loose(left)?, self.loose(right)?);
        comparable((a, left), (b, right))
    }

    fn arithmetic(&mut self, op: Arithmetic, left: &Tree, right: &Tree) -> Result<Node, Error> {
        let (mut a, mut b) = (self.loose(left)?, self.loose(right)?);
        if let Some(moved) = functions::moved_timestamp(op, (&mut a, left), (&mut b, right)) {
            return moved;
        }
        let open = a.data_type().or(b.data_type()).unwrap_or(DataType::Int64);
        let refuse = |a: &Loose, b: &Loose| {
            let (a, b) = (described(left, a), described(right, b));
            type_error(format!("no arithmetic between them: {a}, {b}"), left)
        };
        let numeric = |loose: &Loose| loose.data_type().is_none_or(DataType::is_numeric);
        if !numeric(&a) || !numeric(&b) {
            return Err(refuse(&a, &b));
        }
        let (a, b) = (settled(a, left, open)?, settled(b, right, open)?);
        let Some(shared) = common(a.data_type, b.data_type) else {
            return Err(refuse(&Loose::Known(a), &Loose::Known(b)));
        };
        let (a, b) = (own_scale(a, shared), own_scale(b, shared));
        let data_type = match (a.data_type, b.data_type) {
            (DataType::Decimal { scale: a }, DataType::Decimal { scale: b }) => DataType::Decimal {
                scale: result_scale(op, a, b),
            },
            (other, _) => other,
        };
        Ok(Node::new(Kind::Arithmetic(op, Box::new([a, b])), data_type))
    }

    /// `body` of a value that is computed once. The value's own node comes back where that is
    /// as cheap.
    fn shared(
        &mut self,
        value: Node,
        body: impl FnOnce(&mut Self, &dyn Fn() -> Node) -> Result<Node, Error>,
    ) -> Result<Node, Error> {
        if let Kind::Column(index) | Kind::Local(index) = value.kind {
            let column = matches!(value.kind, Kind::Column(_));
            let kind = move || {
                if column {
                    Kind::Column(index)
                } else {
                    Kind::Local(index)
                }
            };
            return body(self, &move || Node::new(kind(), value.data_type));
        }
        if let Kind::Constant(column) = value.kind {
            return body(self, &move || Node::constant(column.clone()));
        }
        let (level, data_type) = (self.level, value.data_type);
        self.level += 1;
        let body = body(self, &move || Node::new(Kind::Local(level), data_type));
        self.level -= 1;
        let body = body?;
        let data_type = body.data_type;
        let kind = Kind::Let {
            level,
            value: Box::new(value),
            body: Box::new(body),
        };
        Ok(Node::new(kind, data_type))
    }

    fn between(&mut self, negated: bool, operands: &[Tree; 3]) -> Result<Node, Error> {
        let [operand, low, high] = operands;
        let value = self.loose(operand)?;
        let open = match &value {
            Loose::Known(_) => DataType::String,
            _ => {
                let low = self.loose(low)?.data_type();
                let high = self.loose(high)?.data_type();
                low.or(high).unwrap_or(DataType::String)
            }
        };
        let value = settled(value, operand, open)?;
        self.shared(value, |binder, value| {
            let mut bound = |comparison, tree| {
                let other = binder.loose(tree)?;
                let pair = comparable((Loose::Known(value()), operand), (other, tree))?;
                Ok::<_, Error>(Node::new(Kind::Compare(comparison, pair), DataType::Bool))
            };
            let bounds = vec![
                bound(Comparison::GtEq, low)?,
                bound(Comparison::LtEq, high)?,
            ];
            Ok(negate_if(
                negated,
                Node::new(Kind::And(bounds), DataType::Bool),
            ))
        })
    }

    fn within(&mut self, negated: bool, operand: &Tree, list: &[Tree]) -> Result<Node, Error> {
        let value = self.loose(operand)?;
        let mut open = DataType::String;
        if value.data_type().is_none() {
            for item in list {
                open = self.loose(item)?.data_type().unwrap_or(open);
            }
        }
        let value = settled(value, operand, open)?;
        self.shared(value, |binder, value| {
            let mut pairs = Vec::with_capacity(list.len());
            for item in list {
                let other = binder.loose(item)?;
                pairs.push(*comparable(
                    (Loose::Known(value()), operand),
                    (other, item),
                )?);
            }
            let node = functions::any_equal(pairs);
            Ok(negate_if(negated, node))
        })
    }

    fn case(&mut self, case: &Case) -> Result<Node, Error> {
        let Some(operand) = &case.operand else {
            return self.arms(case, &|binder, when| binder.condition(when, "WHEN"));
        };
        let loose = self.loose(operand)?;
        let value = settled(loose, operand, DataType::String)?;
        self.shared(value, |binder, value| {
            binder.arms(case, &|binder, when| {
                let other = binder.loose(when)?;
                let pair = comparable((Loose::Known(value()), operand), (other, when))?;
                Ok(Node::new(
                    Kind::Compare(Comparison::Eq, pair),
                    DataType::Bool,
                ))
            })
        })
    }

    fn arms(
        &mut self,
        case: &Case,
        condition: &dyn Fn(&mut Self, &Tree) -> Result<Node, Error>,
    ) -> Result<Node, Error> {
        let mut conditions = Vec::with_capacity(case.arms.len());
        let mut results = Vec::with_capacity(case.arms.len() + 1);
        let null = Tree::Literal(Literal::Null);
        for (when, then) in &case.arms {
            conditions.push(condition(self, when)?);
            results.push((self.loose(then)?, then));
        }
        let otherwise = case.otherwise.as_ref().unwrap_or(&null);
        results.push((self.loose(otherwise)?, otherwise));
        let mut results = unified(results, "CASE")?;
        let otherwise = Box::new(results.pop().expect("the result of ELSE was pushed last"));
        let data_type = otherwise.data_type;
        let arms = conditions.into_iter().zip(results).collect();
        Ok(Node::new(Kind::Case { arms, otherwise }, data_type))
    }

    fn cast(&mut self, tree: &Tree, target: Target, tolerant: bool) -> Result<Node, Error> {
        let loose = self.loose(tree)?;
        let to = target.data_type;
        let operand = match loose {
            Loose::Null => return Ok(types::null(to)),
            loose => settled(loose, tree, DataType::String)?,
        };
        if !cast::possible(operand.data_type, to) {
            let message = format!(
                "`{tree}` is {}, there is no cast to {to}",
                operand.data_type
            );
            return Err(type_error(message, tree));
        }
        let kind = Kind::Cast(Cast { target, tolerant }, Box::new(operand));
        Ok(folded(Node::new(kind, to)))
    }

    fn call(&mut self, call: &Call, tree: &Tree) -> Result<Node, Error> {
        if call.distinct || call.star {
            let message = format!("`{tree}` is an aggregate, there is none to take here");
            return Err(at(Error::new(ErrorKind::Unsupported, message), tree));
        }
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push((self.loose(arg)?, arg));
        }
        functions::bind(self, call, args)
    }

    /// A value computed once, for functions that use an operand several times.
    pub(crate) fn once(
        &mut self,
        value: Node,
        body: impl FnOnce(&dyn Fn() -> Node) -> Result<Node, Error>,
    ) -> Result<Node, Error> {
        self.shared(value, |_, value| body(value))
    }
}

fn loose_literal(literal: &Literal) -> Loose {
    let column = match literal {
        Literal::Null => return Loose::Null,
        Literal::String(text) => return Loose::Text(text.clone()),
        Literal::Interval(interval) => return Loose::Interval(*interval),
        Literal::Bool(value) => Column::bools([*value]),
        Literal::Int64(value) => Column::int64([*value]),
        Literal::Float64(value) => Column::float64([*value]),
        Literal::Decimal(value) => Column::decimal([value.mantissa()], value.scale()),
        Literal::Timestamp(value) => Column::timestamps([*value]),
    };
    Loose::Known(Node::constant(column))
}

fn unknown_column(schema: &Schema, name: &Name) -> Error {
    let hint = match schema.nearest(&name.text) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    let message = format!("unknown column `{}`{hint}", name.text);
    let kind = ErrorKind::UnknownColumn {
        name: name.text.clone(),
    };
    let error = Error::new(kind, message);
    match name.place.0 {
        Some(position) => error.at(position),
        None => error,
    }
}

pub(crate) fn negate_if(negated: bool, node: Node) -> Node {
    match negated {
        true => Node::new(Kind::Not(Box::new(node)), DataType::Bool),
        false => node,
    }
}
