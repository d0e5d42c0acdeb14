//! The store of a lane, and the patience it is treated with.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelton_connect::store::SpoolError;
use pelton_connect::stream::{
    Delivery, PROMPT_BYTES, Positions, Store, StoreError, StoreErrorKind,
};
use pelton_format::{Format, Limits, Ndjson};
use pelton_record::{Batch, Bitmap};
use pelton_sync::{Condvar, Mutex, MutexGuard, PoisonError};
use serde::Serialize;

use super::journal::{Changes, Journal};
use super::outbox::Done;
use super::stats::LaneMetrics;
use super::tail::Tail;
use crate::plan::RetryPlan;

/// Failures in a row after which a sink counts as broken.
const BROKEN_AFTER: u32 = 5;

/// When everything must be over, once somebody has said so.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    at: Mutex<Option<Instant>>,
    set: Condvar,
}

impl Deadline {
    pub(super) fn set(&self, at: Instant) {
        *self.lock() = Some(at);
        self.set.notify_all();
    }

    /// True once somebody has said when.
    pub(super) fn is_set(&self) -> bool {
        self.lock().is_some()
    }

    /// True once it is past.
    pub(super) fn is_past(&self) -> bool {
        self.lock().is_some_and(|at| at <= Instant::now())
    }

    /// Waits for `duration`, but not beyond the deadline.
    pub(super) fn rest(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut at = self.lock();
        loop {
            let now = Instant::now();
            let end = at.map_or(until, |at| at.min(until));
            if end <= now {
                return;
            }
            let waited = self.set.wait_timeout(at, end - now);
            at = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How patiently a store is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    first: Duration,
    longest: Duration,
    attempts: Option<u32>,
}

impl From<&RetryPlan> for Retry {
    fn from(plan: &RetryPlan) -> Self {
        let or = |given: Option<crate::plan::Interval>, usual: Duration| {
            given.map_or(usual, |interval| interval.duration())
        };
        Self {
            first: or(plan.first, Duration::from_millis(50)),
            longest: or(plan.longest, Duration::from_secs(30)),
            attempts: plan.attempts,
        }
    }
}

impl Retry {
    /// How long to wait after so many failures: doubled each time, and half of it by chance, so
    /// that those who failed together do not come back together.
    fn pause(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.min(20));
        let whole = doubled.min(self.longest).as_nanos() as u64;
        let chance = RandomState::new().hash_one(failures) % (whole / 2 + 1);
        Duration::from_nanos(whole / 2 + chance)
    }
}

/// The deadline passed before the store took it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abandoned;

/// The dead letter, to which all lanes write.
pub(super) type Letters = Arc<Mutex<Box<dyn Store>>>;

/// Puts records into the store of a lane, and those it refuses into the dead letter.
pub(super) struct Keeper {
    pub lane: Arc<str>,
    pub store: Box<dyn Store>,
    /// What sees the records in order before they are put.
    pub tail: Option<Tail>,
    /// Where what the tail remembers is kept.
    pub journal: Option<Journal>,
    pub letters: Option<Letters>,
    pub retry: Retry,
    pub deadline: Arc<Deadline>,
    pub metrics: LaneMetrics,
}

impl Keeper {
    /// True when a little could be put now without waiting for anybody, and may be tried once more
    /// than the plan says.
    pub(super) fn is_prompt(&mut self) -> bool {
        self.tail.is_none() && self.retry.attempts.is_none() && self.store.is_prompt()
    }

    /// Tries once to put `ready`, when it [is prompt](Self::is_prompt); gives back what must be put
    /// by somebody who can wait.
    pub(super) fn put_promptly(&mut self, ready: Vec<Done>) -> Vec<Done> {
        let bytes: usize = ready.iter().map(Done::bytes).sum();
        if bytes > PROMPT_BYTES || !ready.iter().all(Done::is_plain) {
            return ready;
        }
        let since: Vec<Instant> = ready.iter().filter_map(|done| done.since).collect();
        let deliveries = ready.into_iter().flat_map(|done| done.deliveries);
        let deliveries: Vec<Delivery> = deliveries.collect();
        if self.store.put(&deliveries, &Positions::new()).is_err() {
            // Whoever puts it next hears of it, and does what is to be done.
            return vec![Done {
                deliveries,
                since: since.into_iter().min(),
                ..Done::default()
            }];
        }
        self.metrics.written.add(records(&deliveries));
        self.metrics.note_latency(&since);
        Vec::new()
    }

    /// Puts everything away, or nothing but what was refused for good.
    pub(super) fn put(
        &mut self,
        letters: Vec<u8>,
        deliveries: Vec<Delivery>,
        positions: &Positions,
    ) -> Result<(), Abandoned> {
        self.send(letters)?;
        if deliveries.is_empty() && positions.is_empty() {
            return Ok(());
        }
        self.deliver(deliveries, positions)
    }

    /// Writes down what the tail remembers with the next put; the mark that goes with it. However
    /// often that fails, it is tried again: records must not be put before.
    pub(super) fn remember(&mut self, changes: &Changes) -> Result<u64, Abandoned> {
        let mut mark = 0;
        let mut append = |keeper: &mut Self| match &mut keeper.journal {
            Some(journal) => {
                let appended = journal.append(changes);
                mark = appended.map_err(|error| transient(&error))?;
                Ok(())
            }
            None => Ok(()),
        };
        while self.patiently(&mut append)?.is_some() {}
        Ok(mark)
    }

    /// Lets go of what the tail has forgotten; to be called when the last put went well.
    pub(super) fn forget(&mut self) {
        if let (Some(journal), Some(tail)) = (&mut self.journal, &self.tail) {
            journal.trim(&tail.needs());
        }
    }

    /// Makes last what the store holds back for speed.
    pub(super) fn flush(&mut self) -> Result<(), Abandoned> {
        let flushed = self.patiently(|keeper| keeper.store.flush());
        flushed.map(|_| ())
    }

    fn deliver(
        &mut self,
        mut deliveries: Vec<Delivery>,
        positions: &Positions,
    ) -> Result<(), Abandoned> {
        let Some(refused) = self.patiently(|keeper| keeper.store.put(&deliveries, positions))?
        else {
            self.metrics.written.add(records(&deliveries));
            return Ok(());
        };
        // Halves are tried again until those that are to blame stand alone; the positions go with
        // the last of them, or by themselves. A kill in between brings the first halves again.
        let nobody = Positions::new();
        let last = match deliveries.len() {
            0 => None,
            1 => match halves(&deliveries[0]) {
                Some((left, right)) => {
                    self.deliver(vec![left], &nobody)?;
                    Some(vec![right])
                }
                None => {
                    self.refuse(&deliveries[0], &refused)?;
                    (!positions.is_empty()).then(Vec::new)
                }
            },
            many => {
                let right = deliveries.split_off(many / 2);
                self.deliver(deliveries, &nobody)?;
                Some(right)
            }
        };
        last.map_or(Ok(()), |last| self.deliver(last, positions))
    }

    /// Tries until it goes well, or is refused for good: then with the reason.
    fn patiently(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<(), StoreError>,
    ) -> Result<Option<StoreError>, Abandoned> {
        let mut failures = 0;
        loop {
            let error = match attempt(self) {
                Ok(()) => break,
                Err(error) if error.kind() == StoreErrorKind::Refused => return Ok(Some(error)),
                Err(error) => error,
            };
            failures += 1;
            if self.retry.attempts.is_some_and(|most| failures >= most) {
                self.metrics.broken.set(0);
                return Ok(Some(error));
            }
            if failures == 1 || failures == BROKEN_AFTER {
                tracing::warn!(lane = %self.lane, failures, %error, "tried again until it goes");
            }
            self.metrics.retries.add(1);
            self.metrics.broken.set(i64::from(failures >= BROKEN_AFTER));
            self.deadline.rest(self.retry.pause(failures - 1));
            if self.deadline.is_past() {
                return Err(Abandoned);
            }
        }
        if failures > 0 {
            tracing::info!(lane = %self.lane, failures, "it goes again");
            self.metrics.broken.set(0);
        }
        Ok(None)
    }

    /// Gives records that the store will never take to the dead letter.
    fn refuse(&mut self, delivery: &Delivery, error: &StoreError) -> Result<(), Abandoned> {
        self.metrics.rejected.add(delivery.records());
        let mut lines = Vec::new();
        let reason = error.to_string();
        let mut letter = |raw: &[u8]| {
            let letter = RefusedLetter {
                lane: &self.lane,
                stage: "sink",
                kind: "refused",
                reason: &reason,
                raw: &String::from_utf8_lossy(raw),
            };
            serde_json::to_writer(&mut lines, &letter).expect("texts can be written");
            lines.push(b'\n');
        };
        match delivery {
            Delivery::Bytes { bytes, .. } => letter(bytes),
            Delivery::Rows(batch) => letter(&as_json(batch)),
        }
        self.send(lines)
    }

    /// Writes lines to the dead letter, if there is one.
    fn send(&mut self, lines: Vec<u8>) -> Result<(), Abandoned> {
        if lines.is_empty() || self.letters.is_none() {
            return Ok(());
        }
        let records = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let lines = [Delivery::Bytes {
            bytes: lines,
            records,
        }];
        let nobody = Positions::new();
        let sent = self.patiently(|keeper| match &keeper.letters {
            Some(letters) => letters
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .put(&lines, &nobody),
            None => Ok(()),
        });
        sent.map(|_| ())
    }
}

/// A record that the store refused.
#[derive(Debug, Serialize)]
struct RefusedLetter<'a> {
    lane: &'a str,
    stage: &'a str,
    kind: &'a str,
    reason: &'a str,
    /// The record as it was to be put away; columns as JSON.
    raw: &'a str,
}

fn transient(error: &SpoolError) -> StoreError {
    StoreError::new(StoreErrorKind::Transient, format!("flow.state: {error}"))
}

fn as_json(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    let limits = Limits::default();
    Ndjson { limits }.encoder().encode(batch, &mut out);
    out.truncate(out.trim_ascii_end().len());
    out
}

fn records(deliveries: &[Delivery]) -> u64 {
    deliveries.iter().map(Delivery::records).sum()
}

/// Both halves of a batch of several rows.
fn halves(delivery: &Delivery) -> Option<(Delivery, Delivery)> {
    let Delivery::Rows(batch) = delivery else {
        return None;
    };
    let (rows, middle) = (batch.rows(), batch.rows() / 2);
    let half = |range: std::ops::Range<usize>| {
        let mut half = batch.clone();
        half.retain(&Bitmap::from_fn(rows, |row| range.contains(&row)));
        Delivery::Rows(half)
    };
    (rows > 1).then(|| (half(0..middle), half(middle..rows)))
}
