//! A worker: takes what is there, sends it through the stages, puts it out.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use pelton_metrics::{LocalCounter, LocalHistogram};
use pelton_queue::PopError;
use pelton_queue::wait::Waiting;

use super::control::Mode;
use super::embedded::Shared;
use super::lanes::LaneReceiver;
use super::order::Ticket;
use super::outbox::Outlet;
use super::record::{FailureKind, Outcome, Processed, Record};
use super::records::Records;
use super::stage::Instance;

/// What happens to rejected records.
#[derive(Default)]
pub enum OnRejected {
    /// They are received like the others, with their failure as the outcome.
    #[default]
    Return,
    /// They are counted and dropped.
    Discard,
    /// They are given to a function, which runs on the worker; what it panics with is dropped.
    Call(Box<dyn Fn(Processed) + Send + Sync>),
    /// The first one stops the engine: what was accepted is worked off, and the report names it.
    /// Rejected records are received like the others.
    Stop,
}

impl std::fmt::Debug for OnRejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Return => "Return",
            Self::Discard => "Discard",
            Self::Call(_) => "Call",
            Self::Stop => "Stop",
        })
    }
}

/// One worker's own tools.
pub(super) struct Worker {
    shared: Arc<Shared>,
    input: Waiting<LaneReceiver>,
    outlet: Outlet,
    stages: Vec<Instance>,
    incoming: Vec<Record>,
    records: Records,
    counts: Counts,
}

struct Counts {
    taken: LocalCounter,
    delivered: LocalCounter,
    filtered: LocalCounter,
    rejected: LocalCounter,
    latency: Option<LocalHistogram>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, input: Waiting<LaneReceiver>, outlet: Outlet) -> Self {
        let metrics = &shared.metrics;
        Self {
            stages: shared
                .stages
                .iter()
                .map(|stage| stage.instance(&shared.pool))
                .collect(),
            incoming: Vec::with_capacity(shared.batch),
            records: Records::with_capacity(shared.batch),
            counts: Counts {
                taken: metrics.taken.local(),
                delivered: metrics.delivered.local(),
                filtered: metrics.filtered.local(),
                rejected: metrics.rejected.local(),
                latency: metrics.latency.as_ref().map(|latency| latency.local()),
            },
            shared,
            input,
            outlet,
        }
    }

    /// Works until nothing more can come.
    pub(super) fn run(mut self) {
        while let Some(ticket) = self.take() {
            self.work();
            self.put(ticket);
        }
    }

    /// Works on what is there, and of that on what the way out has room for; waits for nothing.
    /// Closes the way out behind the last: there must be no other worker.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when nothing is there or nothing fits, [`PopError::Closed`] when nothing
    /// will ever be there.
    pub(super) fn turn(&mut self) -> Result<(), PopError> {
        let max = self.outlet.room().min(self.shared.batch);
        if max == 0 {
            return Err(PopError::Empty);
        }
        let incoming = &mut self.incoming;
        let take = |lanes: &mut LaneReceiver| Poll::Ready(lanes.take(incoming, max));
        match self.input.wait(take) {
            Ok(ticket) => {
                self.work();
                self.put(ticket);
                Ok(())
            }
            Err(error) => {
                if matches!(error, PopError::Closed) {
                    self.outlet.close();
                }
                Err(error)
            }
        }
    }

    /// Waits for records; none when the way in is closed and empty.
    fn take(&mut self) -> Option<Option<Ticket>> {
        let Self {
            shared,
            input,
            incoming,
            ..
        } = self;
        input.wait_glancing(|lanes| match lanes.take(incoming, shared.batch) {
            Ok(ticket) => Poll::Ready(Some(ticket)),
            Err(PopError::Closed) => Poll::Ready(None),
            Err(PopError::Empty) => Poll::Pending,
        })
    }

    fn work(&mut self) {
        self.counts.taken.add(self.incoming.len() as u64);
        let started_ns = self.shared.clock.now_ns();
        let records = &mut self.records;
        records.fill(&mut self.incoming);
        for stage in &mut self.stages {
            if self.shared.control.mode() == Mode::Abort {
                records.enter(&self.shared.no_stage);
                records.refuse_all(FailureKind::Aborted, "the engine was told to abort");
                break;
            }
            stage.work(records);
        }
        let ended_ns = self.shared.clock.now_ns();
        for slot in records.slots_mut() {
            (slot.started_ns, slot.ended_ns) = (started_ns, ended_ns);
        }
        self.counts.note(records, ended_ns);
    }

    fn put(&mut self, ticket: Option<Ticket>) {
        let Self {
            shared,
            outlet,
            records,
            ..
        } = self;
        if records.taken_out() != (0, 0) {
            shared.route(records.slots_mut());
        }
        let mut give = || match outlet.put(records.slots_mut()) {
            0 => {}
            unclaimed => shared.metrics.unclaimed.add(unclaimed as u64),
        };
        match (ticket, &shared.order) {
            (Some(ticket), Some(order)) => order.in_turn(ticket, give),
            _ => give(),
        }
    }
}

impl Counts {
    fn note(&mut self, records: &mut Records, ended_ns: i64) {
        let (filtered, rejected) = records.taken_out();
        self.delivered.add(records.remaining() as u64);
        self.filtered.add(filtered as u64);
        self.rejected.add(rejected as u64);
        if let Some(latency) = &mut self.latency {
            for slot in records.slots_mut() {
                let age = ended_ns.saturating_sub(slot.record.timestamp_ns);
                latency.record(u64::try_from(age).unwrap_or(0));
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.leave(&self.outlet);
    }
}

impl Shared {
    /// Takes out of `records` what is not to be received.
    fn route(&self, records: &mut VecDeque<Processed>) {
        self.stop_at_failure(records);
        // Once around: the deque keeps its memory, and what stays its order.
        for _ in 0..records.len() {
            let Some(slot) = records.pop_front() else {
                return;
            };
            let stays = match (&slot.outcome, &self.on_rejected) {
                (Outcome::Delivered, _) => true,
                (Outcome::Filtered, _) => self.return_filtered,
                (Outcome::Rejected(_), OnRejected::Return | OnRejected::Stop) => true,
                (Outcome::Rejected(_), OnRejected::Discard | OnRejected::Call(_)) => false,
            };
            match stays {
                true => records.push_back(slot),
                false => self.give_away(slot),
            }
        }
    }

    fn give_away(&self, gone: Processed) {
        if let (Outcome::Rejected(_), OnRejected::Call(handle)) = (&gone.outcome, &self.on_rejected)
        {
            // Its panics are its own affair: the record is counted already.
            let _ = catch_unwind(AssertUnwindSafe(|| handle(gone)));
        }
    }

    fn stop_at_failure(&self, records: &VecDeque<Processed>) {
        if !matches!(self.on_rejected, OnRejected::Stop) {
            return;
        }
        if let Some(failure) = records.iter().find_map(Processed::failure) {
            self.stop_by(failure);
        }
    }
}
