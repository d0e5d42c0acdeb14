//! Putting an engine together.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use pelton_metrics::Registry;
use pelton_pool::{Budget, BufferPool, Reservation};
use pelton_queue::{mpmc, wait};
use pelton_sync::atomic::AtomicUsize;
use pelton_sync::available_parallelism;

use super::clock::Clock;
use super::control::Control;
use super::embedded::{Embedded, Shared};
use super::inline::Hands;
use super::lanes;
use super::order::Order;
use super::outbox::{Outbox, Outlet};
use super::receiver::Receiver;
use super::record::{Processed, Record};
use super::records::Records;
use super::sql::{Sql, SqlWorker};
use super::stage::{Stage, Work};
use super::stats::Metrics;
use super::submitter::Submitter;
use super::worker::OnRejected;
use crate::Error;
use crate::plan::{ByteSize, FormatName, Plan, PlanError, SourcePlan, StagePlan};

/// Records of a priority that wait, and records that wait to be received, unless given.
const CAPACITY: usize = 1024;
/// Records that a worker takes up together, unless given: enough to make two readings of the clock
/// and the fences of the queues cheap, and few enough to stay in a first-level cache.
const BATCH: usize = 256;
/// No ring, and so no mistake in a number, is larger.
const CAPACITY_MAX: usize = 1 << 28;
/// Workers hold that much; a batch need not be larger to make its cost small.
const BATCH_MAX: usize = 1 << 16;
/// Threads that one engine may have.
const WORKERS_MAX: usize = 1024;

/// Builds an [`Embedded`] engine; stages happen in the order of the calls.
///
/// Made by [`Engine::embedded`](crate::Engine::embedded).
pub struct Builder {
    workers: usize,
    input_capacity: usize,
    output_capacity: usize,
    batch: usize,
    memory_limit: Option<u64>,
    ordered: bool,
    metrics: bool,
    registry: Registry,
    on_rejected: OnRejected,
    return_filtered: bool,
    stages: Vec<Stage>,
    /// What payloads look like, for built-in stages.
    source: SourcePlan,
    /// Built-in stages that are not bound yet: those in a row share one decoding.
    built_in: Vec<StagePlan>,
    /// The first thing that was wrong; told at the start.
    fault: Option<Error>,
}

impl Default for Builder {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            workers: processors.div_ceil(2),
            input_capacity: CAPACITY,
            output_capacity: CAPACITY,
            batch: BATCH,
            memory_limit: None,
            ordered: false,
            metrics: true,
            registry: Registry::new(),
            on_rejected: OnRejected::default(),
            return_filtered: false,
            stages: Vec::new(),
            source: SourcePlan {
                format: Some(FormatName::Ndjson),
                ..SourcePlan::default()
            },
            built_in: Vec::new(),
            fault: None,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.workers)
            .field("stages", &self.stages.len())
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Works with so many threads, from 0 to 1024. Default: half of the processors, rounded up, so
    /// that there is room for those who submit and receive.
    ///
    /// With 0 the engine has no threads: a call that finds nothing to receive works on what was
    /// submitted, one call at a time, and takes as long as the stages do with a batch; so do
    /// [`stop`](Embedded::stop), [`abort`](Embedded::abort) and [`join`](Embedded::join). Where one
    /// thread submits and receives and the stages are light, that is the fastest: nothing is
    /// handed to another core. Records keep their order. Without a receiver nobody works: when the
    /// last one is dropped, nothing more is let in. A stage must not receive from its own engine.
    ///
    /// ```
    /// use pelton::Engine;
    ///
    /// let (engine, mut submitter, mut receiver) = Engine::embedded()
    ///     .workers(0)
    ///     .keep("short", |record| record.payload.len() < 6)
    ///     .start()?;
    /// for payload in [&b"one"[..], b"another", b"two"] {
    ///     submitter.submit_blocking(submitter.record(0, 0, payload)?)?;
    /// }
    /// // This thread runs the stages, here:
    /// assert_eq!(&receiver.recv()?.record.payload[..], b"one");
    /// assert_eq!(&receiver.recv()?.record.payload[..], b"two");
    /// assert!(receiver.try_recv().is_err());
    /// assert_eq!(engine.stop().stats.filtered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.check("workers", workers, 0..=WORKERS_MAX);
        self.workers = workers;
        self
    }

    /// So many records of each priority may wait for a worker, from 1 to 2^28. Default: 1024.
    #[must_use]
    pub fn input_capacity(mut self, records: usize) -> Self {
        self.check("input_capacity", records, 1..=CAPACITY_MAX);
        self.input_capacity = records;
        self
    }

    /// So many records may wait to be received, from 1 to 2^28; then workers wait. Default: 1024.
    #[must_use]
    pub fn output_capacity(mut self, records: usize) -> Self {
        self.check("output_capacity", records, 1..=CAPACITY_MAX);
        self.output_capacity = records;
        self
    }

    /// A worker takes up at most so many records together, from 1 to 2^16. Default: 256. It never
    /// waits for more than are there. Fewer make an urgent record wait less behind others where
    /// stages are slow.
    #[must_use]
    pub fn batch(mut self, records: usize) -> Self {
        self.check("batch", records, 1..=BATCH_MAX);
        self.batch = records;
        self
    }

    /// Keeps rings and payloads below this size, such as `50MB`; a payload beyond it is not
    /// leased. Default: no limit.
    #[must_use]
    pub fn memory_limit(mut self, size: &str) -> Self {
        match size.parse::<ByteSize>() {
            Ok(size) => self.memory_limit = Some(size.bytes()),
            Err(message) => self.fault(format!("memory_limit: {message}")),
        }
        self
    }

    /// Records of one submitter and one priority come out in the order in which they went in.
    /// Default: no; with one worker they do anyway. With several it makes a worker that is done
    /// wait for those who are at earlier records.
    #[must_use]
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    /// Keeps a histogram of latency and registers all figures. Default: yes. Without it the
    /// counts of [`stats`](Embedded::stats) are kept all the same.
    #[must_use]
    pub fn metrics(mut self, wanted: bool) -> Self {
        self.metrics = wanted;
        self
    }

    /// Registers figures in `registry` instead of one of its own. One registry serves one
    /// engine: several would count into the same series.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// What happens to rejected records. Default: they are received like the others.
    #[must_use]
    pub fn on_rejected(mut self, policy: OnRejected) -> Self {
        self.on_rejected = policy;
        self
    }

    /// Gives rejected records to `handle`, on the worker, instead of to receivers.
    #[must_use]
    pub fn dead_letter(self, handle: impl Fn(Processed) + Send + Sync + 'static) -> Self {
        self.on_rejected(OnRejected::Call(Box::new(handle)))
    }

    /// Lets receivers see records that a stage left out too. Default: no, they are only counted.
    #[must_use]
    pub fn return_filtered(mut self, wanted: bool) -> Self {
        self.return_filtered = wanted;
        self
    }

    /// Adds a stage that leaves out the records `keep` says no to.
    #[must_use]
    pub fn keep(self, name: &str, keep: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        self.stage(name, move |records| records.keep(&keep))
    }

    /// Adds a stage that changes each record.
    #[must_use]
    pub fn update(self, name: &str, update: impl Fn(&mut Record) + Send + Sync + 'static) -> Self {
        self.try_update(name, move |record| {
            update(record);
            Ok::<(), std::convert::Infallible>(())
        })
    }

    /// Adds a stage that changes each record, and rejects those for which `update` answers an
    /// error, with its text as the reason.
    #[must_use]
    pub fn try_update<E: fmt::Display>(
        self,
        name: &str,
        update: impl Fn(&mut Record) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.stage(name, move |records| records.update(&update))
    }

    /// Adds a stage that is shown all records of a batch at once. If it panics, all records that
    /// it was shown are rejected: nobody knows which one it was.
    #[must_use]
    pub fn update_batch(
        self,
        name: &str,
        update: impl Fn(&mut Records) + Send + Sync + 'static,
    ) -> Self {
        self.stage(name, move |records| records.whole(&update))
    }

    /// Says what payloads look like to the built-in stages that follow: each is one record of this
    /// format, with or without a line end. Default: NDJSON; `text` and `log` are the others.
    #[must_use]
    pub fn format(mut self, format: FormatName) -> Self {
        self.bind_built_in();
        self.source.format = Some(format);
        self
    }

    /// Declares a field of the payloads for the built-in stages that follow, such as `"level"` and
    /// `"int64"`.
    #[must_use]
    pub fn field(mut self, name: &str, data_type: &str) -> Self {
        self.bind_built_in();
        let fields = &mut self.source.schema;
        fields.insert(name.to_owned(), data_type.to_owned());
        self
    }

    /// Adds a stage that keeps the records for which the SQL expression is true.
    #[must_use]
    pub fn filter(self, expression: &str) -> Self {
        self.built_in(StagePlan::Filter(expression.to_owned()))
    }

    /// Adds a stage that adds a field to the payload.
    #[must_use]
    pub fn derive(self, name: &str, expression: &str) -> Self {
        let derived = [(name, expression)];
        self.built_in(StagePlan::Derive(derived.into_iter().collect()))
    }

    /// Adds any built-in stage that works on one record at a time. Built-in stages in a row decode
    /// a batch of payloads together, are one stage in figures, `sql`, and allocate once a batch.
    /// Where fields change, payloads are written anew; those of `log` as NDJSON.
    ///
    /// ```
    /// use pelton::Engine;
    ///
    /// let (engine, mut submitter, mut receiver) = Engine::embedded()
    ///     .field("level", "int64")
    ///     .filter("level >= 3")
    ///     .derive("loud", "level > 4")
    ///     .start()?;
    /// for payload in [r#"{"level":1}"#, r#"{"level":5}"#] {
    ///     let record = submitter.record(0, 0, payload.as_bytes())?;
    ///     submitter.submit_blocking(record)?;
    /// }
    /// let processed = receiver.recv()?;
    /// assert_eq!(&processed.record.payload[..], br#"{"level":5,"loud":true}"#);
    /// assert_eq!(engine.stop().stats.filtered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn built_in(mut self, stage: StagePlan) -> Self {
        self.built_in.push(stage);
        self
    }

    /// Makes one stage of the built-in ones in a row.
    fn bind_built_in(&mut self) {
        let stages = std::mem::take(&mut self.built_in);
        if stages.is_empty() {
            return;
        }
        let plan = Plan {
            source: self.source.clone(),
            stages,
            ..Plan::default()
        };
        match Sql::bind(&plan) {
            Ok(sql) => self.add_sql(sql),
            Err(error) => {
                self.fault.get_or_insert(error);
            }
        }
    }

    fn add_sql(&mut self, sql: Sql) {
        // What the stages made is known to those behind.
        let fields = sql.branch().output_schema.fields().iter();
        let fields = fields.map(|field| (field.name.clone(), field.data_type.to_string()));
        self.source.schema.extend(fields);
        let before = self
            .stages
            .iter()
            .filter(|stage| stage.name.starts_with("sql"));
        let name = match before.count() {
            0 => "sql".to_owned(),
            count => format!("sql {}", count + 1),
        };
        let sql = Arc::new(sql);
        let make = move |pool: &BufferPool| -> Work {
            let mut worker = SqlWorker::new(sql.clone(), pool.clone());
            Box::new(move |records| worker.work(records))
        };
        self.stages.push(Stage::each_its_own(name, make));
    }

    fn stage(mut self, name: &str, work: impl Fn(&mut Records) + Send + Sync + 'static) -> Self {
        self.bind_built_in();
        if name.is_empty() || self.stages.iter().any(|stage| &*stage.name == name) {
            self.fault(format!(
                "stage name \"{name}\": expected a name of its own for each stage"
            ));
        }
        self.stages.push(Stage::shared(name.to_owned(), work));
        self
    }

    fn check(&mut self, option: &str, given: usize, allowed: RangeInclusive<usize>) {
        if !allowed.contains(&given) {
            let (least, most) = allowed.into_inner();
            self.fault(format!(
                "{option}: expected a number from {least} to {most}, found {given}"
            ));
        }
    }

    fn fault(&mut self, message: String) {
        self.fault
            .get_or_insert_with(|| PlanError::new(message).into());
    }

    /// Starts the workers, and gives the engine with its two ends.
    ///
    /// # Errors
    ///
    /// When one of the calls made no sense, when the rings do not fit into the memory limit, or
    /// when there is no thread for a worker.
    pub fn start(mut self) -> Result<(Embedded, Submitter, Receiver), Error> {
        self.bind_built_in();
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let metrics = self.make_metrics()?;
        let budget = self
            .memory_limit
            .map_or_else(Budget::unlimited, Budget::new);
        let rings = self.reserve(&budget)?;
        let control = Arc::new(Control::default());
        let order = (self.ordered && self.workers > 1).then(Arc::<Order>::default);
        let ends = lanes::channel(self.input_capacity, control.clone(), order.clone());
        let (lanes, gate) = wait::pair(ends);
        let (sender, ring) = mpmc::channel(self.output_capacity);
        let ends = (sender, Outbox::new(ring));
        let (sender, outbox) = match self.workers {
            // Who waits for results waits for records, to work on them.
            0 => (lanes.beside(ends.0), gate.beside(ends.1)),
            _ => wait::pair(ends),
        };
        let outlet = Outlet::new(sender, outbox.end(), control.clone());
        let pool = BufferPool::new(budget.clone());
        let shared = Shared {
            control,
            order,
            stages: self.stages,
            on_rejected: self.on_rejected,
            return_filtered: self.return_filtered,
            metrics,
            clock: Clock::new(),
            pool: pool.clone(),
            budget,
            _rings: rings,
            batch: self.batch,
            no_stage: "".into(),
            gate,
            at_work: AtomicUsize::new(self.workers.max(1)),
            stopped_by: Default::default(),
        };
        let engine = Embedded::start(shared, outlet, self.workers)?;
        let outbox = match engine.inline() {
            Some(inline) => outbox.beside(outbox.end().with_hands(Hands::of(inline))),
            None => outbox,
        };
        Ok((engine, Submitter::new(lanes, pool), Receiver::new(outbox)))
    }

    fn make_metrics(&mut self) -> Result<Metrics, Error> {
        if !self.metrics {
            return Ok(Metrics::default());
        }
        Metrics::register(&self.registry, &mut self.stages)
            .map_err(|error| PlanError::new(format!("metrics: {error}")).into())
    }

    /// Pays for the rings and what workers hold.
    fn reserve(&self, budget: &Budget) -> Result<Reservation, Error> {
        let slots = |capacity: usize| capacity.next_power_of_two();
        let stamp = size_of::<usize>();
        let input = 3 * slots(self.input_capacity) * (size_of::<Record>() + stamp);
        let output = slots(self.output_capacity) * (size_of::<Processed>() + stamp);
        let held =
            self.workers.max(1) * self.batch * (size_of::<Record>() + size_of::<Processed>());
        budget
            .reserve((input + output + held) as u64)
            .map_err(|error| {
                let message = format!("memory_limit: no room for rings and batches: {error}");
                PlanError::new(message).into()
            })
    }
}
