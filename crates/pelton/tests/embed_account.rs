//! Nothing that was accepted is lost: random engines under random operations, stages that panic
//! and fail at random, stopped at any moment, against a plain list of what was accepted.

use std::collections::{BTreeMap, VecDeque};
use std::thread;

use pelton::embed::{Builder, FailureKind, Outcome, Priority, Processed, Record, Submitter};
use pelton::{Embedded, Engine};
use proptest::prelude::*;

/// What a stage does to a record, decided by its id alone.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Deliver,
    Filter,
    Fail,
    Panic,
}

fn fate(id: u64) -> Fate {
    match id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59 {
        0..4 => Fate::Filter,
        4 => Fate::Fail,
        5 => Fate::Panic,
        _ => Fate::Deliver,
    }
}

#[derive(Clone, Debug)]
struct Shape {
    workers: usize,
    input: usize,
    output: usize,
    batch: usize,
    ordered: bool,
}

fn shapes() -> impl Strategy<Value = Shape> {
    (0..4usize, 1..40usize, 1..40usize, 1..20usize, any::<bool>()).prop_map(
        |(workers, input, output, batch, ordered)| Shape {
            workers,
            input,
            output,
            batch,
            ordered,
        },
    )
}

impl Shape {
    fn builder(&self) -> Builder {
        Engine::embedded()
            .workers(self.workers)
            .input_capacity(self.input)
            .output_capacity(self.output)
            .batch(self.batch)
            .ordered(self.ordered)
            .return_filtered(true)
            .keep("filter", |record| fate(record.id) != Fate::Filter)
            .try_update("fail", |record| match fate(record.id) {
                Fate::Fail => Err("as told"),
                // Without the hook's message, which would fill the test's output.
                Fate::Panic => std::panic::resume_unwind(Box::new("as told")),
                _ => Ok(()),
            })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Submit(u8),
    Batch(u8),
    Pause,
    Resume,
    Receive(u8),
    Stats,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        any::<u8>().prop_map(Step::Submit),
        any::<u8>().prop_map(Step::Batch),
        Just(Step::Pause),
        Just(Step::Resume),
        any::<u8>().prop_map(Step::Receive),
        Just(Step::Stats),
    ];
    prop::collection::vec(step, 0..30)
}

#[derive(Clone, Copy, Debug)]
enum End {
    Stop,
    Abort,
    Drop,
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Stop), Just(End::Abort), Just(End::Drop)]
}

fn make(submitter: &Submitter, id: u64) -> Record {
    let payload = id.to_le_bytes();
    let record = submitter.record(id, 0, &payload).expect("no limit");
    record.with_priority(Priority::ALL[(id % 3) as usize])
}

/// Each accepted record came out once, whole, with the outcome that it had to have.
fn check(accepted: &[u64], received: &[Processed], aborted: bool) {
    let mut outcomes = BTreeMap::new();
    for processed in received {
        let Record { id, payload, .. } = &processed.record;
        assert_eq!(payload[..], id.to_le_bytes());
        assert!(
            outcomes.insert(*id, &processed.outcome).is_none(),
            "{id} twice"
        );
    }
    assert_eq!(outcomes.keys().copied().collect::<Vec<_>>(), accepted);
    for (id, outcome) in outcomes {
        let told = match outcome {
            Outcome::Delivered => Fate::Deliver,
            Outcome::Filtered => Fate::Filter,
            Outcome::Rejected(failure) => match failure.kind {
                FailureKind::Stage => Fate::Fail,
                FailureKind::Panic => Fate::Panic,
                FailureKind::Aborted if aborted => continue,
                other => panic!("{id}: {other:?}"),
            },
        };
        assert_eq!(told, fate(id), "{id}");
    }
}

fn end(engine: Embedded, how: End, accepted: &[u64], received: &[Processed]) {
    let report = match how {
        End::Stop => engine.stop(),
        End::Abort => engine.abort(),
        End::Drop => return drop(engine),
    };
    let stats = report.stats;
    assert_eq!(stats.accepted, accepted.len() as u64);
    assert_eq!(stats.pending, 0);
    assert_eq!(
        stats.accepted,
        stats.delivered + stats.filtered + stats.rejected
    );
    assert_eq!(stats.ready, (accepted.len() - received.len()) as u64);
}

fn run(shape: &Shape, steps: &[Step], how: End) {
    let (engine, mut submitter, mut receiver) = shape.builder().start().expect("it makes sense");
    let (mut next, mut accepted, mut received) = (0, Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Submit(count) => {
                for _ in 0..*count {
                    if submitter.submit(make(&submitter, next)).is_ok() {
                        accepted.push(next);
                    }
                    next += 1;
                }
            }
            Step::Batch(count) => {
                let count = u64::from(*count);
                let mut records: VecDeque<_> = (next..next + count)
                    .map(|id| make(&submitter, id))
                    .collect();
                let submitted = submitter.submit_batch(&mut records).unwrap_or(0) as u64;
                assert_eq!(records.len() as u64, count - submitted);
                accepted.extend(next..next + submitted);
                next += count;
            }
            Step::Pause => engine.pause(),
            Step::Resume => engine.resume(),
            Step::Receive(max) => {
                let _ = receiver.try_recv_batch(&mut received, usize::from(*max));
            }
            Step::Stats => assert!(engine.stats().balances()),
        }
    }
    end(engine, how, &accepted, &received);
    received.extend(receiver);
    check(&accepted, &received, !matches!(how, End::Stop));
}

/// Threads that submit and receive all the time, and an engine that ends in the middle of it.
fn crowd(shape: &Shape, after: u64, how: End) {
    let (engine, submitter, receiver) = shape.builder().start().expect("it makes sense");
    let submitting: Vec<_> = (0..2u64)
        .map(|thread| {
            let mut submitter = submitter.clone();
            thread::spawn(move || {
                let ids = (0..).map(|number| number * 2 + thread);
                ids.take_while(|id| submitter.submit_blocking(make(&submitter, *id)).is_ok())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let receiving: Vec<_> = (0..2)
        .map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.collect::<Vec<_>>())
        })
        .collect();
    drop((submitter, receiver));
    while engine.stats().accepted < after {
        thread::yield_now();
    }
    let report = match how {
        End::Stop => Some(engine.stop()),
        End::Abort => Some(engine.abort()),
        End::Drop => {
            drop(engine);
            None
        }
    };
    let accepted = submitting
        .into_iter()
        .map(|thread| thread.join().expect("no panic"));
    let mut accepted: Vec<_> = accepted.flatten().collect();
    accepted.sort_unstable();
    let received = receiving
        .into_iter()
        .map(|thread| thread.join().expect("no panic"));
    let received: Vec<_> = received.flatten().collect();
    if let Some(report) = report {
        assert_eq!(report.stats.accepted, accepted.len() as u64);
        assert!(report.stats.balances() && report.stats.pending == 0);
    }
    check(&accepted, &received, !matches!(how, End::Stop));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_accepted_comes_out(shape in shapes(), steps in steps(), how in ends()) {
        run(&shape, &steps, how);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_accepted_comes_out_of_a_crowd(
        shape in shapes(),
        after in 0..2000u64,
        how in ends(),
    ) {
        crowd(&shape, after, how);
    }
}
