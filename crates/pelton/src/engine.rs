//! From a plan, or a chain of calls, to a run.

use std::sync::Arc;

use pelton_connect::{Input, Sink};
use pelton_record::Schema;
use pelton_stage::Stage;

use crate::plan::{
    AggregatePlan, BranchPlan, ByteSize, DeadLetterPlan, EnginePlan, OnError, Plan, PlanError,
    SinkPlan, SourcePlan, StagePlan,
};
use crate::run::{Report, Run};
use crate::{Error, planner};

/// Makes a stage for the columns that reach it.
pub(crate) type MakeStage =
    Box<dyn FnOnce(&Arc<Schema>) -> Result<Arc<dyn Stage>, pelton_stage::Error> + Send>;

/// A pipeline that is ready to be bound to its input.
///
/// See the [crate](crate) for an example.
pub struct Engine {
    pub(crate) plan: Plan,
    /// The file that the plan was read from, and its text, for messages.
    pub(crate) file: Option<(String, String)>,
    pub(crate) inputs: Option<Vec<Input>>,
    /// One for each branch, where it is not the plan that says where they write.
    pub(crate) sinks: Vec<Option<Box<dyn Sink>>>,
    /// Stages of the caller's own, which come after those of the plan.
    pub(crate) custom: Vec<MakeStage>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins a pipeline in code.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Begins an engine inside the program, which is fed record by record; see
    /// [`embed`](crate::embed).
    #[must_use]
    pub fn embedded() -> crate::embed::Builder {
        crate::embed::Builder::default()
    }

    /// An engine for `plan`.
    #[must_use]
    pub fn from_plan(plan: Plan) -> Self {
        Self {
            plan,
            file: None,
            inputs: None,
            sinks: Vec::new(),
            custom: Vec::new(),
        }
    }

    /// Says where the plan was read from, so that errors can show the place.
    #[must_use]
    pub fn in_file(mut self, name: &str, text: &str) -> Self {
        self.file = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// Reads from `inputs` instead of the plan's path.
    #[must_use]
    pub fn inputs(mut self, inputs: Vec<Input>) -> Self {
        self.inputs = Some(inputs);
        self
    }

    /// Writes to `sink` instead of the plan's path.
    #[must_use]
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks = vec![Some(Box::new(sink))];
        self
    }

    /// Opens the input, infers its types, and binds every expression.
    ///
    /// Nothing is written yet: a pipeline is checked by preparing it.
    ///
    /// # Errors
    ///
    /// When the input cannot be read, or the plan does not fit it.
    pub fn prepare(self) -> Result<Run, Error> {
        planner::prepare(self)
    }

    /// Prepares and runs it.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare) and [`Run::run`].
    pub fn run(self) -> Result<Report, Error> {
        self.prepare()?.run()
    }
}

/// Builds an [`Engine`] step by step; steps happen in the order of the calls.
#[derive(Default)]
pub struct EngineBuilder {
    source: SourcePlan,
    stages: Vec<StagePlan>,
    sink: SinkPlan,
    engine: EnginePlan,
    dead_letter: Option<DeadLetterPlan>,
    inputs: Option<Vec<Input>>,
    branches: Vec<BranchPlan>,
    sinks: Vec<Option<Box<dyn Sink>>>,
    custom: Vec<MakeStage>,
    /// The first thing that was wrong; told when the pipeline is built.
    fault: Option<PlanError>,
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// Reads a file, a pattern of files, or `-` for standard input.
    #[must_use]
    pub fn source(mut self, path: impl Into<String>) -> Self {
        self.source.path = path.into();
        self
    }

    /// Reads with all the options of a plan's source.
    #[must_use]
    pub fn source_plan(mut self, source: SourcePlan) -> Self {
        self.source = source;
        self
    }

    /// Reads from `inputs`; the format is still that of the source plan, CSV unless given.
    #[must_use]
    pub fn inputs(mut self, inputs: Vec<Input>) -> Self {
        self.inputs = Some(inputs);
        self
    }

    /// Keeps the records for which the SQL expression is true.
    #[must_use]
    pub fn filter(self, expression: impl Into<String>) -> Self {
        self.stage(StagePlan::Filter(expression.into()))
    }

    /// Adds a column.
    #[must_use]
    pub fn derive(self, name: impl Into<String>, expression: impl Into<String>) -> Self {
        self.stage(StagePlan::Derive(
            [(name, expression)].into_iter().collect(),
        ))
    }

    /// Keeps these columns: names, or `expression AS name`.
    #[must_use]
    pub fn select<T: Into<String>>(self, columns: impl IntoIterator<Item = T>) -> Self {
        self.stage(StagePlan::Select(
            columns.into_iter().map(Into::into).collect(),
        ))
    }

    /// Groups by columns or expressions, and computes figures for each group.
    #[must_use]
    pub fn aggregate<B: Into<String>, N: Into<String>, E: Into<String>>(
        self,
        by: impl IntoIterator<Item = B>,
        compute: impl IntoIterator<Item = (N, E)>,
    ) -> Self {
        let by = by.into_iter().map(Into::into).collect();
        self.stage(StagePlan::Aggregate(AggregatePlan {
            by,
            compute: compute.into_iter().collect(),
        }))
    }

    /// Orders records: columns, each with `DESC` after it where larger comes first.
    #[must_use]
    pub fn sort<T: Into<String>>(self, keys: impl IntoIterator<Item = T>) -> Self {
        self.stage(StagePlan::Sort(keys.into_iter().map(Into::into).collect()))
    }

    /// Keeps the first records.
    #[must_use]
    pub fn limit(self, records: u64) -> Self {
        self.stage(StagePlan::Limit(records))
    }

    /// Adds any stage of a plan.
    #[must_use]
    pub fn stage(mut self, stage: StagePlan) -> Self {
        if !self.custom.is_empty() {
            let message = "stages of a plan come before stages of your own";
            self.fault.get_or_insert_with(|| PlanError::new(message));
        }
        self.stages.push(stage);
        self
    }

    /// Adds a stage of your own, made for the columns that reach it; it comes after those of the
    /// plan.
    #[must_use]
    pub fn custom_stage<S: Stage + 'static>(
        mut self,
        make: impl FnOnce(&Arc<Schema>) -> Result<S, pelton_stage::Error> + Send + 'static,
    ) -> Self {
        self.custom
            .push(Box::new(|schema| Ok(Arc::new(make(schema)?))));
        self
    }

    /// Writes a file, or standard output for `-`.
    #[must_use]
    pub fn sink(mut self, path: impl Into<String>) -> Self {
        self.sink.path = path.into();
        self
    }

    /// Writes with all the options of a plan's sink.
    #[must_use]
    pub fn sink_plan(mut self, sink: SinkPlan) -> Self {
        self.sink = sink;
        self
    }

    /// Writes to `sink`; the format is still that of the sink plan, CSV unless given.
    #[must_use]
    pub fn sink_to(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks = vec![Some(Box::new(sink))];
        self
    }

    /// Lets all records take one more way behind the stages, to a sink of its own.
    #[must_use]
    pub fn branch(mut self, branch: BranchPlan) -> Self {
        self.branches.push(branch);
        self.sinks.resize_with(self.branches.len(), || None);
        self
    }

    /// The same to `sink`; the format is still that of the branch's sink plan.
    #[must_use]
    pub fn branch_to(self, branch: BranchPlan, sink: impl Sink + 'static) -> Self {
        let mut with = self.branch(branch);
        let last = with.branches.len() - 1;
        with.sinks[last] = Some(Box::new(sink));
        with
    }

    /// Works with so many threads; as many as there are processors unless given.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.engine.workers = Some(workers);
        self
    }

    /// Keeps all memory that grows with the data below this size, such as `50MB`.
    #[must_use]
    pub fn memory_limit(mut self, size: &str) -> Self {
        match size.parse::<ByteSize>() {
            Ok(size) => self.engine.memory_limit = Some(size),
            Err(message) => {
                self.fault
                    .get_or_insert_with(|| PlanError::new(format!("memory_limit: {message}")));
            }
        }
        self
    }

    /// Sets every option of the engine at once.
    #[must_use]
    pub fn engine(mut self, engine: EnginePlan) -> Self {
        self.engine = engine;
        self
    }

    /// What happens to a record that is refused: the run stops unless given.
    #[must_use]
    pub fn on_error(mut self, policy: OnError) -> Self {
        self.engine.on_error = policy;
        self
    }

    /// Writes refused records to a file of NDJSON, and goes on.
    #[must_use]
    pub fn dead_letter(mut self, path: impl Into<String>) -> Self {
        self.engine.on_error = OnError::DeadLetter;
        self.dead_letter = Some(DeadLetterPlan { path: path.into() });
        self
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// When one of the calls made no sense.
    pub fn build(self) -> Result<Engine, Error> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let Self {
            source,
            stages,
            sink,
            engine,
            dead_letter,
            inputs,
            branches,
            sinks,
            custom,
            ..
        } = self;
        let plan = Plan {
            source,
            stages,
            sink,
            branches,
            engine,
            dead_letter,
            ..Plan::default()
        };
        Ok(Engine {
            plan,
            file: None,
            inputs,
            sinks,
            custom,
        })
    }

    /// Builds and runs it.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build) and [`Engine::run`].
    pub fn run(self) -> Result<Report, Error> {
        self.build()?.run()
    }
}
