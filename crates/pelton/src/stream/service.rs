//! A pipeline without an end, running.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelton_connect::stream::{self as connect, Positions, Shape, Store};
use pelton_metrics::Registry;
use pelton_pool::{Budget, BufferPool};
use pelton_record::Schema;
use pelton_sync::Mutex;
use pelton_sync::atomic::AtomicBool;
use pelton_sync::thread::JoinHandle;

use super::backlog::Backlog;
use super::crew::{Crew, spawn};
use super::cuts::Cuts;
use super::inbox::Inbox;
use super::intake::{Intake, Progress};
use super::journal::Journal;
use super::keeper::{Deadline, Keeper, Letters, Retry};
use super::lane::{Bringer, Lane};
use super::memory::LaneMemory;
use super::outbox::{Outbox, Rules};
use super::precedence::Precedence;
use super::room::Room;
use super::router::Router;
use super::stats::{LaneMetrics, LaneStats, ServiceReport};
use super::tail::{STATE, Tail};
use crate::Error;
use crate::plan::{FlowPlan, LaneKind, OnError, Overflow, Plan, PlanError, SinkPlan};
use crate::planner::{self, LaneDraft};
use crate::run::Settings;

const CAPACITY: usize = 256;
const BATCH_LINGER: Duration = Duration::from_millis(200);
/// So much is put at once whatever may still come.
const ENOUGH_BYTES: usize = 4 << 20;
/// A lane that spills has so much on the disk at most.
const SPILL_BYTES: u64 = 1 << 30;
/// Workers count what they have in their hands within this time.
const COUNTING: Duration = Duration::from_millis(100);
const DRAIN: Duration = Duration::from_secs(30);

/// Puts a [`Service`] together.
pub struct ServiceBuilder {
    plan: Plan,
    file: Option<(String, String)>,
    stores: BTreeMap<String, Box<dyn Store>>,
    letters: Option<Box<dyn Store>>,
    registry: Registry,
    memories: BTreeMap<String, LaneMemory>,
    /// Gathered while lanes are made.
    cuts: Cuts,
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// What all lanes of a service share.
struct Surroundings<'a> {
    settings: &'a Settings,
    /// What windows are paid from.
    state: Budget,
    pool: BufferPool,
    room: Arc<Room>,
    deadline: Arc<Deadline>,
    letters: Option<Letters>,
}

impl ServiceBuilder {
    /// Says where the plan was read from, so that errors can show the place.
    #[must_use]
    pub fn in_file(mut self, name: &str, text: &str) -> Self {
        self.file = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// Keeps what leaves `lane` in `store` instead of the plan's sink; the lane that the
    /// pipeline's own stages make is called `main`.
    #[must_use]
    pub fn store(mut self, lane: &str, store: impl Store + 'static) -> Self {
        self.stores.insert(lane.to_owned(), Box::new(store));
        self
    }

    /// Keeps refused records in `store`, as lines of JSON.
    #[must_use]
    pub fn dead_letter(mut self, store: impl Store + 'static) -> Self {
        self.letters = Some(Box::new(store));
        self
    }

    /// Registers the service's metrics in `registry` instead of one of its own.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Binds the plan and opens nothing: what is wrong with it is told, and nothing else happens.
    /// Answers the names of the lanes and the columns that leave each.
    ///
    /// # Errors
    ///
    /// When the plan makes no sense.
    pub fn check(&self) -> Result<Vec<(String, Schema)>, Error> {
        let settings = Settings::of(&self.plan)?;
        let drafts = self.drafts(&settings)?;
        planner::routes(&self.plan, self.file.as_ref(), &settings)?;
        #[cfg(feature = "serve")]
        planner::addresses(&self.plan).and(planner::gather(&self.plan))?;
        let lanes = drafts.into_iter().map(|draft| {
            let branch = &draft.pipeline.branches[0];
            (draft.name, Schema::clone(&branch.output_schema))
        });
        Ok(lanes.collect())
    }

    /// Binds the plan, asks the stores how far they came, and lets the workers loose.
    ///
    /// # Errors
    ///
    /// When the plan makes no sense, or a store cannot be opened.
    pub fn start(mut self) -> Result<Service, Error> {
        let settings = Settings::of(&self.plan)?;
        let drafts = self.drafts(&settings)?;
        let (blocks, state) = budgets(&drafts, &settings.budget);
        let pool = BufferPool::new(blocks.clone());
        let room = Arc::new(Room::default());
        let deadline = Arc::new(Deadline::default());
        let router = planner::routes(&self.plan, self.file.as_ref(), &settings)?.map(Router::new);
        let lone = drafts.len() == 1;
        let surroundings = Surroundings {
            settings: &settings,
            state,
            pool: pool.clone(),
            room: room.clone(),
            deadline: deadline.clone(),
            letters: self.letters()?,
        };
        let mut lanes = Vec::with_capacity(drafts.len());
        let mut crews = Vec::new();
        for draft in drafts {
            let usual = if lone { settings.workers } else { 1 };
            crews.push((draft.flow.kind, draft.flow.workers.unwrap_or(usual).max(1)));
            lanes.push(Arc::new(self.lane(draft, &surroundings)?));
        }
        let progress = Arc::new(Progress::default());
        progress.recover(common(&lanes));
        let intake = Arc::new(Intake {
            pool,
            room,
            lanes: lanes.clone(),
            router,
            cuts: std::mem::take(&mut self.cuts),
            progress,
            closed: AtomicBool::new(false),
        });
        let crew = Arc::new(Crew::default());
        let mut threads = Vec::new();
        for (lane, (kind, workers)) in lanes.iter().zip(&crews) {
            let ahead = lanes
                .iter()
                .zip(&crews)
                .filter(|(_, (other, _))| goes_first(*other, *kind))
                .map(|(lane, _)| lane);
            let precedence = Precedence::new(ahead, &blocks, &deadline);
            threads.extend(spawn(lane, *workers, Arc::new(precedence), &crew)?);
        }
        Ok(Service {
            drain: self
                .plan
                .serve
                .drain
                .map_or(DRAIN, |interval| interval.duration()),
            intake,
            lanes,
            crew,
            threads,
            deadline,
            registry: self.registry,
            memories: self.memories,
            budget: settings.budget,
            started: Instant::now(),
        })
    }

    fn drafts(&self, settings: &Settings) -> Result<Vec<LaneDraft>, Error> {
        let columns = |lane: &str, sink: &SinkPlan| match self.stores.get(lane) {
            Some(store) => store.shape() == Shape::Rows,
            None => super::stores::wants_columns(sink),
        };
        planner::lanes(&self.plan, self.file.as_ref(), settings, &columns)
    }

    fn lane(&mut self, draft: LaneDraft, surroundings: &Surroundings<'_>) -> Result<Lane, Error> {
        let settings = surroundings.settings;
        let letters = surroundings.letters.clone();
        let name: Arc<str> = draft.name.as_str().into();
        let mut store = self.store_of(&draft)?;
        let mut recovered = store
            .positions()
            .map_err(|error| Error::store(&name, &error))?;
        self.cuts.add(&recovered);
        let metrics =
            LaneMetrics::new(&self.registry, &name).map_err(|error| Error::internal(&error))?;
        let writes_letters = letters.is_some();
        let store_shape = store.shape();
        let keeps_positions = store.keeps_positions();
        let branch = &draft.pipeline.branches[0];
        let counted = (&metrics, writes_letters);
        let mut tail = Tail::new(&name, branch, store_shape, &surroundings.state, counted)?;
        let journal = match (&draft.flow.state, &mut tail) {
            (Some(folder), Some(tail)) => Some(journal(folder, tail, &recovered)?),
            (Some(_), None) => return Err(nothing_to_keep(&name)),
            (None, _) => None,
        };
        // Who sees records in order wants to see them as rows.
        let shape = match &mut tail {
            Some(tail) => {
                tail.recover(&mut recovered);
                Shape::Rows
            }
            None => store_shape,
        };
        let keeper = Keeper {
            lane: name.clone(),
            retry: Retry::from(&draft.sink.retry),
            deadline: surroundings.deadline.clone(),
            metrics: metrics.clone(),
            letters,
            store,
            tail,
            journal,
        };
        let inbox = Inbox::new(
            draft.flow.capacity.unwrap_or(CAPACITY).max(1),
            draft.flow.overflow,
            backlog(&draft.flow, settings),
            surroundings.pool.clone(),
        );
        let rules = rules(&draft.flow, settings);
        // What lingers or gives way needs a worker to look after it, and a disk is waited for.
        let may_bring = rules.linger.is_zero()
            && draft.flow.kind != LaneKind::Batch
            && draft.flow.overflow != Overflow::Spill;
        Ok(Lane {
            bringer: may_bring.then(|| Mutex::new(Bringer::new(&inbox, &draft.pipeline))),
            inbox,
            shape,
            outbox: Outbox::new(keeper, rules),
            pipeline: draft.pipeline,
            record_bytes_max: settings.record_bytes_max,
            room: surroundings.room.clone(),
            name,
            metrics,
            writes_letters,
            keeps_positions,
            recovered,
        })
    }

    fn store_of(&mut self, draft: &LaneDraft) -> Result<Box<dyn Store>, Error> {
        if let Some(store) = self.stores.remove(&draft.name) {
            return Ok(store);
        }
        let (store, seen) = super::stores::open(&draft.name, &draft.sink, &draft.pipeline)?;
        if let Some(seen) = seen {
            let memory = LaneMemory::new(&draft.name, seen, &self.registry);
            let memory = memory.map_err(|error| Error::internal(&error))?;
            self.memories.insert(draft.name.clone(), memory);
        }
        Ok(store)
    }

    /// The dead letter, if refused records are to be written.
    fn letters(&mut self) -> Result<Option<Letters>, Error> {
        let plan = &self.plan;
        let letters = match (self.letters.take(), &plan.dead_letter) {
            (Some(letters), _) => letters,
            (None, Some(letters)) if plan.engine.on_error == OnError::DeadLetter => {
                super::stores::lines("dead_letter", &letters.path)?
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Mutex::new(letters))))
    }
}

/// The part of the memory limit that blocks get where a lane keeps state, which gets the rest: a
/// window is all of use that there is in memory, and blocks only wait there.
const BLOCKS_SHARE: u64 = 4;

/// What blocks are paid from, and what windows: where a lane keeps state, neither takes the room
/// of the other.
fn budgets(drafts: &[LaneDraft], whole: &Budget) -> (Budget, Budget) {
    let keeps_state = |draft: &LaneDraft| 1 < draft.pipeline.branches[0].segments.len();
    if !drafts.iter().any(keeps_state) {
        return (whole.clone(), whole.clone());
    }
    let share = whole.limit() / BLOCKS_SHARE;
    let rest = whole.limit() - share;
    (
        whole.child("blocks", Some(share)),
        whole.child("state", Some(rest)),
    )
}

fn rules(flow: &FlowPlan, settings: &Settings) -> Rules {
    let usual = match flow.kind {
        LaneKind::Batch => BATCH_LINGER,
        LaneKind::Realtime | LaneKind::Transactional => Duration::ZERO,
    };
    Rules {
        window: 4 * flow.workers.unwrap_or(settings.workers).max(1),
        linger: flow.linger.map_or(usual, |interval| interval.duration()),
        enough_bytes: ENOUGH_BYTES,
    }
}

/// The journal in `folder`, with what it has of the windows in `tail`.
fn journal(folder: &str, tail: &mut Tail, recovered: &Positions) -> Result<Journal, Error> {
    let mut journal = Journal::open(folder).map_err(|error| Error::state(&error))?;
    tail.keep_in(&mut journal, recovered.get(STATE).copied().unwrap_or(0))?;
    Ok(journal)
}

fn nothing_to_keep(lane: &str) -> Error {
    let message = format!(
        "lane \"{lane}\": flow.state is for what dedup remembers, and the lane has no dedup with a \
         window"
    );
    PlanError::new(message).into()
}

/// Where a lane that spills puts what it has no room for.
fn backlog(flow: &FlowPlan, settings: &Settings) -> Option<Backlog> {
    let limit = flow.spill_limit.map_or(SPILL_BYTES, |limit| limit.bytes());
    let backlog = || Backlog::new(settings.spill.clone(), limit, &settings.budget);
    (flow.overflow == Overflow::Spill).then(backlog)
}

/// The positions that every lane has: streams go on from there.
fn common(lanes: &[Arc<Lane>]) -> Positions {
    let mut lanes = lanes.iter();
    let mut common = lanes
        .next()
        .map(|lane| lane.recovered.clone())
        .unwrap_or_default();
    for lane in lanes {
        common.retain(|name, position| match lane.recovered.get(name) {
            Some(other) => {
                *position = (*position).min(*other);
                true
            }
            None => false,
        });
    }
    common
}

/// True when a lane of kind `kind` lets one of kind `other` go first while memory is critical.
fn goes_first(other: LaneKind, kind: LaneKind) -> bool {
    kind == LaneKind::Batch && other != LaneKind::Batch
}

/// A pipeline without an end, running.
///
/// Dropping it without [`stop`](Self::stop) lets the workers finish what was taken in, and waits
/// for nobody.
pub struct Service {
    intake: Arc<Intake>,
    lanes: Vec<Arc<Lane>>,
    crew: Arc<Crew>,
    threads: Vec<JoinHandle<()>>,
    deadline: Arc<Deadline>,
    drain: Duration,
    registry: Registry,
    memories: BTreeMap<String, LaneMemory>,
    budget: Budget,
    started: Instant,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Begins to put a service together.
    #[must_use]
    pub fn builder(plan: Plan) -> ServiceBuilder {
        ServiceBuilder {
            plan,
            file: None,
            stores: BTreeMap::new(),
            letters: None,
            registry: Registry::new(),
            memories: BTreeMap::new(),
            cuts: Cuts::default(),
        }
    }

    /// Where listeners bring what they received.
    #[must_use]
    pub fn intake(&self) -> Arc<dyn connect::Intake> {
        self.intake.clone()
    }

    /// How each lane stands now.
    #[must_use]
    pub fn stats(&self) -> Vec<LaneStats> {
        self.lanes.iter().map(|lane| lane.stats()).collect()
    }

    /// Sets the gauges that nobody sets while records flow.
    pub fn refresh(&self) {
        self.lanes.iter().for_each(|lane| lane.refresh());
        self.memories.values().for_each(LaneMemory::refresh);
    }

    /// What the lanes keep in memory whose sink is `memory:`, by their names.
    #[must_use]
    pub const fn memories(&self) -> &BTreeMap<String, LaneMemory> {
        &self.memories
    }

    /// The metrics of the service, and whatever else is registered there.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The memory that all of it lives in.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// How far each stream is committed.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.intake.progress.positions()
    }

    /// The furthest position of the stream `name` that any lane had when the service began.
    #[cfg(feature = "serve")]
    pub(crate) fn highest(&self, name: &str) -> u64 {
        let had = self
            .lanes
            .iter()
            .filter_map(|lane| lane.recovered.get(name));
        had.copied().max().unwrap_or(0)
    }

    /// Takes nothing more, works off what was taken in, and tells how it went. What cannot be put
    /// away within the plan's `serve.drain` is given up and counted as pending.
    #[must_use]
    pub fn stop(self) -> ServiceReport {
        let end = Instant::now() + self.drain;
        self.stop_by(end)
    }

    /// How long a [`stop`](Self::stop) may take.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        self.drain
    }

    /// As [`stop`](Self::stop), but gives up at `end`.
    #[must_use]
    pub fn stop_by(mut self, end: Instant) -> ServiceReport {
        self.intake.close();
        self.deadline.set(end);
        let left = self.crew.wait(end);
        if left {
            std::mem::take(&mut self.threads)
                .into_iter()
                .for_each(|thread| drop(thread.join()));
            for lane in &self.lanes {
                lane.wait_for_bringer();
                lane.outbox.finish();
                // Where the workers gave up, something may be left.
                lane.abandon();
            }
        } else {
            self.lanes.iter().for_each(|lane| lane.abandon());
            // Who has a block in hand has soon counted it; who waits for a store has done so.
            self.crew.wait(Instant::now() + COUNTING);
        }
        let drained = left && self.lanes.iter().all(|lane| lane.outbox.is_whole());
        ServiceReport {
            version: env!("CARGO_PKG_VERSION"),
            lanes: self.lanes.iter().map(|lane| lane.stats()).collect(),
            seconds: self.started.elapsed().as_secs_f64(),
            drained,
            spooled_blocks: 0,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.intake.close();
    }
}
