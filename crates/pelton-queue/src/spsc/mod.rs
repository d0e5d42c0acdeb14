//! The ring between one producer and one consumer.
//!
//! Lamport's ring with two refinements that are common knowledge among the fast ones: each end
//! keeps a copy of the other's index and reads the real one only when the copy says full or empty,
//! and the two indices live on lines of their own. Here, indices count pushes and pops without end
//! (they wrap at the word), the slots, a power of two of which the capacity uses as many as was
//! asked, start on a line of their own too, and each end knows where they lie without asking.
//! A consumer that keeps finding single values learns to look a little later, where that pays.
//!
//! ```text
//!          head: next to pop          tail: next to push
//!               v                          v
//!   [ free ][ full ][ full ][ full ][ free ][ free ]
//!               `---- len <= capacity ----'
//! ```
//!
//! ```
//! use pelton_queue::{PopError, PushError, spsc};
//!
//! let (mut producer, mut consumer) = spsc::channel(2);
//! producer.push("a").unwrap();
//! producer.push("b").unwrap();
//! assert_eq!(producer.push("c"), Err(PushError::Full("c")));
//! assert_eq!(consumer.pop(), Ok("a"));
//! drop(producer);
//! assert_eq!(consumer.pop(), Ok("b"));
//! assert_eq!(consumer.pop(), Err(PopError::Closed));
//! ```

mod chunk;
mod consumer;
mod producer;

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use crate::error::PopError;
use crate::slots::Slots;
use crate::sync::{Arc, AtomicBool, AtomicUsize, CachePadded, Ordering};

pub use chunk::{ReadChunk, ReadChunkIter, WriteChunk};
pub use consumer::Consumer;
pub use producer::Producer;

/// Where both indices start: a few steps before they wrap, so that no ring gets old without
/// having wrapped.
const START: usize = 0usize.wrapping_sub(4);

/// Makes a ring for `capacity` values, and its two ends.
///
/// Allocates `capacity` rounded up to a power of two of slots, once; no operation allocates.
///
/// # Panics
///
/// If `capacity` is zero, or the slots would exceed the address space.
///
/// # Neither end can be cloned or shared
///
/// ```compile_fail
/// let (producer, _consumer) = pelton_queue::spsc::channel::<u32>(1);
/// let second = producer.clone();
/// ```
///
/// ```compile_fail
/// let (_producer, consumer) = pelton_queue::spsc::channel::<u32>(1);
/// let second = consumer.clone();
/// ```
///
/// ```compile_fail
/// fn share<T: Sync>(_: T) {}
/// let (producer, _consumer) = pelton_queue::spsc::channel::<u32>(1);
/// share(producer);
/// ```
///
/// ```compile_fail
/// fn share<T: Sync>(_: T) {}
/// let (_producer, consumer) = pelton_queue::spsc::channel::<u32>(1);
/// share(consumer);
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    assert!(capacity != 0, "capacity must be non-zero");
    let ring = Arc::new(Ring::new(capacity));
    let producer = Producer::new(ring.clone(), capacity);
    (producer, Consumer::new(ring, capacity))
}

/// What the two ends share.
struct Ring<T> {
    /// Pushes so far, plus [`START`]; written by the producer alone.
    tail: CachePadded<AtomicUsize>,
    /// Pops so far, plus [`START`]; written by the consumer alone, `tail - head <= capacity`.
    head: CachePadded<AtomicUsize>,
    /// Set when either end is dropped. Shares its line with what never changes.
    closed: AtomicBool,
    /// The ends have copies.
    slots: Slots<T>,
}

impl<T> Ring<T> {
    fn new(capacity: usize) -> Self {
        Self {
            tail: CachePadded::new(AtomicUsize::new(START)),
            head: CachePadded::new(AtomicUsize::new(START)),
            closed: AtomicBool::new(false),
            slots: Slots::new(capacity),
        }
    }

    fn close(&self) {
        // ORDERING: Release; pairs with the Acquire load in `tail_when_empty_slow`, which must see
        // every push that came before.
        self.closed.store(true, Ordering::Release);
    }

    /// Tells empty from closed, for a consumer that has seen the tail at `head`. What was pushed
    /// before the producer went must not be missed, so the tail is read once more after the flag.
    ///
    /// Out of line and by value, so that the caller's state stays in registers.
    #[cold]
    #[inline(never)]
    fn tail_when_empty_slow(&self, head: usize) -> Result<usize, PopError> {
        // ORDERING: Acquire; pairs with the Release store in `close`.
        if !self.closed.load(Ordering::Acquire) {
            return Err(PopError::Empty);
        }
        // ORDERING: Acquire; pairs with the Release store in `Producer::advance`.
        let tail = self.tail.load(Ordering::Acquire);
        if tail == head {
            return Err(PopError::Closed);
        }
        Ok(tail)
    }
}

/// An end's share in the ring.
///
/// An `Arc` whose drop takes it out first: `Arc` hands its own address to a function, and an end
/// whose address is known to a function stays in memory; this one can stay in registers.
struct Hold<T>(ManuallyDrop<Arc<Ring<T>>>);

impl<T> Hold<T> {
    fn new(ring: Arc<Ring<T>>) -> Self {
        Self(ManuallyDrop::new(ring))
    }
}

impl<T> Deref for Hold<T> {
    type Target = Ring<T>;

    #[inline]
    fn deref(&self) -> &Ring<T> {
        &self.0
    }
}

impl<T> Drop for Hold<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nobody looks at a hold that goes.
        drop(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let (head, tail) = (
            self.head.load(Ordering::Relaxed),
            self.tail.load(Ordering::Relaxed),
        );
        // SAFETY: both ends are gone; the slots from head to tail hold values, the others none.
        let (first, second) = unsafe { self.slots.slices(head, tail.wrapping_sub(head)) };
        let (first, second): (*mut _, *mut _) = (first, second);
        // Owners in turn: if dropping a value panics, the rest is still dropped and all freed.
        let _freed = FreeSlots(self.slots);
        let _second = chunk::DropSlice(second);
        let _first = chunk::DropSlice(first);
    }
}

/// Frees the memory of a ring when it goes, even if it goes by a panic.
struct FreeSlots<T>(Slots<T>);

impl<T> Drop for FreeSlots<T> {
    fn drop(&mut self) {
        // SAFETY: made only where the ring goes, after both ends.
        unsafe { self.0.free() }
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("tail", &self.tail)
            .field("head", &self.head)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
