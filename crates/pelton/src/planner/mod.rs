//! From a plan to a pipeline: formats chosen, expressions bound, unused fields left out.

mod draft;
mod file_column;
mod flow;
mod formats;
mod group;
mod lanes;
#[cfg(feature = "serve")]
mod listen;
mod lower;
mod order;
mod parse;
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
use crate::plan::{Check, OnError, Plan, PlanError, SinkPlan};
use crate::run::{Branch, Gauges, Pipeline, Run, Segment, Settings};

#[cfg(feature = "serve")]
pub(crate) use lanes::arriving;
pub(crate) use lanes::{LaneDraft, Route, Routes, lanes, routes};
#[cfg(feature = "serve")]
pub(crate) use listen::{addresses, gather};

use draft::{Draft, Step, StepKind, Ways, branch_name};
use file_column::WithFile;
use flow::Need;

pub(crate) fn prepare(mut engine: Engine) -> Result<Run, Error> {
    check_ends(&engine)?;
    check_sinks(&engine.plan)?;
    check_dead_letter(&engine.plan)?;
    let settings = Settings::of(&engine.plan)?;
    let inputs = match engine.inputs.take() {
        Some(inputs) => inputs,
        None => inputs(&engine.plan.source.path)?,
    };
    let pool = BufferPool::new(settings.budget.clone());
    let options = ReadOptions {
        block_bytes: settings.block_bytes,
        record_bytes_max: settings.record_bytes_max,
        compression: engine.plan.source.compression,
        io: engine.plan.source.io,
    };
    formats::recognize(&mut engine.plan.source, &inputs, &options, &pool)?;
    formats::complete(&mut engine.plan.source, &inputs);
    let input = formats::input(&engine.plan.source, settings.record_bytes_max)?;
    let source = ReadSource::open(inputs, input.clone(), pool.clone(), options)?;
    let custom = std::mem::take(&mut engine.custom);
    let open = input.name() == "ndjson";
    let known = Known {
        schema: source.schema(),
        doubtful: source.doubtful(),
        files: true,
        columns: false,
    };
    let bound = bind(&engine, &known, custom, settings.spill.clone(), open)?;
    let input = match bound.file {
        true => Arc::new(WithFile::new(input, source.input_names())),
        false => input,
    };
    let pipeline = assemble(bound, &engine.plan, input)?;
    let Engine {
        plan, mut sinks, ..
    } = engine;
    sinks.resize_with(pipeline.branches.len(), || None);
    Ok(Run {
        plan,
        settings,
        pipeline,
        source,
        pool,
        sinks,
        gauges: Gauges::new(),
    })
}

/// A run has a beginning and an end.
fn check_ends(engine: &Engine) -> Result<(), PlanError> {
    let source = &engine.plan.source;
    let wrong = |message: &str| Err(PlanError::new(message));
    if !source.listen.is_empty() || !engine.plan.lanes.is_empty() {
        return wrong(
            "a pipeline that listens, or has lanes, has no end: start it with `pelton serve`",
        );
    }
    if source.tls.is_some() {
        return wrong("source.tls has nothing to apply to: nothing listens here");
    }
    if engine.inputs.is_none() && source.path.is_empty() {
        return wrong("source.path is missing: a file, a pattern, or `-` for standard input");
    }
    for (index, sink) in engine.plan.sinks().enumerate() {
        let own = engine.sinks.get(index).is_some_and(Option::is_some);
        if !own && sink.path.is_empty() {
            return wrong("sink.path is missing: a file, or `-` for standard output");
        }
    }
    Ok(())
}

/// Every branch has a sink of its own, and without branches there is one.
fn check_sinks(plan: &Plan) -> Result<(), PlanError> {
    if plan.branches.is_empty() {
        return Ok(());
    }
    if plan.sink != SinkPlan::default() {
        let message = "there are branches, each with its own sink: leave [sink] out";
        return Err(PlanError::new(message));
    }
    let (mut paths, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (index, branch) in plan.branches.iter().enumerate() {
        let (path, name) = (branch.sink.path.as_str(), branch_name(branch, index));
        if !path.is_empty() && !paths.insert(path) {
            return Err(PlanError::new(format!("two branches write to `{path}`")));
        }
        if !names.insert(name.clone()) {
            return Err(PlanError::new(format!("two branches are called `{name}`")));
        }
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
        Some(letters) if plan.sinks().any(|sink| sink.path == letters.path) => {
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
    /// Records come from inputs with names, which an expression may ask for.
    files: bool,
    /// Records leave as columns, for a sink that has no use for their raw bytes.
    columns: bool,
}

/// A plan bound to its input.
struct BoundPlan {
    /// All fields of the input.
    schema: Schema,
    wanted: Vec<usize>,
    trunk: Vec<Step>,
    branches: Vec<BoundBranch>,
    /// The last field is the name of the input.
    file: bool,
}

struct BoundBranch {
    steps: Vec<Step>,
    /// The columns that leave, of those that were decoded.
    output: Arc<Schema>,
    /// Rows may leave as their raw records, followed by the columns from this index on.
    raw: Option<usize>,
}

fn bind(
    engine: &Engine,
    known: &Known<'_>,
    mut custom: Vec<MakeStage>,
    spill: Spill,
    open: bool,
) -> Result<BoundPlan, Error> {
    let Engine { plan, file, .. } = engine;
    let mut schema = declared(known.schema, plan, open)?;
    let draft = Draft::new(plan, file.as_ref(), spill);
    // Once with all fields, to see which are used; an error that a doubtful type would mend is
    // mended so. A column that is unknown may be the name of the file.
    let mut file = false;
    let ways = loop {
        let fault = match draft.ways(&Arc::new(schema.clone())) {
            Ok(ways) => break ways,
            Err(fault) => fault,
        };
        let mend = |name: &String| mend(&mut schema, known, name);
        if fault.columns.iter().any(mend) {
            continue;
        }
        let asked = |name: &String| name.eq_ignore_ascii_case(file_column::NAME);
        let there = schema.index_of(file_column::NAME).is_some();
        if there || !known.files || !fault.columns.iter().any(asked) {
            return Err(fault.error.into());
        }
        file = true;
        let fields = schema.fields().iter().cloned();
        schema = Schema::new(fields.chain([file_column::field()]).collect());
    };
    let may_be_raw = custom.is_empty() && !file && !known.columns;
    let raw = raw(&ways, plan, &schema, may_be_raw);
    let wanted = wanted(plan, &schema, &needed(&ways, &raw, custom.is_empty()));
    let pruned: Vec<_> = wanted
        .iter()
        .map(|&index| schema.fields()[index].clone())
        .collect();
    let pruned = Arc::new(Schema::new(pruned));
    // And once more with those that are: columns are bound by their places.
    let Ways {
        mut trunk,
        branches,
    } = draft.ways(&pruned).map_err(|fault| fault.error)?;
    if !plan.branches.is_empty() {
        append(&mut trunk, &pruned, std::mem::take(&mut custom), &draft)?;
    }
    let reached = trunk.last().map_or(pruned, |step| step.output.clone());
    let mut bound = Vec::new();
    for (mut steps, raw) in branches.into_iter().zip(raw) {
        append(&mut steps, &reached, std::mem::take(&mut custom), &draft)?;
        bound.push(BoundBranch {
            output: steps.last().map_or(&reached, |step| &step.output).clone(),
            steps,
            raw: raw.then_some(wanted.len()),
        });
    }
    Ok(BoundPlan {
        schema,
        wanted,
        trunk,
        branches: bound,
        file,
    })
}

/// Puts stages of the caller's own behind `steps`.
fn append(
    steps: &mut Vec<Step>,
    input: &Arc<Schema>,
    custom: Vec<MakeStage>,
    draft: &Draft<'_>,
) -> Result<(), PlanError> {
    for make in custom {
        let reached = steps.last().map_or(input, |step| &step.output);
        let stage = make(reached).map_err(|error| draft.plain(&error.to_string()))?;
        steps.push(Step::custom(stage));
    }
    Ok(())
}

/// For each branch, whether its rows may leave as their raw records.
fn raw(ways: &Ways, plan: &Plan, schema: &Schema, known: bool) -> Vec<bool> {
    let branches = ways.branches.iter().zip(plan.sinks());
    let raw = branches.map(|(steps, sink)| {
        let all = ways.trunk.iter().chain(steps);
        known && formats::same(&plan.source, sink) && flow::is_raw(all, schema)
    });
    raw.collect()
}

/// The fields that are needed; all of them where stages are not `known`.
fn needed(ways: &Ways, raw: &[bool], known: bool) -> Need {
    let branch = |(steps, &raw): (&Vec<Step>, &bool)| {
        let end = flow::at_end(ways.trunk.iter().chain(steps), raw && known);
        flow::need(steps, end)
    };
    let nothing = Some(BTreeSet::new());
    let branches = ways.branches.iter().zip(raw).map(branch);
    flow::need(&ways.trunk, branches.fold(nothing, flow::union))
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

fn assemble(bound: BoundPlan, plan: &Plan, input: Arc<dyn Format>) -> Result<Pipeline, PlanError> {
    let BoundPlan {
        schema,
        wanted,
        trunk,
        branches,
        ..
    } = bound;
    let branches = branches.into_iter().zip(plan.sinks()).enumerate();
    let branches = branches.map(|(index, (bound, sink))| {
        Ok(Branch {
            name: plan
                .branches
                .get(index)
                .map(|branch| branch_name(branch, index)),
            output: formats::output(sink)?,
            output_schema: bound.output_schema(&schema),
            segments: segments(bound.steps),
            raw: bound.raw,
        })
    });
    let branches = branches.collect::<Result<_, PlanError>>()?;
    let stages = trunk.into_iter().filter_map(|step| match step.kind {
        StepKind::Stage(stage) => Some(stage),
        StepKind::Fold(_) => None,
    });
    Ok(Pipeline {
        input,
        wanted,
        trunk: stages.collect(),
        branches,
        schema,
    })
}

impl BoundBranch {
    /// The columns that leave: those of raw records are all fields of the input.
    fn output_schema(&self, input: &Schema) -> Arc<Schema> {
        let Some(first) = self.raw else {
            return self.output.clone();
        };
        let derived = self.output.fields()[first..].iter().cloned();
        Schema::new(input.fields().iter().cloned().chain(derived).collect()).into()
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
