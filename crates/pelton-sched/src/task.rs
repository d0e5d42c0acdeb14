//! The task cell: a closure of any type in one cache line, moved by value and run once.
//!
//! A closure of up to [`INLINE_BYTES`] with the alignment of a word or less lies in the cell
//! itself, so that submitting it allocates nothing; a larger one is boxed.

use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;

use crate::worker::Worker;

const INLINE_WORDS: usize = 6;

/// The largest closure, in bytes, that is submitted without an allocation.
pub const INLINE_BYTES: usize = INLINE_WORDS * size_of::<usize>();

type Payload = [MaybeUninit<usize>; INLINE_WORDS];

/// Runs the closure in the payload on the worker, or drops it when there is none.
type Call = unsafe fn(*mut Payload, Option<&Worker>);

/// A closure that is run at most once, and dropped if it never is.
#[repr(C, align(64))]
pub(crate) struct Task {
    call: Call,
    /// What waits for this task: a scope or a job on some stack; null when nothing borrows.
    /// Only compared, never followed.
    owner: *const (),
    payload: Payload,
}

// A cell that grew past a line would double what a steal has to fetch.
const _: () = assert!(size_of::<Task>() == 64);

// SAFETY: both constructors ask for a closure that is Send, and the owner is only compared.
unsafe impl Send for Task {}

impl Task {
    /// A task that borrows nothing.
    pub(crate) fn detached<F: FnOnce(&Worker) + Send + 'static>(body: F) -> Self {
        // SAFETY: a 'static closure borrows nothing that could end.
        unsafe { Self::owned(ptr::null(), body) }
    }

    /// A task that `owner` waits for.
    ///
    /// # Safety
    ///
    /// What `body` borrows must live until it has been run or dropped.
    pub(crate) unsafe fn owned<F: FnOnce(&Worker) + Send>(owner: *const (), body: F) -> Self {
        let mut payload = [MaybeUninit::uninit(); INLINE_WORDS];
        let call: Call = if is_inline::<F>() {
            // SAFETY: `is_inline` says that the payload is large and aligned enough for an F.
            unsafe { payload.as_mut_ptr().cast::<F>().write(body) };
            call_inline::<F>
        } else {
            let boxed = Box::into_raw(Box::new(body));
            // SAFETY: a pointer fits in a word.
            unsafe { payload.as_mut_ptr().cast::<*mut F>().write(boxed) };
            call_boxed::<F>
        };
        Self {
            call,
            owner,
            payload,
        }
    }

    /// What waits for this task; null for a detached one.
    pub(crate) fn owner(&self) -> *const () {
        self.owner
    }

    /// Runs the closure on `worker`; its panic passes through.
    pub(crate) fn run(self, worker: &Worker) {
        let mut task = ManuallyDrop::new(self);
        let (call, payload) = (task.call, &raw mut task.payload);
        // SAFETY: `call` was chosen for this payload, and ManuallyDrop keeps it from a second use.
        unsafe { call(payload, Some(worker)) }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // SAFETY: a task that was run is never dropped, so the payload still holds its closure.
        unsafe { (self.call)(&raw mut self.payload, None) }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

const fn is_inline<F>() -> bool {
    size_of::<F>() <= INLINE_BYTES && align_of::<F>() <= align_of::<usize>()
}

/// # Safety
///
/// The payload must hold an `F`, which is moved out.
unsafe fn call_inline<F: FnOnce(&Worker)>(payload: *mut Payload, worker: Option<&Worker>) {
    // SAFETY: the caller vouches for an F here that nobody uses afterwards.
    let body = unsafe { payload.cast::<F>().read() };
    match worker {
        Some(worker) => body(worker),
        None => drop(body),
    }
}

/// # Safety
///
/// The payload must hold a pointer from `Box::<F>::into_raw`, which is taken over.
unsafe fn call_boxed<F: FnOnce(&Worker)>(payload: *mut Payload, worker: Option<&Worker>) {
    // SAFETY: the caller vouches for the pointer, and that it is not used again.
    let body = unsafe { Box::from_raw(payload.cast::<*mut F>().read()) };
    match worker {
        Some(worker) => body(worker),
        None => drop(body),
    }
}
