//! The tree of an expression as it was written, before names and types are looked up.

use pelton_record::{DataType, Decimal};

use crate::Position;

use super::interval::Interval;

/// Where something stands in the text. Two trees are equal wherever they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place(pub(crate) Option<Position>);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A name as it was spelled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A constant of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Decimal(Decimal),
    /// Takes the type of what stands next to it.
    String(String),
    Timestamp(i64),
    Interval(Interval),
}

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Or,
    And,
    Compare(Comparison),
    Arithmetic(Arithmetic),
    Power,
    Concat,
    /// `~`, `~*`, `!~` and `!~*`.
    Matches {
        negated: bool,
        fold_case: bool,
    },
    /// `->` and `->>`.
    JsonField {
        as_text: bool,
    },
}

/// `=`, `<>`, `<`, `<=`, `>` and `>=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

/// `+`, `-`, `*`, `/` and `%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// What `IS` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Null,
    True,
    False,
}

/// The type that a cast leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) data_type: DataType,
    /// Digits that a decimal may have in all.
    pub(crate) precision: Option<u8>,
    /// A timestamp whose time of day is cut off.
    pub(crate) date: bool,
}

/// A call: a scalar function, or an aggregate that is split off later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: Name,
    pub(crate) args: Vec<Tree>,
    /// `count(DISTINCT x)`.
    pub(crate) distinct: bool,
    /// `count(*)`.
    pub(crate) star: bool,
}

/// `CASE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) operand: Option<Tree>,
    pub(crate) arms: Vec<(Tree, Tree)>,
    pub(crate) otherwise: Option<Tree>,
}

/// `LIKE` and `ILIKE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Like {
    pub(crate) negated: bool,
    pub(crate) fold_case: bool,
    pub(crate) operand: Tree,
    pub(crate) pattern: Tree,
    pub(crate) escape: Escape,
}

/// The character that takes the magic from the next one in a `LIKE` pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A backslash, as nothing was said.
    Backslash,
    /// `ESCAPE ''`.
    None,
    /// `ESCAPE 'c'`.
    Char(char),
}

/// An expression as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Column(Name),
    Literal(Literal),
    Binary(BinaryOp, Box<[Self; 2]>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Is {
        test: Test,
        negated: bool,
        operand: Box<Self>,
    },
    Distinct {
        negated: bool,
        operands: Box<[Self; 2]>,
    },
    Between {
        negated: bool,
        operands: Box<[Self; 3]>,
    },
    In {
        negated: bool,
        operand: Box<Self>,
        list: Vec<Self>,
    },
    Like(Box<Like>),
    Case(Box<Case>),
    Cast {
        operand: Box<Self>,
        target: Target,
        tolerant: bool,
    },
    Call(Call),
}

impl Tree {
    /// The operands, in the order of the text.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::Binary(_, operands) | Self::Distinct { operands, .. } => {
                operands.iter().collect()
            }
            Self::Between { operands, .. } => operands.iter().collect(),
            Self::Not(operand)
            | Self::Negate(operand)
            | Self::Is { operand, .. }
            | Self::Cast { operand, .. } => vec![operand],
            Self::In { operand, list, .. } => std::iter::once(&**operand).chain(list).collect(),
            Self::Like(like) => vec![&like.operand, &like.pattern],
            Self::Case(case) => case.children(),
            Self::Call(call) => call.args.iter().collect(),
        }
    }

    /// The operands, to be changed in place.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::Binary(_, operands) | Self::Distinct { operands, .. } => {
                operands.iter_mut().collect()
            }
            Self::Between { operands, .. } => operands.iter_mut().collect(),
            Self::Not(operand)
            | Self::Negate(operand)
            | Self::Is { operand, .. }
            | Self::Cast { operand, .. } => vec![operand],
            Self::In { operand, list, .. } => std::iter::once(&mut **operand).chain(list).collect(),
            Self::Like(like) => vec![&mut like.operand, &mut like.pattern],
            Self::Case(case) => case.children_mut(),
            Self::Call(call) => call.args.iter_mut().collect(),
        }
    }

    /// The names of columns, in the order of the text, each once.
    pub(crate) fn columns<'a>(&'a self, names: &mut Vec<&'a str>) {
        if let Self::Column(name) = self
            && !names.contains(&name.text.as_str())
        {
            names.push(&name.text);
        }
        for child in self.children() {
            child.columns(names);
        }
    }

    /// Where the column `name` stands first.
    pub(crate) fn position_of(&self, name: &str) -> Option<Position> {
        match self {
            Self::Column(column) if column.text == name => column.place.0,
            _ => self
                .children()
                .into_iter()
                .find_map(|child| child.position_of(name)),
        }
    }

    /// Where the first thing with a known place stands.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Column(name) => name.place.0,
            Self::Call(call) => call.name.place.0,
            _ => self.children().into_iter().find_map(Self::position),
        }
    }
}

impl Case {
    fn children(&self) -> Vec<&Tree> {
        let arms = self.arms.iter().flat_map(|(when, then)| [when, then]);
        self.operand
            .iter()
            .chain(arms)
            .chain(&self.otherwise)
            .collect()
    }

    fn children_mut(&mut self) -> Vec<&mut Tree> {
        let arms = self.arms.iter_mut().flat_map(|(when, then)| [when, then]);
        self.operand
            .iter_mut()
            .chain(arms)
            .chain(&mut self.otherwise)
            .collect()
    }
}
