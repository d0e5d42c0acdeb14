//! From one SELECT to a plan.

use pelton_stage::{AggregateCall, ErrorKind, Expression, Function, Item, Query};

use crate::plan::SinkPlan;
use crate::plan::{AggregatePlan, Expressions, Plan, PlanError, SourcePlan, StagePlan};

/// The plan of a SELECT over one file, whose path stands in quotes after FROM; it writes to
/// standard output.
///
/// ```
/// use pelton::plan::StagePlan;
///
/// let plan = pelton::sql::plan("SELECT city, count(*) AS n FROM 'trips.csv' GROUP BY city")?;
/// assert_eq!(plan.source.path, "trips.csv");
/// assert!(matches!(plan.stages[0], StagePlan::Aggregate(_)));
/// # Ok::<(), pelton::plan::PlanError>(())
/// ```
///
/// # Errors
///
/// When the text is not SQL, or more than one SELECT over one input: joins, subqueries, windows.
/// The error says where.
pub fn plan(query: &str) -> Result<Plan, PlanError> {
    let parsed = Query::parse(query).map_err(|error| located(query, &error))?;
    let stages = Planner::new(&parsed)
        .plan()
        .map_err(|error| located(query, &error))?;
    Ok(Plan {
        source: SourcePlan {
            path: parsed.from,
            ..SourcePlan::default()
        },
        stages,
        sink: SinkPlan {
            path: "-".to_owned(),
            ..SinkPlan::default()
        },
        ..Plan::default()
    })
}

fn located(query: &str, error: &pelton_stage::Error) -> PlanError {
    let plain = PlanError::new(error.message());
    match error.position() {
        Some(at) => plain.at_line(query, at.line, at.column).in_file("query"),
        None => plain.in_file("query"),
    }
}

/// Makes stages of the clauses of a query, in the order in which SQL evaluates them.
struct Planner<'a> {
    query: &'a Query,
    stages: Vec<StagePlan>,
    calls: Vec<AggregateCall>,
}

impl<'a> Planner<'a> {
    const fn new(query: &'a Query) -> Self {
        Self {
            query,
            stages: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn plan(mut self) -> Result<Vec<StagePlan>, pelton_stage::Error> {
        let query = self.query;
        if let Some(filter) = &query.filter {
            self.stages.push(StagePlan::Filter(filter.to_string()));
        }
        let mut items: Vec<(String, Expression)> = Vec::new();
        for item in &query.items {
            if let (Some(name), Some(expression)) = (item.name(), item.expression()) {
                items.push((name, self.split(expression)?));
            }
        }
        let having = query
            .having
            .as_ref()
            .map(|having| self.split(having))
            .transpose()?;
        let mut keys = Vec::new();
        for order in &query.order_by {
            keys.push(self.split(&order.expression)?);
        }
        let all = query.items.contains(&Item::All);
        if !self.calls.is_empty() || !query.group_by.is_empty() {
            let selected = items.iter().map(|(_, item)| item);
            self.check_grouped(selected.chain(&having), &[])?;
            self.check_grouped(keys.iter(), &items)?;
            self.group();
        }
        self.stages
            .extend(having.map(|having| StagePlan::Filter(having.to_string())));
        self.select(all, &items, &keys);
        Ok(self.stages)
    }

    /// The expression over the results of aggregates and of the keys of groups.
    fn split(&mut self, expression: &Expression) -> Result<Expression, pelton_stage::Error> {
        let is_aggregate = |name: &str| Function::parse(name).is_ok();
        let mut split = expression
            .clone()
            .split_aggregates(&is_aggregate, &mut self.calls)?;
        for key in self
            .query
            .group_by
            .iter()
            .filter(|key| key.as_column().is_none())
        {
            split = split.replaced(key, &key.to_string());
        }
        Ok(split)
    }

    /// Behind a GROUP BY there are its keys, the results of aggregates, and what is `named` so, but
    /// no other columns.
    fn check_grouped<'e>(
        &self,
        expressions: impl Iterator<Item = &'e Expression>,
        named: &[(String, Expression)],
    ) -> Result<(), pelton_stage::Error> {
        for expression in expressions {
            for name in expression.columns() {
                let is_key = |key: &Expression| match key.as_column() {
                    Some(key) => key.eq_ignore_ascii_case(name),
                    None => key.to_string() == name,
                };
                let is_call = |call: &AggregateCall| call.to_string() == name;
                if self.query.group_by.iter().any(is_key)
                    || self.calls.iter().any(is_call)
                    || named
                        .iter()
                        .any(|(item, _)| item.eq_ignore_ascii_case(name))
                {
                    continue;
                }
                let message = format!(
                    "`{name}` is neither grouped by nor in an aggregate: add it to GROUP BY, or \
                     take one of its values, such as first({name}) or max({name})"
                );
                let error = pelton_stage::Error::new(ErrorKind::Unsupported, message);
                return Err(match expression.position_of(name) {
                    Some(place) => error.at(place),
                    None => error,
                });
            }
        }
        Ok(())
    }

    fn group(&mut self) {
        let by = self
            .query
            .group_by
            .iter()
            .map(ToString::to_string)
            .collect();
        let compute: Expressions = self
            .calls
            .iter()
            .map(|call| (call.to_string(), call.to_string()))
            .collect();
        self.stages
            .push(StagePlan::Aggregate(AggregatePlan { by, compute }));
    }

    /// Everything from the items on: what orders rows is selected beside them and left out at the
    /// end.
    fn select(&mut self, all: bool, items: &[(String, Expression)], keys: &[Expression]) {
        let named = |(name, expression): &(String, Expression)| {
            format!("{expression} AS {}", Expression::column(name))
        };
        let mut selected: Vec<String> = all.then(|| "*".to_owned()).into_iter().collect();
        selected.extend(items.iter().map(named));
        let mut sorts = Vec::new();
        let mut extra = Vec::new();
        for (order, key) in self.query.order_by.iter().zip(keys) {
            let is_item = |column: &str| items.iter().any(|(name, _)| name == column);
            let column = match order.expression.as_column() {
                Some(name) if is_item(name) || all => Expression::column(name),
                _ => {
                    let name = format!("order by {key}");
                    selected.push(format!("{key} AS {}", Expression::column(&name)));
                    extra.push(name.clone());
                    Expression::column(&name)
                }
            };
            let direction = if order.descending { "DESC" } else { "ASC" };
            let nulls = if order.nulls_first { "FIRST" } else { "LAST" };
            sorts.push(format!("{column} {direction} NULLS {nulls}"));
        }
        if !all || !items.is_empty() || !extra.is_empty() {
            self.stages.push(StagePlan::Select(selected));
        }
        if self.query.distinct {
            self.stages.push(StagePlan::Distinct(Vec::new()));
        }
        self.stages
            .extend((!sorts.is_empty()).then_some(StagePlan::Sort(sorts)));
        self.stages
            .extend((self.query.offset > 0).then_some(StagePlan::Skip(self.query.offset)));
        self.stages.extend(self.query.limit.map(StagePlan::Limit));
        self.stages
            .extend((!extra.is_empty()).then_some(StagePlan::Drop(extra)));
    }
}
