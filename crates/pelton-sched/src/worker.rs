//! One worker: its queues, the order in which it takes tasks, and what it does when there are
//! none.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::Priority;
use crate::deque::{BATCH, Local, Remote};
use crate::scope::ScopeCore;
use crate::shared::Shared;
use crate::sync::{Arc, hint, scaled, thread_local};
use crate::task::{Blank, Task};

thread_local! {
    #[allow(
        clippy::missing_const_for_thread_local,
        reason = "the modelled macro takes no const block"
    )]
    static CURRENT: Cell<*const Worker> = Cell::new(ptr::null());
}

/// Rounds over all queues before an idle worker lies down.
const SEARCH_ROUNDS: usize = scaled(32, 1);
/// Pauses between two rounds.
const SEARCH_PAUSES: usize = scaled(16, 0);

/// The queues that a worker owns: newest first for what a running task forked, oldest first for
/// tasks of their own, each by priority.
#[derive(Debug)]
pub(crate) struct Queues {
    forked: [Local; 3],
    detached: [Local; 3],
}

/// The thieves' ends of [`Queues`].
#[derive(Debug)]
pub(crate) struct Remotes {
    forked: [Remote; 3],
    detached: [Remote; 3],
}

impl Queues {
    pub(crate) fn new() -> Self {
        Self {
            forked: std::array::from_fn(|_| Local::newest_first()),
            detached: std::array::from_fn(|_| Local::oldest_first()),
        }
    }

    pub(crate) fn remotes(&self) -> Remotes {
        Remotes {
            forked: self.forked.each_ref().map(Local::remote),
            detached: self.detached.each_ref().map(Local::remote),
        }
    }
}

impl Remotes {
    pub(crate) fn is_empty(&self) -> bool {
        self.forked
            .iter()
            .chain(&self.detached)
            .all(Remote::is_empty)
    }
}

/// The state of a worker's thread; lives on its stack.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    queues: Queues,
    /// Tasks taken so far, wrapping; decides whose turn it is.
    tick: Cell<usize>,
    /// State of a xorshift generator; never zero.
    random: Cell<usize>,
    /// That of the task in hand; what it forks inherits it.
    priority: Cell<Priority>,
    /// Units of `credit_scope` that are counted there and stand for no task: see "Scope" in
    /// `PROTOCOLS.md`.
    credit: Cell<usize>,
    credit_scope: Cell<*const ScopeCore>,
    /// Empty cells: what was run here, for what is spawned here.
    blanks: RefCell<Vec<Blank>>,
}

/// Calls `body` with the worker whose thread this is.
pub(crate) fn with_current<R>(body: impl FnOnce(Option<&Worker>) -> R) -> R {
    let worker = CURRENT.with(Cell::get);
    // SAFETY: `Worker::run_here` keeps the worker alive while the pointer is set, and resets it.
    body(unsafe { worker.as_ref() })
}

/// The index of the current thread among the workers of its scheduler; none for other threads.
///
/// Indices are below the largest number of workers that the scheduler was built for.
#[must_use]
pub fn worker_index() -> Option<usize> {
    with_current(|worker| worker.map(Worker::index))
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, queues: Queues) -> Self {
        Self {
            shared,
            index,
            queues,
            tick: Cell::new(0),
            random: Cell::new(index.wrapping_mul(0x9E37_79B9).wrapping_add(1) | 1),
            priority: Cell::new(Priority::Normal),
            credit: Cell::new(0),
            credit_scope: Cell::new(ptr::null()),
            blanks: RefCell::new(Vec::with_capacity(BLANKS)),
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The worker of `shared`, if that is what it is.
    pub(crate) fn of<'a>(worker: Option<&'a Self>, shared: &Arc<Shared>) -> Option<&'a Self> {
        worker.filter(|worker| Arc::ptr_eq(&worker.shared, shared))
    }

    /// Works on the current thread until `is_over`, and gives the queues back, empty.
    pub(crate) fn run_here(self, is_over: impl Fn() -> bool) -> Queues {
        CURRENT.with(|current| current.set(&raw const self));
        self.work_until(&is_over);
        CURRENT.with(|current| current.set(ptr::null()));
        self.empty_queues();
        self.queues
    }

    /// Runs tasks until `is_over`; sleeps when there are none. Whoever makes `is_over` true
    /// notifies this worker afterwards.
    pub(crate) fn work_until(&self, is_over: &impl Fn() -> bool) {
        while !is_over() {
            let taken = self.take().or_else(|| self.search(is_over));
            if let Some((priority, task)) = taken {
                self.run(priority, task);
            }
        }
        // What comes next is other work, or none.
        self.return_credit();
    }

    fn run(&self, priority: Priority, task: Task) {
        if task.owner() != self.credit_scope.get().cast() {
            self.return_credit();
        }
        let cells = self.shared.cells(self.index);
        cells.begun.add(1);
        let outer = self.priority.replace(priority);
        if task.owner().is_null() && self.shared.is_aborted() {
            self.shared.discard(task);
        } else if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.run(self))) {
            cells.panicked.add(1);
            self.shared.report_panic(Some(self.index), payload);
        }
        self.priority.set(outer);
        cells.run.add(1);
    }

    // ---- cells ----

    /// An empty cell.
    #[inline]
    pub(crate) fn blank(&self) -> Blank {
        let blank = self.blanks.borrow_mut().pop();
        blank.unwrap_or_else(|| self.blank_slow())
    }

    #[cold]
    fn blank_slow(&self) -> Blank {
        let mut blanks = self.blanks.borrow_mut();
        self.shared
            .injector()
            .take_blanks(self.priority(), &mut blanks);
        blanks.iter().for_each(Blank::prefetch);
        blanks.pop().unwrap_or_else(Blank::new)
    }

    /// Keeps an empty cell for the next task.
    #[inline]
    pub(crate) fn recycle(&self, blank: Blank) {
        let mut blanks = self.blanks.borrow_mut();
        if blanks.len() == BLANKS {
            let surplus = blanks.drain(BLANKS / 2..);
            self.shared.injector().give_blanks(self.priority(), surplus);
        }
        blanks.push(blank);
    }

    // ---- queueing ----

    /// Queues a task that the task in hand waits for.
    pub(crate) fn fork(&self, priority: Priority, task: Task) {
        self.queue(&self.queues.forked[priority.index()], priority, task);
    }

    /// Queues a task of its own. A `High` one goes where every worker looks first.
    pub(crate) fn spawn(&self, priority: Priority, task: Task) {
        if priority == Priority::High {
            self.shared.cells(self.index).spawned.add(1);
            self.shared
                .injector()
                .push_batch(priority, std::iter::once(task));
            self.shared.sleep().notify_one();
        } else {
            self.queue(&self.queues.detached[priority.index()], priority, task);
        }
    }

    #[inline]
    fn queue(&self, local: &Local, priority: Priority, task: Task) {
        self.shared.cells(self.index).spawned.add(1);
        if let Err(task) = local.push(task) {
            self.overflow(local, priority, task);
        }
        self.shared.sleep().notify_one();
    }

    /// Moves half of a full queue along with `task`: one visit to the shared queue for so many.
    #[cold]
    fn overflow(&self, local: &Local, priority: Priority, task: Task) {
        let half = (0..BATCH).map_while(|_| local.pop());
        let tasks = half.chain(std::iter::once(task));
        self.shared.injector().push_batch(priority, tasks);
    }

    /// Leaves nothing behind for a worker that stops.
    fn empty_queues(&self) {
        for priority in Priority::ALL {
            let forked = &self.queues.forked[priority.index()];
            let detached = &self.queues.detached[priority.index()];
            let rest = std::iter::from_fn(|| detached.pop().or_else(|| forked.pop()));
            self.shared.injector().push_batch(priority, rest);
        }
        self.shared.sleep().notify_one();
    }

    // ---- taking ----

    pub(crate) fn priority(&self) -> Priority {
        self.priority.get()
    }

    /// True when a thief finds no part here of what the task in hand forked.
    pub(crate) fn has_nothing_forked(&self) -> bool {
        self.queues.forked[self.priority.get().index()].len() == 0
    }

    /// The next task from the own queues and the shared one.
    fn take(&self) -> Option<(Priority, Task)> {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        if let Some(priority) = turn(tick) {
            let taken = self.take_oldest(priority, (tick / TURNS).is_multiple_of(2));
            if taken.is_some() {
                return taken;
            }
        }
        if tick.is_multiple_of(ABROAD) {
            let taken = self.steal();
            if taken.is_some() {
                // While the batch was moved it lay nowhere: who lay down then did not see it.
                self.shared.sleep().notify_one();
                return taken;
            }
        }
        Priority::ALL.into_iter().find_map(|priority| {
            let task = self.take_newest(priority)?;
            Some((priority, task))
        })
    }

    /// The usual order: what is at hand before what is shared.
    #[inline]
    fn take_newest(&self, priority: Priority) -> Option<Task> {
        self.queues.forked[priority.index()]
            .pop()
            .or_else(|| self.queues.detached[priority.index()].pop())
            .or_else(|| self.take_injected(priority))
    }

    /// The order of a turn out of order: what waits longest first, from changing sides.
    #[cold]
    fn take_oldest(&self, priority: Priority, shared_first: bool) -> Option<(Priority, Task)> {
        let shared = || self.shared.injector().pop_batch(priority, 0, |_| {});
        let local = || self.queues.detached[priority.index()].pop();
        let task = if shared_first {
            shared().or_else(local)
        } else {
            local().or_else(shared)
        };
        let task = task.or_else(|| self.queues.forked[priority.index()].pop())?;
        Some((priority, task))
    }

    /// Takes a batch from the shared queue; called when the queue for it here is empty.
    fn take_injected(&self, priority: Priority) -> Option<Task> {
        let local = &self.queues.detached[priority.index()];
        let mut count = 1;
        let first = self
            .shared
            .injector()
            .pop_batch(priority, BATCH - 1, |task| {
                count += 1;
                task.prefetch();
                local.push(task).expect("a batch fits an empty queue");
            })?;
        self.shared.cells(self.index).injected.add(count);
        Some(first)
    }

    fn steal(&self) -> Option<(Priority, Task)> {
        let seats = self.shared.seats().len();
        let first = self.next_random() % seats;
        Priority::ALL.into_iter().find_map(|priority| {
            (0..seats)
                .map(|step| (first + step) % seats)
                .filter(|&victim| victim != self.index)
                .find_map(|victim| self.steal_from(victim, priority))
        })
    }

    fn steal_from(&self, victim: usize, priority: Priority) -> Option<(Priority, Task)> {
        let (remotes, place) = (self.shared.remotes(victim), priority.index());
        let (forked, detached) = (&self.queues.forked[place], &self.queues.detached[place]);
        let before = forked.len() + detached.len();
        let task = remotes.forked[place]
            .steal_batch(forked)
            .inspect(|_| forked.prefetch_newest())
            .or_else(|| remotes.detached[place].steal_batch(detached))?;
        let count = 1 + forked.len() + detached.len() - before;
        self.shared.cells(self.index).stolen.add(count);
        Some((priority, task))
    }

    fn next_random(&self) -> usize {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random.set(random);
        random
    }

    // ---- searching and sleeping: "Sleep" in PROTOCOLS.md ----

    /// Looks for a task everywhere, sleeping in between; none when `is_over`.
    #[cold]
    fn search(&self, is_over: &impl Fn() -> bool) -> Option<(Priority, Task)> {
        self.return_credit();
        let (shared, sleep) = (&*self.shared, self.shared.sleep());
        let cells = shared.cells(self.index);
        sleep.begin_search();
        cells.end_busy(shared.start());
        let found = loop {
            if is_over() {
                break None;
            }
            let found = self.search_awake();
            if found.is_some() {
                break found;
            }
            self.sleep(is_over);
        };
        cells.begin_busy(shared.start());
        if sleep.end_search() && shared.has_work() {
            sleep.notify_one();
        }
        found
    }

    fn search_awake(&self) -> Option<(Priority, Task)> {
        (0..SEARCH_ROUNDS).find_map(|_| {
            let found = self.take().or_else(|| self.steal());
            if found.is_none() {
                (0..SEARCH_PAUSES).for_each(|_| hint::spin_loop());
            }
            found
        })
    }

    fn sleep(&self, is_over: &impl Fn() -> bool) {
        let (shared, sleep) = (&*self.shared, self.shared.sleep());
        sleep.prepare(self.index);
        shared.end_if_quiescent();
        if is_over() || shared.has_work() {
            sleep.cancel(self.index);
        } else {
            shared.cells(self.index).parked.add(1);
            sleep.park(self.index);
        }
    }

    // ---- credit: "Scope" in PROTOCOLS.md ----

    /// Takes one unit of `scope` if this worker holds one.
    #[inline]
    pub(crate) fn take_credit(&self, scope: *const ScopeCore) -> bool {
        let credit = self.credit.get();
        if credit == 0 || self.credit_scope.get() != scope {
            return false;
        }
        self.credit.set(credit - 1);
        true
    }

    /// Keeps `units` of `scope`, which it counts already.
    #[inline]
    pub(crate) fn keep_credit(&self, scope: *const ScopeCore, units: usize) {
        if self.credit_scope.get() != scope {
            self.return_credit();
            self.credit_scope.set(scope);
        }
        self.credit.set(self.credit.get() + units);
    }

    /// Gives all units back to their scope, which may end by that.
    pub(crate) fn return_credit(&self) {
        let units = self.credit.replace(0);
        if units > 0 {
            // SAFETY: the scope counts these units, so it has not ended.
            unsafe { ScopeCore::give_back(self.credit_scope.get(), units, self) };
        }
    }
}

/// Empty cells that a worker keeps; beyond that, half of them go to whoever submits.
const BLANKS: usize = 4 * BATCH;
/// Picks after which the turns repeat.
const TURNS: usize = 64;
/// Every how many picks a worker with work of its own helps the others: what lies with a worker
/// whose task never ends must not wait for ever either.
const ABROAD: usize = 1024;

/// The priority that goes first at this pick, out of the usual order.
fn turn(tick: usize) -> Option<Priority> {
    match tick % TURNS {
        0 => Some(Priority::Low),
        16 | 32 | 48 => Some(Priority::Normal),
        24 | 56 => Some(Priority::High),
        _ => None,
    }
}
