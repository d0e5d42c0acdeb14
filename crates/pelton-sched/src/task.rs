//! The task cell: a closure of any type in one cache line, handed around by pointer and run once.
//!
//! A closure of up to [`INLINE_BYTES`] with the alignment of a word or less lies in the cell
//! itself; a larger one is boxed. An emptied cell becomes a [`Blank`] again and is used for the
//! next task, so that submitting allocates nothing in steady state.

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;

use crate::worker::Worker;

const INLINE_WORDS: usize = 6;

/// The largest closure, in bytes, that is submitted without an allocation.
pub const INLINE_BYTES: usize = INLINE_WORDS * size_of::<usize>();

type Payload = [MaybeUninit<usize>; INLINE_WORDS];

/// Takes the closure out of the cell, which is recycled, and runs it on the worker; where there
/// is none, drops both.
type Call = unsafe fn(Blank, Option<&Worker>);

/// Where a closure lies; 64 bytes, so that a thief fetches one line for each task.
#[repr(C, align(64))]
pub(crate) struct Cell {
    call: Call,
    /// What waits for this task: a scope or a job on some stack; null when nothing borrows.
    /// Only compared, never followed.
    owner: *const (),
    payload: Payload,
}

const _: () = assert!(size_of::<Cell>() == 64);

/// An empty cell.
pub(crate) struct Blank(Box<MaybeUninit<Cell>>);

/// A cell with a closure that is run at most once, and dropped if it never is.
pub(crate) struct Task(Option<Box<Cell>>);

// SAFETY: the constructors ask for closures that are Send, and the owner is only compared.
unsafe impl Send for Task {}

// SAFETY: an empty cell holds nothing.
unsafe impl Send for Blank {}

impl Blank {
    /// A cell from the heap.
    #[cold]
    pub(crate) fn new() -> Self {
        Self(Box::new(MaybeUninit::uninit()))
    }

    /// Fetches the cell's line, which will be written soon.
    #[inline]
    pub(crate) fn prefetch(&self) {
        prefetch_to_write(self.0.as_ptr().cast());
    }

    fn payload(&mut self) -> *mut Payload {
        // SAFETY: the pointer stays inside the box; nothing is read.
        unsafe { &raw mut (*self.0.as_mut_ptr()).payload }
    }
}

impl Task {
    /// A task that borrows nothing.
    #[inline]
    pub(crate) fn detached<F: FnOnce(&Worker) + Send + 'static>(blank: Blank, body: F) -> Self {
        // SAFETY: a 'static closure borrows nothing that could end.
        unsafe { Self::owned(blank, ptr::null(), body) }
    }

    /// A task that `owner` waits for.
    ///
    /// # Safety
    ///
    /// What `body` borrows must live until it has been run or dropped.
    #[inline]
    pub(crate) unsafe fn owned<F: FnOnce(&Worker) + Send>(
        mut blank: Blank,
        owner: *const (),
        body: F,
    ) -> Self {
        let payload = blank.payload();
        let call: Call = if is_inline::<F>() {
            // SAFETY: `is_inline` says that the payload is large and aligned enough for an F.
            unsafe { payload.cast::<F>().write(body) };
            call_inline::<F>
        } else {
            let boxed = Box::into_raw(Box::new(body));
            // SAFETY: a pointer fits in a word.
            unsafe { payload.cast::<*mut F>().write(boxed) };
            call_boxed::<F>
        };
        let cell = Box::into_raw(blank.0).cast::<Cell>();
        // SAFETY: the cell is ours; all its fields are written now, and words of a payload may
        // stay uninitialised.
        unsafe {
            (&raw mut (*cell).call).write(call);
            (&raw mut (*cell).owner).write(owner);
            Self(Some(Box::from_raw(cell)))
        }
    }

    /// What waits for this task; null for a detached one.
    #[inline]
    pub(crate) fn owner(&self) -> *const () {
        self.0.as_ref().map_or(ptr::null(), |cell| cell.owner)
    }

    /// Fetches the cell's line, which will be read soon.
    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Some(cell) = &self.0 {
            prefetch((&raw const **cell).cast());
        }
    }

    /// Runs the closure on `worker`; its panic passes through.
    #[inline]
    pub(crate) fn run(mut self, worker: &Worker) {
        self.call(Some(worker));
    }

    #[inline]
    fn call(&mut self, worker: Option<&Worker>) {
        if let Some(cell) = self.0.take() {
            let call = cell.call;
            // SAFETY: a Cell may be regarded as uninitialised; it needs no drop of its own.
            let blank = Blank(unsafe { Box::from_raw(Box::into_raw(cell).cast()) });
            // SAFETY: `call` was chosen for this payload, and taking the cell keeps it from a
            // second use.
            unsafe { call(blank, worker) }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.call(None);
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

impl fmt::Debug for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blank").finish_non_exhaustive()
    }
}

/// Asks for a line ahead of its use; nothing where the machine has no such instruction.
#[inline]
fn prefetch(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// As [`prefetch`], and takes the line away from the core that had it: the store to come then waits
/// for nobody, nor does the fence behind it. A machine that does not know the instruction passes it
/// by.
#[inline]
fn prefetch_to_write(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads and writes nothing and faults on no address.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) line, options(nostack, preserves_flags));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    prefetch(line);
}

const fn is_inline<F>() -> bool {
    size_of::<F>() <= INLINE_BYTES && align_of::<F>() <= align_of::<usize>()
}

/// # Safety
///
/// The payload must hold an `F`, which is moved out.
unsafe fn call_inline<F: FnOnce(&Worker)>(mut blank: Blank, worker: Option<&Worker>) {
    // SAFETY: the caller vouches for an F here that nobody uses afterwards.
    let body = unsafe { blank.payload().cast::<F>().read() };
    finish(blank, body, worker);
}

/// # Safety
///
/// The payload must hold a pointer from `Box::<F>::into_raw`, which is taken over.
unsafe fn call_boxed<F: FnOnce(&Worker)>(mut blank: Blank, worker: Option<&Worker>) {
    // SAFETY: the caller vouches for the pointer, and that it is not used again.
    let body = unsafe { Box::from_raw(blank.payload().cast::<*mut F>().read()) };
    finish(blank, body, worker);
}

#[inline]
fn finish(blank: Blank, body: impl FnOnce(&Worker), worker: Option<&Worker>) {
    if let Some(worker) = worker {
        worker.recycle(blank);
        body(worker);
    }
}
