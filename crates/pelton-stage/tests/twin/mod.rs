//! A second evaluator, as plain as can be: one row at a time, one value at a time. It shares
//! nothing with the first but the semantics that both are meant to have.

pub(crate) mod draw;

use std::cmp::Ordering;
use std::fmt::Write;

use pelton_record::Decimal;

/// A value of one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Dec(Decimal),
    Str(String),
}

/// Why there is no value; which reason does not matter here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Failed;

pub(crate) type R = Result<V, Failed>;

/// An expression whose types fit by construction.
#[derive(Clone, Debug)]
pub(crate) enum E {
    /// A constant, and the type it is cast to where it is null.
    Lit(V, &'static str),
    Col(&'static str),
    Bin(&'static str, Box<[Self; 2]>),
    Not(Box<Self>),
    Neg(Box<Self>),
    /// The rest of `a IS ...`.
    Is(&'static str, Box<Self>),
    Between(Box<[Self; 3]>),
    In(Box<Self>, Vec<Self>),
    Like(&'static str, Box<Self>, String),
    Case(Vec<(Self, Self)>, Box<Self>),
    Call(&'static str, Vec<Self>),
    Cast(&'static str, Box<Self>),
}

impl E {
    /// The text, in brackets throughout.
    pub(crate) fn text(&self) -> String {
        let list = |items: &[Self]| items.iter().map(Self::text).collect::<Vec<_>>().join(", ");
        match self {
            Self::Lit(value, data_type) => literal(value, data_type),
            Self::Col(name) => (*name).to_owned(),
            Self::Bin(op, pair) => format!("({} {op} {})", pair[0].text(), pair[1].text()),
            Self::Not(a) => format!("(NOT {})", a.text()),
            Self::Neg(a) => format!("(- {})", a.text()),
            Self::Is(what, a) => format!("({} IS {what})", a.text()),
            Self::Between(abc) => {
                let [a, b, c] = &**abc;
                format!("({} BETWEEN {} AND {})", a.text(), b.text(), c.text())
            }
            Self::In(a, items) => format!("({} IN ({}))", a.text(), list(items)),
            Self::Like(word, a, pattern) => {
                format!("({} {word} '{}')", a.text(), pattern.replace('\'', "''"))
            }
            Self::Case(arms, otherwise) => {
                let mut text = "CASE".to_owned();
                for (when, then) in arms {
                    write!(text, " WHEN {} THEN {}", when.text(), then.text())
                        .expect("writing to a string");
                }
                format!("{text} ELSE {} END", otherwise.text())
            }
            Self::Call(name, args) => format!("{name}({})", list(args)),
            Self::Cast(data_type, a) => format!("CAST({} AS {data_type})", a.text()),
        }
    }

    /// The value in a row, whose columns `row` knows.
    pub(crate) fn eval(&self, row: &dyn Fn(&str) -> V) -> R {
        match self {
            Self::Lit(value, _) => Ok(value.clone()),
            Self::Col(name) => Ok(row(name)),
            Self::Bin("AND", pair) => logic(&**pair, row, false),
            Self::Bin("OR", pair) => logic(&**pair, row, true),
            Self::Bin(op, pair) => {
                let (a, b) = (pair[0].eval(row)?, pair[1].eval(row)?);
                if a == V::Null || b == V::Null {
                    return Ok(V::Null);
                }
                match *op {
                    "||" => Ok(V::Str(format!("{}{}", string(&a), string(&b)))),
                    "+" | "-" | "*" | "/" | "%" => arithmetic(op, a, b),
                    op => Ok(V::Bool(holds(op, compare(&a, &b)))),
                }
            }
            Self::Not(a) => Ok(match a.eval(row)? {
                V::Bool(a) => V::Bool(!a),
                _ => V::Null,
            }),
            Self::Neg(a) => match a.eval(row)? {
                V::Int(a) => a.checked_neg().map(V::Int).ok_or(Failed),
                V::Float(a) => Ok(V::Float(-a)),
                V::Dec(a) => Ok(V::Dec(Decimal::new(-a.mantissa(), a.scale()))),
                _ => Ok(V::Null),
            },
            Self::Is(what, a) => {
                let a = a.eval(row)?;
                let (negated, what) = match what.strip_prefix("NOT ") {
                    Some(rest) => (true, rest),
                    None => (false, *what),
                };
                let holds = match what {
                    "NULL" => a == V::Null,
                    "TRUE" => a == V::Bool(true),
                    _ => a == V::Bool(false),
                };
                Ok(V::Bool(holds != negated))
            }
            _ => self.eval_more(row),
        }
    }

    fn eval_more(&self, row: &dyn Fn(&str) -> V) -> R {
        match self {
            Self::Between(abc) => {
                let [a, b, c] = (**abc).clone();
                let low = Self::Bin(">=", Box::new([a.clone(), b]));
                let high = Self::Bin("<=", Box::new([a, c]));
                logic(&[low, high], row, false)
            }
            Self::In(a, items) => {
                // No try_fold: a failure may yet be outweighed by an item that is equal.
                let mut all = Ok(V::Bool(false));
                for item in items {
                    let equal = Self::Bin("=", Box::new([(**a).clone(), item.clone()])).eval(row);
                    all = either(all, equal, true);
                }
                all
            }
            Self::Like(word, a, pattern) => Ok(match a.eval(row)? {
                V::Str(text) if *word == "ILIKE" => {
                    V::Bool(like(&text.to_lowercase(), &pattern.to_lowercase()))
                }
                V::Str(text) => V::Bool(like(&text, pattern)),
                _ => V::Null,
            }),
            Self::Case(arms, otherwise) => {
                for (when, then) in arms {
                    if when.eval(row)? == V::Bool(true) {
                        return then.eval(row);
                    }
                }
                otherwise.eval(row)
            }
            Self::Call("coalesce", args) => {
                for arg in args {
                    match arg.eval(row)? {
                        V::Null => {}
                        value => return Ok(value),
                    }
                }
                Ok(V::Null)
            }
            Self::Call(name, args) => {
                let args: Vec<V> = args
                    .iter()
                    .map(|arg| arg.eval(row))
                    .collect::<Result<_, _>>()?;
                called(name, &args)
            }
            Self::Cast(data_type, a) => cast(data_type, a.eval(row)?),
            other => panic!("{other:?} is evaluated above"),
        }
    }
}

fn literal(value: &V, data_type: &str) -> String {
    match value {
        V::Null => format!("CAST(NULL AS {data_type})"),
        V::Bool(value) => value.to_string(),
        V::Int(value) => format!("({value})"),
        V::Float(value) => format!("CAST('{value}' AS double precision)"),
        V::Dec(value) => format!("({value})"),
        V::Str(value) => format!("CAST('{}' AS text)", value.replace('\'', "''")),
    }
}

fn string(value: &V) -> &str {
    match value {
        V::Str(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

/// AND (`decisive` false) or OR (`decisive` true), neither of which cares for sides.
fn logic(pair: &[E], row: &dyn Fn(&str) -> V, decisive: bool) -> R {
    either(pair[0].eval(row), pair[1].eval(row), decisive)
}

fn either(a: R, b: R, decisive: bool) -> R {
    let decided = Ok(V::Bool(decisive));
    match (a, b) {
        (a, b) if a == decided || b == decided => decided,
        (Err(failed), _) | (_, Err(failed)) => Err(failed),
        (Ok(V::Null), _) | (_, Ok(V::Null)) => Ok(V::Null),
        _ => Ok(V::Bool(!decisive)),
    }
}

fn holds(op: &str, order: Ordering) -> bool {
    match op {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn compare(a: &V, b: &V) -> Ordering {
    match (a, b) {
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Str(a), V::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (V::Int(a), V::Int(b)) => a.cmp(b),
        (V::Float(_), _) | (_, V::Float(_)) => {
            let (a, b) = (float(a), float(b));
            a.partial_cmp(&b)
                .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        }
        _ => decimal(a).cmp(&decimal(b)),
    }
}

fn float(value: &V) -> f64 {
    match value {
        V::Int(value) => *value as f64,
        V::Dec(value) => value.to_f64(),
        V::Float(value) => *value,
        other => panic!("{other:?} is no number"),
    }
}

fn decimal(value: &V) -> Decimal {
    match value {
        V::Int(value) => Decimal::from(*value),
        V::Dec(value) => *value,
        other => panic!("{other:?} is no decimal"),
    }
}

fn arithmetic(op: &str, a: V, b: V) -> R {
    match (&a, &b) {
        (V::Int(a), V::Int(b)) => {
            let wide = (i128::from(*a), i128::from(*b));
            let value = match op {
                "+" => wide.0 + wide.1,
                "-" => wide.0 - wide.1,
                "*" => wide.0 * wide.1,
                _ if *b == 0 => return Err(Failed),
                "/" => wide.0 / wide.1,
                _ => wide.0 % wide.1,
            };
            i64::try_from(value).map(V::Int).map_err(|_| Failed)
        }
        (V::Float(_), _) | (_, V::Float(_)) => floats(op, float(&a), float(&b)),
        _ => decimals(op, decimal(&a), decimal(&b))
            .map(V::Dec)
            .ok_or(Failed),
    }
}

fn floats(op: &str, a: f64, b: f64) -> R {
    let value = match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ if b == 0.0 && !a.is_nan() => return Err(Failed),
        "/" => a / b,
        _ => a % b,
    };
    let overflow = value.is_infinite() && a.is_finite() && b.is_finite();
    let vanished = value == 0.0
        && (op == "*" && a != 0.0 && b != 0.0 || op == "/" && a != 0.0 && b.is_finite());
    if overflow || vanished {
        Err(Failed)
    } else {
        Ok(V::Float(value))
    }
}

fn decimals(op: &str, a: Decimal, b: Decimal) -> Option<Decimal> {
    match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" if a.scale() + b.scale() <= 38 => a.checked_mul(b),
        "*" => {
            let product = a.mantissa().checked_mul(b.mantissa())?;
            let unit = 10i128.pow(u32::from(a.scale() + b.scale() - 38));
            let up = i128::from(unit <= 2 * (product % unit).abs()) * product.signum();
            Some(Decimal::new(product / unit + up, 38))
        }
        _ if b.mantissa() == 0 => None,
        "/" => quotient(a, b),
        _ => {
            let scale = a.scale().max(b.scale());
            let (a, b) = (a.rescale(scale)?, b.rescale(scale)?);
            Some(Decimal::new(a.mantissa() % b.mantissa(), scale))
        }
    }
}

/// Division as at school, for operands small enough that ten times a remainder fits.
fn quotient(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale()).max(16);
    let (m, d) = (a.mantissa().abs(), b.mantissa().abs());
    let (mut digits, mut rest) = (m / d, m % d);
    for _ in 0..i32::from(scale) + i32::from(b.scale()) - i32::from(a.scale()) {
        digits = digits.checked_mul(10)?.checked_add(rest * 10 / d)?;
        rest = rest * 10 % d;
    }
    let digits = digits.checked_add(i128::from(d <= 2 * rest))?;
    let sign = if (a.mantissa() < 0) == (b.mantissa() < 0) {
        1
    } else {
        -1
    };
    Some(Decimal::new(sign * digits, scale))
}

/// By recursion over characters.
fn like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    let Some(first) = letters.next() else {
        return text.is_empty();
    };
    let rest = letters.as_str();
    let mut text_letters = text.chars();
    match first {
        '%' => {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| like(&text[at..], rest))
        }
        '_' => text_letters.next().is_some() && like(text_letters.as_str(), rest),
        letter => text_letters.next() == Some(letter) && like(text_letters.as_str(), rest),
    }
}

fn called(name: &str, args: &[V]) -> R {
    if ["greatest", "least"].contains(&name) {
        let present = args.iter().filter(|arg| **arg != V::Null).cloned();
        let best = match name {
            "greatest" => present.reduce(|a, b| if compare(&b, &a).is_gt() { b } else { a }),
            _ => present.reduce(|a, b| if compare(&b, &a).is_lt() { b } else { a }),
        };
        return Ok(best.unwrap_or(V::Null));
    }
    if name == "nullif" {
        let unequal =
            args[0] == V::Null || args[1] == V::Null || compare(&args[0], &args[1]).is_ne();
        return Ok(if unequal { args[0].clone() } else { V::Null });
    }
    match args {
        args if args.contains(&V::Null) => Ok(V::Null),
        [V::Str(text)] => Ok(match name {
            "length" => V::Int(text.chars().count() as i64),
            "upper" => V::Str(text.to_uppercase()),
            "lower" => V::Str(text.to_lowercase()),
            "btrim" => V::Str(text.trim_matches(' ').to_owned()),
            _ => V::Str(text.chars().rev().collect()),
        }),
        [V::Int(value)] => value.checked_abs().map(V::Int).ok_or(Failed),
        [V::Str(text), V::Int(from), V::Int(count)] => {
            if *count < 0 {
                return Err(Failed);
            }
            let window = i128::from(*from)..i128::from(*from) + i128::from(*count);
            let kept = text
                .chars()
                .zip(1..)
                .filter(|(_, place)| window.contains(place));
            Ok(V::Str(kept.map(|(letter, _)| letter).collect()))
        }
        other => panic!("{name} of {other:?}"),
    }
}

fn cast(data_type: &str, value: V) -> R {
    Ok(match (data_type, value) {
        (_, V::Null) => V::Null,
        ("bigint", V::Bool(value)) => V::Int(i64::from(value)),
        ("bigint", V::Str(text)) => V::Int(text.trim().parse().map_err(|_| Failed)?),
        ("bigint", V::Dec(value)) => {
            let whole = value.rescale(0).ok_or(Failed)?.mantissa();
            V::Int(i64::try_from(whole).map_err(|_| Failed)?)
        }
        ("double precision", value) => V::Float(float(&value)),
        ("text", V::Int(value)) => V::Str(value.to_string()),
        ("text", V::Dec(value)) => V::Str(value.to_string()),
        ("text", V::Bool(value)) => V::Str(value.to_string()),
        (data_type, value) => panic!("no cast of {value:?} to {data_type}"),
    })
}
