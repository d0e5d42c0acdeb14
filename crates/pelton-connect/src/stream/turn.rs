//! What a thread that reads many peers does between two waits: a turn.
//!
//! Small arrivals cost more for the threads that are woken than for the work. So what is to be done
//! with them waits for the end of the turn, once for all, and is done there by the thread itself
//! where that takes no time, or by one that is woken; and a thread that finds something small each
//! time it looks, and hardly waits for it, rests before it looks again, so that more has gathered
//! by then. The longest delay is the length of the rest and what the system adds, on Linux 50 µs,
//! and the length of the turn; in a long one [`keep_short`] wakes before its end.
//!
//! A thread has turns when it calls [`begin`] after each wait and [`end`] before the next, as the
//! hooks of a runtime do. On any other thread nothing is put off.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelton_sync::thread;

/// What is put off until the end of a turn.
pub trait Work: Send + Sync {
    /// Wakes a thread that does it.
    fn wake(&self);

    /// Does it, or [wakes](Self::wake) a thread that does. The caller must not be kept: what is
    /// done here is little, and waits for nobody. By default nothing is.
    fn work(&self) {
        self.wake();
    }
}

/// A turn that read so much has work enough, and needs no rest.
const MUCH_BYTES: usize = 64 << 10;
/// After so long a turn is not short any more.
const SHORT: Duration = Duration::from_micros(200);
/// A wait of more than this part of a rest means that rests gather nothing.
const SHORT_WAIT: u32 = 4;

thread_local! {
    static TURN: Turn = const { Turn::new() };
}

struct Turn {
    /// The thread has turns, and is in one.
    is_open: Cell<bool>,
    /// What is put off until its end.
    owed: RefCell<Vec<Arc<dyn Work>>>,
    /// Bytes that nobody waits for an answer to.
    read: Cell<usize>,
    /// When it began.
    began: Cell<Option<Instant>>,
    /// When the turn before ended.
    ended: Cell<Option<Instant>>,
    /// How long the thread waited for this turn, beside any rest.
    waited: Cell<Duration>,
}

impl Turn {
    const fn new() -> Self {
        Self {
            is_open: Cell::new(false),
            owed: RefCell::new(Vec::new()),
            read: Cell::new(0),
            began: Cell::new(None),
            ended: Cell::new(None),
            waited: Cell::new(Duration::MAX),
        }
    }

    fn begin(&self) {
        let now = Instant::now();
        self.is_open.set(true);
        self.began.set(Some(now));
        let waited = self.ended.get().map(|ended| now - ended);
        self.waited.set(waited.unwrap_or(Duration::MAX));
    }

    fn end(&self, rest: Duration) {
        self.is_open.set(false);
        self.settle(|work| work.work());
        let little = (1..MUCH_BYTES).contains(&self.read.take());
        if little && self.waited.get() < rest / SHORT_WAIT {
            thread::sleep(rest);
        }
        self.ended.set(Some(Instant::now()));
    }

    fn settle(&self, settle: impl Fn(&dyn Work)) {
        loop {
            // Not borrowed while it is done: that may put something off in its turn.
            let next = self.owed.borrow_mut().pop();
            match next {
                Some(work) => settle(&*work),
                None => return,
            }
        }
    }

    fn keep_short(&self) {
        let is_long = || {
            self.began
                .get()
                .is_some_and(|began| SHORT < began.elapsed())
        };
        if !self.owed.borrow().is_empty() && is_long() {
            self.settle(|work| work.wake());
        }
    }

    /// Puts `work` off until the end; false where the thread has no turns.
    fn owe<W: Work + 'static>(&self, work: &Arc<W>) -> bool {
        let mut owed = self.owed.borrow_mut();
        let is_it =
            |other: &Arc<dyn Work>| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(work));
        if self.is_open.get() && !owed.iter().any(is_it) {
            owed.push(work.clone());
        }
        self.is_open.get()
    }
}

/// Begins a turn: the thread has waited for something to do, and looks.
pub fn begin() {
    TURN.with(Turn::begin);
}

/// Ends a turn: does what was put off, and rests for `rest`, or not at all where little would
/// gather in that time.
pub fn end(rest: Duration) {
    TURN.with(|turn| turn.end(rest));
}

/// Wakes those who do what was put off where the turn has lasted long: a thread that always finds
/// something to do has no end of turns. To be called for whatever it does again and again.
pub fn keep_short() {
    TURN.with(Turn::keep_short);
}

/// Has `work` done at the end of the turn, once however often it is asked for; false on a thread
/// that has no turns, where nothing is put off.
#[must_use]
pub fn at_end<W: Work + 'static>(work: &Arc<W>) -> bool {
    TURN.with(|turn| turn.owe(work))
}

/// Notes that so many bytes were read whose sender waits for no answer: more like them may be
/// gathered.
pub fn gathers(bytes: usize) {
    TURN.with(|turn| turn.read.set(turn.read.get() + bytes));
}
