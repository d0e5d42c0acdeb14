//! Who is told when a budget's level changes.
//!
//! Each subscriber is its own little mailbox, so that it hears the changes in order and one at a
//! time, whichever threads and whichever levels of the tree they come from. Its states:
//!
//! ```text
//! pending = 0        nobody is telling
//! pending > 0        somebody is telling; each change that comes meanwhile adds one
//!
//! change:  pending += 1; if it was 0, this thread is the teller
//! teller:  read the level, call if it is news, then pending: n -> 0 if still n, else repeat
//! ```

use std::fmt;

use crate::budget::Budget;
use crate::level::Level;
use crate::sync::{Arc, AtomicU8, AtomicUsize, Mutex, Ordering, PoisonError};

type Callback = Box<dyn Fn(Level) + Send + Sync>;

/// Keeps a callback subscribed to a budget's level; dropping it ends that.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    subscriber: Arc<Subscriber>,
}

pub(crate) struct Subscriber {
    budget: Budget,
    callback: Callback,
    /// The level last told, written by the teller alone.
    told: AtomicU8,
    /// Changes not yet looked at; non-zero while somebody is telling.
    pending: AtomicUsize,
}

impl Subscription {
    /// A subscription that is not yet in any list.
    pub(crate) fn new(budget: Budget, callback: Callback) -> Self {
        let subscriber = Subscriber {
            told: AtomicU8::new(budget.level() as u8),
            budget,
            callback,
            pending: AtomicUsize::new(0),
        };
        Self {
            subscriber: Arc::new(subscriber),
        }
    }

    pub(crate) fn subscriber(&self) -> &Arc<Subscriber> {
        &self.subscriber
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // The list entries are the other half of a cycle through the budget: this breaks it.
        let budget = self.subscriber.budget.clone();
        budget.unsubscribe(self);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("budget", &self.subscriber.budget)
            .finish_non_exhaustive()
    }
}

impl Subscriber {
    /// Has the subscriber look at the level, now or as soon as it is done with an earlier change.
    pub(crate) fn tell(&self) {
        // ORDERING: AcqRel; pairs with the exchange in `Teller::is_done`: the teller that sees
        // this one's addition reads a level at least as new as the change behind it.
        if self.pending.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let mut teller = Teller {
            subscriber: self,
            seen: 1,
        };
        loop {
            teller.tell_news();
            if teller.is_done() {
                return;
            }
        }
    }
}

/// The one thread that currently talks to a subscriber.
struct Teller<'a> {
    subscriber: &'a Subscriber,
    /// How many pending changes this round answers for.
    seen: usize,
}

impl Teller<'_> {
    fn tell_news(&self) {
        let subscriber = self.subscriber;
        let level = subscriber.budget.level();
        // Relaxed: tellers follow each other through `pending`.
        if subscriber.told.swap(level as u8, Ordering::Relaxed) != level as u8 {
            (subscriber.callback)(level);
        }
    }

    fn is_done(&mut self) -> bool {
        // ORDERING: AcqRel; pairs with the addition in `Subscriber::tell`, see there.
        let done = self.subscriber.pending.compare_exchange(
            self.seen,
            0,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if let Err(more) = done {
            self.seen = more;
        } else {
            self.seen = 0;
        }
        done.is_ok()
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        // Only a panic in the callback leaves something unseen: the next change tells again.
        if self.seen > 0 {
            // ORDERING: Release; pairs with the addition of the next teller.
            self.subscriber.pending.store(0, Ordering::Release);
        }
    }
}

/// The subscribers of one level of the tree.
pub(crate) struct Subscribers {
    /// Copied on write, so that telling holds no lock while callbacks run.
    list: Mutex<Arc<Vec<Arc<Subscriber>>>>,
}

impl Subscribers {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(Arc::new(Vec::new())),
        }
    }

    pub(crate) fn add(&self, subscriber: &Arc<Subscriber>) {
        self.edit(|list| list.push(subscriber.clone()));
    }

    pub(crate) fn remove(&self, subscriber: &Arc<Subscriber>) {
        self.edit(|list| list.retain(|other| !Arc::ptr_eq(other, subscriber)));
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<Arc<Subscriber>>)) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = Vec::clone(&list);
        change(&mut copy);
        *list = Arc::new(copy);
    }

    /// Has every subscriber look at its level.
    pub(crate) fn tell(&self) {
        let list = self
            .list
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for subscriber in list.iter() {
            subscriber.tell();
        }
    }
}
