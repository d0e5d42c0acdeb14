//! A store that fails as a test wants it to.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};

/// What happens to a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing of it happened.
    Fails(StoreErrorKind),
    /// It happens, and its answer is lost: a transient error.
    AnswerLost,
}

type Judge = Box<dyn Fn(&Delivery) -> bool + Send>;

#[derive(Default)]
struct Plan {
    /// For the next puts, one each.
    next: VecDeque<Option<Fault>>,
    /// One put in so many fails, by a generator with this state.
    random: Option<(u64, u64)>,
    refuses: Option<Judge>,
    stalled: bool,
    /// Puts that wait for the release.
    waiting: u64,
    puts: u64,
}

/// The strings that a test pulls; clones pull the same.
#[derive(Clone, Default)]
pub struct Faults {
    shared: Arc<(Mutex<Plan>, Condvar)>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, plan: MutexGuard<'a, Plan>) -> MutexGuard<'a, Plan> {
        self.shared
            .1
            .wait(plan)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The next puts meet `faults`, one each; `None` is a put that goes well.
    pub fn next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.lock().next.extend(faults);
    }

    /// From now on one put in `one_in` fails for a while, which ones is up to `seed`. Half of them
    /// fail before they happened, the others after.
    pub fn at_random(&self, one_in: u64, seed: u64) {
        self.lock().random = Some((one_in.max(1), seed));
    }

    /// From now on puts with a delivery of which `judge` says true are refused.
    pub fn refuse(&self, judge: impl Fn(&Delivery) -> bool + Send + 'static) {
        self.lock().refuses = Some(Box::new(judge));
    }

    /// From now on every put goes well, but those of [`next`](Self::next).
    pub fn mend(&self) {
        let mut plan = self.lock();
        plan.random = None;
        plan.refuses = None;
    }

    /// From now on puts wait.
    pub fn stall(&self) {
        self.lock().stalled = true;
    }

    /// Lets waiting puts, and those after them, through.
    pub fn release(&self) {
        self.lock().stalled = false;
        self.shared.1.notify_all();
    }

    /// Waits until a put waits.
    pub fn wait_until_stalled(&self) {
        let mut plan = self.lock();
        while plan.waiting == 0 {
            plan = self.wait(plan);
        }
    }

    /// Waits until so many puts were tried in all.
    pub fn wait_for_puts(&self, puts: u64) {
        let mut plan = self.lock();
        while plan.puts < puts {
            plan = self.wait(plan);
        }
    }

    /// Number of puts that were tried.
    #[must_use]
    pub fn puts(&self) -> u64 {
        self.lock().puts
    }

    /// Lets a put begin, or says what happens to it.
    fn begin(&self, deliveries: &[Delivery]) -> Option<Fault> {
        let mut plan = self.lock();
        plan.puts += 1;
        self.shared.1.notify_all();
        while plan.stalled {
            plan.waiting += 1;
            self.shared.1.notify_all();
            plan = self.wait(plan);
            plan.waiting -= 1;
        }
        if let Some(fault) = plan.next.pop_front() {
            return fault;
        }
        let refuses = plan.refuses.as_ref();
        if refuses.is_some_and(|judge| deliveries.iter().any(judge)) {
            return Some(Fault::Fails(StoreErrorKind::Refused));
        }
        plan.random
            .as_mut()
            .and_then(|(one_in, state)| draw(*one_in, state))
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults")
            .field("puts", &self.puts())
            .finish_non_exhaustive()
    }
}

/// A fault once in a while (SplitMix64).
fn draw(one_in: u64, state: &mut u64) -> Option<Fault> {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 1).is_multiple_of(one_in).then_some(match z & 1 {
        0 => Fault::Fails(StoreErrorKind::Transient),
        _ => Fault::AnswerLost,
    })
}

/// A store around another that fails when its [`Faults`] say so.
///
/// ```
/// use pelton_connect::store::{Fault, Faults, FaultyStore, MemoryStore, MemoryStoreOptions};
/// use pelton_connect::stream::{Positions, Store, StoreErrorKind};
///
/// let faults = Faults::default();
/// let inner = MemoryStore::new(MemoryStoreOptions::default());
/// let mut store = FaultyStore::new(inner, faults.clone());
/// faults.next([Some(Fault::Fails(StoreErrorKind::Transient)), None]);
/// assert!(store.put(&[], &Positions::new()).is_err());
/// assert!(store.put(&[], &Positions::new()).is_ok());
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Faults,
}

impl<S: Store> FaultyStore<S> {
    /// `inner`, at the mercy of `faults`.
    #[must_use]
    pub const fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn shape(&self) -> Shape {
        self.inner.shape()
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        self.inner.positions()
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        match self.faults.begin(deliveries) {
            None => self.inner.put(deliveries, positions),
            Some(Fault::Fails(kind)) => Err(StoreError::new(kind, "a fault that a test asked for")),
            Some(Fault::AnswerLost) => {
                self.inner.put(deliveries, positions)?;
                let message = "an answer that a test wanted lost";
                Err(StoreError::new(StoreErrorKind::Transient, message))
            }
        }
    }

    fn is_prompt(&mut self) -> bool {
        !self.faults.lock().stalled && self.inner.is_prompt()
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.inner.flush()
    }
}
