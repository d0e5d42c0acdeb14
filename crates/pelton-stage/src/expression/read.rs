//! From the parser's tree to ours: the part of SQL that is understood, and nothing else.

use pelton_record::{DataType, Decimal};
use sqlparser::ast::{
    self, BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Spanned, TrimWhereField, UnaryOperator, Value,
};

use crate::{Error, ErrorKind};

use super::interval::Interval;
use super::parse;
use super::syntax::{
    Arithmetic, BinaryOp, Call, Case, Comparison, Escape, Like, Literal, Name, Place, Target, Test,
    Tree,
};
use super::time;

/// Depth of a tree. What walks trees uses the stack, some kilobytes a level in debug builds.
const DEPTH_MAX: usize = 128;

/// Conditions in one chain of AND or OR, which is walked in a loop where it matters.
const CHAIN_MAX: usize = 1024;

/// Reads one tree of the parser's.
pub(crate) fn tree(expr: &Expr) -> Result<Tree, Error> {
    Reader { depth: 0 }.tree(expr)
}

/// A name of one part.
pub(crate) fn name(ident: &Ident) -> Name {
    Name {
        text: ident.value.clone(),
        place: Place(parse::known(ident.span.start)),
    }
}

/// An error about `node`, at its place.
pub(crate) fn unsupported(what: &str, node: &impl Spanned) -> Error {
    located(
        Error::new(ErrorKind::Unsupported, format!("not supported: {what}")),
        node,
    )
}

/// `error` at the place of `node`, when that is known.
pub(crate) fn located(error: Error, node: &impl Spanned) -> Error {
    match parse::known(node.span().start) {
        Some(position) => error.at(position),
        None => error,
    }
}

/// An error without a place: looking for that would walk the whole of it.
fn too_long(limit: usize, what: &str) -> Error {
    let message = format!("not supported: more than {limit} {what}");
    Error::new(ErrorKind::Unsupported, message)
}

fn invalid(message: impl Into<String>, node: &impl Spanned) -> Error {
    located(Error::new(ErrorKind::Syntax, message), node)
}

struct Reader {
    depth: usize,
}

impl Reader {
    fn tree(&mut self, expr: &Expr) -> Result<Tree, Error> {
        if self.depth == DEPTH_MAX {
            return Err(too_long(DEPTH_MAX, "operators deep"));
        }
        self.depth += 1;
        let tree = self.operator(expr)?;
        self.depth -= 1;
        Ok(tree)
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Tree>, Error> {
        self.tree(expr).map(Box::new)
    }

    fn pair(&mut self, left: &Expr, right: &Expr) -> Result<Box<[Tree; 2]>, Error> {
        Ok(Box::new([self.tree(left)?, self.tree(right)?]))
    }

    fn list(&mut self, exprs: &[Expr]) -> Result<Vec<Tree>, Error> {
        exprs.iter().map(|expr| self.tree(expr)).collect()
    }

    fn operator(&mut self, expr: &Expr) -> Result<Tree, Error> {
        match expr {
            Expr::Nested(inner) => self.operator(inner),
            Expr::BinaryOp {
                op: BinaryOperator::And | BinaryOperator::Or,
                ..
            } => self.chain(expr),
            Expr::BinaryOp { left, op, right } => {
                let op = binary(op).ok_or_else(|| unsupported(&format!("`{op}`"), expr))?;
                Ok(Tree::Binary(op, self.pair(left, right)?))
            }
            Expr::UnaryOp { op, expr: operand } => self.unary(*op, operand, expr),
            Expr::IsNull(operand) | Expr::IsUnknown(operand) => self.is(Test::Null, false, operand),
            Expr::IsNotNull(operand) | Expr::IsNotUnknown(operand) => {
                self.is(Test::Null, true, operand)
            }
            Expr::IsTrue(operand) => self.is(Test::True, false, operand),
            Expr::IsNotTrue(operand) => self.is(Test::True, true, operand),
            Expr::IsFalse(operand) => self.is(Test::False, false, operand),
            Expr::IsNotFalse(operand) => self.is(Test::False, true, operand),
            Expr::IsDistinctFrom(left, right) => self.distinct(false, left, right),
            Expr::IsNotDistinctFrom(left, right) => self.distinct(true, left, right),
            _ => self.predicate(expr),
        }
    }

    /// A chain of AND, or of OR.
    fn chain(&mut self, whole: &Expr) -> Result<Tree, Error> {
        let Expr::BinaryOp { op: link, .. } = whole else {
            return self.operator(whole);
        };
        let mut rights = Vec::new();
        let mut rest = whole;
        while let Expr::BinaryOp { left, op, right } = rest
            && op == link
        {
            rights.push(right);
            rest = left;
        }
        if CHAIN_MAX < rights.len() {
            return Err(too_long(CHAIN_MAX, "conditions in one chain"));
        }
        let op = if *link == BinaryOperator::And {
            BinaryOp::And
        } else {
            BinaryOp::Or
        };
        let first = self.tree(rest)?;
        rights.into_iter().rev().try_fold(first, |left, right| {
            let right = self.tree(right)?;
            Ok(Tree::Binary(op, Box::new([left, right])))
        })
    }

    fn predicate(&mut self, expr: &Expr) -> Result<Tree, Error> {
        match expr {
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => Ok(Tree::Between {
                negated: *negated,
                operands: Box::new([self.tree(expr)?, self.tree(low)?, self.tree(high)?]),
            }),
            Expr::InList {
                expr,
                list,
                negated,
            } => Ok(Tree::In {
                negated: *negated,
                operand: self.boxed(expr)?,
                list: self.list(list)?,
            }),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => self.like(false, *negated, [expr, pattern], escape_char.as_deref()),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => self.like(true, *negated, [expr, pattern], escape_char.as_deref()),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                let arm =
                    |arm: &ast::CaseWhen| Ok((self.tree(&arm.condition)?, self.tree(&arm.result)?));
                let arms = conditions.iter().map(arm).collect::<Result<_, Error>>()?;
                let mut optional = |expr: &Option<Box<Expr>>| {
                    expr.as_ref().map(|expr| self.tree(expr)).transpose()
                };
                Ok(Tree::Case(Box::new(Case {
                    arms,
                    operand: optional(operand)?,
                    otherwise: optional(else_result)?,
                })))
            }
            _ => self.primary(expr),
        }
    }

    fn primary(&mut self, expr: &Expr) -> Result<Tree, Error> {
        match expr {
            Expr::Identifier(ident) => Ok(Tree::Column(name(ident))),
            Expr::CompoundIdentifier(parts) => Ok(Tree::Column(compound(parts))),
            Expr::Value(value) => literal(&value.value, expr).map(Tree::Literal),
            Expr::Cast {
                kind,
                expr: operand,
                data_type,
                format: None,
            } => Ok(Tree::Cast {
                operand: self.boxed(operand)?,
                target: target(data_type, expr)?,
                tolerant: matches!(kind, CastKind::TryCast | CastKind::SafeCast),
            }),
            Expr::TypedString(typed) => typed_string(typed, expr),
            Expr::Interval(interval) => interval_literal(interval, expr).map(Tree::Literal),
            Expr::Function(function) => self.function(function, expr),
            _ => self.spelled_call(expr),
        }
    }

    fn unary(&mut self, op: UnaryOperator, operand: &Expr, whole: &Expr) -> Result<Tree, Error> {
        match op {
            UnaryOperator::Not => Ok(Tree::Not(self.boxed(operand)?)),
            UnaryOperator::Plus => self.operator(operand),
            UnaryOperator::Minus => Ok(negated(self.tree(operand)?)),
            UnaryOperator::PGAbs => Ok(call("abs", vec![self.tree(operand)?], whole)),
            _ => Err(unsupported(&format!("`{op}`"), whole)),
        }
    }

    fn is(&mut self, test: Test, negated: bool, operand: &Expr) -> Result<Tree, Error> {
        Ok(Tree::Is {
            test,
            negated,
            operand: self.boxed(operand)?,
        })
    }

    fn distinct(&mut self, negated: bool, left: &Expr, right: &Expr) -> Result<Tree, Error> {
        Ok(Tree::Distinct {
            negated,
            operands: self.pair(left, right)?,
        })
    }

    fn like(
        &mut self,
        fold_case: bool,
        negated: bool,
        [operand, pattern]: [&Expr; 2],
        escape: Option<&Expr>,
    ) -> Result<Tree, Error> {
        Ok(Tree::Like(Box::new(Like {
            negated,
            fold_case,
            operand: self.tree(operand)?,
            pattern: self.tree(pattern)?,
            escape: escape.map_or(Ok(Escape::Backslash), escape_char)?,
        })))
    }

    /// Functions whose arguments SQL sets apart by words.
    fn spelled_call(&mut self, expr: &Expr) -> Result<Tree, Error> {
        let (name, args) = match expr {
            Expr::Extract { field, expr, .. } => {
                let field = Tree::Literal(Literal::String(unit_name(field)));
                ("date_part", vec![field, self.tree(expr)?])
            }
            Expr::Ceil { expr, field } if plain(field) => ("ceil", vec![self.tree(expr)?]),
            Expr::Floor { expr, field } if plain(field) => ("floor", vec![self.tree(expr)?]),
            Expr::Position { expr, r#in } => ("strpos", vec![self.tree(r#in)?, self.tree(expr)?]),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let from = substring_from.as_deref().map(|from| self.tree(from));
                let from = from.unwrap_or(Ok(Tree::Literal(Literal::Int64(1))))?;
                let mut args = vec![self.tree(expr)?, from];
                if let Some(count) = substring_for {
                    args.push(self.tree(count)?);
                }
                ("substr", args)
            }
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters,
            } => {
                let mut args = vec![self.tree(expr)?];
                if let Some(what) = trim_what {
                    args.push(self.tree(what)?);
                }
                args.extend(self.list(trim_characters.as_deref().unwrap_or_default())?);
                (trim_name(trim_where.as_ref()), args)
            }
            _ => return Err(unsupported(what(expr), expr)),
        };
        Ok(call(name, args, expr))
    }

    fn function(&mut self, function: &Function, whole: &Expr) -> Result<Tree, Error> {
        let plain = function.filter.is_none()
            && function.within_group.is_empty()
            && function.null_treatment.is_none();
        if function.over.is_some() {
            return Err(unsupported("window functions", whole));
        }
        let (FunctionArguments::List(list), true, [ast::ObjectNamePart::Identifier(ident)]) =
            (&function.args, plain, function.name.0.as_slice())
        else {
            return Err(unsupported(&format!("`{function}`"), whole));
        };
        if !list.clauses.is_empty() {
            return Err(unsupported(&format!("`{function}`"), whole));
        }
        let mut call = Call {
            name: Name {
                text: ident.value.to_ascii_lowercase(),
                ..name(ident)
            },
            args: Vec::with_capacity(list.args.len()),
            distinct: list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct),
            star: false,
        };
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => call.args.push(self.tree(arg)?),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => call.star = true,
                _ => return Err(unsupported("named arguments", whole)),
            }
        }
        if call.star && (call.distinct || !call.args.is_empty()) {
            return Err(unsupported("`*` beside other arguments", whole));
        }
        Ok(Tree::Call(call))
    }
}

/// What an expression is, for those that are not understood.
fn what(expr: &Expr) -> &'static str {
    match expr {
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => "subqueries",
        Expr::Array(_) | Expr::CompoundFieldAccess { .. } => "arrays",
        Expr::AtTimeZone { .. } => "time zones, all timestamps are UTC",
        Expr::SimilarTo { .. } => "SIMILAR TO, use LIKE or ~",
        Expr::Tuple(_) => "rows of values",
        Expr::Collate { .. } => "COLLATE, text is ordered by its bytes",
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => "`*` outside of count(*)",
        _ => "this form",
    }
}

/// Folds the sign into a number, so that the smallest integer can be written.
fn negated(operand: Tree) -> Tree {
    match operand {
        Tree::Literal(Literal::Int64(value)) if value != i64::MIN => {
            Tree::Literal(Literal::Int64(-value))
        }
        Tree::Literal(Literal::Float64(value)) => Tree::Literal(Literal::Float64(-value)),
        Tree::Literal(Literal::Decimal(value)) => match value.mantissa().checked_neg() {
            Some(mantissa) if value.scale() == 0 => match i64::try_from(mantissa) {
                Ok(value) => Tree::Literal(Literal::Int64(value)),
                Err(_) => Tree::Literal(Literal::Decimal(Decimal::new(mantissa, 0))),
            },
            Some(mantissa) => {
                Tree::Literal(Literal::Decimal(Decimal::new(mantissa, value.scale())))
            }
            None => Tree::Negate(Box::new(Tree::Literal(Literal::Decimal(value)))),
        },
        operand => Tree::Negate(Box::new(operand)),
    }
}

fn call(text: &str, args: Vec<Tree>, whole: &Expr) -> Tree {
    Tree::Call(Call {
        name: Name {
            text: text.to_owned(),
            place: Place(parse::known(whole.span().start)),
        },
        args,
        distinct: false,
        star: false,
    })
}

/// `user.address.city` is the column of that name: nested fields are columns with dots.
fn compound(parts: &[Ident]) -> Name {
    let text: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    Name {
        text: text.join("."),
        place: Place(parts.first().and_then(|part| parse::known(part.span.start))),
    }
}

const fn plain(field: &CeilFloorKind) -> bool {
    matches!(
        field,
        CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)
    )
}

const fn trim_name(side: Option<&TrimWhereField>) -> &'static str {
    match side {
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
        Some(TrimWhereField::Both) | None => "btrim",
    }
}

fn unit_name(field: &DateTimeField) -> String {
    field.to_string().trim_matches('\'').to_ascii_lowercase()
}

fn binary(op: &BinaryOperator) -> Option<BinaryOp> {
    let matches = |negated, fold_case| BinaryOp::Matches { negated, fold_case };
    Some(match op {
        BinaryOperator::Or => BinaryOp::Or,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Eq => BinaryOp::Compare(Comparison::Eq),
        BinaryOperator::NotEq => BinaryOp::Compare(Comparison::NotEq),
        BinaryOperator::Lt => BinaryOp::Compare(Comparison::Lt),
        BinaryOperator::LtEq => BinaryOp::Compare(Comparison::LtEq),
        BinaryOperator::Gt => BinaryOp::Compare(Comparison::Gt),
        BinaryOperator::GtEq => BinaryOp::Compare(Comparison::GtEq),
        BinaryOperator::Plus => BinaryOp::Arithmetic(Arithmetic::Add),
        BinaryOperator::Minus => BinaryOp::Arithmetic(Arithmetic::Subtract),
        BinaryOperator::Multiply => BinaryOp::Arithmetic(Arithmetic::Multiply),
        BinaryOperator::Divide => BinaryOp::Arithmetic(Arithmetic::Divide),
        BinaryOperator::Modulo => BinaryOp::Arithmetic(Arithmetic::Modulo),
        BinaryOperator::PGExp => BinaryOp::Power,
        BinaryOperator::StringConcat => BinaryOp::Concat,
        BinaryOperator::PGRegexMatch => matches(false, false),
        BinaryOperator::PGRegexIMatch => matches(false, true),
        BinaryOperator::PGRegexNotMatch => matches(true, false),
        BinaryOperator::PGRegexNotIMatch => matches(true, true),
        BinaryOperator::Arrow => BinaryOp::JsonField { as_text: false },
        BinaryOperator::LongArrow => BinaryOp::JsonField { as_text: true },
        _ => return None,
    })
}

fn escape_char(expr: &Expr) -> Result<Escape, Error> {
    if let Expr::Value(value) = expr
        && let Value::SingleQuotedString(text) = &value.value
    {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => return Ok(Escape::None),
            (Some(escape), None) => return Ok(Escape::Char(escape)),
            _ => {}
        }
    }
    Err(invalid("the escape must be one character, or none", expr))
}

fn literal(value: &Value, whole: &Expr) -> Result<Literal, Error> {
    match value {
        Value::Null => Ok(Literal::Null),
        Value::Boolean(value) => Ok(Literal::Bool(*value)),
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
            Ok(Literal::String(text.clone()))
        }
        Value::DollarQuotedString(text) => Ok(Literal::String(text.value.clone())),
        Value::Number(digits, _) => {
            number(digits).ok_or_else(|| invalid(format!("`{digits}` is out of range"), whole))
        }
        other => Err(unsupported(&format!("the literal {other}"), whole)),
    }
}

/// Whole numbers are int64 while they fit, others decimals; an exponent makes a float.
fn number(digits: &str) -> Option<Literal> {
    if digits.contains(['e', 'E']) {
        let value = digits.parse::<f64>().ok()?;
        return value.is_finite().then_some(Literal::Float64(value));
    }
    if let Ok(value) = digits.parse() {
        return Some(Literal::Int64(value));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = u8::try_from(fraction.len()).ok()?;
    let mantissa = format!("{whole}{fraction}").parse().ok()?;
    (scale <= Decimal::SCALE_MAX).then(|| Literal::Decimal(Decimal::new(mantissa, scale)))
}

fn interval_literal(interval: &ast::Interval, whole: &Expr) -> Result<Literal, Error> {
    let text = match &*interval.value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => Some(text),
            _ => None,
        },
        _ => None,
    };
    let unit = interval.leading_field.as_ref().map(unit_name);
    let parsed = text
        .filter(|_| interval.last_field.is_none())
        .and_then(|text| Interval::parse(text, unit.as_deref()));
    parsed.map(Literal::Interval).ok_or_else(|| {
        invalid(
            format!("`{interval}` is not understood, write INTERVAL '1 day'"),
            whole,
        )
    })
}

fn typed_string(typed: &ast::TypedString, whole: &Expr) -> Result<Tree, Error> {
    let target = target(&typed.data_type, whole)?;
    let Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(unsupported("this literal", whole));
    };
    if target.data_type != DataType::Timestamp {
        return Ok(Tree::Cast {
            operand: Box::new(Tree::Literal(Literal::String(text.clone()))),
            target,
            tolerant: false,
        });
    }
    let timestamp = time::parse(text.as_bytes())
        .ok_or_else(|| invalid(format!("`{text}` is not a timestamp"), whole))?;
    let timestamp = if target.date {
        time::midnight(timestamp)
    } else {
        timestamp
    };
    Ok(Tree::Literal(Literal::Timestamp(timestamp)))
}

/// The type of a cast.
fn target(data_type: &ast::DataType, whole: &Expr) -> Result<Target, Error> {
    use ast::DataType as Sql;
    let simple = |data_type| Target {
        data_type,
        precision: None,
        date: false,
    };
    match data_type {
        Sql::Bool | Sql::Boolean => Ok(simple(DataType::Bool)),
        Sql::Int(None) | Sql::Integer(None) | Sql::BigInt(None) | Sql::Int8(None) | Sql::Int64 => {
            Ok(simple(DataType::Int64))
        }
        Sql::Double(_) | Sql::DoublePrecision | Sql::Float(_) | Sql::Float8 | Sql::Float64 => {
            Ok(simple(DataType::Float64))
        }
        Sql::Numeric(info) | Sql::Decimal(info) | Sql::Dec(info) => decimal(info, whole),
        Sql::Text | Sql::String(None) | Sql::Varchar(None) | Sql::CharacterVarying(None) => {
            Ok(simple(DataType::String))
        }
        Sql::Bytea | Sql::Bytes(None) | Sql::Blob(None) => Ok(simple(DataType::Bytes)),
        Sql::Timestamp(None, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            Ok(simple(DataType::Timestamp))
        }
        Sql::Date => Ok(Target {
            date: true,
            ..simple(DataType::Timestamp)
        }),
        other => Err(unsupported(&format!("the type {other}"), whole)),
    }
}

fn decimal(info: &ast::ExactNumberInfo, whole: &Expr) -> Result<Target, Error> {
    let (precision, scale) = match *info {
        ast::ExactNumberInfo::None => (None, 6),
        ast::ExactNumberInfo::Precision(precision) => (Some(precision), 0),
        ast::ExactNumberInfo::PrecisionAndScale(precision, scale) => (Some(precision), scale),
    };
    let digits = u64::from(Decimal::SCALE_MAX);
    match (precision, u8::try_from(scale)) {
        (None, Ok(scale)) => Ok((None, scale)),
        (Some(precision @ 1..), Ok(scale))
            if precision <= digits && u64::from(scale) <= precision =>
        {
            Ok((u8::try_from(precision).ok(), scale))
        }
        _ => Err(invalid(
            "a decimal has at most 38 digits, some of them after the point",
            whole,
        )),
    }
    .map(|(precision, scale)| Target {
        data_type: DataType::Decimal { scale },
        precision,
        date: false,
    })
}
