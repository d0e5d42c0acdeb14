//! From a plan to a pipeline: formats chosen, expressions bound, unused fields left out.

mod draft;
mod flow;
mod formats;
mod group;
mod lanes;
mod lower;
mod order;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use pelton_connect::{ReadOptions, ReadSource, inputs};
use pelton_format::Format;
use pelton_pool::BufferPool;
use pelton_record::{DataType, Field, Schema};
use pelton_stage::Spill;

use crate::Error;
use crate::engine::{Engine, MakeStage};
use crate::plan::{Check, OnError, Plan, PlanError};
use crate::run::{Gauges, Pipeline, Run, Segment, Settings};

pub(crate) use lanes::{LaneDraft, Routes, lanes, routes};

use draft::{Draft, Step, StepKind};
use flow::Need;

pub(crate) fn prepare(mut engine: Engine) -> Result<Run, Error> {
    check_ends(&engine)?;
    check_dead_letter(&engine.plan)?;
    let settings = Settings::of(&engine.plan)?;
    let input = formats::input(&engine.plan.source, settings.record_bytes_max)?;
    let output = formats::output(&engine.plan.sink)?;
    let inputs = match engine.inputs.take() {
        Some(inputs) => inputs,
        None => inputs(&engine.plan.source.path)?,
    };
    let pool = BufferPool::new(settings.budget.clone());
    let options = ReadOptions {
        block_bytes: settings.block_bytes,
        record_bytes_max: settings.record_bytes_max,
    };
    let source = ReadSource::open(inputs, input.clone(), pool.clone(), options)?;
    let custom = std::mem::take(&mut engine.custom);
    let open = input.name() == "ndjson";
    let known = Known {
        schema: source.schema(),
        doubtful: source.doubtful(),
    };
    let bound = bind(&engine, &known, custom, settings.spill.clone(), open)?;
    let pipeline = assemble(bound, input, output);
    let Engine { plan, sink, .. } = engine;
    Ok(Run {
        plan,
        settings,
        pipeline,
        source,
        pool,
        sink,
        gauges: Gauges::new(),
    })
}

/// A run has a beginning and an end.
fn check_ends(engine: &Engine) -> Result<(), PlanError> {
    let Plan { source, sink, .. } = &engine.plan;
    let wrong = |message: &str| Err(PlanError::new(message));
    if !source.listen.is_empty() || !engine.plan.lanes.is_empty() {
        return wrong(
            "a pipeline that listens, or has lanes, has no end: start it with `pelton serve`",
        );
    }
    if engine.inputs.is_none() && source.path.is_empty() {
        return wrong("source.path is missing: a file, a pattern, or `-` for standard input");
    }
    if engine.sink.is_none() && sink.path.is_empty() {
        return wrong("sink.path is missing: a file, or `-` for standard output");
    }
    Ok(())
}

fn check_dead_letter(plan: &Plan) -> Result<(), PlanError> {
    if plan.engine.on_error != OnError::DeadLetter {
        return Ok(());
    }
    let wrong = |message: &str| Err(PlanError::new(message));
    match &plan.dead_letter {
        None => {
            wrong("engine.on_error is \"dead_letter\", but [dead_letter] with its path is missing")
        }
        Some(letters) if letters.path == "-" => {
            wrong("dead_letter.path: expected a file, found `-`")
        }
        Some(letters) if letters.path == plan.sink.path => {
            wrong("dead_letter.path and sink.path are the same file")
        }
        Some(_) => Ok(()),
    }
}

/// What is known of the input's fields.
struct Known<'a> {
    schema: &'a Schema,
    /// For each field that is a string only because of some misfits: what most of it is.
    doubtful: &'a [Option<DataType>],
}

/// A plan bound to its input.
struct BoundPlan {
    /// All fields of the input.
    schema: Schema,
    wanted: Vec<usize>,
    steps: Vec<Step>,
    /// The columns that leave, of those that were decoded.
    output: Arc<Schema>,
    /// Rows may leave as their raw records, followed by the columns from this index on.
    raw: Option<usize>,
}

fn bind(
    engine: &Engine,
    known: &Known<'_>,
    custom: Vec<MakeStage>,
    spill: Spill,
    open: bool,
) -> Result<BoundPlan, Error> {
    let Engine { plan, file, .. } = engine;
    let mut schema = declared(known.schema, plan, open)?;
    let mut draft = Draft::new(plan, file.as_ref(), spill);
    // Once with all fields, to see which are used; an error that a doubtful type would mend is
    // mended so.
    let steps = loop {
        match draft.steps(&Arc::new(schema.clone())) {
            Ok(steps) => break steps,
            Err(fault) => {
                let mended = fault
                    .columns
                    .iter()
                    .any(|name| mend(&mut schema, known, name));
                if !mended {
                    return Err(fault.error.into());
                }
            }
        }
    };
    let raw = custom.is_empty()
        && formats::same(&plan.source, &plan.sink)
        && flow::is_raw(&steps, &schema);
    let need = flow::need(&steps, raw, !custom.is_empty());
    let wanted = wanted(plan, &schema, &need);
    let pruned: Vec<_> = wanted
        .iter()
        .map(|&index| schema.fields()[index].clone())
        .collect();
    let pruned = Arc::new(Schema::new(pruned));
    // And once more with those that are.
    let mut steps = draft.steps(&pruned).map_err(|fault| fault.error)?;
    let mut output = steps.last().map_or(pruned, |step| step.output.clone());
    for make in custom {
        let stage = make(&output).map_err(|error| draft.plain(&error.to_string()))?;
        output = stage.output().clone();
        steps.push(Step::custom(stage));
    }
    let raw = raw.then_some(wanted.len());
    Ok(BoundPlan {
        schema,
        wanted,
        steps,
        output,
        raw,
    })
}

/// The inferred schema with what the plan declares put in its place. In an `open` format there may
/// be more fields than were seen.
fn declared(inferred: &Schema, plan: &Plan, open: bool) -> Result<Schema, PlanError> {
    let mut fields = inferred.fields().to_vec();
    for (name, data_type) in &plan.source.schema {
        let wrong = |message: String| PlanError::new(format!("source.schema: {message}"));
        let data_type = data_type
            .parse()
            .map_err(|error| wrong(format!("{name}: {error}")))?;
        match inferred.index_of(name) {
            Some(index) => fields[index].data_type = data_type,
            // A path that the beginning of the input does not have may still come.
            None if open => fields.push(Field {
                name: name.clone(),
                data_type,
            }),
            None => {
                let near = inferred.nearest(name);
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(wrong(format!("unknown column `{name}`{hint}")));
            }
        }
    }
    Ok(Schema::new(fields))
}

/// Takes a column that is a string only because of some misfits for what most of it is.
fn mend(schema: &mut Schema, known: &Known<'_>, name: &str) -> bool {
    let Some(index) = schema.index_of(name) else {
        return false;
    };
    let mut fields = schema.fields().to_vec();
    let Some(data_type) = known.doubtful.get(index).copied().flatten() else {
        return false;
    };
    if fields[index].data_type != DataType::String {
        return false;
    }
    fields[index].data_type = data_type;
    *schema = Schema::new(fields);
    true
}

/// The indices of the fields to decode.
fn wanted(plan: &Plan, schema: &Schema, need: &Need) -> Vec<usize> {
    let typed = |index: usize| schema.fields()[index].data_type != DataType::String;
    let checked = |index: usize| plan.source.check == Check::All && typed(index);
    let used: Option<BTreeSet<usize>> = need.as_ref().map(|names| {
        names
            .iter()
            .filter_map(|name| schema.index_of(name))
            .collect()
    });
    (0..schema.len())
        .filter(|index| used.as_ref().is_none_or(|used| used.contains(index)) || checked(*index))
        .collect()
}

fn assemble(bound: BoundPlan, input: Arc<dyn Format>, output: Arc<dyn Format>) -> Pipeline {
    let BoundPlan {
        schema,
        wanted,
        steps,
        output: columns,
        raw,
    } = bound;
    let output_schema = match raw {
        Some(first) => {
            let derived = columns.fields()[first..].iter().cloned();
            Schema::new(schema.fields().iter().cloned().chain(derived).collect()).into()
        }
        None => columns,
    };
    Pipeline {
        input,
        schema,
        wanted,
        segments: segments(steps),
        output,
        output_schema,
        raw,
    }
}

/// Cuts the steps after each fold.
fn segments(steps: Vec<Step>) -> Vec<Segment> {
    let mut segments = vec![Segment {
        stages: Vec::new(),
        fold: None,
    }];
    for step in steps {
        let last = segments.len() - 1;
        match step.kind {
            StepKind::Stage(stage) => segments[last].stages.push(stage),
            StepKind::Fold(fold) => {
                segments[last].fold = Some(fold);
                segments.push(Segment {
                    stages: Vec::new(),
                    fold: None,
                });
            }
        }
    }
    segments
}
