//! SELECT statements, taken apart into data.

use std::fmt;
use std::str::FromStr;

use sqlparser::ast;

use crate::expression::sql::{self, unsupported};
use crate::{Error, ErrorKind, Expression};

/// A SELECT statement over one input.
///
/// It is data: it has a text form ([`Display`](fmt::Display)) that parses to the same query.
/// `GROUP BY` and `ORDER BY` name expressions; where the text gives the number of an item or, in
/// `GROUP BY`, its alias, the item's expression or name stands here.
///
/// ```
/// use pelton_stage::Query;
///
/// let query = Query::parse(
///     "SELECT country, sum(price) / count(*) AS mean FROM 'sales.csv'
///      WHERE price > 0 GROUP BY 1 HAVING count(*) > 10 ORDER BY mean DESC LIMIT 3",
/// )?;
/// assert_eq!(query.from, "sales.csv");
/// assert_eq!(query.group_by[0].to_string(), "country");
/// assert_eq!(query.limit, Some(3));
///
/// let joined = Query::parse("SELECT *\nFROM a JOIN b USING (id)").unwrap_err();
/// assert_eq!(joined.to_string(), "line 2, column 6: not supported: joins");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Equal rows of the result are one.
    pub distinct: bool,
    /// The columns of the result.
    pub items: Vec<Item>,
    /// The input: the text between quotes, or a name.
    pub from: String,
    /// `WHERE`
    pub filter: Option<Expression>,
    /// `GROUP BY`: columns of the input, or what items stand for whose name or number is given.
    pub group_by: Vec<Expression>,
    /// `HAVING`
    pub having: Option<Expression>,
    /// `ORDER BY`
    pub order_by: Vec<Order>,
    /// `LIMIT`, in rows.
    pub limit: Option<u64>,
    /// `OFFSET`, in rows.
    pub offset: u64,
}

/// One thing that a [`Query`] selects.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// `*`: all columns of the input.
    All,
    /// An expression.
    Expression {
        /// What is computed.
        expression: Expression,
        /// What the text calls it.
        alias: Option<String>,
    },
}

/// A key of `ORDER BY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What the rows are ordered by; the names of items count as columns.
    pub expression: Expression,
    /// From the greatest to the least.
    pub descending: bool,
    /// Nulls come first; unless the text says otherwise, they count as the greatest.
    pub nulls_first: bool,
}

impl Item {
    /// The name of the column: the alias, or else the text of the expression.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Expression {
                alias: Some(alias), ..
            } => Some(alias.clone()),
            Self::Expression { expression, .. } => Some(match expression.as_column() {
                Some(column) => column.to_owned(),
                None => expression.to_string(),
            }),
        }
    }

    /// What is computed, when it is not `*`.
    #[must_use]
    pub const fn expression(&self) -> Option<&Expression> {
        match self {
            Self::All => None,
            Self::Expression { expression, .. } => Some(expression),
        }
    }
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// When the text is not SQL, or more of SQL than stages can do: joins, subqueries, window
    /// functions, set operations. The error says where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let query = sql::query(text)?;
        let select = select(&query)?;
        refuse_clauses(&query, select)?;
        refuse_joins(text, select)?;
        let items = select
            .projection
            .iter()
            .map(item)
            .collect::<Result<Vec<_>, _>>()?;
        let optional = |expr: &Option<ast::Expr>| expr.as_ref().map(sql::expression).transpose();
        let (limit, offset) = limits(&query)?;
        Ok(Self {
            distinct: distinct(select)?,
            from: from(select)?,
            filter: optional(&select.selection)?,
            group_by: group_by(select, &items)?,
            having: optional(&select.having)?,
            order_by: order_by(&query, &items)?,
            items,
            limit,
            offset,
        })
    }
}

fn select(query: &ast::Query) -> Result<&ast::Select, Error> {
    match &*query.body {
        ast::SetExpr::Select(select) => Ok(select),
        ast::SetExpr::SetOperation { .. } => {
            Err(unsupported("set operations such as UNION", &*query.body))
        }
        other => Err(unsupported("anything but SELECT", other)),
    }
}

fn refuse_clauses(query: &ast::Query, select: &ast::Select) -> Result<(), Error> {
    let refusals = [
        (query.with.is_some(), "WITH"),
        (query.fetch.is_some(), "FETCH, use LIMIT"),
        (!query.locks.is_empty(), "locks"),
        (select.into.is_some(), "INTO"),
        (select.qualify.is_some(), "QUALIFY"),
        (!select.named_window.is_empty(), "window functions"),
        (select.top.is_some(), "TOP, use LIMIT"),
        (!select.lateral_views.is_empty(), "LATERAL"),
        (select.exclude.is_some(), "EXCLUDE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
    ];
    match refusals.into_iter().find(|(there, _)| *there) {
        Some((_, what)) => Err(unsupported(what, query)),
        None => Ok(()),
    }
}

fn distinct(select: &ast::Select) -> Result<bool, Error> {
    match &select.distinct {
        None | Some(ast::Distinct::All) => Ok(false),
        Some(ast::Distinct::Distinct) => Ok(true),
        Some(ast::Distinct::On(_)) => Err(unsupported("DISTINCT ON", select)),
    }
}

/// One input: neither a list of them nor a join. Paths in quotes have no place in the parser's
/// tree, so the word that joins them is looked for.
fn refuse_joins(text: &str, select: &ast::Select) -> Result<(), Error> {
    let joined = match select.from.as_slice() {
        [] => return Ok(()),
        [table] if table.joins.is_empty() => return Ok(()),
        [table] => (table, sql::word(text, "JOIN")),
        [first, ..] => (first, sql::comma_behind(text, "FROM")),
    };
    let (table, place) = joined;
    let error = unsupported("joins", &table.relation);
    Err(match place {
        Some(place) => error.at(place),
        None => error,
    })
}

fn from(select: &ast::Select) -> Result<String, Error> {
    let Some(table) = select.from.first() else {
        return Err(Error::new(ErrorKind::Syntax, "a FROM is missing"));
    };
    match &table.relation {
        ast::TableFactor::Table {
            name, args: None, ..
        } => {
            let part = |part: &ast::ObjectNamePart| part.as_ident().map(|name| name.value.clone());
            let parts: Option<Vec<String>> = name.0.iter().map(part).collect();
            parts
                .map(|parts| parts.join("."))
                .ok_or_else(|| unsupported("this input", name))
        }
        ast::TableFactor::Derived { .. } => Err(unsupported("subqueries", &table.relation)),
        other => Err(unsupported("this input", other)),
    }
}

fn item(item: &ast::SelectItem) -> Result<Item, Error> {
    let named = |expr, alias: Option<&ast::Ident>| {
        Ok(Item::Expression {
            expression: sql::expression(expr)?,
            alias: alias.map(|alias| alias.value.clone()),
        })
    };
    match item {
        ast::SelectItem::UnnamedExpr(expr) => named(expr, None),
        ast::SelectItem::ExprWithAlias { expr, alias } => named(expr, Some(alias)),
        ast::SelectItem::Wildcard(options)
            if *options == ast::WildcardAdditionalOptions::default() =>
        {
            Ok(Item::All)
        }
        other => Err(unsupported("this item", other)),
    }
}

/// The item that a whole number stands for.
fn numbered<'a>(expr: &ast::Expr, items: &'a [Item]) -> Result<Option<&'a Item>, Error> {
    let ast::Expr::Value(value) = expr else {
        return Ok(None);
    };
    let ast::Value::Number(digits, _) = &value.value else {
        return Ok(None);
    };
    let place = digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    match place.and_then(|place| items.get(place)) {
        Some(item) => Ok(Some(item)),
        None => {
            let message = format!("there is no item {digits}, only {}", items.len());
            Err(sql::located(Error::new(ErrorKind::Syntax, message), expr))
        }
    }
}

fn group_by(select: &ast::Select, items: &[Item]) -> Result<Vec<Expression>, Error> {
    let ast::GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return Err(unsupported("GROUP BY ALL", select));
    };
    if !modifiers.is_empty() {
        return Err(unsupported("GROUP BY with modifiers", select));
    }
    let key = |expr: &ast::Expr| {
        if let Some(item) = numbered(expr, items)? {
            let whole = item.expression().cloned();
            return whole.ok_or_else(|| unsupported("`*` as a key", expr));
        }
        let key = sql::expression(expr)?;
        let named = |item: &&Item| match item {
            Item::Expression {
                alias: Some(alias), ..
            } => key.as_column() == Some(alias),
            _ => false,
        };
        let aliased = items.iter().find(named).and_then(Item::expression);
        // An item that uses a column of its own name shows that the input has one, which is meant
        // then.
        let shown = |item: &&Expression| {
            !item
                .columns()
                .iter()
                .any(|name| key.as_column() == Some(name))
        };
        Ok(aliased.filter(shown).cloned().unwrap_or(key))
    };
    keys.iter().map(key).collect()
}

fn order_by(query: &ast::Query, items: &[Item]) -> Result<Vec<Order>, Error> {
    let Some(order_by) = &query.order_by else {
        return Ok(Vec::new());
    };
    let ast::OrderByKind::Expressions(keys) = &order_by.kind else {
        return Err(unsupported("ORDER BY ALL", query));
    };
    let key = |key: &ast::OrderByExpr| {
        let descending = match &key.options.sort {
            None | Some(ast::OrderBySort::Asc) => false,
            Some(ast::OrderBySort::Desc) => true,
            Some(_) => return Err(unsupported("ORDER BY USING", key)),
        };
        let expression = match numbered(&key.expr, items)?.map(Item::name) {
            Some(Some(name)) => Expression::column(&name),
            Some(None) => return Err(unsupported("`*` as a key", key)),
            None => sql::expression(&key.expr)?,
        };
        Ok(Order {
            expression,
            descending,
            nulls_first: key.options.nulls_first.unwrap_or(descending),
        })
    };
    keys.iter().map(key).collect()
}

fn limits(query: &ast::Query) -> Result<(Option<u64>, u64), Error> {
    match &query.limit_clause {
        None => Ok((None, 0)),
        Some(ast::LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        }) if limit_by.is_empty() => {
            let limit = limit.as_ref().map(rows).transpose()?;
            let offset = offset
                .as_ref()
                .map(|offset| rows(&offset.value))
                .transpose()?;
            Ok((limit, offset.unwrap_or(0)))
        }
        Some(_) => Err(unsupported("this form of LIMIT", query)),
    }
}

fn rows(expr: &ast::Expr) -> Result<u64, Error> {
    if let ast::Expr::Value(value) = expr
        && let ast::Value::Number(digits, _) = &value.value
        && let Ok(rows) = digits.parse()
    {
        return Ok(rows);
    }
    let message = format!("`{expr}` is not a number of rows");
    Err(sql::located(Error::new(ErrorKind::Syntax, message), expr))
}

impl FromStr for Query {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.distinct {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        })?;
        write_list(&self.items, f)?;
        write!(f, " FROM '{}'", self.from.replace('\'', "''"))?;
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            write_list(&self.group_by, f)?;
        }
        if let Some(having) = &self.having {
            write!(f, " HAVING {having}")?;
        }
        if !self.order_by.is_empty() {
            f.write_str(" ORDER BY ")?;
            write_list(&self.order_by, f)?;
        }
        if let Some(limit) = self.limit {
            write!(f, " LIMIT {limit}")?;
        }
        match self.offset {
            0 => Ok(()),
            offset => write!(f, " OFFSET {offset}"),
        }
    }
}

fn write_list(items: &[impl fmt::Display], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Expression {
                expression,
                alias: None,
            } => expression.fmt(f),
            Self::Expression {
                expression,
                alias: Some(alias),
            } => {
                write!(f, "{expression} AS {}", Expression::column(alias))
            }
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)?;
        f.write_str(if self.descending { " DESC" } else { "" })?;
        match (self.nulls_first, self.nulls_first == self.descending) {
            (_, true) => Ok(()),
            (true, false) => f.write_str(" NULLS FIRST"),
            (false, false) => f.write_str(" NULLS LAST"),
        }
    }
}
