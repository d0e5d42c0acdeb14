//! Expressions and rows drawn from bytes, and the comparison of both evaluators on them: for tests
//! and for fuzzing alike. Where the bytes end, the smallest choice is taken.

use pelton_record::{Batch, Bitmap, Column, DataType, Decimal, Schema, Value};
use pelton_stage::Expression;

use super::{E, Failed, R, V};

/// More than a word of bits, and not a multiple of it.
pub(crate) const ROWS: usize = 70;

struct Draw<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl Draw<'_> {
    fn pick(&mut self, count: usize) -> usize {
        usize::from(self.bytes.next().copied().unwrap_or(0)) % count
    }

    fn of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.pick(items.len())].clone()
    }

    fn expression(&mut self) -> E {
        match self.pick(5) {
            0 => self.int(4),
            1 => self.decimal(4),
            2 => self.float(4),
            3 => self.string(4),
            _ => self.bool(4),
        }
    }

    /// A constant, a column, or at some depth something made of others.
    fn leaf(
        &mut self,
        depth: u32,
        value: V,
        name: &'static str,
        column: &'static str,
    ) -> Option<E> {
        match self.pick(if depth == 0 { 2 } else { 8 }) {
            0 => Some(E::Col(column)),
            1 if self.pick(6) == 5 => Some(E::Lit(V::Null, name)),
            1 => Some(E::Lit(value, name)),
            _ => None,
        }
    }

    fn bool(&mut self, depth: u32) -> E {
        let value = V::Bool(self.pick(2) == 0);
        if let Some(leaf) = self.leaf(depth, value, "boolean", "b") {
            return leaf;
        }
        let depth = depth - 1;
        match self.pick(9) {
            0 => E::Bin("AND", Box::new([self.bool(depth), self.bool(depth)])),
            1 => E::Bin("OR", Box::new([self.bool(depth), self.bool(depth)])),
            2 => E::Not(Box::new(self.bool(depth))),
            3 => {
                let what = self.of(&["TRUE", "FALSE", "NULL", "NOT TRUE", "NOT FALSE", "NOT NULL"]);
                E::Is(what, Box::new(self.bool(depth)))
            }
            4 => E::Between(Box::new([
                self.number(depth),
                self.number(depth),
                self.number(depth),
            ])),
            5 => {
                let count = self.pick(12) + 1;
                E::In(
                    Box::new(self.int(depth)),
                    (0..count).map(|_| self.int(0)).collect(),
                )
            }
            6 => {
                let pattern = self.of(&["a%", "%ü%", "%", "_", "a_b%c", "", "%b", "A%", "%a%b%"]);
                let word = self.of(&["LIKE", "ILIKE"]);
                E::Like(word, Box::new(self.string(depth)), pattern.to_owned())
            }
            7 => {
                let op = self.of(&["=", "<>", "<", "<=", ">", ">="]);
                E::Bin(op, Box::new([self.string(depth), self.string(depth)]))
            }
            _ => {
                let op = self.of(&["=", "<>", "<", "<=", ">", ">="]);
                E::Bin(op, Box::new([self.number(depth), self.number(depth)]))
            }
        }
    }

    fn number(&mut self, depth: u32) -> E {
        match self.pick(3) {
            0 => self.int(depth),
            1 => self.decimal(depth),
            _ => self.float(depth),
        }
    }

    fn int_value(&mut self) -> i64 {
        self.of(&[
            0,
            1,
            -1,
            2,
            7,
            -3,
            42,
            1000,
            i64::MAX,
            i64::MIN,
            1 << 40,
            -(1 << 33),
        ])
    }

    fn int(&mut self, depth: u32) -> E {
        let value = V::Int(self.int_value());
        if let Some(leaf) = self.leaf(depth, value, "bigint", "i") {
            return leaf;
        }
        let depth = depth - 1;
        match self.pick(9) {
            0..=2 => {
                let op = self.of(&["+", "-", "*", "/", "%"]);
                E::Bin(op, Box::new([self.int(depth), self.int(depth)]))
            }
            3 => E::Neg(Box::new(self.int(depth))),
            4 => E::Case(
                vec![(self.bool(depth), self.int(depth))],
                Box::new(self.int(depth)),
            ),
            5 => {
                let name = self.of(&["coalesce", "nullif", "greatest", "least"]);
                E::Call(name, vec![self.int(depth), self.int(depth)])
            }
            6 => E::Call("length", vec![self.string(depth)]),
            7 => E::Call("abs", vec![self.int(depth)]),
            _ => {
                let operand = match self.pick(3) {
                    0 => self.bool(depth),
                    1 => self.string(depth),
                    _ => self.decimal(depth),
                };
                E::Cast("bigint", Box::new(operand))
            }
        }
    }

    fn decimal_value(&mut self) -> i128 {
        self.of(&[
            0,
            1,
            -1,
            5,
            150,
            -199,
            99_999,
            10i128.pow(18),
            -(10i128.pow(28)),
            i128::from(i64::MAX),
        ])
    }

    fn decimal(&mut self, depth: u32) -> E {
        let scale = self.of(&[1, 2, 5]);
        let value = V::Dec(Decimal::new(self.decimal_value(), scale));
        if let Some(leaf) = self.leaf(depth, value, "decimal(38,2)", "d") {
            return leaf;
        }
        let depth = depth - 1;
        match self.pick(6) {
            0..=2 => {
                let op = self.of(&["+", "-", "*", "%"]);
                E::Bin(op, Box::new([self.decimal(depth), self.decimal(depth)]))
            }
            3 => E::Bin("*", Box::new([self.int(depth), self.decimal(depth)])),
            // Of leaves alone: the twin's long division wants small operands.
            4 => E::Bin("/", Box::new([self.decimal(0), self.decimal(0)])),
            _ => E::Neg(Box::new(self.decimal(depth))),
        }
    }

    fn float_value(&mut self) -> f64 {
        let extremes = [
            0.0,
            -0.0,
            1.5,
            -2.5,
            1e300,
            -1e-300,
            f64::NAN,
            f64::INFINITY,
            1e16,
            0.1,
        ];
        self.of(&extremes)
    }

    fn float(&mut self, depth: u32) -> E {
        let value = V::Float(self.float_value());
        if let Some(leaf) = self.leaf(depth, value, "double precision", "f") {
            return leaf;
        }
        let depth = depth - 1;
        match self.pick(4) {
            0 | 1 => {
                let op = self.of(&["+", "-", "*", "/", "%"]);
                E::Bin(op, Box::new([self.float(depth), self.number(depth)]))
            }
            2 => E::Cast("double precision", Box::new(self.number(depth))),
            _ => E::Case(
                vec![(self.bool(depth), self.float(depth))],
                Box::new(self.float(depth)),
            ),
        }
    }

    fn string_value(&mut self) -> &'static str {
        self.of(&[
            "",
            "a",
            "b",
            "ab",
            "aübc",
            "Zürich",
            "42",
            " 7 ",
            "-1",
            "it's",
            "ß",
            "axbxc",
            "sixteen bytes ok",
            "seventeen bytes!!",
        ])
    }

    fn string(&mut self, depth: u32) -> E {
        let value = V::Str(self.string_value().to_owned());
        if let Some(leaf) = self.leaf(depth, value, "text", "s") {
            return leaf;
        }
        let depth = depth - 1;
        match self.pick(6) {
            0 => E::Bin("||", Box::new([self.string(depth), self.string(depth)])),
            1 => {
                let name = self.of(&["upper", "lower", "btrim", "reverse"]);
                E::Call(name, vec![self.string(depth)])
            }
            2 => E::Call("substr", vec![self.string(depth), self.int(0), self.int(0)]),
            3 => {
                let name = self.of(&["coalesce", "nullif", "greatest", "least"]);
                E::Call(name, vec![self.string(depth), self.string(depth)])
            }
            4 => {
                let arms = vec![
                    (self.bool(depth), self.string(depth)),
                    (self.bool(depth), self.string(depth)),
                ];
                E::Case(arms, Box::new(self.string(depth)))
            }
            _ => E::Cast(
                "text",
                Box::new(if self.pick(2) == 0 {
                    self.int(depth)
                } else {
                    self.bool(depth)
                }),
            ),
        }
    }

    /// A column, one value in five null.
    fn column<T>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> T,
        make: impl FnOnce(Vec<T>) -> Column,
    ) -> Column {
        let mut values = Vec::with_capacity(ROWS);
        let mut valid = Vec::with_capacity(ROWS);
        for _ in 0..ROWS {
            values.push(value(self));
            valid.push(self.pick(5) != 4);
        }
        make(values).with_validity(Bitmap::from_iter(valid))
    }

    fn batch(&mut self) -> Batch {
        let columns = vec![
            self.column(|draw| draw.pick(2) == 0, Column::bools),
            self.column(Self::int_value, Column::int64),
            self.column(Self::decimal_value, |values| Column::decimal(values, 2)),
            self.column(Self::float_value, Column::float64),
            self.column(Self::string_value, Column::strings),
        ];
        let schema = Schema::of([
            ("b", DataType::Bool),
            ("i", DataType::Int64),
            ("d", DataType::Decimal { scale: 2 }),
            ("f", DataType::Float64),
            ("s", DataType::String),
        ]);
        Batch::from_columns(schema.into(), columns)
    }
}

fn owned(value: Value<'_>) -> V {
    match value {
        Value::Null => V::Null,
        Value::Bool(value) => V::Bool(value),
        Value::Int64(value) => V::Int(value),
        Value::Float64(value) => V::Float(value),
        Value::Decimal(value) => V::Dec(value),
        Value::String(value) => V::Str(value.to_owned()),
        other => panic!("{other:?} is not drawn"),
    }
}

fn same(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::Float(a), V::Float(b)) => a == b || a.is_nan() && b.is_nan(),
        (a, b) => a == b,
    }
}

/// Draws an expression from `shape` and its rows from `rows`, evaluates both ways and compares row
/// by row; what is said is where they differ.
pub(crate) fn agree(shape: &[u8], rows: &[u8]) -> Result<(), String> {
    let batch = Draw { bytes: rows.iter() }.batch();
    let expression = Draw {
        bytes: shape.iter(),
    }
    .expression();
    let text = expression.text();
    let parsed = Expression::parse(&text).map_err(|error| format!("{text}: {error}"))?;
    let printed = parsed.to_string();
    if Expression::parse(&printed).as_ref() != Ok(&parsed) {
        return Err(format!("{text}\nis another when read again: {printed}"));
    }
    let bound = parsed.bind(batch.schema());
    let bound = bound.map_err(|error| format!("{text}: {error}"))?;
    let evaluated = bound.eval(&batch);
    if evaluated.column().data_type() != bound.data_type() {
        return Err(format!("{text}\nis not {}", bound.data_type()));
    }
    let failures = evaluated.failures().iter();
    let failures: Vec<usize> = failures.map(|failure| failure.row as usize).collect();
    if !failures.is_sorted_by(|one, next| one < next) {
        return Err(format!("{text}\nfails out of order: {failures:?}"));
    }
    for row in 0..batch.rows() {
        let found = match failures.binary_search(&row) {
            Ok(_) => Err(Failed),
            Err(_) => Ok(owned(evaluated.column().value(row))),
        };
        compare(&expression, &batch, row, &found)?;
    }
    Ok(())
}

/// What was `found` is what the twin comes to.
fn compare(expression: &E, batch: &Batch, row: usize, found: &R) -> Result<(), String> {
    let cell = |name: &str| {
        let index = batch.schema().index_of(name).expect("drawn");
        owned(batch.column(index).value(row))
    };
    let expected = expression.eval(&cell);
    let agree = match (&expected, found) {
        (Ok(expected), Ok(found)) => same(expected, found),
        (expected, found) => expected.is_err() && found.is_err(),
    };
    let cells = || ["b", "i", "d", "f", "s"].map(cell);
    let text = || expression.text();
    agree.then_some(()).ok_or_else(|| {
        format!(
            "{}\nof {:?}\nis {expected:?}, found {found:?}",
            text(),
            cells()
        )
    })
}
