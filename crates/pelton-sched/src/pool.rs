//! The threads: who sits where, and how a place is filled and left: "Resize" in `PROTOCOLS.md`.

use std::mem;

use core_affinity::CoreId;

use crate::error::Error;
use crate::shared::Shared;
use crate::sync::{Arc, lock, thread};
use crate::worker::{Queues, Worker};

/// How the threads are made.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    /// The cores to pin to, in turn; empty to leave that to the operating system.
    pub(crate) cores: Vec<CoreId>,
}

/// Starts a thread for each place below the target that has none.
pub(crate) fn fill_seats(shared: &Arc<Shared>, settings: &Settings) -> Result<(), Error> {
    (0..shared.target()).try_for_each(|index| fill_seat(shared, settings, index))
}

fn fill_seat(shared: &Arc<Shared>, settings: &Settings, index: usize) -> Result<(), Error> {
    let mut seat = lock(&shared.seats[index]);
    let Some(queues) = seat.queues.take() else {
        return Ok(()); // The one who sits there will see that it stays.
    };
    let core = match settings.cores.len() {
        0 => None,
        cores => Some(settings.cores[index % cores]),
    };
    let builder = thread::Builder::new().name(format!("{}-{index}", settings.name));
    let state = shared.clone();
    match builder.spawn(move || work(&state, index, queues, core)) {
        Ok(thread) => {
            // The last thread here gave its queues back as its last act.
            seat.thread = Some(thread);
            seat.was_used = true;
            Ok(())
        }
        Err(error) => {
            seat.queues = Some(Queues::new());
            Err(Error::thread(index, error))
        }
    }
}

/// The life of one worker's thread.
fn work(shared: &Arc<Shared>, index: usize, mut queues: Queues, core: Option<CoreId>) {
    pin(shared, index, core);
    loop {
        let worker = Worker::new(shared.clone(), index, queues);
        queues = worker.run_here(|| shared.is_ended() || shared.target() <= index);
        let mut seat = lock(&shared.seats[index]);
        // Under the lock: whoever raises the target looks at this place after it.
        if shared.is_ended() || shared.target() <= index {
            seat.queues = Some(queues);
            return;
        }
    }
}

fn pin(shared: &Shared, index: usize, core: Option<CoreId>) {
    if let Some(core) = core {
        let is_pinned = core_affinity::set_for_current(core);
        lock(&shared.seats[index]).core = is_pinned.then_some(core.id);
    }
}

/// Waits for the threads of a pool that has ended.
pub(crate) fn join_threads(shared: &Shared) {
    for seat in &shared.seats {
        let thread = mem::take(&mut lock(seat).thread);
        if let Some(thread) = thread {
            // A worker's thread panics only by a fault of this crate; the pool has ended anyway.
            drop(thread.join());
        }
    }
}
