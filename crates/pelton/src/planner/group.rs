//! Grouping: what is computed before, in and after an aggregate.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{Aggregate, AggregateCall, Call, Derive, Expression, Function};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use super::lower::{Named, identity, item, project, reads};
use crate::plan::AggregatePlan;

/// Keys and arguments become columns first where they are more than that, then rows are grouped,
/// then figures that are more than one call are computed from the calls.
pub(super) fn aggregate(
    plan: &AggregatePlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns = Columns {
        schema: schema.clone(),
        steps: Vec::new(),
    };
    let mut by = Vec::new();
    for text in &plan.by {
        by.push(columns.key(text, binding)?);
    }
    let mut calls: Vec<AggregateCall> = Vec::new();
    let mut figures: Vec<Named> = Vec::new();
    let mut bound: Vec<Call> = Vec::new();
    for (name, text) in &plan.compute.0 {
        figures.push((name.clone(), figure(text, &mut calls, binding)?));
        for call in &calls[bound.len()..] {
            bound.push(columns.call(text, call, binding)?);
        }
        binding.seen(text);
    }
    let Columns { schema, mut steps } = columns;
    let fields = by
        .iter()
        .chain(bound.iter().filter_map(|call| call.argument.as_ref()));
    let reads = fields
        .map(|&index| schema.fields()[index].name.clone())
        .collect();
    let keys: Vec<Named> = by
        .iter()
        .map(|&index| identity(&schema.fields()[index].name))
        .collect();
    let aggregate = Aggregate::new(by, bound, &schema)
        .map_err(|error| binding.fault("", &error, &[]))?
        .named(binding.label)
        .spilling(binding.spill());
    let step = Step::fold(
        aggregate,
        Flow {
            reads,
            ..Flow::default()
        },
    );
    let grouped = step.output.clone();
    steps.push(step);
    let result = keys.into_iter().chain(figures).collect();
    steps.extend(project(result, &grouped, binding)?);
    Ok(steps)
}

/// The expression of a figure over the results of aggregate calls, which are added to `calls`.
fn figure(
    text: &str,
    calls: &mut Vec<AggregateCall>,
    binding: &mut Binding<'_, '_>,
) -> Result<Expression, Fault> {
    let known = calls.len();
    let is_aggregate = |name: &str| Function::parse(name).is_ok();
    let figure = Expression::parse(text)
        .and_then(|parsed| parsed.split_aggregates(&is_aggregate, calls))
        .map_err(|error| binding.fault(text, &error, &[]))?;
    if calls.len() == known && figure.columns().iter().all(|name| !is_call(name, calls)) {
        let near = text.split('(').next().and_then(|name| {
            pelton_record::nearest(name.trim(), Function::names()).map(str::to_owned)
        });
        let hint = near.map_or_else(
            || "expected one such as sum(x) or count(*)".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(binding.wrong(text, &format!("`{text}` holds no aggregate; {hint}")));
    }
    Ok(figure)
}

fn is_call(name: &str, calls: &[AggregateCall]) -> bool {
    calls.iter().any(|call| call.to_string() == name)
}

/// The columns at hand, and the steps that made those that were not.
struct Columns {
    schema: Arc<Schema>,
    steps: Vec<Step>,
}

impl Columns {
    /// The index of the column that a key is, under the name that the key gives it.
    fn key(&mut self, text: &str, binding: &mut Binding<'_, '_>) -> Result<usize, Fault> {
        let (expression, alias) = item(text, &self.schema, binding)?;
        self.of(text, expression, alias, binding)
    }

    /// The index of the column that `expression` is, computed first if need be.
    fn of(
        &mut self,
        text: &str,
        expression: Expression,
        alias: Option<String>,
        binding: &mut Binding<'_, '_>,
    ) -> Result<usize, Fault> {
        let plain = expression
            .as_column()
            .and_then(|name| self.schema.index_of(name));
        let name = alias.clone().unwrap_or_else(|| expression.to_string());
        let known = plain.filter(|_| alias.is_none());
        let computed = self
            .schema
            .fields()
            .iter()
            .position(|field| field.name == name);
        if let Some(index) = known.or(computed.filter(|_| alias.is_none())) {
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
        let columns: Vec<String> = named.1.columns().into_iter().map(str::to_owned).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let derive = Derive::new([named], &self.schema)
            .map_err(|error| binding.fault(text, &error, &columns))?;
        let step = Step::stage(derive.named(binding.label), flow);
        self.schema = step.output.clone();
        self.steps.push(step);
        Ok(self.schema.index_of(&name).unwrap_or(self.schema.len() - 1))
    }

    /// A call of the figure `text`, bound to its argument.
    fn call(
        &mut self,
        text: &str,
        call: &AggregateCall,
        binding: &mut Binding<'_, '_>,
    ) -> Result<Call, Fault> {
        let name = call.to_string();
        let mut function =
            Function::parse(&call.function).map_err(|error| binding.fault(text, &error, &[]))?;
        let argument = match &call.arguments[..] {
            [] if function == Function::Count => return Ok(Call::count_rows(name)),
            [argument] => argument,
            [argument, parameter] => {
                let number: Result<f64, _> = parameter.to_string().parse();
                let number = number.map_err(|_| {
                    binding.wrong(
                        text,
                        &format!("{function}: expected a number, found {parameter}"),
                    )
                })?;
                function = function
                    .at(number)
                    .map_err(|error| binding.fault(text, &error, &[]))?;
                argument
            }
            _ => {
                let message = format!("{function} takes one argument");
                return Err(binding.wrong(text, &message));
            }
        };
        let columns = argument.columns();
        argument
            .bind(&self.schema)
            .map_err(|error| binding.fault(text, &error, &columns))?;
        let index = self.of(text, argument.clone(), None, binding)?;
        let bound = Call::new(function, index, name);
        let bound = if call.distinct {
            bound.distinct()
        } else {
            bound
        };
        bound
            .output(&self.schema)
            .map_err(|error| binding.fault(text, &error, &columns))?;
        Ok(bound)
    }
}
