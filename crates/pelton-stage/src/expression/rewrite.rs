//! Parts of expressions taken out and put in, for those who make plans of queries.

use std::fmt;

use crate::{Error, ErrorKind};

use super::Expression;
use super::syntax::{Call, Name, Place, Tree};

/// A call of an aggregate function inside an expression.
///
/// Its text ([`Display`](fmt::Display)) is the name of the column that stands for it.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCall {
    /// The function's name, in small letters.
    pub function: String,
    /// What it is called with; nothing for `count(*)`.
    pub arguments: Vec<Expression>,
    /// Equal values count once.
    pub distinct: bool,
}

impl fmt::Display for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = Call {
            name: unplaced(self.function.clone()),
            args: self.arguments.iter().map(|arg| arg.tree.clone()).collect(),
            distinct: self.distinct,
            star: self.arguments.is_empty(),
        };
        call.fmt(f)
    }
}

fn unplaced(text: String) -> Name {
    Name {
        text,
        place: Place::default(),
    }
}

impl Expression {
    /// The same expression over the results of aggregates: each call of a function that
    /// `is_aggregate` is replaced by the column of its text, and added to `calls` unless it is
    /// there already.
    ///
    /// ```
    /// use pelton_stage::Expression;
    ///
    /// let mut calls = Vec::new();
    /// let mean = Expression::parse("sum(price) / count(*)")?;
    /// let mean = mean.split_aggregates(&|name| ["sum", "count"].contains(&name), &mut calls)?;
    /// assert_eq!(mean.columns(), ["sum(price)", "count(*)"]);
    /// assert_eq!(calls[0].arguments[0].to_string(), "price");
    /// # Ok::<(), pelton_stage::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When an aggregate stands inside another.
    pub fn split_aggregates(
        mut self,
        is_aggregate: &dyn Fn(&str) -> bool,
        calls: &mut Vec<AggregateCall>,
    ) -> Result<Self, Error> {
        split(&mut self.tree, is_aggregate, calls)?;
        Ok(self)
    }

    /// The same expression with `part`, wherever it stands, replaced by the column `name`.
    ///
    /// ```
    /// use pelton_stage::Expression;
    ///
    /// let day = Expression::parse("date_trunc('day', ts)")?;
    /// let text = Expression::parse("date_trunc('day', ts)::text")?.replaced(&day, "key");
    /// assert_eq!(text.columns(), ["key"]);
    /// # Ok::<(), pelton_stage::Error>(())
    /// ```
    #[must_use]
    pub fn replaced(mut self, part: &Self, name: &str) -> Self {
        replace(&mut self.tree, &part.tree, name);
        self
    }
}

fn split(
    tree: &mut Tree,
    is_aggregate: &dyn Fn(&str) -> bool,
    calls: &mut Vec<AggregateCall>,
) -> Result<(), Error> {
    let Tree::Call(call) = &*tree else {
        return split_children(tree, is_aggregate, calls);
    };
    if !is_aggregate(&call.name.text) {
        return split_children(tree, is_aggregate, calls);
    }
    let place = call.name.place;
    let mut inner = Vec::new();
    let mut args = call.args.clone();
    for arg in &mut args {
        split(arg, is_aggregate, &mut inner)?;
    }
    if !inner.is_empty() {
        let message = format!("`{tree}`: an aggregate inside another");
        let error = Error::new(ErrorKind::Unsupported, message);
        return Err(match place.0 {
            Some(position) => error.at(position),
            None => error,
        });
    }
    let found = AggregateCall {
        function: call.name.text.clone(),
        arguments: args.into_iter().map(|tree| Expression { tree }).collect(),
        distinct: call.distinct,
    };
    *tree = Tree::Column(Name {
        text: found.to_string(),
        place,
    });
    if !calls.contains(&found) {
        calls.push(found);
    }
    Ok(())
}

fn split_children(
    tree: &mut Tree,
    is_aggregate: &dyn Fn(&str) -> bool,
    calls: &mut Vec<AggregateCall>,
) -> Result<(), Error> {
    let mut children = tree.children_mut().into_iter();
    children.try_for_each(|child| split(child, is_aggregate, calls))
}

fn replace(tree: &mut Tree, part: &Tree, name: &str) {
    if tree == part {
        *tree = Tree::Column(unplaced(name.to_owned()));
        return;
    }
    for child in tree.children_mut() {
        replace(child, part, name);
    }
}
