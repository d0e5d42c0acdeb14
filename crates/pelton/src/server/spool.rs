//! The log before the lanes: what nobody can send again is on the disk before it is taken.
//!
//! Arrivals without a receipt are appended to a [`Spool`], and only then is their sender told. A
//! task reads them back in order and gives them to the service as a stream of its own, whose
//! position goes with the records into the store; what is committed is trimmed. It must never let
//! an entry pass the service by: who is told that the service is gone begins again, with the next
//! one, at the first entry that is not trimmed.

mod note;

use std::sync::Arc;
use std::time::Duration;

use pelton_connect::Content;
use pelton_connect::store::{Entry, Spool as Log, SpoolError, SpoolOptions, SyncPolicy};
use pelton_connect::stream::{Arrival, Future, Gone, Intake, Peer, Receipt, Stream};
use pelton_metrics::{Gauge, Registry, Unit};
use pelton_pool::Buffer;
use pelton_record::Block;
use pelton_sync::atomic::{AtomicU64, Ordering};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::switch::Switch;
use crate::Error;
use crate::plan::{SpoolPlan, SpoolSync};

/// How long a disk that failed is given rest.
const REST: Duration = Duration::from_millis(500);
/// A spool that has been full for so long is told of.
const PATIENCE: Duration = Duration::from_secs(10);
/// Trimming renames a file: not more often than this.
const TRIM_EVERY: Duration = Duration::from_millis(20);

/// A spool and the tasks that read it and trim it.
pub(super) struct Spool {
    ends: Arc<Ends>,
    switch: Arc<Switch>,
    tasks: Vec<JoinHandle<()>>,
}

/// How a spool stands.
#[derive(Debug, Serialize)]
pub(super) struct SpoolStats {
    /// Blocks that are not committed.
    blocks: u64,
    /// On the disk.
    bytes: u64,
}

impl Spool {
    /// Opens the spool of `plan` and begins to give what an earlier process left in it to the
    /// service of `switch`. Listeners that open later come behind that.
    pub(super) async fn start(
        plan: &SpoolPlan,
        switch: Arc<Switch>,
        registry: &Registry,
    ) -> Result<Arc<Self>, Error> {
        let options = options(plan);
        let syncs = options.sync == SyncPolicy::Commit;
        let log = Log::open(options).map_err(|error| refused(&error))?;
        report_recovery(&log);
        let ends = Arc::new(Ends::new(log, syncs, plan, registry)?);
        let mut tasks = vec![tokio::spawn(trim(ends.clone()))];
        if let Some(committed) = switch.position(&ends.name) {
            ends.log.trim(committed).map_err(|error| refused(&error))?;
        }
        tasks.push(tokio::spawn(hand_on(ends.clone(), switch.clone())));
        ends.catch_up_with(switch.highest(&ends.name)).await?;
        Ok(Arc::new(Self {
            ends,
            switch,
            tasks,
        }))
    }

    /// Waits until everything in it was given to the service, or `end` has come.
    pub(super) async fn drain(&self, end: std::time::Instant) {
        let all = *self.ends.appended.borrow();
        let mut handed = self.ends.handed.subscribe();
        let all_handed = handed.wait_for(|handed| *handed >= all);
        // What is left stays for the next start.
        let _ = timeout_at(Instant::from_std(end), all_handed).await;
    }

    /// Trims what is committed; how many blocks are left for the next start.
    pub(super) fn finish(&self) -> u64 {
        self.tasks.iter().for_each(JoinHandle::abort);
        let committed = *self.ends.committed.borrow();
        if let Err(error) = self.ends.log.trim(committed) {
            // Nothing is lost: it is read again, and known to be committed.
            tracing::warn!(%error, "the spool was not trimmed");
        }
        self.ends.log.len()
    }

    pub(super) fn stats(&self) -> SpoolStats {
        let (blocks, bytes) = (self.ends.log.len(), self.ends.log.bytes());
        self.ends.blocks.set(blocks as i64);
        self.ends.bytes.set(bytes as i64);
        SpoolStats { blocks, bytes }
    }

    /// Puts an arrival on the disk, and waits for room.
    async fn append(&self, arrival: Arrival) -> Result<(), Gone> {
        let note = note::encode(&arrival);
        let mut trimmed = self.ends.trimmed.subscribe();
        loop {
            let end = *trimmed.borrow_and_update();
            match self.ends.append(&note, &arrival.block).await {
                Ok(()) => return Ok(()),
                Err(SpoolError::Full) => {
                    let room = timeout(PATIENCE, trimmed.changed());
                    if self.switch.unless_stopping(room).await?.is_err() {
                        self.ends.tell_full(end);
                    }
                }
                Err(SpoolError::Io(error)) => {
                    tracing::error!(%error, "the spool cannot be written; tried again");
                    self.switch.unless_stopping(sleep(REST)).await?;
                }
                Err(error) => {
                    tracing::error!(%error, "an arrival was refused");
                    return Err(Gone);
                }
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Intake for Spool {
    fn lease(&self, bytes: usize) -> Future<'_, Result<Buffer, Gone>> {
        self.switch.lease(bytes)
    }

    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>> {
        match arrival.receipt {
            Some(_) => self.switch.take(arrival),
            None => Box::pin(self.append(arrival)),
        }
    }

    fn position(&self, name: &str) -> Option<u64> {
        self.switch.position(name)
    }

    fn keeps_positions(&self) -> bool {
        self.switch.keeps_positions()
    }
}

/// What the two ends of a spool share. The numbers are those of entries, each that of the first one
/// which is not there yet.
struct Ends {
    log: Log,
    /// The stream's.
    name: String,
    /// Each entry is forced to the disk.
    syncs: bool,
    appended: watch::Sender<u64>,
    /// Given to the service of the moment.
    handed: watch::Sender<u64>,
    committed: watch::Sender<u64>,
    trimmed: watch::Sender<u64>,
    /// Where it was trimmed to when it was last said to be full; the largest number for nowhere.
    told_full: AtomicU64,
    blocks: Gauge,
    bytes: Gauge,
}

impl Ends {
    fn new(log: Log, syncs: bool, plan: &SpoolPlan, registry: &Registry) -> Result<Self, Error> {
        let gauge = |name: &str, help: &str, unit| {
            let gauge = registry.gauge(name, help, unit, &[]);
            gauge.map_err(|error| Error::internal(&error))
        };
        Ok(Self {
            name: format!("spool:{}", plan.path),
            syncs,
            appended: watch::Sender::new(log.end()),
            handed: watch::Sender::new(0),
            committed: watch::Sender::new(0),
            trimmed: watch::Sender::new(0),
            told_full: AtomicU64::new(u64::MAX),
            blocks: gauge(
                "pelton_spool_blocks",
                "Blocks in the spool that are not committed.",
                Unit::Count,
            )?,
            bytes: gauge("pelton_spool_bytes", "Bytes of the spool.", Unit::Bytes)?,
            log,
        })
    }

    async fn append(&self, note: &[u8], block: &Block) -> Result<(), SpoolError> {
        let number = match self.syncs {
            false => self.log.try_append(note, block)?,
            true => {
                let (log, note, block) = (self.log.clone(), note.to_vec(), block.clone());
                let synced = spawn_blocking(move || log.try_append(&note, &block));
                synced.await.unwrap_or(Err(SpoolError::Closed))?
            }
        };
        raise(&self.appended, number + 1);
        Ok(())
    }

    /// Says that nothing was trimmed for long, once for each place to which it was.
    fn tell_full(&self, trimmed: u64) {
        // Relaxed: nothing hangs on it but a line in the log.
        if self.told_full.swap(trimmed, Ordering::Relaxed) != trimmed {
            tracing::warn!(
                "the spool is full and senders wait: the sink stands still, or open windows need \
                 more of the input than source.spool.limit"
            );
        }
    }

    /// Sees to it that no entry gets a number that a lane takes for one it has: a power failure
    /// may have taken the last entries from here whose effect a lane put away.
    async fn catch_up_with(&self, highest: u64) -> Result<(), Error> {
        let end = self.log.end();
        if end >= highest {
            return Ok(());
        }
        tracing::warn!(
            entries = highest - end,
            "the disk lost the end of the spool; what was not committed in every lane is gone"
        );
        let mut committed = self.committed.subscribe();
        let rest = self.log.len();
        if rest > 0 {
            // The sender is here: it cannot be gone.
            let _ = committed.wait_for(|committed| *committed >= end).await;
        }
        self.log.trim(highest).map_err(|error| refused(&error))
    }
}

impl Stream for Ends {
    fn name(&self) -> &str {
        &self.name
    }

    fn committed(&self, position: u64) {
        raise(&self.committed, position);
    }

    fn rereads(&self) -> bool {
        true
    }
}

fn raise(number: &watch::Sender<u64>, to: u64) {
    number.send_if_modified(|number| {
        let more = *number < to;
        *number = to.max(*number);
        more
    });
}

/// Trims what is committed as long as there is somebody to say so.
async fn trim(ends: Arc<Ends>) {
    let mut committed = ends.committed.subscribe();
    while committed.changed().await.is_ok() {
        let before = *committed.borrow_and_update();
        while let Err(error) = ends.log.trim(before) {
            // Senders may wait for it, so that nothing else would bring this about.
            tracing::warn!(%error, "the spool was not trimmed; tried again");
            sleep(REST).await;
        }
        ends.trimmed.send_replace(before);
        sleep(TRIM_EVERY).await;
    }
}

/// Gives all entries to the service, and to the next one from the first that is not trimmed.
async fn hand_on(ends: Arc<Ends>, switch: Arc<Switch>) {
    let mut intakes = switch.intakes();
    loop {
        let intake = intakes.borrow_and_update().clone();
        if let Some(intake) = intake {
            ends.log.rewind();
            ends.handed.send_replace(ends.log.end() - ends.log.len());
            tokio::select! {
                () = hand_on_to(&ends, &*intake) => {}
                _ = intakes.changed() => continue,
            }
        }
        if intakes.changed().await.is_err() {
            return;
        }
    }
}

/// Gives entries to `intake` until it takes nothing more.
async fn hand_on_to(ends: &Arc<Ends>, intake: &dyn Intake) {
    let mut appended = ends.appended.subscribe();
    loop {
        appended.borrow_and_update();
        match ends.log.read() {
            Ok(Some(entry)) => {
                let next = entry.number + 1;
                if give(ends, intake, entry).await.is_err() {
                    return;
                }
                ends.handed.send_replace(next);
            }
            Ok(None) => {
                // The sender is here: it cannot be gone.
                let _ = appended.changed().await;
            }
            Err(error) => {
                tracing::error!(%error, "the spool cannot be read; tried again");
                sleep(REST).await;
            }
        }
    }
}

async fn give(ends: &Arc<Ends>, intake: &dyn Intake, entry: Entry) -> Result<(), Gone> {
    let Entry { number, note, body } = entry;
    let mut buffer = intake.lease(body.len()).await?;
    buffer.spare_mut()[..body.len()].copy_from_slice(&body);
    buffer.advance(body.len());
    let unknown = || Arrival {
        block: Block::default(),
        content: Content::Records,
        peer: Arc::new(Peer {
            source: 0,
            name: ends.name.clone(),
        }),
        byte: 0,
        receipt: None,
    };
    let arrival = Arrival {
        block: Block::new(buffer),
        receipt: Some(Receipt {
            stream: ends.clone(),
            position: number + 1,
        }),
        ..note::decode(&note).unwrap_or_else(unknown)
    };
    intake.take(arrival).await
}

fn options(plan: &SpoolPlan) -> SpoolOptions {
    let usual = SpoolOptions::new(&plan.path);
    SpoolOptions {
        capacity_bytes: plan
            .limit
            .map_or(usual.capacity_bytes, |limit| limit.bytes()),
        sync: match plan.sync {
            SpoolSync::Never => SyncPolicy::None,
            SpoolSync::Always => SyncPolicy::Commit,
            SpoolSync::Every(every) => SyncPolicy::Interval(every.duration()),
        },
        ..usual
    }
}

/// Says what of the spool could not be read: what a sender was told of is whole but for a power
/// failure.
fn report_recovery(log: &Log) {
    let recovery = log.recovery();
    if recovery.cut_bytes > 0 {
        tracing::warn!(
            bytes = recovery.cut_bytes,
            "half an entry was cut off from the end of the spool"
        );
    }
    for path in &recovery.set_aside {
        tracing::error!(path = %path.display(), "damaged: this part of the spool is not read");
    }
}

fn refused(error: &SpoolError) -> Error {
    Error::spool(error)
}
