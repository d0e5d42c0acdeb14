//! The text of a tree: it reads back as the same tree, with no more brackets than that takes.

use std::fmt::{self, Display, Formatter};

use pelton_record::DataType;
use sqlparser::keywords::ALL_KEYWORDS;

use super::syntax::{
    Arithmetic, BinaryOp, Call, Case, Comparison, Escape, Like, Literal, Target, Test, Tree,
};
use super::time;

/// How tightly something holds together; each level is that of the parser.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Is,
    Compare,
    Range,
    Other,
    Sum,
    Product,
    Sign,
    Power,
    Whole,
}

impl Tree {
    fn level(&self) -> Level {
        match self {
            Self::Binary(op, _) => op.level(),
            Self::Not(_) => Level::Not,
            Self::Negate(_) => Level::Sign,
            Self::Is { .. } | Self::Distinct { .. } => Level::Is,
            Self::Between { .. } | Self::In { .. } | Self::Like(_) => Level::Range,
            Self::Literal(literal) if literal.is_negative() => Level::Sign,
            _ => Level::Whole,
        }
    }
}

impl Literal {
    fn is_negative(&self) -> bool {
        match self {
            Self::Int64(value) => *value < 0,
            Self::Float64(value) => value.is_sign_negative(),
            Self::Decimal(value) => value.mantissa() < 0,
            _ => false,
        }
    }
}

impl BinaryOp {
    const fn level(self) -> Level {
        match self {
            Self::Or => Level::Or,
            Self::And => Level::And,
            Self::Compare(_) => Level::Compare,
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => Level::Sum,
            Self::Arithmetic(_) => Level::Product,
            Self::Power => Level::Power,
            Self::Concat | Self::Matches { .. } | Self::JsonField { .. } => Level::Other,
        }
    }

    /// Whether a chain of it can go without brackets.
    const fn chains(self) -> bool {
        !matches!(self, Self::Compare(_) | Self::Matches { .. })
    }

    const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Compare(Comparison::Eq) => "=",
            Self::Compare(Comparison::NotEq) => "<>",
            Self::Compare(Comparison::Lt) => "<",
            Self::Compare(Comparison::LtEq) => "<=",
            Self::Compare(Comparison::Gt) => ">",
            Self::Compare(Comparison::GtEq) => ">=",
            Self::Arithmetic(Arithmetic::Add) => "+",
            Self::Arithmetic(Arithmetic::Subtract) => "-",
            Self::Arithmetic(Arithmetic::Multiply) => "*",
            Self::Arithmetic(Arithmetic::Divide) => "/",
            Self::Arithmetic(Arithmetic::Modulo) => "%",
            Self::Power => "^",
            Self::Concat => "||",
            Self::Matches {
                negated: false,
                fold_case: false,
            } => "~",
            Self::Matches {
                negated: false,
                fold_case: true,
            } => "~*",
            Self::Matches {
                negated: true,
                fold_case: false,
            } => "!~",
            Self::Matches {
                negated: true,
                fold_case: true,
            } => "!~*",
            Self::JsonField { as_text: false } => "->",
            Self::JsonField { as_text: true } => "->>",
        }
    }
}

/// A tree that stands in brackets unless it holds tighter than `0.1`.
struct Above<'a>(&'a Tree, Level);

impl Display for Above<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 < self.0.level() {
            true => self.0.fmt(f),
            false => write!(f, "({})", self.0),
        }
    }
}

impl Display for Tree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => write_name(&name.text, f),
            Self::Literal(literal) => literal.fmt(f),
            Self::Binary(op, operands) => write_binary(*op, operands, f),
            Self::Not(operand) => write!(f, "NOT {}", Above(operand, Level::Not)),
            Self::Negate(operand) => write!(f, "-{}", Above(operand, Level::Sign)),
            Self::Is {
                test,
                negated,
                operand,
            } => {
                let word = match test {
                    Test::Null => "NULL",
                    Test::True => "TRUE",
                    Test::False => "FALSE",
                };
                write!(
                    f,
                    "{} IS {}{word}",
                    Above(operand, Level::Range),
                    not(*negated)
                )
            }
            Self::Distinct {
                negated,
                operands: pair,
            } => {
                let (left, right) = (Above(&pair[0], Level::Range), Above(&pair[1], Level::Range));
                write!(f, "{left} IS {}DISTINCT FROM {right}", not(*negated))
            }
            Self::Between { negated, operands } => {
                let [operand, low, high] =
                    [0, 1, 2].map(|n: usize| Above(&operands[n], Level::Range));
                write!(f, "{operand} {}BETWEEN {low} AND {high}", not(*negated))
            }
            Self::In {
                negated,
                operand,
                list,
            } => {
                write!(f, "{} {}IN (", Above(operand, Level::Range), not(*negated))?;
                write_list(list, f)?;
                f.write_str(")")
            }
            Self::Like(like) => like.fmt(f),
            Self::Case(case) => case.fmt(f),
            Self::Cast {
                operand,
                target,
                tolerant,
            } => {
                let word = if *tolerant { "TRY_CAST" } else { "CAST" };
                write!(f, "{word}({operand} AS {target})")
            }
            Self::Call(call) => call.fmt(f),
        }
    }
}

const fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn write_binary(op: BinaryOp, operands: &[Tree; 2], f: &mut Formatter<'_>) -> fmt::Result {
    let [left, right] = operands;
    let level = op.level();
    if op.chains() && left.level() == level {
        left.fmt(f)?;
    } else {
        Above(left, level).fmt(f)?;
    }
    write!(f, " {} {}", op.symbol(), Above(right, level))
}

fn write_list(list: &[Tree], f: &mut Formatter<'_>) -> fmt::Result {
    for (index, item) in list.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

/// Keywords that are common names of columns and read as such wherever one may stand.
const NAMES: [&str; 14] = [
    "CODE", "DAY", "HOST", "KEY", "LEVEL", "METHOD", "MINUTE", "MONTH", "NAME", "PATH", "REGION",
    "STATUS", "TYPE", "YEAR",
];

/// A name in quotes, unless it is plain and no keyword.
pub(crate) fn write_name(name: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let upper = name.to_ascii_uppercase();
    let keyword = ALL_KEYWORDS.binary_search(&upper.as_str()).is_ok();
    match is_plain(name) && (!keyword || NAMES.contains(&upper.as_str())) {
        true => f.write_str(name),
        false => write_quoted(name, f),
    }
}

/// Letters, digits and underscores, and no digit in front.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    bytes.next().is_some_and(first) && bytes.all(|byte| byte.is_ascii_digit() || first(byte))
}

fn write_quoted(name: &str, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "\"{}\"", name.replace('"', "\"\""))
}

fn write_text(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "'{}'", text.replace('\'', "''"))
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(true) => f.write_str("TRUE"),
            Self::Bool(false) => f.write_str("FALSE"),
            Self::Int64(value) => value.fmt(f),
            Self::Float64(value) => write!(f, "{value:e}"),
            // A whole number of this size is a decimal anyway; a point keeps a small one so.
            Self::Decimal(value) if value.scale() == 0 => match i64::try_from(value.mantissa()) {
                Ok(_) => write!(f, "{value}."),
                Err(_) => value.fmt(f),
            },
            Self::Decimal(value) => value.fmt(f),
            Self::String(text) => write_text(text, f),
            Self::Timestamp(value) => {
                let mut text = Vec::new();
                time::write(*value, &mut text);
                write!(f, "TIMESTAMP '{}'", String::from_utf8_lossy(&text))
            }
            Self::Interval(value) => write!(f, "INTERVAL '{value}'"),
        }
    }
}

impl Display for Like {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = if self.fold_case { "ILIKE" } else { "LIKE" };
        let operand = Above(&self.operand, Level::Range);
        let pattern = Above(&self.pattern, Level::Range);
        write!(f, "{operand} {}{word} {pattern}", not(self.negated))?;
        match self.escape {
            Escape::Backslash => Ok(()),
            Escape::None => f.write_str(" ESCAPE ''"),
            Escape::Char(escape) => {
                f.write_str(" ESCAPE ")?;
                write_text(&escape.to_string(), f)
            }
        }
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("CASE")?;
        if let Some(operand) = &self.operand {
            write!(f, " {operand}")?;
        }
        for (when, then) in &self.arms {
            write!(f, " WHEN {when} THEN {then}")?;
        }
        if let Some(otherwise) = &self.otherwise {
            write!(f, " ELSE {otherwise}")?;
        }
        f.write_str(" END")
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.data_type, self.precision) {
            (DataType::Decimal { scale }, Some(precision)) => {
                write!(f, "decimal({precision}, {scale})")
            }
            (DataType::Decimal { .. }, None) => f.write_str("decimal"),
            (DataType::Timestamp, _) if self.date => f.write_str("date"),
            (DataType::Bool, _) => f.write_str("boolean"),
            (DataType::Int64, _) => f.write_str("bigint"),
            (DataType::Float64, _) => f.write_str("double precision"),
            (DataType::String, _) => f.write_str("text"),
            (DataType::Bytes, _) => f.write_str("bytea"),
            (other, _) => other.fmt(f),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        // Before a parenthesis even a keyword is read as the name of a function.
        match is_plain(&self.name.text) {
            true => f.write_str(&self.name.text)?,
            false => write_quoted(&self.name.text, f)?,
        }
        write!(f, "({distinct}")?;
        if self.star {
            f.write_str("*")?;
        }
        write_list(&self.args, f)?;
        f.write_str(")")
    }
}
