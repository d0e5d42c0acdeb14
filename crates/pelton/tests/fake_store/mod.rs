//! A store and a stream that do as they are told, and arrivals made of text.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test takes what it needs of it"
)]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};

use pelton::connect::Content;
use pelton::connect::stream::{
    Arrival, Delivery, Intake, Peer, Positions, Shape, Store, StoreError, StoreErrorKind, Stream,
};
use pelton::plan::Plan;
use pelton::record::Block;
use pelton::stream::LaneStats;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// What a store was given and what it shall answer.
#[derive(Default)]
pub struct Told {
    pub lines: Vec<String>,
    pub positions: Positions,
    /// Answers to the next calls; then all goes well.
    pub errors: VecDeque<StoreErrorKind>,
    /// Records with this in them are refused.
    pub refuses: Option<&'static str>,
    pub stalled: bool,
    /// Its positions are gone with the process.
    pub forgets: bool,
    /// A thread that must not be kept may put.
    pub prompt: bool,
    /// How often that was asked.
    pub asked: usize,
    pub puts: usize,
    /// Who put last.
    pub by: Option<ThreadId>,
}

#[derive(Clone, Default)]
pub struct TestStore {
    pub told: Arc<(Mutex<Told>, Condvar)>,
    pub rows: bool,
}

impl TestStore {
    pub fn set(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.0.lock().unwrap());
        self.told.1.notify_all();
    }

    pub fn lines(&self) -> Vec<String> {
        self.told.0.lock().unwrap().lines.clone()
    }
}

pub fn lines_of(delivery: &Delivery) -> Vec<String> {
    match delivery {
        Delivery::Bytes { bytes, .. } => {
            let text = std::str::from_utf8(bytes).unwrap();
            text.lines().map(str::to_owned).collect()
        }
        Delivery::Rows(batch) => (0..batch.rows())
            .map(|row| batch.column(0).value(row).to_string())
            .collect(),
    }
}

impl Store for TestStore {
    fn shape(&self) -> Shape {
        if self.rows { Shape::Rows } else { Shape::Bytes }
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.told.0.lock().unwrap().positions.clone())
    }

    fn keeps_positions(&self) -> bool {
        !self.told.0.lock().unwrap().forgets
    }

    fn is_prompt(&mut self) -> bool {
        let mut told = self.told.0.lock().unwrap();
        told.asked += 1;
        told.prompt
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let (told, changed) = &*self.told;
        let mut told = told.lock().unwrap();
        told.puts += 1;
        told.by = Some(thread::current().id());
        changed.notify_all();
        while told.stalled {
            told = changed.wait(told).unwrap();
        }
        if let Some(kind) = told.errors.pop_front() {
            return Err(StoreError::new(kind, "as told"));
        }
        let lines: Vec<String> = deliveries.iter().flat_map(lines_of).collect();
        if let Some(refused) = told.refuses
            && lines.iter().any(|line| line.contains(refused))
        {
            return Err(StoreError::new(StoreErrorKind::Refused, "not this one"));
        }
        told.lines.extend(lines);
        told.positions.extend(positions.clone());
        Ok(())
    }
}

/// A stream that notes what it is told.
pub struct TestStream {
    pub name: &'static str,
    pub committed: Mutex<Vec<u64>>,
}

impl Stream for TestStream {
    fn name(&self) -> &str {
        self.name
    }

    fn committed(&self, position: u64) {
        self.committed.lock().unwrap().push(position);
    }

    fn rereads(&self) -> bool {
        matches!(self.name, "visits" | "bytes")
    }

    fn counts_bytes(&self) -> bool {
        self.name == "bytes"
    }
}

pub fn plan(text: &str) -> Plan {
    Plan::from_toml(text).unwrap()
}

pub fn arrival(text: &str) -> Arrival {
    Arrival {
        block: Block::new(text.as_bytes().to_vec()),
        content: Content::Records,
        peer: Arc::new(Peer {
            source: 0,
            name: "test".to_owned(),
        }),
        byte: 0,
        receipt: None,
    }
}

pub fn send(intake: &dyn Intake, text: &str) {
    block_on(intake.take(arrival(text))).unwrap();
}

pub fn balances(stats: &LaneStats) -> bool {
    let LaneStats {
        read,
        written,
        filtered,
        deduplicated,
        folded,
        made,
        rejected,
        shed,
        pending,
        ..
    } = stats;
    *read + made == written + filtered + deduplicated + folded + rejected + shed + pending
}

pub const PLAN: &str = r#"
    [source]
    schema = { id = "int64", kind = "string" }
    [engine]
    workers = 2
    memory_limit = "64MB"
"#;

pub fn numbered(range: std::ops::Range<u64>) -> String {
    range
        .map(|id| format!("{{\"id\":{id},\"kind\":\"k{}\"}}\n", id % 3))
        .collect()
}
