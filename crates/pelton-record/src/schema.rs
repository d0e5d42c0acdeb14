//! Names and types of columns.

use std::fmt;
use std::str::FromStr;

use crate::Decimal;

/// The type of a column. Every type is nullable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// True or false.
    Bool,
    /// Whole numbers of 64 bits.
    Int64,
    /// Binary floating-point numbers of 64 bits.
    Float64,
    /// Exact decimals of up to 38 digits, `scale` of them after the point.
    Decimal {
        /// Digits after the point, at most 38.
        scale: u8,
    },
    /// UTF-8 text.
    String,
    /// Bytes of any kind.
    Bytes,
    /// Nanoseconds since 1970-01-01T00:00:00Z, from 1677 to 2262.
    Timestamp,
}

impl DataType {
    /// True for whole numbers, floats and decimals.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Int64 | Self::Float64 | Self::Decimal { .. })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int64 => f.write_str("int64"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal { scale } => write!(f, "decimal(38,{scale})"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
        }
    }
}

/// A type's name that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTypeError {
    name: String,
}

impl fmt::Display for ParseTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            "bool",
            "int64",
            "float64",
            "decimal(p,s)",
            "string",
            "bytes",
            "timestamp",
        ];
        write!(f, "unknown type `{}`", self.name)?;
        match nearest(&self.name, names) {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => write!(f, ", expected one of {}", names.join(", ")),
        }
    }
}

impl std::error::Error for ParseTypeError {}

impl FromStr for DataType {
    type Err = ParseTypeError;

    /// Reads a name as [`Display`](fmt::Display) writes it, or one of SQL's (`bigint`, `text`,
    /// `double`, `varchar`, `numeric(10,2)`), in any case.
    fn from_str(name: &str) -> Result<Self, ParseTypeError> {
        let lower = name.trim().to_ascii_lowercase();
        match lower.as_str() {
            "bool" | "boolean" => Ok(Self::Bool),
            "int64" | "int" | "integer" | "bigint" => Ok(Self::Int64),
            "float64" | "float" | "double" | "double precision" | "real" => Ok(Self::Float64),
            "string" | "text" | "varchar" => Ok(Self::String),
            "bytes" | "blob" | "bytea" => Ok(Self::Bytes),
            "timestamp" | "date" => Ok(Self::Timestamp),
            _ => decimal_type(&lower).ok_or_else(|| ParseTypeError {
                name: name.to_owned(),
            }),
        }
    }
}

/// `decimal(p,s)`, `numeric(p,s)`, or either without the brackets.
fn decimal_type(name: &str) -> Option<DataType> {
    let rest = name
        .strip_prefix("decimal")
        .or_else(|| name.strip_prefix("numeric"))?
        .trim();
    if rest.is_empty() {
        return Some(DataType::Decimal { scale: 6 });
    }
    let (precision, scale) = rest.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    (scale <= precision && precision <= Decimal::SCALE_MAX).then_some(DataType::Decimal { scale })
}

/// A column's name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Unique in its schema.
    pub name: String,
    /// What its values are.
    pub data_type: DataType,
}

/// The columns of a batch, in order.
///
/// ```
/// use pelton_record::{DataType, Schema};
///
/// let schema = Schema::of([("country", DataType::String), ("quantity", DataType::Int64)]);
/// assert_eq!(schema.index_of("Quantity"), Some(1)); // case matters only where names differ by it
/// assert_eq!(schema.nearest("contry"), Some("country"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// A schema of `fields`.
    #[must_use]
    pub const fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// A schema of names and types.
    pub fn of<N: Into<String>>(fields: impl IntoIterator<Item = (N, DataType)>) -> Self {
        let field = |(name, data_type): (N, DataType)| Field {
            name: name.into(),
            data_type,
        };
        Self::new(fields.into_iter().map(field).collect())
    }

    /// The columns in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Number of columns.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.fields.len()
    }

    /// True without columns.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The column called `name`: the one spelled so, or else the only one that differs by ASCII
    /// case alone.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        if let Some(index) = self.fields.iter().position(|field| field.name == name) {
            return Some(index);
        }
        let mut alike =
            (0..self.len()).filter(|&index| self.fields[index].name.eq_ignore_ascii_case(name));
        alike.next().filter(|_| alike.next().is_none())
    }

    /// The column whose name is nearest to `name`, when one is near enough to be a slip.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.fields.iter().map(|field| field.name.as_str()))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Field { name, data_type }) in self.fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {data_type}")?;
        }
        Ok(())
    }
}

/// The candidate nearest to `name`, when it is near enough to be a slip: at most a third of the
/// letters differ, and at least one is right.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, ignoring ASCII case. O(|a| · |b|).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let swap = diagonal + usize::from(!from.eq_ignore_ascii_case(to));
            diagonal = row[j + 1];
            row[j + 1] = swap.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
