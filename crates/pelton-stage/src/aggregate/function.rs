//! The aggregate functions, their names and types.

use std::fmt;

use pelton_record::{DataType, Schema, nearest};

use crate::{Error, ErrorKind};

/// What is computed from the values of a group.
///
/// Nulls are skipped by all but `count(*)`, [`First`](Self::First) and [`Last`](Self::Last). Of no
/// values, counts are 0 and everything else is null.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Function {
    /// Rows, or values when it has an argument. Int64.
    Count,
    /// The exact sum: of whole numbers as decimal(38,0), of decimals with their scale, of floats
    /// rounded once. More than 38 digits are an error.
    Sum,
    /// The exact sum divided by the count, as float64.
    Avg,
    /// The smallest; NaN is larger than all numbers, false is smaller than true.
    Min,
    /// The largest.
    Max,
    /// The value, or null, of the row that comes first in the input.
    First,
    /// The value, or null, of the row that comes last in the input.
    Last,
    /// Variance of the whole population. Float64.
    VarPop,
    /// Variance estimated from a sample; null of less than two values. Float64.
    VarSamp,
    /// Square root of [`VarPop`](Self::VarPop).
    StddevPop,
    /// Square root of [`VarSamp`](Self::VarSamp).
    StddevSamp,
    /// The value below which a fraction of the values lies, from 0 to 1, interpolated between
    /// neighbours as PostgreSQL's `percentile_cont`. Keeps all values. Float64.
    Quantile(f64),
    /// The same within 1 % of the value, from a sketch of bounded size. Float64.
    ApproxQuantile(f64),
    /// How many different values, with a standard error of 1.6 %, from 4 KiB a group at most.
    ApproxCountDistinct,
    /// The value that is there most often; of several, the one that comes first.
    Mode,
    /// So many of the values that are there most often, and how often, as a JSON object from the
    /// most frequent on; of equally frequent ones the one that comes first. Exact: counts all
    /// values. String.
    TopK(u16),
    /// True when no value is false.
    BoolAnd,
    /// True when a value is true.
    BoolOr,
}

/// Names as they are written, the first of each function being the one it is shown by.
const NAMES: [(&str, Function); 27] = [
    ("count", Function::Count),
    ("sum", Function::Sum),
    ("avg", Function::Avg),
    ("mean", Function::Avg),
    ("min", Function::Min),
    ("max", Function::Max),
    ("first", Function::First),
    ("last", Function::Last),
    ("var_pop", Function::VarPop),
    ("var_samp", Function::VarSamp),
    ("variance", Function::VarSamp),
    ("stddev_pop", Function::StddevPop),
    ("stddev_samp", Function::StddevSamp),
    ("stddev", Function::StddevSamp),
    ("quantile", Function::Quantile(0.5)),
    ("percentile_cont", Function::Quantile(0.5)),
    ("median", Function::Quantile(0.5)),
    ("approx_quantile", Function::ApproxQuantile(0.5)),
    ("approx_median", Function::ApproxQuantile(0.5)),
    ("approx_count_distinct", Function::ApproxCountDistinct),
    ("approx_distinct", Function::ApproxCountDistinct),
    ("mode", Function::Mode),
    ("top_k", Function::TopK(10)),
    ("bool_and", Function::BoolAnd),
    ("every", Function::BoolAnd),
    ("bool_or", Function::BoolOr),
    ("any", Function::BoolOr),
];

impl Function {
    /// The function called `name`, in any case. Quantiles are medians until
    /// [`at`](Self::at) says otherwise.
    ///
    /// ```
    /// use pelton_stage::Function;
    ///
    /// assert_eq!(Function::parse("AVG")?, Function::Avg);
    /// let error = Function::parse("cuont").unwrap_err();
    /// assert_eq!(error.message(), "unknown aggregate function `cuont`; did you mean `count`?");
    /// # Ok::<(), pelton_stage::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is none; the message names the nearest.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let known = NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|&(_, function)| function).ok_or_else(|| {
            let hint = match nearest(name, NAMES.map(|(name, _)| name)) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("there are {}", NAMES.map(|(name, _)| name).join(", ")),
            };
            Error::new(
                ErrorKind::UnknownFunction,
                format!("unknown aggregate function `{name}`; {hint}"),
            )
        })
    }

    /// The names that [`parse`](Self::parse) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The same with the number of its second argument: for a quantile a fraction from 0 to 1, for
    /// `top_k` how many values, from 1 to 1000.
    ///
    /// # Errors
    ///
    /// When it takes no such number.
    pub fn at(self, number: f64) -> Result<Self, Error> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Type, message));
        if let Self::TopK(_) = self {
            return match number {
                1.0..=1000.0 if number.fract() == 0.0 => Ok(Self::TopK(number as u16)),
                other => wrong(format!("top_k gives 1 to 1000 values, not {other}")),
            };
        }
        let fraction = number;
        if !(0.0..=1.0).contains(&fraction) {
            return wrong(format!(
                "a quantile lies between 0 and 1, not at {fraction}"
            ));
        }
        match self {
            Self::Quantile(_) => Ok(Self::Quantile(fraction)),
            Self::ApproxQuantile(_) => Ok(Self::ApproxQuantile(fraction)),
            other => wrong(format!("{other} takes one argument, not two")),
        }
    }

    /// The type of the result for an argument of `argument`.
    ///
    /// # Errors
    ///
    /// When the function does not take such an argument.
    pub fn output(self, argument: Option<DataType>) -> Result<DataType, Error> {
        let Some(argument) = argument else {
            return match self {
                Self::Count => Ok(DataType::Int64),
                other => Err(Error::new(
                    ErrorKind::Type,
                    format!("{other} needs an argument"),
                )),
            };
        };
        let result = match self {
            Self::Count | Self::ApproxCountDistinct => Some(DataType::Int64),
            Self::TopK(_) => Some(DataType::String),
            Self::Min | Self::Max | Self::First | Self::Last | Self::Mode => Some(argument),
            Self::Sum => match argument {
                DataType::Int64 => Some(DataType::Decimal { scale: 0 }),
                other => other.is_numeric().then_some(other),
            },
            Self::BoolAnd | Self::BoolOr => (argument == DataType::Bool).then_some(DataType::Bool),
            _ => argument.is_numeric().then_some(DataType::Float64),
        };
        result
            .ok_or_else(|| Error::new(ErrorKind::Type, format!("{self} does not take {argument}")))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = std::mem::discriminant(self);
        let named = NAMES
            .iter()
            .find(|(_, known)| std::mem::discriminant(known) == same);
        f.write_str(named.map_or("?", |(name, _)| name))
    }
}

/// One aggregate of a group: a function, its argument, and the name of the column it fills.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is computed.
    pub function: Function,
    /// From which column of the input; none for `count(*)`.
    pub argument: Option<usize>,
    /// Whether each value counts once, however often it is there.
    pub distinct: bool,
    /// The name of the result.
    pub name: String,
}

impl Call {
    /// `function` of column `argument`, called `name`.
    pub fn new(function: Function, argument: usize, name: impl Into<String>) -> Self {
        Self {
            function,
            argument: Some(argument),
            distinct: false,
            name: name.into(),
        }
    }

    /// `count(*)`, called `name`.
    pub fn count_rows(name: impl Into<String>) -> Self {
        Self {
            argument: None,
            ..Self::new(Function::Count, 0, name)
        }
    }

    /// The same over different values only.
    #[must_use]
    pub fn distinct(self) -> Self {
        Self {
            distinct: true,
            ..self
        }
    }

    /// The type of the result over batches of `input`.
    ///
    /// # Errors
    ///
    /// When there is no such column, or the function does not take its type.
    pub fn output(&self, input: &Schema) -> Result<DataType, Error> {
        let argument = self.argument.map(|index| column_type(input, index));
        if self.distinct && argument.is_none() {
            let message = "distinct needs an argument".to_owned();
            return Err(Error::new(ErrorKind::Type, message));
        }
        self.function.output(argument.transpose()?)
    }
}

/// The type of column `index`.
pub(crate) fn column_type(schema: &Schema, index: usize) -> Result<DataType, Error> {
    let field = schema.fields().get(index).ok_or_else(|| {
        let name = format!("#{index}");
        let message = format!("there is no column {index} among {}", schema.len());
        Error::new(ErrorKind::UnknownColumn { name }, message)
    })?;
    Ok(field.data_type)
}
