//! What a thread that reads many peers does between two waits: a turn.
//!
//! Small arrivals cost more for the threads that are woken than for the work. So whoever is to be
//! woken for them is woken at the end of the turn, once for all; and a thread that finds something
//! small each time it looks, and hardly waits for it, rests before it looks again, so that more
//! has gathered by then. The longest delay is the length of the rest and what the system adds, on
//! Linux 50 µs, and the length of the turn; in a long one [`keep_short`] wakes before its end.
//!
//! A thread has turns when it calls [`begin`] after each wait and [`end`] before the next, as the
//! hooks of a runtime do. On any other thread nothing is put off.

use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::time::{Duration, Instant};

use pelton_sync::thread;

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
    /// Who is woken at its end.
    owed: RefCell<Vec<Waker>>,
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
        self.wake_owed();
        let little = (1..MUCH_BYTES).contains(&self.read.take());
        if little && self.waited.get() < rest / SHORT_WAIT {
            thread::sleep(rest);
        }
        self.ended.set(Some(Instant::now()));
    }

    fn wake_owed(&self) {
        // Whoever is woken may put another off.
        let mut owed = self.owed.take();
        owed.drain(..).for_each(Waker::wake);
        self.owed.replace(owed);
    }

    fn keep_short(&self) {
        let is_long = || {
            self.began
                .get()
                .is_some_and(|began| SHORT < began.elapsed())
        };
        if !self.owed.borrow().is_empty() && is_long() {
            self.wake_owed();
        }
    }

    /// Notes to wake `waker` at the end; false where the thread has no turns.
    fn owe(&self, waker: &Waker) -> bool {
        let mut owed = self.owed.borrow_mut();
        if self.is_open.get() && !owed.iter().any(|other| other.will_wake(waker)) {
            owed.push(waker.clone());
        }
        self.is_open.get()
    }
}

/// Begins a turn: the thread has waited for something to do, and looks.
pub fn begin() {
    TURN.with(Turn::begin);
}

/// Ends a turn: wakes those who are to be woken, and rests for `rest`, or not at all where little
/// would gather in that time.
pub fn end(rest: Duration) {
    TURN.with(|turn| turn.end(rest));
}

/// Wakes those who are to be woken where the turn has lasted long: a thread that always finds
/// something to do has no end of turns. To be called for whatever it does again and again.
pub fn keep_short() {
    TURN.with(Turn::keep_short);
}

/// Wakes `waker` at the end of the turn, once however often it is asked for; at once on a thread
/// that has no turns.
pub fn wake_at_end(waker: &Waker) {
    if !TURN.with(|turn| turn.owe(waker)) {
        waker.wake_by_ref();
    }
}

/// Notes that so many bytes were read whose sender waits for no answer: more like them may be
/// gathered.
pub fn gathers(bytes: usize) {
    TURN.with(|turn| turn.read.set(turn.read.get() + bytes));
}
