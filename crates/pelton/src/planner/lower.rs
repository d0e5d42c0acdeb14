//! From each stage of a plan to bound steps.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{Derive, ErrorKind, Expression, Filter, Item, Query, Select, Validate};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use super::order::{self, Range};
use crate::plan::{Expressions, StagePlan};

/// A name and its expression.
pub(super) type Named = (String, Expression);

/// Steps, and how many stages of the plan they stand for.
pub(super) struct Lowered {
    pub steps: Vec<Step>,
    pub stages: usize,
}

/// Binds a stage of a plan to the columns that reach it, together with those of the `next` ones
/// that can be done in the same step: a sort need not keep more rows than a limit leaves.
pub(super) fn stages(
    stage: &StagePlan,
    next: &[StagePlan],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Lowered, Fault> {
    let mut stages = 1;
    let steps = match stage {
        StagePlan::Filter(text) => filter(text, schema, binding),
        StagePlan::Derive(expressions) => derive(expressions, schema, binding),
        StagePlan::Select(items) => select(items, schema, binding),
        StagePlan::Drop(names) => drop(names, schema, binding),
        StagePlan::Rename(names) => rename(names, schema, binding),
        StagePlan::Validate(rules) => validate(rules, schema, binding),
        StagePlan::Aggregate(plan) => super::group::aggregate(plan, schema, binding),
        StagePlan::Window(plan) => super::group::window(plan, schema, binding),
        StagePlan::Dedup(plan) => order::dedup(plan, schema, binding),
        StagePlan::Distinct(names) => order::distinct(names, schema, binding),
        StagePlan::Parse(plan) => super::parse::parse(plan, schema, binding),
        StagePlan::Text(plan) => super::text::text(plan, schema, binding),
        StagePlan::Sort(keys) => {
            let (range, taken) = range(next);
            stages += taken;
            order::sort(keys, range, schema, binding)
        }
        StagePlan::Skip(rows) => {
            let (Range { limit, .. }, taken) = range(&next[..next.len().min(1)]);
            stages += if limit.is_some() { taken } else { 0 };
            Ok(order::range(
                Range {
                    skip: Some(*rows),
                    limit,
                },
                schema,
                binding,
            ))
        }
        StagePlan::Limit(rows) => Ok(order::range(
            Range {
                skip: None,
                limit: Some(*rows),
            },
            schema,
            binding,
        )),
    };
    Ok(Lowered {
        steps: steps?,
        stages,
    })
}

/// The skip and the limit that `stages` begin with, and how many stages that is.
fn range(stages: &[StagePlan]) -> (Range, usize) {
    match stages {
        [StagePlan::Skip(skip), StagePlan::Limit(limit), ..] => (
            Range {
                skip: Some(*skip),
                limit: Some(*limit),
            },
            2,
        ),
        [StagePlan::Skip(skip), ..] => (
            Range {
                skip: Some(*skip),
                limit: None,
            },
            1,
        ),
        [StagePlan::Limit(limit), ..] => (
            Range {
                skip: None,
                limit: Some(*limit),
            },
            1,
        ),
        _ => (Range::default(), 0),
    }
}

impl Binding<'_, '_> {
    /// Parses and tries an expression, so that what is wrong with it is told at its place.
    pub(super) fn expression(&mut self, text: &str, schema: &Schema) -> Result<Expression, Fault> {
        let parsed = Expression::parse(text).map_err(|error| self.fault(text, &error, &[]))?;
        parsed
            .bind(schema)
            .map_err(|error| self.fault(text, &error, &parsed.columns()))?;
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
        let kind = ErrorKind::UnknownColumn {
            name: name.to_owned(),
        };
        let error = pelton_stage::Error::new(kind, format!("unknown column `{name}`{hint}"));
        Err(self.fault(name, &error, &[]))
    }
}

fn names(schema: &Schema) -> Vec<&str> {
    schema
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect()
}

/// The spelling that the schema has for each of `columns`.
fn spelled(columns: &[&str], schema: &Schema) -> Vec<String> {
    let spell = |name: &&str| {
        schema
            .index_of(name)
            .map(|index| schema.fields()[index].name.clone())
    };
    columns.iter().filter_map(spell).collect()
}

pub(super) fn reads(expressions: &[Named], schema: &Schema) -> Vec<String> {
    expressions
        .iter()
        .flat_map(|(_, e)| spelled(&e.columns(), schema))
        .collect()
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
        let parsed = Expression::parse(text).map_err(|error| binding.fault(text, &error, &[]))?;
        steps.push(computed(text, (name.clone(), parsed), &before, binding)?);
        binding.seen(text);
    }
    Ok(steps)
}

/// The step that adds the column `named`, whose expression stands in the plan as `text`.
pub(super) fn computed(
    text: &str,
    named: Named,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Step, Fault> {
    let flow = Flow {
        reads: reads(std::slice::from_ref(&named), schema),
        writes: vec![named.0.clone()],
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    };
    let expression = named.1.clone();
    let derive = Derive::new([named], schema)
        .map_err(|error| binding.fault(text, &error, &expression.columns()))?;
    Ok(Step::stage(derive.named(binding.label), flow))
}

/// An expression and the name it is given, if any: `expression AS name`, or an expression alone.
pub(super) fn item(
    text: &str,
    schema: &Schema,
    binding: &mut Binding<'_, '_>,
) -> Result<(Expression, Option<String>), Fault> {
    const BEFORE: &str = "SELECT ";
    let parsed = match Expression::parse(text) {
        Ok(expression) => Ok((expression, None, "")),
        Err(error) => match Query::parse(&format!("{BEFORE}{text} FROM t")) {
            Ok(mut query) if query.items.len() == 1 => match query.items.remove(0) {
                Item::Expression { expression, alias } => Ok((expression, alias, BEFORE)),
                _ => Err(binding.fault(text, &error, &[])),
            },
            Err(in_item) if text.to_ascii_lowercase().contains(" as ") => {
                Err(binding.fault_behind(BEFORE, text, &in_item))
            }
            _ => Err(binding.fault(text, &error, &[])),
        },
    };
    let (expression, alias, before) = parsed?;
    expression.bind(schema).map_err(|error| {
        binding
            .fault_behind(before, text, &error)
            .about(&expression.columns())
    })?;
    binding.seen(text);
    Ok((expression, alias))
}

fn select(
    items: &[String],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    if items.is_empty() {
        return Err(binding.wrong("select", "a select without columns: name one at the least"));
    }
    let mut columns: Vec<Named> = Vec::new();
    for text in items {
        if text.trim() == "*" {
            columns.extend(schema.fields().iter().map(|field| identity(&field.name)));
            continue;
        }
        let (expression, alias) = item(text, schema, binding)?;
        let own = expression
            .as_column()
            .and_then(|name| schema.index_of(name));
        let own = own.map(|index| schema.fields()[index].name.clone());
        let name = alias.or(own).unwrap_or_else(|| expression.to_string());
        columns.push((name, expression));
    }
    let mut stars = items.iter().map(|text| text.trim() == "*");
    if stars.next() == Some(true) && !stars.any(|star| star) {
        let added = &columns[schema.len()..];
        let flow = adding(added, schema);
        return projected(columns, flow, schema, binding);
    }
    project(columns, schema, binding)
}

/// What a step does that leaves all columns as they are and puts `added` behind them.
fn adding(added: &[Named], schema: &Schema) -> Flow {
    Flow {
        reads: reads(added, schema),
        writes: added.iter().map(|(name, _)| name.clone()).collect(),
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    }
}

fn drop(
    dropped: &[String],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let gone: Result<Vec<usize>, Fault> = dropped
        .iter()
        .map(|name| binding.column(name, schema))
        .collect();
    let gone = gone?;
    let gone_names = gone
        .iter()
        .map(|&index| schema.fields()[index].name.clone());
    let gone_names: Vec<String> = gone_names.collect();
    if schema
        .fields()
        .iter()
        .all(|field| gone_names.contains(&field.name))
    {
        return Err(binding.wrong("drop", "no column would be left"));
    }
    let kept = (0..schema.len()).filter(|index| !gone.contains(index));
    let columns = kept
        .map(|index| identity(&schema.fields()[index].name))
        .collect();
    let mut steps = project(columns, schema, binding)?;
    // They must be there to be dropped.
    for step in &mut steps {
        step.flow.reads.extend(gone_names.iter().cloned());
    }
    Ok(steps)
}

fn rename(
    renamed: &Expressions,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns: Vec<Named> = schema
        .fields()
        .iter()
        .map(|field| identity(&field.name))
        .collect();
    for (old, new) in &renamed.0 {
        columns[binding.column(old, schema)?].0.clone_from(new);
    }
    project(columns, schema, binding)
}

pub(super) fn identity(name: &str) -> Named {
    (name.to_owned(), Expression::column(name))
}

pub(super) fn project(
    columns: Vec<Named>,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let flow = Flow {
        reads: reads(&columns, schema),
        keeps_rows: true,
        ..Flow::default()
    };
    projected(columns, flow, schema, binding)
}

fn projected(
    columns: Vec<Named>,
    flow: Flow,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
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
