//! Transforms of one column of text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pelton_record::{Batch, DataType, Schema, nearest};

use crate::expression::Expression;
use crate::{Derive, Error, ErrorKind, Stage};

/// One change of a text. All of them know Unicode, with a faster path for ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// Capital letters; one letter may become several (`ß` becomes `SS`).
    Uppercase,
    /// Small letters.
    Lowercase,
    /// Without the white space at both ends.
    Trim,
    /// The characters in reverse. Combining marks come before what they were combined with.
    Reverse,
}

impl Transform {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Uppercase, "uppercase", "upper"),
        (Self::Lowercase, "lowercase", "lower"),
        (Self::Trim, "trim", "strip"),
        (Self::Reverse, "reverse", "reverse"),
    ];

    /// The function of the same effect.
    fn function(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL[*self as usize].1)
    }
}

impl FromStr for Transform {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL
            .iter()
            .find(|(_, known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(transform, ..)| *transform).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name, _)| name);
            let hint = match nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            let message = format!("unknown transform `{name}`; {hint}");
            Error::new(ErrorKind::UnknownFunction, message)
        })
    }
}

/// Changes one column of text in place, by a chain of transforms.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Stage, Text};
///
/// let schema = Schema::of([("line", DataType::String)]).into();
/// let text = Text::new("line", ["trim".parse()?, "uppercase".parse()?], &schema)?;
/// let mut batch = Batch::from_columns(schema, vec![Column::strings([" straße "])]);
/// text.apply(&mut batch)?;
/// assert_eq!(batch.column(0).value(0), Value::String("STRASSE"));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Text {
    derive: Derive,
}

impl Text {
    /// Changes the column `column` of batches with `input`'s columns by `transforms`, in order.
    ///
    /// # Errors
    ///
    /// When the column is unknown or not text.
    pub fn new(
        column: &str,
        transforms: impl IntoIterator<Item = Transform>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let name = &input.fields()[column_of(column, input)?].name;
        let changed = transforms
            .into_iter()
            .fold(Expression::column(name), |text, transform| {
                text.within(transform.function())
            });
        let derive = Derive::new([(name, changed)], input)?;
        Ok(Self {
            derive: derive.named("text"),
        })
    }

    /// The same stage under another name.
    #[must_use]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Self {
            derive: self.derive.named(name),
        }
    }
}

/// The index of a column of text.
pub(crate) fn column_of(name: &str, input: &Schema) -> Result<usize, Error> {
    let bound = Expression::column(name).bind(input)?;
    match bound.as_column() {
        Some(index) if bound.data_type() == DataType::String => Ok(index),
        _ => {
            let message = format!("`{name}` is {}, not text", bound.data_type());
            Err(Error::new(ErrorKind::Type, message))
        }
    }
}

impl Stage for Text {
    fn name(&self) -> &str {
        self.derive.name()
    }

    fn output(&self) -> &Arc<Schema> {
        self.derive.output()
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        self.derive.apply(batch)
    }
}
