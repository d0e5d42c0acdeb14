//! From each stage of a plan to bound steps.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{Aggregate, Call, Derive, Expression, Filter, Function, Select, Validate};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use crate::plan::{AggregatePlan, Expressions, StagePlan};

/// A name and its expression.
type Named = (String, Expression);

/// Binds one stage of a plan to the columns that reach it.
pub(super) fn stage(
    stage: &StagePlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    match stage {
        StagePlan::Filter(text) => filter(text, schema, binding),
        StagePlan::Derive(expressions) => derive(expressions, schema, binding),
        StagePlan::Select(items) => select(items, schema, binding),
        StagePlan::Drop(names) => drop(names, schema, binding),
        StagePlan::Rename(names) => rename(names, schema, binding),
        StagePlan::Validate(rules) => validate(rules, schema, binding),
        StagePlan::Aggregate(plan) => aggregate(plan, schema, binding),
        StagePlan::Sort(keys) => super::order::sort(keys, schema, binding),
        StagePlan::Limit(count) => Ok(super::order::limit(*count, schema, binding)),
        StagePlan::Distinct(names) => super::order::distinct(names, schema, binding),
    }
}

impl Binding<'_, '_> {
    /// Parses and tries an expression, so that what is wrong with it is told at its place.
    fn expression(&mut self, text: &str, schema: &Schema) -> Result<Expression, Fault> {
        let parsed = Expression::parse(text).map_err(|error| self.fault(text, &error, &[]))?;
        parsed.bind(schema).map_err(|error| self.fault(text, &error, &parsed.columns()))?;
        self.seen(text);
        Ok(parsed)
    }

    /// The index of a column, whose name stands in the plan as it is.
    pub(super) fn column(&mut self, name: &str, schema: &Schema) -> Result<usize, Fault> {
        if let Some(index) = schema.index_of(name) {
            self.seen(name);
            return Ok(index);
        }
        let near = schema.nearest(name);
        let hint = near.map_or_else(
            || format!(", expected one of {}", names(schema).join(", ")),
            |near| format!("; did you mean `{near}`?"),
        );
        Err(self.wrong(name, &format!("unknown column `{name}`{hint}")))
    }
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name.as_str()).collect()
}

/// The spelling that the schema has for each of `columns`.
fn spelled(columns: &[&str], schema: &Schema) -> Vec<String> {
    let spell = |name: &&str| schema.index_of(name).map(|index| schema.fields()[index].name.clone());
    columns.iter().filter_map(spell).collect()
}

fn reads(expressions: &[Named], schema: &Schema) -> Vec<String> {
    expressions.iter().flat_map(|(_, e)| spelled(&e.columns(), schema)).collect()
}

fn filter(
    text: &str,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let expression = Expression::parse(text).map_err(|error| binding.fault(text, &error, &[]))?;
    let filter = Filter::new(&expression, schema)
        .map_err(|error| binding.fault(text, &error, &expression.columns()))?;
    binding.seen(text);
    let flow = Flow {
        reads: spelled(&expression.columns(), schema),
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    };
    Ok(vec![Step::stage(filter.named(binding.label), flow)])
}

/// A column at a time: each may use those before it.
fn derive(
    expressions: &Expressions,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut steps: Vec<Step> = Vec::new();
    for (name, text) in &expressions.0 {
        let before = steps.last().map_or(schema, |step| &step.output).clone();
        let expression = binding.expression(text, &before)?;
        let named = (name.clone(), expression);
        let flow = Flow {
            reads: reads(std::slice::from_ref(&named), &before),
            writes: vec![name.clone()],
            passes: true,
            keeps_rows: true,
            ..Flow::default()
        };
        let derive =
            Derive::new(vec![named], &before).map_err(|error| binding.fault(text, &error, &[]))?;
        steps.push(Step::stage(derive.named(binding.label), flow));
    }
    Ok(steps)
}

/// `expression AS name`, or a name alone.
pub(super) fn split_alias(text: &str) -> (&str, Option<&str>) {
    let lower = text.to_ascii_lowercase();
    match lower.rfind(" as ") {
        // An AS inside brackets belongs to a CAST.
        Some(at) if !text[at..].contains(')') => {
            (text[..at].trim(), Some(text[at + 4..].trim().trim_matches('"')))
        }
        _ => (text.trim(), None),
    }
}

fn select(
    items: &[String],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns: Vec<Named> = Vec::new();
    for item in items {
        let (text, alias) = split_alias(item);
        let expression = binding.expression(text, schema)?;
        let own = expression.as_column().and_then(|name| schema.index_of(name));
        let own = own.map(|index| schema.fields()[index].name.clone());
        let name = alias.map(str::to_owned).or(own).unwrap_or_else(|| expression.to_string());
        columns.push((name, expression));
    }
    project(columns, schema, binding)
}

fn drop(
    dropped: &[String],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let gone: Result<Vec<usize>, Fault> =
        dropped.iter().map(|name| binding.column(name, schema)).collect();
    let gone = gone?;
    let kept = (0..schema.len()).filter(|index| !gone.contains(index));
    let columns = kept.map(|index| identity(&schema.fields()[index].name)).collect();
    project(columns, schema, binding)
}

fn rename(
    renamed: &Expressions,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns: Vec<Named> =
        schema.fields().iter().map(|field| identity(&field.name)).collect();
    for (old, new) in &renamed.0 {
        columns[binding.column(old, schema)?].0.clone_from(new);
    }
    project(columns, schema, binding)
}

fn identity(name: &str) -> Named {
    (name.to_owned(), Expression::column(name))
}

fn project(
    columns: Vec<Named>,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let flow = Flow { reads: reads(&columns, schema), keeps_rows: true, ..Flow::default() };
    let select = Select::new(columns, schema).map_err(|error| binding.fault("", &error, &[]))?;
    Ok(vec![Step::stage(select.named(binding.label), flow)])
}

fn validate(
    rules: &Expressions,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut named: Vec<Named> = Vec::new();
    for (name, text) in &rules.0 {
        named.push((name.clone(), binding.expression(text, schema)?));
    }
    let flow = Flow {
        reads: reads(&named, schema),
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    };
    let validate = Validate::new(named, schema).map_err(|error| binding.fault("", &error, &[]))?;
    Ok(vec![Step::stage(validate.named(binding.label), flow)])
}

/// Keys and arguments become columns first where they are more than that, then rows are grouped.
fn aggregate(
    plan: &AggregatePlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns = Columns { schema: schema.clone(), steps: Vec::new() };
    let mut by = Vec::new();
    for text in &plan.by {
        let (text, alias) = split_alias(text);
        by.push(columns.of(text, alias, binding)?);
    }
    let mut calls = Vec::new();
    for (name, text) in &plan.compute.0 {
        calls.push(call(name, text, &mut columns, binding)?);
        binding.seen(text);
    }
    let Columns { schema, mut steps } = columns;
    let fields = by.iter().chain(calls.iter().filter_map(|call| call.argument.as_ref()));
    let reads = fields.map(|&index| schema.fields()[index].name.clone()).collect();
    let flow = Flow { reads, ..Flow::default() };
    let aggregate =
        Aggregate::new(by, calls, &schema).map_err(|error| binding.fault("", &error, &[]))?;
    steps.push(Step::fold(aggregate.named(binding.label), flow));
    Ok(steps)
}

/// The columns at hand, and the steps that made those that were not.
struct Columns {
    schema: Arc<Schema>,
    steps: Vec<Step>,
}

impl Columns {
    /// The index of the column that `text` is, computed first if need be.
    fn of(
        &mut self,
        text: &str,
        alias: Option<&str>,
        binding: &mut Binding<'_, '_>,
    ) -> Result<usize, Fault> {
        let expression = binding.expression(text, &self.schema)?;
        let plain = expression.as_column().and_then(|name| self.schema.index_of(name));
        if let (Some(index), None) = (plain, alias) {
            return Ok(index);
        }
        let name = alias.map_or_else(|| expression.to_string(), str::to_owned);
        if let (None, Some(index)) = (alias, self.schema.index_of(&name)) {
            return Ok(index);
        }
        let named = (name.clone(), expression);
        let flow = Flow {
            reads: reads(std::slice::from_ref(&named), &self.schema),
            writes: vec![name.clone()],
            passes: true,
            keeps_rows: true,
            ..Flow::default()
        };
        let derive = Derive::new(vec![named], &self.schema)
            .map_err(|error| binding.fault(text, &error, &[]))?;
        let step = Step::stage(derive.named(binding.label), flow);
        self.schema = step.output.clone();
        self.steps.push(step);
        Ok(self.schema.index_of(&name).unwrap_or(0))
    }
}

/// `count(*)`, `sum(quantity * unit_price)`, `count(distinct customer)`, `quantile(price, 0.9)`.
fn call(
    name: &str,
    text: &str,
    columns: &mut Columns,
    binding: &mut Binding<'_, '_>,
) -> Result<Call, Fault> {
    let trimmed = text.trim();
    let parts = trimmed.split_once('(').and_then(|(f, rest)| Some((f, rest.strip_suffix(')')?)));
    let Some((function, argument)) = parts else {
        let message = format!("`{trimmed}` is no aggregate: expected one such as sum(x) or count(*)");
        return Err(binding.wrong(text, &message));
    };
    let mut function =
        Function::parse(function.trim()).map_err(|error| binding.fault(text, &error, &[]))?;
    let mut argument = argument.trim();
    if argument == "*" {
        return match function {
            Function::Count => Ok(Call::count_rows(name)),
            _ => Err(binding.wrong(text, "only count takes `*`")),
        };
    }
    let distinct = argument.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("distinct "));
    if distinct {
        argument = argument[9..].trim();
    }
    if let Some((value, fraction)) = argument.rsplit_once(',')
        && let Ok(fraction) = fraction.trim().parse::<f64>()
        && let Ok(at) = function.at(fraction)
    {
        (function, argument) = (at, value.trim());
    }
    let call = Call::new(function, columns.of(argument, None, binding)?, name);
    let call = if distinct { call.distinct() } else { call };
    call.output(&columns.schema).map_err(|error| binding.fault(text, &error, &[argument]))?;
    Ok(call)
}
