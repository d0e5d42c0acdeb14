//! The threads of the workers.

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

/// Starts a thread for each place below the target that is free; lowers the target to what could
/// be started.
pub(crate) fn fill_seats(shared: &Arc<Shared>, settings: &Settings) -> Result<(), Error> {
    (0..shared.seats().target()).try_for_each(|index| {
        fill_seat(shared, settings, index).inspect_err(|_| shared.seats().set_target(index))
    })
}

fn fill_seat(shared: &Arc<Shared>, settings: &Settings, index: usize) -> Result<(), Error> {
    let Some(queues) = shared.seats().take(index) else {
        return Ok(());
    };
    let core = match settings.cores.len() {
        0 => None,
        cores => Some(settings.cores[index % cores]),
    };
    let seat = Taken {
        shared: shared.clone(),
        index,
        queues: Some(queues),
    };
    let builder = thread::Builder::new().name(format!("{}-{index}", settings.name));
    let thread = builder
        .spawn(move || seat.work(core))
        .map_err(|error| Error::thread(index, error))?;
    // The last thread here, if any, left its place as its last act; it needs no waiting for.
    lock(&shared.threads)[index] = Some(thread);
    Ok(())
}

/// A place that is taken; free again when dropped, also by a thread that could not be started.
struct Taken {
    shared: Arc<Shared>,
    index: usize,
    queues: Option<Queues>,
}

impl Taken {
    /// The life of one worker's thread.
    fn work(mut self, core: Option<CoreId>) {
        self.pin(core);
        let (shared, index) = (self.shared.clone(), self.index);
        let seats = shared.seats();
        while let Some(queues) = self.queues.take() {
            let worker = Worker::new(shared.clone(), index, queues);
            let queues = worker.run_here(|| shared.is_ended() || seats.is_surplus(index));
            self.queues = seats.leave(index, queues, shared.is_ended()).err();
        }
    }

    fn pin(&self, core: Option<CoreId>) {
        if let Some(core) = core {
            let is_pinned = core_affinity::set_for_current(core);
            self.shared.seats().seat(self.index).core = is_pinned.then_some(core.id);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(queues) = self.queues.take() {
            self.shared.seats().put_back(self.index, queues);
        }
    }
}

/// Waits for the threads of a pool that has ended.
pub(crate) fn join_threads(shared: &Shared) {
    let threads: Vec<_> = lock(&shared.threads).iter_mut().map(mem::take).collect();
    for thread in threads.into_iter().flatten() {
        // A worker's thread panics only by a fault of this crate; the pool has ended anyway.
        drop(thread.join());
    }
}
