//! Sorting, limiting and deduplicating.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{Dedup, Query, Recent, Select, Sort, SortKey, Within};

use crate::plan::DedupPlan;

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use super::lower::computed;

/// Which of the sorted rows are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    pub skip: Option<u64>,
    pub limit: Option<u64>,
}

impl Range {
    fn of(self, mut sort: Sort) -> Sort {
        if let Some(rows) = self.limit {
            sort = sort.limit(usize::try_from(rows).unwrap_or(usize::MAX));
        }
        if let Some(rows) = self.skip {
            sort = sort.offset(usize::try_from(rows).unwrap_or(usize::MAX));
        }
        sort
    }
}

/// Keys that are more than a column are computed first and left out again at the end.
pub(super) fn sort(
    keys: &[String],
    range: Range,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut steps: Vec<Step> = Vec::new();
    let mut sort_keys = Vec::new();
    for text in keys {
        let before = steps.last().map_or(schema, |step| &step.output).clone();
        let order = order(text, binding)?;
        let plain = order
            .expression
            .as_column()
            .and_then(|name| before.index_of(name));
        let column = match plain {
            Some(index) => index,
            None => {
                let named = (text.clone(), order.expression);
                steps.push(computed(text, named, &before, binding)?);
                before.len()
            }
        };
        binding.seen(text);
        sort_keys.push(SortKey {
            column,
            descending: order.descending,
            nulls_first: order.nulls_first,
        });
    }
    let before = steps.last().map_or(schema, |step| &step.output).clone();
    let reads = sort_keys
        .iter()
        .map(|key| before.fields()[key.column].name.clone())
        .collect();
    let sort = Sort::new(sort_keys, &before).map_err(|error| binding.fault("", &error, &[]))?;
    let sort = range
        .of(sort)
        .named(binding.label)
        .spilling(binding.spill());
    let computed = !steps.is_empty();
    steps.push(Step::fold(
        sort,
        Flow {
            reads,
            passes: true,
            ..Flow::default()
        },
    ));
    if computed {
        let extra = before.fields()[schema.len()..]
            .iter()
            .map(|field| field.name.clone());
        let select =
            Select::without(extra, &before).map_err(|error| binding.fault("", &error, &[]))?;
        let flow = Flow {
            passes: true,
            ..Flow::default()
        };
        steps.push(Step::stage(select.named(binding.label), flow));
    }
    Ok(steps)
}

/// `column`, `expression DESC`, `column NULLS FIRST`.
fn order(text: &str, binding: &mut Binding<'_, '_>) -> Result<pelton_stage::Order, Fault> {
    const BEFORE: &str = "SELECT 1 FROM t ORDER BY ";
    let query = Query::parse(&format!("{BEFORE}{text}"));
    let mut orders = match query {
        Ok(query) => query.order_by,
        Err(error) => return Err(binding.fault_behind(BEFORE, text, &error)),
    };
    match orders.len() {
        1 => Ok(orders.remove(0)),
        _ => Err(binding.wrong(text, &format!("`{text}` is no sort key: one to a string"))),
    }
}

/// Rows by position in the input.
pub(super) fn range(
    range: Range,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Vec<Step> {
    let sort = range.of(Sort::first(usize::MAX, schema));
    let sort = sort.named(binding.label).spilling(binding.spill());
    vec![Step::fold(
        sort,
        Flow {
            passes: true,
            ..Flow::default()
        },
    )]
}

pub(super) fn distinct(
    names: &[String],
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let indices: Result<Vec<usize>, Fault> = names
        .iter()
        .map(|name| binding.column(name, schema))
        .collect();
    let indices = indices?;
    let reads = indices
        .iter()
        .map(|&index| schema.fields()[index].name.clone())
        .collect();
    let dedup = match names {
        [] => Dedup::of_rows(schema),
        _ => Dedup::new(indices, schema),
    };
    let dedup = dedup.map_err(|error| binding.fault("", &error, &[]))?;
    let dedup = dedup.named(binding.label).spilling(binding.spill());
    let flow = Flow {
        reads,
        passes: true,
        reads_all: names.is_empty(),
        ..Flow::default()
    };
    Ok(vec![Step::fold(dedup, flow)])
}

/// The first of equal keys: of all, or of those that come close upon each other.
pub(super) fn dedup(
    plan: &DedupPlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let mut column = |name: &String| binding.column(name, schema);
    let keys: Result<Vec<usize>, Fault> = plan.key.iter().map(&mut column).collect();
    let keys = keys?;
    let time = plan.time.as_ref().map(&mut column).transpose()?;
    let window = match (plan.window, plan.within, time) {
        (None, None, None) => return distinct(&plan.key, schema, binding),
        (Some(rows), None, None) => Within::Rows(rows),
        (None, Some(span), Some(column)) => Within::Time {
            column,
            span: span.duration(),
        },
        _ => {
            let message = "dedup has a window of records, or a span of time `within` and the \
                           column `time`";
            return Err(binding.wrong("dedup", message));
        }
    };
    let reads = keys
        .iter()
        .chain(&time)
        .map(|&index| schema.fields()[index].name.clone())
        .collect();
    let recent = Recent::new(keys, window, schema)
        .map_err(|error| binding.fault("dedup", &error, &[]))?
        .named(binding.label);
    let flow = Flow {
        reads,
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    };
    Ok(vec![Step::fold(recent, flow)])
}
