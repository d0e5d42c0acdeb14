//! Functions that pick one of their arguments, and IN.

use std::collections::HashSet;

use pelton_record::{Bitmap, Column, DataType, Values};

use super::{Arguments, Function, MANY, call, function};
use crate::Error;
use crate::expression::agree::{comparable, unified};
use crate::expression::node::{Kind, Node};
use crate::expression::operand::Outcome;
use crate::expression::syntax::Comparison;
use crate::expression::types;

pub(super) const FUNCTIONS: [Function; 5] = [
    function("coalesce", 1, MANY, coalesce),
    function("ifnull", 2, 2, coalesce),
    function("nullif", 2, 2, nullif),
    function("greatest", 1, MANY, |args| extreme(args, Comparison::Gt)),
    function("least", 1, MANY, |args| extreme(args, Comparison::Lt)),
];

type Bound = Result<Node, Error>;

fn all_unified(args: &mut Arguments<'_, '_>) -> Result<Vec<Node>, Error> {
    let name = args.name;
    let values = (0..args.len()).map(|index| args.take(index)).collect();
    unified(values, name)
}

fn coalesce(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = all_unified(args)?;
    let data_type = operands[0].data_type;
    Ok(Node::new(Kind::Coalesce(operands), data_type))
}

/// The first argument, null where it equals the second.
fn nullif(args: &mut Arguments<'_, '_>) -> Bound {
    let (first, left) = args.take(0);
    let (second, right) = args.take(1);
    let open = second.data_type().unwrap_or(DataType::String);
    let first = crate::expression::bind::settled(first, left, open)?;
    let data_type = first.data_type;
    args.binder.once(first, |value| {
        let pair = comparable((types::Loose::Known(value()), left), (second, right))?;
        let equal = Node::new(Kind::Compare(Comparison::Eq, pair), DataType::Bool);
        let arms = vec![(equal, types::null(data_type))];
        let otherwise = Box::new(value());
        Ok(Node::new(Kind::Case { arms, otherwise }, data_type))
    })
}

/// The greatest or least of the arguments that are not null.
fn extreme(args: &mut Arguments<'_, '_>, better: Comparison) -> Bound {
    let operands = all_unified(args)?.into_iter();
    let best = operands.reduce(|best, next| better_of(best, next, better));
    Ok(best.expect("at least one argument, as the catalogue says"))
}

/// The better of two where both are there, else the one that is.
fn better_of(best: Node, next: Node, better: Comparison) -> Node {
    let data_type = best.data_type;
    call(vec![best, next], data_type, move |args| {
        let rows = args.context.rows();
        let [best, next] = [&args.operands[0], &args.operands[1]];
        let validity = |operand: &crate::expression::operand::Operand<'_>| {
            operand
                .validity(rows)
                .map_or_else(|| Bitmap::new(rows, true), |bits| bits.into_owned())
        };
        let (has_best, has_next) = (validity(best), validity(next));
        let wins = crate::expression::compare::bits(better, next, best, rows);
        let take_next = has_next.and(&wins.or(&has_best.not()));
        let take_best = has_best.and_not(&take_next);
        let taken = [(take_next, next.clone()), (take_best, best.clone())];
        let column = crate::expression::choose::gather(&taken, data_type, rows);
        let (values, validity) = column.into_parts();
        Outcome::of(values, validity, Vec::new())
    })
}

/// Constants of a list from which on a table is looked up instead of comparing with each.
const TABLE_MIN: usize = 8;

/// `IN`: whether one of the pairs is equal; null when none is and a side was null.
pub(crate) fn any_equal(pairs: Vec<[Node; 2]>) -> Node {
    let (mut constants, mut others) = (Vec::new(), Vec::new());
    for pair in pairs {
        let same = matches!(pair[1].data_type, DataType::String | DataType::Int64);
        let constant = pair[1]
            .as_constant()
            .is_some_and(|column| !column.is_null(0));
        if same && constant {
            constants.push(pair)
        } else {
            others.push(pair)
        }
    }
    if constants.len() < TABLE_MIN {
        others.append(&mut constants);
    }
    let equal = |pair| {
        Node::new(
            Kind::Compare(Comparison::Eq, Box::new(pair)),
            DataType::Bool,
        )
    };
    let mut operands: Vec<Node> = others.into_iter().map(equal).collect();
    operands.extend(table(constants));
    Node::new(Kind::Or(operands), DataType::Bool)
}

/// A table of the constants on the right, looked up with the value on the left.
fn table(pairs: Vec<[Node; 2]>) -> Option<Node> {
    let text = pairs.first()?[1].data_type == DataType::String;
    let mut value = None;
    let mut columns = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let [left, right] = pair;
        columns.extend(right.as_constant().cloned());
        value.get_or_insert(left);
    }
    let operands = vec![value?];
    Some(if text {
        text_table(operands, &columns)
    } else {
        int_table(operands, &columns)
    })
}

fn text_table(operands: Vec<Node>, columns: &[Column]) -> Node {
    let strings = columns.iter().filter_map(Column::as_strings);
    let set: HashSet<Vec<u8>> = strings.map(|strings| strings.get(0).to_vec()).collect();
    call(operands, DataType::Bool, move |args| {
        let texts = args.operands[0].texts();
        let bits = Bitmap::from_fn(args.context.rows(), |row| set.contains(texts.at(row)));
        Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new())
    })
}

fn int_table(operands: Vec<Node>, columns: &[Column]) -> Node {
    let ints = columns.iter().filter_map(|column| match column.values() {
        Values::Int64(values) => values.first().copied(),
        _ => None,
    });
    let mut sorted: Vec<i64> = ints.collect();
    sorted.sort_unstable();
    sorted.dedup();
    call(operands, DataType::Bool, move |args| {
        let lane = args.operands[0].ints();
        let found = |row| sorted.binary_search(&lane.at(row)).is_ok();
        let bits = Bitmap::from_fn(args.context.rows(), found);
        Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new())
    })
}
