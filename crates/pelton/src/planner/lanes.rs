//! The lanes of a pipeline without an end.

use std::sync::Arc;

use pelton_format::Format;
use pelton_pool::Level;
use pelton_record::Schema;
use pelton_stage::{Bound, Expression};

use super::{Known, assemble, bind, declared, formats};
use crate::Error;
use crate::engine::Engine;
use crate::plan::{
    FlowPlan, FormatName, LaneKind, Locator, Overflow, Plan, PlanError, Pressure, SinkPlan,
    StagePlan,
};
use crate::run::{Pipeline, Settings};

/// The name of the lane that the pipeline's own stages and sink make.
pub(crate) const MAIN_LANE: &str = "main";

/// A lane as the plan has it, with its pipeline.
pub(crate) struct LaneDraft {
    pub name: String,
    pub sink: SinkPlan,
    pub flow: FlowPlan,
    pub pipeline: Pipeline,
}

/// How records are told apart that go to different lanes.
pub(crate) struct Routes {
    pub format: Arc<dyn Format>,
    pub schema: Schema,
    pub wanted: Vec<usize>,
    /// One for each lane but the last.
    pub routes: Vec<Route>,
}

/// What one lane takes.
pub(crate) struct Route {
    /// The condition; none for any record.
    pub when: Option<Bound>,
    /// The lane takes records only while the budget is at this level or above it.
    pub under: Option<Level>,
}

/// The lanes of `plan` in the order in which records try them, the pipeline's own last.
/// `columns` tells of a lane and its sink whether they want columns rather than encoded records.
pub(crate) fn lanes(
    plan: &Plan,
    file: Option<&(String, String)>,
    settings: &Settings,
    columns: &dyn Fn(&str, &SinkPlan) -> bool,
) -> Result<Vec<LaneDraft>, Error> {
    let own = LaneDraftOf {
        name: MAIN_LANE,
        plan: plan.clone(),
        flow: plan.flow.clone(),
    };
    let others = plan.lanes.iter().map(|lane| LaneDraftOf {
        name: &lane.name,
        plan: Plan {
            stages: lane.stages.clone(),
            sink: lane.sink.clone(),
            ..plan.clone()
        },
        flow: lane.flow.clone(),
    });
    check_names(plan)?;
    check_spool(plan, settings)?;
    others
        .chain([own])
        .map(|lane| lane.draft(file, settings, columns))
        .collect()
}

fn check_names(plan: &Plan) -> Result<(), PlanError> {
    let mut names = vec![MAIN_LANE];
    for lane in &plan.lanes {
        let name = lane.name.as_str();
        if name.is_empty() || names.contains(&name) {
            let message = format!(
                "lane.name: `{name}` is taken or empty, expected a name of its own for each lane \
                 (the pipeline's own stages and sink are lane \"{MAIN_LANE}\")"
            );
            return Err(PlanError::new(message));
        }
        names.push(name);
    }
    Ok(())
}

/// Bytes that a listener reads at once and those that an entry of a spool takes besides, at most.
const ENTRY_BYTES: u64 = 512 << 10;
/// A spool that cannot hold a few of the largest entries would let nobody in.
const ENTRIES: u64 = 4;

fn check_spool(plan: &Plan, settings: &Settings) -> Result<(), PlanError> {
    let Some(spool) = &plan.source.spool else {
        return Ok(());
    };
    if spool.path.is_empty() {
        let message = "source.spool.path is missing: the folder that the spool has for itself";
        return Err(PlanError::new(message));
    }
    let least = ENTRIES * (settings.record_bytes_max as u64 + ENTRY_BYTES);
    match spool.limit {
        Some(limit) if limit.bytes() < least => {
            let message = format!(
                "source.spool.limit: {limit} is too little for records of up to {} bytes \
                 (engine.record_limit); expected at least {least} bytes",
                settings.record_bytes_max
            );
            Err(PlanError::new(message))
        }
        _ => Ok(()),
    }
}

/// A lane on its way to a draft: its stages and sink as if they were the plan's own.
struct LaneDraftOf<'a> {
    name: &'a str,
    plan: Plan,
    flow: FlowPlan,
}

impl LaneDraftOf<'_> {
    fn draft(
        self,
        file: Option<&(String, String)>,
        settings: &Settings,
        columns: &dyn Fn(&str, &SinkPlan) -> bool,
    ) -> Result<LaneDraft, Error> {
        if !self.plan.branches.is_empty() {
            let message = "branches are for inputs with an end: here records take lanes";
            return Err(PlanError::new(message).into());
        }
        let plan = with_formats(self.plan);
        check_sink(self.name, &plan.sink, &self.flow)?;
        check_flow(self.name, &plan, &self.flow)?;
        let input = formats::input(&plan.source, settings.record_bytes_max)?;
        let schema = schema(&*input)?;
        let known = Known {
            schema: &schema,
            doubtful: &[],
            files: false,
            columns: columns(self.name, &plan.sink),
        };
        let sink = plan.sink.clone();
        let engine = Engine {
            file: file.cloned(),
            ..Engine::from_plan(plan)
        };
        let open = !input.is_positional();
        let bound = bind(&engine, &known, Vec::new(), settings.spill.clone(), open)?;
        let pipeline = assemble(bound, &engine.plan, input)?;
        Ok(LaneDraft {
            name: self.name.to_owned(),
            sink,
            flow: self.flow,
            pipeline,
        })
    }
}

/// How the records look that come in.
#[cfg(feature = "serve")]
pub(crate) fn arriving(plan: &Plan) -> Result<Arc<dyn Format>, Error> {
    let settings = Settings::of(plan)?;
    let plan = with_formats(plan.clone());
    Ok(formats::input(&plan.source, settings.record_bytes_max)?)
}

/// What comes in is NDJSON unless it is said to be something else, and so is what leaves for
/// anything but a file that says otherwise.
fn with_formats(mut plan: Plan) -> Plan {
    let listens = plan.source.path.is_empty();
    if plan.source.format.is_none() && listens {
        plan.source.format = Some(FormatName::Ndjson);
    }
    let sink = &mut plan.sink;
    if sink.format.is_none() && FormatName::of_path(&sink.path).is_none() {
        sink.format = match plan.source.format {
            Some(FormatName::Log) | None => Some(FormatName::Ndjson),
            same if sink.url.is_none() => same,
            _ => Some(FormatName::Ndjson),
        };
    }
    plan
}

fn check_sink(name: &str, sink: &SinkPlan, flow: &FlowPlan) -> Result<(), PlanError> {
    if flow.kind == LaneKind::Transactional && sink.key.is_empty() && sink.path.is_empty() {
        let message = format!(
            "lane \"{name}\": a transactional lane needs sink.key, the columns that make two \
             records the same, or a file"
        );
        return Err(PlanError::new(message));
    }
    if sink.format == Some(FormatName::Table) {
        let message = format!("lane \"{name}\": tables are for pipelines with an end");
        return Err(PlanError::new(message));
    }
    Ok(())
}

/// Whether what the lane remembers, and what it puts off, can be kept where it shall be.
fn check_flow(name: &str, plan: &Plan, flow: &FlowPlan) -> Result<(), PlanError> {
    let wrong = |message: &str| Err(PlanError::new(format!("lane \"{name}\": {message}")));
    let remembers = plan
        .stages
        .iter()
        .any(|stage| matches!(stage, StagePlan::Dedup(_)));
    let sink = &plan.sink;
    if flow.kind == LaneKind::Transactional
        && remembers
        && flow.state.is_none()
        && sink.key.is_empty()
    {
        return wrong(
            "a dedup in a transactional lane must outlive a restart; set flow.state to a folder \
             for what it remembers, or sink.key to the columns that the database tells records \
             apart by",
        );
    }
    let keeps_positions = match &sink.url {
        Some(url) => ["memory", "sqlite", "postgres"]
            .iter()
            .any(|kept| url.starts_with(kept)),
        None => sink.path != "-",
    };
    if flow.state.is_some() && !keeps_positions {
        return wrong("flow.state needs a sink that keeps positions: a file or a database");
    }
    if flow.overflow == Overflow::Spill && !plan.engine.spill {
        return wrong("flow.overflow = \"spill\" and engine.spill = false exclude each other");
    }
    if flow.overflow != Overflow::Spill && flow.spill_limit.is_some() {
        return wrong("flow.spill_limit is for flow.overflow = \"spill\"");
    }
    Ok(())
}

/// The fields that a format has before anything was read.
fn schema(format: &dyn Format) -> Result<Schema, PlanError> {
    if !format.is_positional() {
        return Ok(Schema::default());
    }
    let opened = format.open(b"", true);
    opened.map(|opened| opened.schema).map_err(|error| {
        PlanError::new(format!(
            "source.format: {} needs a header, and nobody has sent one yet: {error}",
            format.name()
        ))
    })
}

/// What sends records to lanes; nothing when there is one.
pub(crate) fn routes(
    plan: &Plan,
    file: Option<&(String, String)>,
    settings: &Settings,
) -> Result<Option<Routes>, Error> {
    if plan.lanes.is_empty() {
        return Ok(None);
    }
    let plan = with_formats(plan.clone());
    let format = formats::input(&plan.source, settings.record_bytes_max)?;
    let schema = declared(&schema(&*format)?, &plan, !format.is_positional())?;
    let locator = Locator::new(file.map_or("", |(_, text)| text));
    let place = |text: &str, lane: &str, error: &pelton_stage::Error| {
        let message = format!("lane \"{lane}\": when: {}", error.message());
        let plain = PlanError::new(message);
        let (Some((name, file)), Some(start)) = (file, locator.find(text)) else {
            return plain;
        };
        let (line, column) = error.position().map_or((1, 1), |at| (at.line, at.column));
        plain
            .in_file(name)
            .at(file, locator.within(start, line, column))
    };
    let mut parsed = Vec::new();
    for lane in &plan.lanes {
        let when = match &lane.when {
            Some(when) => Some((when, parse(when, &lane.name, &place)?)),
            None if lane.under.is_some() => None,
            None => {
                let message = format!(
                    "lane \"{}\": expected `when`, the condition on its records, or `under`, the \
                     level of memory from which it takes any",
                    lane.name
                );
                return Err(PlanError::new(message).into());
            }
        };
        parsed.push((lane, when));
    }
    let used = |name: &str| {
        parsed
            .iter()
            .filter_map(|(_, when)| when.as_ref())
            .any(|(_, when)| when.columns().contains(&name))
    };
    let wanted: Vec<usize> = (0..schema.len())
        .filter(|&index| used(&schema.fields()[index].name))
        .collect();
    let fields = wanted.iter().map(|&index| schema.fields()[index].clone());
    let pruned = Schema::new(fields.collect());
    let mut routes = Vec::new();
    for (lane, when) in &parsed {
        let bound = when.as_ref().map(|(text, when)| {
            let bound = when.bind(&pruned);
            bound.map_err(|error| place(text, &lane.name, &error))
        });
        routes.push(Route {
            when: bound.transpose()?,
            under: lane.under.map(level),
        });
    }
    Ok(Some(Routes {
        format,
        schema,
        wanted,
        routes,
    }))
}

fn parse(
    when: &str,
    lane: &str,
    place: &impl Fn(&str, &str, &pelton_stage::Error) -> PlanError,
) -> Result<Expression, PlanError> {
    Expression::parse(when).map_err(|error| place(when, lane, &error))
}

const fn level(pressure: Pressure) -> Level {
    match pressure {
        Pressure::Elevated => Level::Elevated,
        Pressure::Critical => Level::Critical,
    }
}
