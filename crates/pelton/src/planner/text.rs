//! Text: letters changed in place, or words counted.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{Text, Transform, WordCount};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use crate::plan::{Processor, TextPlan};

pub(super) fn text(
    plan: &TextPlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let index = binding.column(&plan.column, schema)?;
    let name = schema.fields()[index].name.clone();
    let (transforms, counts) = split(&plan.apply, binding)?;
    let mut steps = Vec::new();
    if !transforms.is_empty() {
        let text = Text::new(&name, transforms, schema);
        let text = text.map_err(|error| binding.fault(&plan.column, &error, &[]))?;
        let flow = Flow {
            reads: vec![name.clone()],
            writes: vec![name.clone()],
            passes: true,
            keeps_rows: true,
            ..Flow::default()
        };
        steps.push(Step::stage(text.named(binding.label), flow));
    }
    if counts {
        let count = WordCount::new(&name, schema);
        let count = count.map_err(|error| binding.fault(&plan.column, &error, &[]))?;
        let flow = Flow {
            reads: vec![name],
            ..Flow::default()
        };
        steps.push(Step::fold(count.named(binding.label), flow));
    }
    Ok(steps)
}

/// The transforms of a chain, and whether it ends in a count.
fn split(
    chain: &[Processor],
    binding: &mut Binding<'_, '_>,
) -> Result<(Vec<Transform>, bool), Fault> {
    let transform = |processor: &Processor| match processor {
        Processor::Uppercase => Some(Transform::Uppercase),
        Processor::Lowercase => Some(Transform::Lowercase),
        Processor::Trim => Some(Transform::Trim),
        Processor::Reverse => Some(Transform::Reverse),
        Processor::Wordcount => None,
    };
    let transforms: Vec<_> = chain.iter().map_while(transform).collect();
    match &chain[transforms.len()..] {
        [] if chain.is_empty() => Err(binding.wrong("apply", "`apply` names nothing to be done")),
        [] => Ok((transforms, false)),
        [_] => Ok((transforms, true)),
        _ => Err(binding.wrong(
            "wordcount",
            "`wordcount` gives one record of numbers: nothing may follow it in `apply`",
        )),
    }
}
