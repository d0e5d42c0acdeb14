//! The end of a lane: what workers have done leaves in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelton_connect::stream::Delivery;
use pelton_sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::intake::Fan;
use super::keeper::{Abandoned, Keeper};
use super::tail::{Output, STATE, Tail};
use crate::Error;

/// What one entry has come to.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub sequence: u64,
    /// How many sequence numbers more it stands for: entries that were shed one after the other.
    pub more: u64,
    /// Records for the store.
    pub deliveries: Vec<Delivery>,
    /// Lines for the dead letter.
    pub letters: Vec<u8>,
    /// Who wants to know.
    pub fan: Option<Arc<Fan>>,
    /// When the entry was taken in.
    pub since: Option<Instant>,
}

impl Done {
    /// Bytes for the store.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |delivery: &Delivery| match delivery {
            Delivery::Bytes { bytes, .. } => bytes.len(),
            Delivery::Rows(batch) => batch.block().len(),
        };
        self.deliveries.iter().map(bytes).sum()
    }

    /// True when there is nothing but records for the store: no line for the dead letter, and
    /// nobody to tell.
    pub(super) const fn is_plain(&self) -> bool {
        self.letters.is_empty() && self.fan.is_none()
    }

    /// True when there is nothing to put and nobody to tell.
    const fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.is_plain()
    }

    const fn next(&self) -> u64 {
        self.sequence + self.more + 1
    }
}

/// Puts away what workers have done, in the order of the entries.
///
/// Whoever hands something in while nobody puts becomes the one who puts, and goes on until
/// nothing is ready; the others go back to work. So while the store is busy what is done gathers,
/// and the next put gets all of it.
pub(super) struct Outbox {
    state: Mutex<State>,
    moved: Condvar,
    keeper: Mutex<Keeper>,
    rules: Rules,
}

/// Fewer bytes wait for those of entries that come next.
const LITTLE_BYTES: usize = 64 << 10;

/// How to put away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Entries that may be done before an earlier one is, or wait to be put.
    pub window: usize,
    /// How long something may wait for more.
    pub linger: Duration,
    /// So many bytes wait no longer.
    pub enough_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// The sequence number that must come next.
    next: u64,
    early: BTreeMap<u64, Done>,
    ready: Vec<Done>,
    ready_bytes: usize,
    /// When the first of the ready ones became ready.
    since: Option<Instant>,
    putting: bool,
    /// How many wait for something to move. A word to nobody is a call of the system all the same.
    waiting: usize,
    /// The deadline passed, or the state behind cannot go on: nothing will be put any more.
    abandoned: bool,
}

impl Outbox {
    pub(super) fn new(keeper: Keeper, rules: Rules) -> Self {
        Self {
            state: Mutex::default(),
            moved: Condvar::new(),
            keeper: Mutex::new(keeper),
            rules,
        }
    }

    /// Hands in what an entry has come to. Waits while too much is ahead of the store. Where `more`
    /// entries wait, what is little is put together with theirs; who finds none in the end asks
    /// when something is [due](Self::due).
    pub(super) fn commit(&self, done: Done, more: bool) {
        let mut state = self.lock();
        while self.is_ahead(&state, done.sequence) {
            state.waiting += 1;
            let waited = self.moved.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.insert(done);
        self.tell(&state);
        let little = state.ready_bytes < LITTLE_BYTES && state.ready.len() < self.rules.window;
        if !(more && little) {
            self.put_ready(state, false);
        }
    }

    /// The keeper, if it could put a little away now without waiting for anybody: nobody else puts,
    /// nothing is missing before what came last, and the store is prompt.
    pub(super) fn prompt_keeper(&self) -> Option<MutexGuard<'_, Keeper>> {
        let state = self.lock();
        let idle =
            !state.putting && !state.abandoned && state.early.is_empty() && state.ready.is_empty();
        drop(state);
        let keeper = self.keeper.try_lock().ok().filter(|_| idle);
        keeper.and_then(|mut keeper| keeper.is_prompt().then_some(keeper))
    }

    /// Hands in what a little has come to. Never waits; [`put_promptly`](Self::put_promptly) puts
    /// it.
    pub(super) fn hand_in(&self, done: Done) {
        let mut state = self.lock();
        state.insert(done);
        self.tell(&state);
    }

    /// Tries once to put what is ready; false when a worker must put it.
    pub(super) fn put_promptly(&self, mut keeper: MutexGuard<'_, Keeper>) -> bool {
        let mut state = self.lock();
        if state.ready.is_empty() || state.putting || state.abandoned {
            // Who puts goes on until nothing is ready.
            return true;
        }
        let ready = state.take();
        state.putting = true;
        drop(state);
        let left = keeper.put_promptly(ready);
        drop(keeper);
        let mut state = self.lock();
        state.putting = false;
        state.put_back(left);
        self.tell(&state);
        state.ready.is_empty()
    }

    /// Lets those who wait look again.
    fn tell(&self, state: &State) {
        if state.waiting > 0 {
            self.moved.notify_all();
        }
    }

    /// Notes that an entry was shed. Never waits: the caller is a task, not a worker.
    pub(super) fn skip(&self, sequence: u64, fan: Option<Arc<Fan>>) {
        self.hand_in(Done {
            sequence,
            fan,
            ..Done::default()
        });
    }

    /// How long until something that lingers must be put; `None` when nothing does.
    pub(super) fn due(&self) -> Option<Duration> {
        let state = self.lock();
        let since = state.since.filter(|_| !state.putting)?;
        Some(self.rules.linger.saturating_sub(since.elapsed()))
    }

    /// Puts what has lingered long enough.
    pub(super) fn put_due(&self) {
        let state = self.lock();
        self.put_ready(state, false);
    }

    /// Puts everything, and makes it last.
    pub(super) fn finish(&self) {
        let state = self.lock();
        self.put_ready(state, true);
        let mut keeper = self.keeper();
        let flushed = match self.has_given_up() {
            true => Err(Abandoned),
            false => finish(&mut keeper),
        };
        // The next service may want it while somebody still holds on to this one.
        keeper.journal = None;
        self.lock().abandoned |= flushed.is_err();
    }

    /// True when something could not be put, and nothing will be any more.
    pub(super) fn has_given_up(&self) -> bool {
        self.lock().abandoned
    }

    /// True when nothing was given up.
    pub(super) fn is_whole(&self) -> bool {
        let state = self.lock();
        !state.abandoned && state.ready.is_empty() && state.early.is_empty()
    }

    fn is_ahead(&self, state: &State, sequence: u64) -> bool {
        let window = self.rules.window;
        let gap = sequence >= state.next + window as u64;
        !state.abandoned && (gap || (state.putting && state.ready.len() >= window))
    }

    fn put_ready<'a>(&'a self, mut state: MutexGuard<'a, State>, all: bool) {
        // What was given up must not be followed by what came behind it: its position would say
        // that all before it was put.
        while !state.abandoned
            && !state.putting
            && !state.ready.is_empty()
            && (all || self.is_due(&state))
        {
            let ready = state.take();
            state.putting = true;
            drop(state);
            let put = self.put(ready);
            state = self.lock();
            state.putting = false;
            state.abandoned |= put.is_err();
            self.tell(&state);
        }
    }

    fn is_due(&self, state: &State) -> bool {
        let Rules {
            window,
            linger,
            enough_bytes,
        } = self.rules;
        linger.is_zero()
            || state.ready_bytes >= enough_bytes
            || state.ready.len() >= window
            || state.since.is_none_or(|since| since.elapsed() >= linger)
    }

    fn put(&self, ready: Vec<Done>) -> Result<(), Abandoned> {
        let since: Vec<Instant> = ready.iter().filter_map(|done| done.since).collect();
        let mut keeper = self.keeper();
        let output = match &mut keeper.tail {
            Some(tail) => tail.pass(ready),
            None => Ok(straight(ready)),
        };
        put_output(&mut keeper, output)?;
        keeper.metrics.note_latency(&since);
        Ok(())
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what ordered steps still hold, and makes everything last.
fn finish(keeper: &mut Keeper) -> Result<(), Abandoned> {
    if let Some(rest) = keeper.tail.as_mut().map(Tail::finish) {
        put_output(keeper, rest)?;
    }
    keeper.flush()
}

/// What is done goes to the store as it is.
fn straight(ready: Vec<Done>) -> Output {
    let mut output = Output::default();
    for done in ready {
        output.deliveries.extend(done.deliveries);
        output.letters.extend(done.letters);
        done.fan.into_iter().for_each(|fan| output.commit(fan));
    }
    output
}

fn put_output(keeper: &mut Keeper, output: Result<Output, Error>) -> Result<(), Abandoned> {
    let Output {
        deliveries,
        letters,
        mut positions,
        changes,
        fans,
    } = output.map_err(|error| {
        tracing::error!(lane = %keeper.lane, %error, "the lane takes nothing more");
        keeper.metrics.broken.set(1);
        Abandoned
    })?;
    if let Some(changes) = changes {
        let mark = keeper.remember(&changes)?;
        positions.insert(STATE.to_owned(), mark);
    }
    keeper.put(letters, deliveries, &positions)?;
    keeper.forget();
    fans.iter().for_each(|fan| fan.lane_done());
    Ok(())
}

impl State {
    /// Notes what is done, and moves what has no gap before it to what is ready.
    fn insert(&mut self, done: Done) {
        let before = self.early.range_mut(..done.sequence).next_back();
        match before {
            // However many are shed while the store stands still, they take no room.
            Some((_, before))
                if before.next() == done.sequence && done.is_empty() && before.is_empty() =>
            {
                before.more += 1 + done.more;
            }
            _ => {
                self.early.insert(done.sequence, done);
            }
        }
        while let Some(done) = self.early.remove(&self.next) {
            self.next = done.next();
            if done.is_empty() {
                continue;
            }
            self.since.get_or_insert_with(Instant::now);
            self.ready_bytes += done.bytes();
            self.ready.push(done);
        }
    }

    /// Makes ready again, before all else, what could not be put.
    fn put_back(&mut self, mut left: Vec<Done>) {
        if left.is_empty() {
            return;
        }
        self.since = left.iter().filter_map(|done| done.since).min();
        self.ready_bytes += left.iter().map(Done::bytes).sum::<usize>();
        left.append(&mut self.ready);
        self.ready = left;
    }

    fn take(&mut self) -> Vec<Done> {
        self.since = None;
        self.ready_bytes = 0;
        std::mem::take(&mut self.ready)
    }
}
