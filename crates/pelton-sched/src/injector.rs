//! Where tasks enter from outside, and where workers put what their own queues cannot hold.

use std::collections::VecDeque;

use crate::Priority;
use crate::deque::BATCH;
use crate::sync::{AtomicUsize, CachePadded, Mutex, MutexGuard, Ordering, lock};
use crate::task::{Blank, Task};

/// One first-in-first-out queue for each priority.
///
/// Its buffers grow and never shrink: once they have seen the largest backlog, submitting
/// allocates nothing. Workers take batches, so that the lock is taken once for many tasks.
#[derive(Debug)]
pub(crate) struct Injector {
    lanes: [CachePadded<Lane>; 3],
}

#[derive(Debug)]
struct Lane {
    /// What the queue held when it was last unlocked: read without the lock, to pass it by.
    len: AtomicUsize,
    /// Tasks accepted from outside so far; written under the lock.
    accepted: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    tasks: VecDeque<Task>,
    /// Empty cells for the tasks to come.
    blanks: Vec<Blank>,
    gate: Gate,
}

/// Who may still enter; moves down only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// New tasks, and all below.
    Open,
    /// Futures that were accepted before and are woken now, and all below.
    KnownOnly,
    /// Tasks of scopes that are open.
    Shut,
}

/// The right to push one task; dropping it changes nothing.
pub(crate) struct Door<'a> {
    lane: &'a Lane,
    queue: MutexGuard<'a, Queue>,
}

impl Injector {
    pub(crate) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|_| CachePadded::new(Lane::new())),
        }
    }

    /// The door for one task from outside; none once the gate is lower than `lowest`.
    pub(crate) fn open(&self, priority: Priority, lowest: Gate) -> Option<Door<'_>> {
        self.lanes[priority.index()].open(lowest)
    }

    /// Takes tasks that were counted before, from a worker of the pool.
    pub(crate) fn push_batch(&self, priority: Priority, tasks: impl Iterator<Item = Task>) {
        let lane = &self.lanes[priority.index()];
        let mut queue = lock(&lane.queue);
        queue.tasks.extend(tasks);
        lane.publish(&queue);
    }

    /// Gives up to a batch of empty cells to `take`, none if there are none.
    pub(crate) fn take_blanks(&self, priority: Priority, blanks: &mut Vec<Blank>) {
        let queue = &mut *lock(&self.lanes[priority.index()].queue);
        let kept = queue.blanks.len().saturating_sub(BATCH);
        blanks.extend(queue.blanks.drain(kept..));
    }

    /// Takes empty cells for those who submit next.
    pub(crate) fn give_blanks(&self, priority: Priority, blanks: impl Iterator<Item = Blank>) {
        lock(&self.lanes[priority.index()].queue)
            .blanks
            .extend(blanks);
    }

    /// Takes the oldest task and gives up to `limit` more to `take_also`.
    pub(crate) fn pop_batch(
        &self,
        priority: Priority,
        limit: usize,
        take_also: impl FnMut(Task),
    ) -> Option<Task> {
        let lane = &self.lanes[priority.index()];
        if lane.is_empty() {
            return None;
        }
        let mut queue = lock(&lane.queue);
        let first = queue.tasks.pop_front()?;
        // At most half, so that the workers who come next find something too.
        let batch = (queue.tasks.len() / 2).min(limit);
        queue.tasks.drain(..batch).for_each(take_also);
        lane.publish(&queue);
        Some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes
            .iter()
            .map(|lane| lane.len.load(Ordering::Relaxed))
            .sum()
    }

    /// Tasks accepted from outside so far.
    pub(crate) fn accepted(&self) -> usize {
        self.lanes
            .iter()
            // ORDERING: Acquire; pairs with the Release store in `Door::push`.
            .map(|lane| lane.accepted.load(Ordering::Acquire))
            .sum()
    }

    /// Lowers the gate to `gate`; one that is lower already stays where it is.
    pub(crate) fn close(&self, gate: Gate) {
        for lane in &self.lanes {
            let mut queue = lock(&lane.queue);
            queue.gate = queue.gate.max(gate);
        }
    }

    /// Takes out the tasks that nobody waits for.
    pub(crate) fn take_detached(&self) -> Vec<Task> {
        self.lanes
            .iter()
            .flat_map(|lane| lane.take_detached())
            .collect()
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            len: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
            queue: Mutex::new(Queue {
                tasks: VecDeque::new(),
                blanks: Vec::new(),
                gate: Gate::Open,
            }),
        }
    }

    fn is_empty(&self) -> bool {
        // Relaxed: who may not miss a task looks after a SeqCst fence (see `event_count`).
        self.len.load(Ordering::Relaxed) == 0
    }

    fn open(&self, lowest: Gate) -> Option<Door<'_>> {
        let queue = lock(&self.queue);
        (queue.gate <= lowest).then_some(Door { lane: self, queue })
    }

    /// Called under the lock, as the last act.
    fn publish(&self, queue: &Queue) {
        self.len.store(queue.tasks.len(), Ordering::Relaxed);
    }

    fn take_detached(&self) -> Vec<Task> {
        let mut queue = lock(&self.queue);
        let (detached, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut queue.tasks)
            .into_iter()
            .partition(|task| task.owner().is_null());
        queue.tasks.extend(kept);
        self.publish(&queue);
        detached
    }
}

impl Door<'_> {
    /// A cell for the task.
    pub(crate) fn blank(&mut self) -> Blank {
        self.queue.blanks.pop().unwrap_or_else(Blank::new)
    }

    pub(crate) fn push(mut self, task: Task) {
        self.queue.tasks.push_back(task);
        let accepted = self.lane.accepted.load(Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire load in `Injector::accepted`.
        self.lane.accepted.store(accepted + 1, Ordering::Release);
        self.lane.publish(&self.queue);
    }
}
