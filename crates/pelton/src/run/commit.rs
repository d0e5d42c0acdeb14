//! The end of the line: results leave in the order of their blocks.

use std::collections::VecDeque;

use pelton_connect::Sink;
use pelton_record::{Block, Origin, Rejected};
use pelton_simd::lines;
use pelton_sync::{Condvar, Mutex, MutexGuard, PoisonError};
use serde::Serialize;

use super::account::Account;
use crate::Error;
use crate::plan::OnError;

/// What one block has come to.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub origin: Origin,
    /// Encoded records for the sink of each branch.
    pub outputs: Vec<Vec<u8>>,
    /// Line ends in the block.
    pub lines: u64,
    /// Refused records, with the block that holds their bytes.
    pub rejected: Vec<Rejected>,
    pub block: Block,
}

/// A refused record as the dead letter tells it.
#[derive(Debug, Serialize)]
struct Letter<'a> {
    source: &'a str,
    line: u64,
    byte: u64,
    stage: &'a str,
    kind: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    /// The record in hexadecimal, when it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
}

/// Takes what workers have done and puts it away, block after block.
///
/// A worker that is ahead waits until the gap before it is closed, so that no more than a window
/// of results is ever held back.
pub(super) struct Committer {
    state: Mutex<State>,
    moved: Condvar,
    /// Results that may wait for an earlier one.
    window: u64,
    ordered: bool,
    on_error: OnError,
    names: Vec<String>,
    /// Line ends before the first record of each input.
    header_lines: u64,
}

struct State {
    next: u64,
    /// What has come of the blocks from `next` on.
    waiting: VecDeque<Option<Done>>,
    outputs: Vec<Output>,
    dead_letter: Option<Box<dyn Sink>>,
    account: Account,
    branches: Vec<Account>,
    /// Line ends so far, in the current input.
    lines: u64,
    source: u32,
    stopped: bool,
    failure: Option<Error>,
    /// Buffers to use again.
    spare: Vec<Vec<u8>>,
}

/// One of the sinks.
struct Output {
    sink: Box<dyn Sink>,
    /// What stands before the first record, until it is written.
    header: Vec<u8>,
    written_bytes: u64,
    /// Nobody reads what is written there any more.
    closed: bool,
}

impl Output {
    fn new((sink, header): (Box<dyn Sink>, Vec<u8>)) -> Self {
        Self {
            sink,
            header,
            written_bytes: 0,
            closed: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.begin()?;
        self.write_raw(bytes)
    }

    /// Writes the header, unless it is written.
    fn begin(&mut self) -> Result<(), Error> {
        let header = std::mem::take(&mut self.header);
        self.write_raw(&header)
    }

    fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() || self.closed {
            return Ok(());
        }
        match self.sink.write(bytes) {
            // Nobody reads any more: that is an end, not a fault.
            Err(error) if error.is_broken_pipe() => self.closed = true,
            written => written?,
        }
        self.written_bytes += bytes.len() as u64;
        Ok(())
    }
}

/// How to commit.
pub(super) struct Rules {
    pub window: u64,
    pub ordered: bool,
    pub on_error: OnError,
    pub names: Vec<String>,
    pub header_lines: u64,
}

/// What is left when everything is committed.
pub(super) struct Outcome {
    pub account: Account,
    /// For each branch what became of its records, and the bytes written.
    pub branches: Vec<(Account, u64)>,
}

impl Committer {
    /// Writes to `sinks`, each with what stands before its first record: that is written with the
    /// record, or at the end, so that a run that fails early has written nothing.
    pub(super) fn new(
        sinks: Vec<(Box<dyn Sink>, Vec<u8>)>,
        dead_letter: Option<Box<dyn Sink>>,
        rules: Rules,
    ) -> Self {
        let Rules {
            window,
            ordered,
            on_error,
            names,
            header_lines,
        } = rules;
        let state = State {
            next: 0,
            waiting: VecDeque::new(),
            branches: vec![Account::default(); sinks.len()],
            outputs: sinks.into_iter().map(Output::new).collect(),
            dead_letter,
            account: Account::default(),
            lines: header_lines,
            source: 0,
            stopped: false,
            failure: None,
            spare: Vec::new(),
        };
        let (state, moved) = (Mutex::new(state), Condvar::new());
        Self {
            state,
            moved,
            window,
            ordered,
            on_error,
            names,
            header_lines,
        }
    }

    /// A buffer for output, empty.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// True once nothing more is wanted.
    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Hands in a result; waits while too many earlier ones are missing.
    pub(super) fn commit(&self, mut done: Done) {
        let mut state = self.lock();
        let sequence = done.origin.sequence;
        if !self.ordered && !state.stopped {
            let written = state.write_all(&mut done.outputs);
            written.unwrap_or_else(|error| state.stop(Some(error)));
        }
        while !state.stopped && sequence >= state.next + self.window {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.put(sequence, done);
        while let Some(done) = state.take_next() {
            if !state.stopped {
                let kept = self.put_away(&mut state, done);
                kept.unwrap_or_else(|error| state.stop(Some(error)));
            }
        }
        self.moved.notify_all();
    }

    /// Writes bytes that follow everything committed so far in that branch.
    pub(super) fn write(&self, branch: usize, bytes: &[u8]) {
        let mut state = self.lock();
        if !state.stopped {
            let written = state.write(branch, bytes);
            written.unwrap_or_else(|error| state.stop(Some(error)));
        }
    }

    /// Adds to the accounts: what became of records before the branches, and in each.
    pub(super) fn add(&self, trunk: &Account, branches: &[Account]) {
        let mut state = self.lock();
        state.account.merge(trunk);
        for (sum, branch) in state.branches.iter_mut().zip(branches) {
            sum.merge(branch);
        }
    }

    /// Ends the run because of `error`; the first one counts.
    pub(super) fn fail(&self, error: Error) {
        self.lock().stop(Some(error));
        self.moved.notify_all();
    }

    /// Makes everything last.
    pub(super) fn finish(self) -> Result<Outcome, Error> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if !state.stopped {
            let written = state.outputs.iter_mut().try_for_each(Output::begin);
            written.unwrap_or_else(|error| state.stop(Some(error)));
        }
        if let Some(error) = state.failure {
            return Err(error);
        }
        let sinks = state.outputs.iter_mut().map(|output| &mut output.sink);
        let sinks = sinks.chain(&mut state.dead_letter);
        for sink in sinks {
            match sink.commit() {
                Err(error) if !error.is_broken_pipe() => return Err(error.into()),
                _ => {}
            }
        }
        for branch in &state.branches {
            state.account.merge_branch(branch);
        }
        let bytes = state.outputs.iter().map(|output| output.written_bytes);
        Ok(Outcome {
            account: state.account,
            branches: state.branches.into_iter().zip(bytes).collect(),
        })
    }

    /// Refuses records that have no place in an input any more: groups, say.
    pub(super) fn refuse(&self, rejected: &[Rejected]) {
        let mut state = self.lock();
        for rejected in rejected {
            let refused = self.refuse_one(&mut state, rejected, None);
            refused.unwrap_or_else(|error| state.stop(Some(error)));
        }
    }

    fn put_away(&self, state: &mut State, mut done: Done) -> Result<(), Error> {
        if done.origin.source != state.source {
            state.source = done.origin.source;
            state.lines = self.header_lines;
        }
        done.rejected.sort_by_key(|rejected| rejected.extent.start);
        let (mut line, mut counted) = (state.lines + 1, 0);
        for rejected in &done.rejected {
            let start = rejected.extent.start as usize;
            line += lines::count(&done.block.bytes()[counted..start]) as u64;
            counted = start;
            self.refuse_one(state, rejected, Some((&done, line)))?;
        }
        state.lines += done.lines;
        state.write_all(&mut done.outputs)?;
        done.outputs.iter_mut().for_each(Vec::clear);
        state.spare.append(&mut done.outputs);
        Ok(())
    }

    /// Refuses a record; its `place` is the block that holds it and its line in the input.
    fn refuse_one(
        &self,
        state: &mut State,
        rejected: &Rejected,
        place: Option<(&Done, u64)>,
    ) -> Result<(), Error> {
        if self.on_error == OnError::Skip {
            return Ok(());
        }
        let mut letter = Letter {
            source: "",
            line: 0,
            byte: 0,
            stage: &rejected.stage,
            kind: rejected.kind.name(),
            reason: &rejected.reason,
            raw: None,
            raw_hex: None,
        };
        if let Some((done, line)) = place {
            let raw = rejected.extent.of(done.block.bytes());
            letter.source = &self.names[done.origin.source as usize];
            letter.line = line;
            letter.byte = done.origin.byte + u64::from(rejected.extent.start);
            letter.raw = std::str::from_utf8(raw).ok();
            letter.raw_hex = letter.raw.is_none().then(|| hexadecimal(raw));
        }
        match self.on_error {
            OnError::Fail => Err(refusal(&letter)),
            OnError::Skip | OnError::DeadLetter => state.send(&letter),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, sequence: u64, done: Done) {
        let place = (sequence - self.next) as usize; // within the window
        if self.waiting.len() <= place {
            self.waiting.resize_with(place + 1, || None);
        }
        self.waiting[place] = Some(done);
    }

    fn take_next(&mut self) -> Option<Done> {
        let done = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.next += 1;
        Some(done)
    }

    /// Writes what a block has come to, in all branches.
    fn write_all(&mut self, outputs: &mut [Vec<u8>]) -> Result<(), Error> {
        for (branch, bytes) in outputs.iter_mut().enumerate() {
            self.write(branch, bytes)?;
            bytes.clear();
        }
        Ok(())
    }

    fn write(&mut self, branch: usize, bytes: &[u8]) -> Result<(), Error> {
        self.outputs[branch].write(bytes)?;
        if self.outputs.iter().all(|output| output.closed) {
            self.stop(None);
        }
        Ok(())
    }

    fn send(&mut self, letter: &Letter<'_>) -> Result<(), Error> {
        let mut line = serde_json::to_vec(letter).map_err(|error| Error::internal(&error))?;
        line.push(b'\n');
        self.dead_letter
            .as_mut()
            .map_or(Ok(()), |sink| sink.write(&line).map_err(Error::from))
    }

    fn stop(&mut self, error: Option<Error>) {
        self.stopped = true;
        if self.failure.is_none() {
            self.failure = error;
        }
    }
}

fn refusal(letter: &Letter<'_>) -> Error {
    let Letter {
        source,
        line,
        byte,
        stage,
        reason,
        ..
    } = letter;
    let place = match source {
        &"" => String::new(),
        source => format!("{source}: line {line}, byte {byte}: "),
    };
    Error::rejected(format!(
        "{place}stage \"{stage}\": {reason} (on_error = \"skip\" or \"dead_letter\" goes on \
         without such records)"
    ))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
