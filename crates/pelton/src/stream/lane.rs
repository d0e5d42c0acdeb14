//! One way through the pipeline: inbox, workers, outbox.
//!
//! What is little is worked off by the thread that brought it, at the end of its
//! [turn](pelton_connect::stream::turn), where nobody else works for the lane and its store is
//! prompt: to wake a worker would cost more. That thread must not be kept, so that whatever might
//! take longer is left to a worker, who is woken then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pelton_connect::Content;
use pelton_connect::stream::turn::Work;
use pelton_connect::stream::{Delivery, PROMPT_BYTES, Positions, Shape};
use pelton_format::{Decoder, Encoder};
use pelton_queue::PopError;
use pelton_record::{Batch, Origin, Rejected, RejectedKind, View};
use pelton_sync::{Mutex, PoisonError};

use super::inbox::{Entry, Inbox, Receiver};
use super::letter;
use super::outbox::{Done, Outbox};
use super::precedence::Precedence;
use super::room::Room;
use super::stats::{LaneMetrics, LaneStats};
use crate::run::{Pipeline, Processor, panic_message};

/// One way through the pipeline.
pub(super) struct Lane {
    pub name: Arc<str>,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub pipeline: Pipeline,
    pub shape: Shape,
    pub metrics: LaneMetrics,
    /// Refused records are written to the dead letter, not only counted.
    pub writes_letters: bool,
    pub room: Arc<Room>,
    /// Its store knows its positions after a restart too.
    pub keeps_positions: bool,
    /// What the store already had when the service began.
    pub recovered: Positions,
    pub record_bytes_max: usize,
    /// For whoever brings entries, where it may work them off.
    pub bringer: Option<Mutex<Bringer>>,
}

/// What a thread works with that brought what it works off.
pub(super) struct Bringer {
    receiver: Receiver,
    tools: Tools,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// True when the store had the arrival that reaches `position` before the service began.
    pub(super) fn has_put(&self, (stream, position): (&str, u64)) -> bool {
        let recovered = self.recovered.get(stream);
        recovered.is_some_and(|recovered| position <= *recovered)
    }

    /// Works until the inbox is closed and empty; gives way as `precedence` has it.
    pub(super) fn work(&self, precedence: &Precedence) {
        let mut tools = Tools::new(&self.pipeline);
        let mut receiver = self.inbox.receiver();
        self.inbox.enter();
        loop {
            match self.inbox.next(&mut receiver, self.outbox.due()) {
                Ok(entry) => {
                    if self.inbox.refill() {
                        self.room.wake();
                    }
                    if precedence.gives_way() {
                        // What is done does not wait with the entry.
                        self.outbox.put_due();
                        precedence.give_way();
                    }
                    let done = self.process(&mut tools, entry);
                    self.outbox.commit(done, !receiver.end().is_empty());
                    self.room.wake();
                    if self.outbox.has_given_up() {
                        return;
                    }
                }
                Err(PopError::Empty) => {
                    self.outbox.put_due();
                    self.room.wake();
                }
                Err(PopError::Closed) => return,
            }
        }
    }

    /// Gives an entry up, and counts its records.
    pub(super) fn shed(&self, entry: Entry) {
        let records = self.count(&entry);
        self.metrics.read.add(records);
        self.metrics.shed.add(records);
        self.outbox.skip(entry.sequence, entry.fan);
    }

    /// Records in an entry, whole or not.
    pub(super) fn count(&self, entry: &Entry) -> u64 {
        if let Some(lost) = &entry.lost {
            return lost.records;
        }
        if entry.arrival.content != Content::Records {
            return 1;
        }
        let Pipeline { input, schema, .. } = &self.pipeline;
        let block = entry.arrival.block.clone();
        let batch = input.decoder(schema, &[]).decode(block, Origin::default());
        (batch.rows() + batch.rejected().len()) as u64
    }

    /// Counts what is still in the inbox when the service gives up.
    pub(super) fn abandon(&self) {
        let (waiting, spilled) = self.inbox.abandon();
        let waiting: u64 = waiting.iter().map(|entry| self.count(entry)).sum();
        self.metrics.read.add(waiting + spilled);
    }

    pub(super) fn refresh(&self) {
        self.metrics.waiting.set(self.inbox.len() as i64);
        self.metrics.spill.set(self.inbox.spilled_bytes() as i64);
    }

    pub(super) fn stats(&self) -> LaneStats {
        let LaneMetrics {
            read,
            written,
            filtered,
            deduplicated,
            folded,
            made,
            rejected,
            shed,
            spilled,
            spilled_bytes,
            downgraded,
            bytes,
            retries,
            broken,
            ..
        } = &self.metrics;
        // What became of records first: of none is told that was not told to have come in.
        let mut stats = LaneStats {
            lane: self.name.to_string(),
            written: written.value(),
            filtered: filtered.value(),
            deduplicated: deduplicated.value(),
            folded: folded.value(),
            rejected: rejected.value(),
            shed: shed.value(),
            spilled: spilled.value(),
            spilled_bytes: spilled_bytes.value(),
            downgraded: downgraded.value(),
            waiting_blocks: self.inbox.len() as u64,
            waiting_spill_bytes: self.inbox.spilled_bytes(),
            read_bytes: bytes.value(),
            retries: retries.value(),
            broken: broken.value() != 0,
            ..LaneStats::default()
        };
        (stats.read, stats.made) = (read.value(), made.value());
        let gone = stats.written
            + stats.filtered
            + stats.deduplicated
            + stats.folded
            + stats.rejected
            + stats.shed;
        stats.pending = (stats.read + stats.made).saturating_sub(gone);
        stats
    }
}

/// A word that there is something to do, and the work itself where it is little.
impl Work for Lane {
    fn wake(&self) {
        self.inbox.wake();
    }

    fn work(&self) {
        match self.work_promptly() {
            true => self.inbox.leave(),
            false => self.inbox.wake(),
        }
    }
}

impl Bringer {
    pub(super) fn new(inbox: &Inbox, pipeline: &Pipeline) -> Self {
        Self {
            receiver: inbox.receiver(),
            tools: Tools::new(pipeline),
        }
    }
}

impl Lane {
    /// Works off what waits if that is little, and nobody has to be waited for; false when a worker
    /// must look after it.
    fn work_promptly(&self) -> bool {
        let bringer = self.bringer.as_ref().map(Mutex::try_lock);
        let Some(Ok(mut bringer)) = bringer else {
            return false;
        };
        if self.inbox.waiting_bytes() > PROMPT_BYTES {
            return false;
        }
        let Some(keeper) = self.outbox.prompt_keeper() else {
            return false;
        };
        let Bringer { receiver, tools } = &mut *bringer;
        let mut bytes = 0;
        // Others may bring more meanwhile.
        while bytes <= PROMPT_BYTES
            && let Ok(entry) = receiver.try_pop()
        {
            bytes += entry.arrival.block.len();
            let done = self.process(tools, entry);
            self.outbox.hand_in(done);
        }
        let is_put = self.outbox.put_promptly(keeper);
        self.room.wake();
        if !is_put {
            self.inbox.ask();
        }
        true
    }

    /// Waits until nobody who brought an entry has it in hand. Nothing new may come in.
    pub(super) fn wait_for_bringer(&self) {
        let bringer = self.bringer.as_ref().map(Mutex::lock);
        drop(bringer.map(|locked| locked.unwrap_or_else(PoisonError::into_inner)));
    }
}

/// What one thread works with.
struct Tools {
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
}

impl Tools {
    fn new(pipeline: &Pipeline) -> Self {
        Self {
            decoder: pipeline.decoder(),
            encoder: pipeline.branches[0].output.encoder(),
        }
    }
}

impl Lane {
    fn process(&self, tools: &mut Tools, entry: Entry) -> Done {
        self.metrics.bytes.add(entry.arrival.block.len() as u64);
        let processed = catch_unwind(AssertUnwindSafe(|| self.records(tools, &entry)));
        let mut done = processed.unwrap_or_else(|panic| {
            let reason = format!("internal error: {}", panic_message(&*panic));
            self.refuse_whole(&entry, RejectedKind::Panic, reason)
        });
        done.sequence = entry.sequence;
        done.since = Some(entry.since);
        done.fan = entry.fan;
        done
    }

    fn records(&self, tools: &mut Tools, entry: &Entry) -> Done {
        let arrival = &entry.arrival;
        if let Some(lost) = &entry.lost {
            return self.refuse_whole(entry, RejectedKind::Lost, lost.reason.clone());
        }
        if let Content::TooLarge { bytes } = arrival.content {
            let reason = format!(
                "a record of {bytes} bytes, more than engine.record_limit of {}; its first {} \
                 bytes are kept",
                self.record_bytes_max,
                arrival.block.len()
            );
            return self.refuse_whole(entry, RejectedKind::TooLarge, reason);
        }
        let origin = Origin {
            source: arrival.peer.source,
            sequence: entry.sequence,
            byte: arrival.byte,
        };
        let Tools { decoder, encoder } = tools;
        let mut given = Given::default();
        let mut processor = Processor::new(&self.pipeline, &mut **decoder);
        let processed = processor.process(&arrival.block, origin, &mut |_, batch| {
            given.take(self, &mut **encoder, batch);
            Ok(())
        });
        let mut done = Done::default();
        match processed {
            Ok(processed) => {
                let account = processed.whole();
                self.metrics.read.add(account.read);
                self.metrics.filtered.add(account.filtered);
                self.metrics.deduplicated.add(account.deduplicated);
                done.deliveries = given.into_deliveries();
                self.refuse(entry, &processed.rejected, &mut done);
                done
            }
            Err(error) => self.refuse_whole(entry, RejectedKind::Panic, error.to_string()),
        }
    }

    fn refuse(&self, entry: &Entry, rejected: &[Rejected], done: &mut Done) {
        self.metrics.rejected.add(rejected.len() as u64);
        if self.writes_letters {
            for rejected in rejected {
                letter::write(&mut done.letters, &self.name, &entry.arrival, rejected);
            }
        }
    }

    /// Refuses all records of an entry for one reason.
    fn refuse_whole(&self, entry: &Entry, kind: RejectedKind, reason: String) -> Done {
        let records = self.count(entry);
        self.metrics.read.add(records);
        self.metrics.rejected.add(records);
        let mut done = Done::default();
        if self.writes_letters {
            let rejected = Rejected {
                extent: View {
                    start: 0,
                    len: entry.arrival.block.len() as u32,
                },
                stage: self.pipeline.input.name().into(),
                kind,
                reason,
            };
            letter::write(&mut done.letters, &self.name, &entry.arrival, &rejected);
        }
        done
    }
}

/// What the stages left of an entry, as the store wants it.
#[derive(Default)]
struct Given {
    bytes: Vec<u8>,
    records: u64,
    rows: Vec<Batch>,
}

impl Given {
    fn take(&mut self, lane: &Lane, encoder: &mut dyn Encoder, batch: &mut Batch) {
        match (lane.shape, lane.pipeline.branches[0].raw) {
            (Shape::Rows, _) => {
                let rejected = batch.take_rejected();
                self.rows.push(std::mem::take(batch));
                rejected
                    .into_iter()
                    .for_each(|rejected| batch.push_rejected(rejected));
                return;
            }
            (Shape::Bytes, Some(first)) => encoder.encode_raw(batch, first, &mut self.bytes),
            (Shape::Bytes, None) => encoder.encode(batch, &mut self.bytes),
        }
        self.records += batch.rows() as u64;
    }

    fn into_deliveries(self) -> Vec<Delivery> {
        let Self {
            bytes,
            records,
            rows,
        } = self;
        let bytes = (records > 0).then_some(Delivery::Bytes { bytes, records });
        rows.into_iter().map(Delivery::Rows).chain(bytes).collect()
    }
}
