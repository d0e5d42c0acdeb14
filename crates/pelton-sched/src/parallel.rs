//! The parallel loop: lazy binary splitting, in chunks of bounded time.
//!
//! After Tzannes, Caragea, Barua and Vishkin, "Lazy binary-splitting" (2010): half of what is left
//! is offered only when nothing is on offer. Where we differ: the look at the queue comes after a
//! chunk of about [`CHUNK_TIME`] instead of a fixed number of iterations, so that the size
//! follows the body.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::scope::{self, Scope};
use crate::worker::{self, Worker};

/// How long a worker goes on before it looks whether its offer was taken.
const CHUNK_TIME: Duration = Duration::from_micros(5);

/// Calls `body` with each index of `range`, from `worker` on.
pub(crate) fn for_each<F: Fn(usize) + Sync>(worker: &Worker, range: Range<usize>, body: &F) {
    if !range.is_empty() {
        scope::run(worker, |scope| run(scope, range, body));
    }
}

fn run<'scope, F: Fn(usize) + Sync>(
    scope: &'scope Scope<'scope, '_>,
    mut left: Range<usize>,
    body: &'scope F,
) {
    let mut chunk = 1;
    loop {
        let end = left.start + chunk.min(left.len());
        let begin = Instant::now();
        run_chunk(left.start..end, body);
        left.start = end;
        if left.is_empty() {
            return;
        }
        chunk = next_chunk(chunk, begin.elapsed());
        if chunk < left.len() && is_offer_taken() {
            let middle = left.start + left.len() / 2;
            let half = middle..left.end;
            left.end = middle;
            scope.spawn(move || run(scope, half, body));
        }
    }
}

/// Calls `body` four times a turn: for a body of a few instructions the loop itself is half the
/// cost.
#[inline]
fn run_chunk<F: Fn(usize)>(chunk: Range<usize>, body: &F) {
    let mut index = chunk.start;
    while chunk.end - index >= 4 {
        body(index);
        body(index + 1);
        body(index + 2);
        body(index + 3);
        index += 4;
    }
    (index..chunk.end).for_each(body);
}

/// Twice as many after a quick chunk, half as many after a slow one.
fn next_chunk(chunk: usize, took: Duration) -> usize {
    if took < CHUNK_TIME / 2 {
        chunk.saturating_mul(2)
    } else if CHUNK_TIME * 2 < took {
        (chunk / 2).max(1)
    } else {
        chunk
    }
}

/// True when the current worker offers nothing to thieves.
fn is_offer_taken() -> bool {
    worker::with_current(|worker| worker.is_some_and(Worker::has_nothing_forked))
}
