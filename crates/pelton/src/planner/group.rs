//! Grouping: what is computed before, in and after an aggregate.

use std::sync::Arc;
use std::time::Duration;

use pelton_record::Schema;
use pelton_stage::{Aggregate, AggregateCall, Call, Expression, Fold, Function, Span, Window};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use super::lower::{Named, computed, identity, item, project};
use crate::plan::{AggregatePlan, Expressions, WindowPlan};

/// Keys and arguments become columns first where they are more than that, then rows are grouped,
/// then figures that are more than one call are computed from the calls.
pub(super) fn aggregate(
    plan: &AggregatePlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut columns = Columns::new(schema);
    let (by, figures) = columns.grouping(&plan.by, &plan.compute, binding)?;
    let aggregate = Aggregate::new(by.clone(), figures.bound.clone(), &columns.schema)
        .map_err(|error| binding.fault("", &error, &[]))?
        .named(binding.label)
        .spilling(binding.spill());
    columns.grouped(aggregate, &[], &by, figures, binding)
}

/// As [`aggregate`], with the time of the rows among what they are grouped by.
pub(super) fn window(
    plan: &WindowPlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let span = span(plan).map_err(|message| binding.wrong(&plan.time, message))?;
    let mut columns = Columns::new(schema);
    let time = columns.key(&plan.time, binding)?;
    let (by, mut figures) = columns.grouping(&plan.by, &plan.compute, binding)?;
    let bound = figures.bound.clone();
    let window = Window::new(time, span, by.clone(), bound, &columns.schema)
        .map_err(|error| binding.fault(&plan.time, &error, &[&plan.time]))?
        .lateness(plan.lateness.map_or(Duration::ZERO, |late| late.duration()))
        .named(binding.label)
        .spilling(binding.spill());
    figures
        .reads
        .push(columns.schema.fields()[time].name.clone());
    columns.grouped(
        window,
        &["window_start", "window_end"],
        &by,
        figures,
        binding,
    )
}

fn span(plan: &WindowPlan) -> Result<Span, &'static str> {
    match (plan.size, plan.step, plan.gap) {
        (Some(size), None, None) => Ok(Span::Tumbling(size.duration())),
        (Some(size), Some(step), None) => Ok(Span::Sliding {
            size: size.duration(),
            step: step.duration(),
        }),
        (None, None, Some(gap)) => Ok(Span::Session(gap.duration())),
        _ => Err("a window has a size, or a size and a step, or a gap between sessions"),
    }
}

/// What is computed for each group.
struct Figures {
    /// Expressions over the calls.
    named: Vec<Named>,
    /// The calls, bound to their arguments.
    bound: Vec<Call>,
    /// The columns that keys and arguments are.
    reads: Vec<String>,
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
    fn new(schema: &Arc<Schema>) -> Self {
        Self {
            schema: schema.clone(),
            steps: Vec::new(),
        }
    }

    /// The columns of the keys `by`, and the figures `compute`.
    fn grouping(
        &mut self,
        by: &[String],
        compute: &Expressions,
        binding: &mut Binding<'_, '_>,
    ) -> Result<(Vec<usize>, Figures), Fault> {
        let keys: Result<Vec<usize>, Fault> =
            by.iter().map(|text| self.key(text, binding)).collect();
        let keys = keys?;
        let mut calls: Vec<AggregateCall> = Vec::new();
        let (mut named, mut bound) = (Vec::new(), Vec::new());
        for (name, text) in &compute.0 {
            named.push((name.clone(), figure(text, &mut calls, binding)?));
            for call in &calls[bound.len()..] {
                bound.push(self.call(text, call, binding)?);
            }
            binding.seen(text);
        }
        let arguments = bound
            .iter()
            .filter_map(|call: &Call| call.argument.as_ref());
        let reads = keys
            .iter()
            .chain(arguments)
            .map(|&index| self.schema.fields()[index].name.clone())
            .collect();
        Ok((
            keys,
            Figures {
                named,
                bound,
                reads,
            },
        ))
    }

    /// The steps that come to `fold`, itself, and those that make the figures of what it gives:
    /// columns called `front`, the keys `by`, and the calls.
    fn grouped(
        mut self,
        fold: impl Fold + 'static,
        front: &[&str],
        by: &[usize],
        figures: Figures,
        binding: &mut Binding<'_, '_>,
    ) -> Result<Vec<Step>, Fault> {
        let flow = Flow {
            reads: figures.reads,
            ..Flow::default()
        };
        let step = Step::fold(fold, flow);
        let grouped = step.output.clone();
        self.steps.push(step);
        let keys = by
            .iter()
            .map(|&index| self.schema.fields()[index].name.as_str());
        let front = front.iter().copied().chain(keys).map(identity);
        let result = front.chain(figures.named).collect();
        self.steps.extend(project(result, &grouped, binding)?);
        Ok(self.steps)
    }

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
        let known_by_name = self
            .schema
            .fields()
            .iter()
            .position(|field| field.name == name);
        if let Some(index) = known.or(known_by_name.filter(|_| alias.is_none())) {
            return Ok(index);
        }
        let step = computed(text, (name.clone(), expression), &self.schema, binding)?;
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
