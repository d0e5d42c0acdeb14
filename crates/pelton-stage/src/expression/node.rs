//! An expression whose names and types are known, and its evaluation.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use pelton_record::{Bitmap, Column, DataType};
use smallvec::SmallVec;

use super::arithmetic;
use super::cast::{self, Cast};
use super::choose;
use super::compare;
use super::logic;
use super::operand::{Context, Failure, Local, Operand, Outcome, common, merged};
use super::syntax::{Arithmetic, Comparison, Test};

/// Computes a column from columns of the types that it was bound to.
pub(crate) type Kernel = Arc<dyn Fn(&Args<'_>) -> Outcome<'static> + Send + Sync>;

/// What a kernel works on.
pub(crate) struct Args<'a> {
    pub(crate) context: Context<'a>,
    /// Most take one or two, which then need no memory of their own.
    pub(crate) operands: SmallVec<[Operand<'a>; 2]>,
    /// Rows in which no operand is null; `None` is all of them.
    pub(crate) validity: Option<Bitmap>,
}

impl<'a> Args<'a> {
    /// The same for a kernel that takes nulls itself, but for those of operand `strict`.
    pub(crate) fn lenient(&self, strict: Option<usize>) -> Self {
        let rows = self.context.rows();
        let validity = strict.and_then(|index| self.operands[index].validity(rows));
        Self {
            context: self.context,
            operands: SmallVec::new(),
            validity: validity.map(Cow::into_owned),
        }
    }

    /// Whether operand `index` is null in `row`.
    pub(crate) fn is_null(&self, index: usize, row: usize) -> bool {
        let operand = &self.operands[index];
        operand
            .column()
            .is_null(if operand.is_constant() { 0 } else { row })
    }

    /// Calls `each` with every row that matters and has all its operands.
    pub(crate) fn for_each(&self, each: impl FnMut(usize)) {
        match (self.context.active, &self.validity) {
            (None, None) => (0..self.context.rows()).for_each(each),
            (Some(rows), None) => rows.ones().for_each(each),
            (None, Some(rows)) => rows.ones().for_each(each),
            (Some(active), Some(validity)) => active.and(validity).ones().for_each(each),
        }
    }
}

/// An expression whose names and types are known.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) data_type: DataType,
}

/// What a [`Node`] does.
pub(crate) enum Kind {
    Column(usize),
    /// One row.
    Constant(Column),
    Local(usize),
    /// Computes a value once for a body that uses it several times.
    Let {
        level: usize,
        value: Box<Node>,
        body: Box<Node>,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Is {
        test: Test,
        negated: bool,
        operand: Box<Node>,
    },
    Compare(Comparison, Box<[Node; 2]>),
    /// Like `<>` and `=`, but null is a value.
    Distinct {
        negated: bool,
        operands: Box<[Node; 2]>,
    },
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    Cast(Cast, Box<Node>),
    Case {
        arms: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
    /// The first that is not null.
    Coalesce(Vec<Node>),
    Call {
        kernel: Kernel,
        args: Vec<Node>,
    },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Column(index) => return write!(f, "Column({index})"),
            Self::Constant(column) => return write!(f, "Constant({})", column.value(0)),
            Self::Local(level) => return write!(f, "Local({level})"),
            Self::Let { .. } => "Let",
            Self::And(_) => "And",
            Self::Or(_) => "Or",
            Self::Not(_) => "Not",
            Self::Is { .. } => "Is",
            Self::Compare(..) => "Compare",
            Self::Distinct { .. } => "Distinct",
            Self::Arithmetic(..) => "Arithmetic",
            Self::Cast(..) => "Cast",
            Self::Case { .. } => "Case",
            Self::Coalesce(_) => "Coalesce",
            Self::Call { .. } => "Call",
        };
        f.debug_tuple(name).field(&self.children()).finish()
    }
}

impl Kind {
    /// The operands.
    pub(crate) fn children(&self) -> Vec<&Node> {
        match self {
            Self::Column(_) | Self::Constant(_) | Self::Local(_) => Vec::new(),
            Self::Let { value, body, .. } => vec![value, body],
            Self::And(list) | Self::Or(list) | Self::Coalesce(list) => list.iter().collect(),
            Self::Call { args, .. } => args.iter().collect(),
            Self::Not(operand) | Self::Is { operand, .. } | Self::Cast(_, operand) => vec![operand],
            Self::Compare(_, pair) | Self::Arithmetic(_, pair) => pair.iter().collect(),
            Self::Distinct { operands, .. } => operands.iter().collect(),
            Self::Case { arms, otherwise } => {
                let arms = arms.iter().flat_map(|(when, then)| [when, then]);
                arms.chain([&**otherwise]).collect()
            }
        }
    }
}

impl Node {
    pub(crate) const fn new(kind: Kind, data_type: DataType) -> Self {
        Self { kind, data_type }
    }

    /// A constant of one row.
    pub(crate) const fn constant(column: Column) -> Self {
        let data_type = column.data_type();
        Self::new(Kind::Constant(column), data_type)
    }

    /// The constant, when it is one.
    pub(crate) const fn as_constant(&self) -> Option<&Column> {
        match &self.kind {
            Kind::Constant(column) => Some(column),
            _ => None,
        }
    }

    /// The value of all rows that matter.
    pub(crate) fn eval<'a>(&'a self, context: Context<'a>) -> Outcome<'a> {
        match &self.kind {
            Kind::Column(index) => {
                let column = context.batch.column(*index);
                Outcome::new(Operand::Rows(Cow::Borrowed(column)))
            }
            Kind::Constant(column) => Outcome::new(Operand::Constant(column)),
            Kind::Local(level) => Outcome::new(context.local(*level).borrowed()),
            Kind::Let { level, value, body } => with_local(*level, value, body, context),
            Kind::And(operands) => logic::and(operands, context),
            Kind::Or(operands) => logic::or(operands, context),
            Kind::Not(operand) => logic::not(operand.eval(context), context.rows()),
            Kind::Is {
                test,
                negated,
                operand,
            } => logic::is(*test, *negated, operand.eval(context), context.rows()),
            Kind::Compare(comparison, operands) => {
                let (args, failures) = args(&**operands, context);
                followed(
                    compare::compare(*comparison, &args),
                    failures,
                    context.rows(),
                )
            }
            Kind::Distinct { negated, operands } => {
                let (args, failures) = args(&**operands, context);
                followed(compare::distinct(*negated, &args), failures, context.rows())
            }
            Kind::Arithmetic(op, operands) => {
                let (args, failures) = args(&**operands, context);
                followed(arithmetic::eval(*op, &args), failures, context.rows())
            }
            Kind::Cast(cast, operand) => {
                let (args, failures) = args(std::slice::from_ref(&**operand), context);
                followed(cast::eval(*cast, args), failures, context.rows())
            }
            Kind::Case { arms, otherwise } => {
                choose::case(arms, otherwise, self.data_type, context)
            }
            Kind::Coalesce(operands) => choose::coalesce(operands, self.data_type, context),
            Kind::Call {
                kernel,
                args: nodes,
            } => {
                let (args, failures) = args(nodes, context);
                followed(kernel(&args), failures, context.rows())
            }
        }
    }
}

/// Evaluates operands that all matter.
fn args<'a>(nodes: &'a [Node], context: Context<'a>) -> (Args<'a>, Vec<Failure>) {
    let mut operands = SmallVec::with_capacity(nodes.len());
    let mut failures = Vec::new();
    for node in nodes {
        let outcome = node.eval(context);
        operands.push(outcome.operand);
        failures = merged(failures, outcome.failures);
    }
    let validity = common(&operands, context.rows());
    let args = Args {
        context,
        operands,
        validity,
    };
    (args, failures)
}

/// `outcome` of operands that had `failures` before. A kernel that takes nulls itself gave those
/// rows a value; they must be null as all failed rows are.
fn followed<'a>(outcome: Outcome<'a>, failures: Vec<Failure>, rows: usize) -> Outcome<'a> {
    if failures.is_empty() {
        return outcome;
    }
    let column = outcome.operand.spread(rows).into_owned();
    let (values, validity) = column.into_parts();
    Outcome::of(values, validity, merged(failures, outcome.failures))
}

fn with_local<'a>(
    level: usize,
    value: &'a Node,
    body: &'a Node,
    context: Context<'a>,
) -> Outcome<'a> {
    let value = value.eval(context);
    let local = Local {
        level,
        operand: value.operand,
        outer: context.locals,
    };
    let inner = Context {
        locals: Some(&local),
        ..context
    };
    let outcome = body.eval(inner);
    let column = outcome.operand.spread(context.rows()).into_owned();
    let outcome = Outcome {
        operand: Operand::rows(column), // free of the borrow of the local value
        failures: outcome.failures,
    };
    followed(outcome, value.failures, context.rows())
}
