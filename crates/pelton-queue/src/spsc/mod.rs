//! The ring between one producer and one consumer.
//!
//! Lamport's ring with two refinements that are common knowledge among the fast ones: each end
//! keeps a copy of the other's index and reads the real one only when the copy says full or empty,
//! and the two indices live on lines of their own. Here, indices count pushes and pops without end
//! (they wrap at the word), and the slots, a power of two of which the capacity uses as many as was
//! asked, start on a line of their own too.
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
    (Producer::new(ring.clone()), Consumer::new(ring))
}

/// What the two ends share.
struct Ring<T> {
    /// Pushes so far, plus [`START`]; written by the producer alone.
    tail: CachePadded<AtomicUsize>,
    /// Pops so far, plus [`START`]; written by the consumer alone, `tail - head <= capacity`.
    head: CachePadded<AtomicUsize>,
    /// Set when either end is dropped. Shares its line with what never changes.
    closed: AtomicBool,
    capacity: usize,
    slots: Slots<T>,
}

impl<T> Ring<T> {
    fn new(capacity: usize) -> Self {
        Self {
            tail: CachePadded::new(AtomicUsize::new(START)),
            head: CachePadded::new(AtomicUsize::new(START)),
            closed: AtomicBool::new(false),
            capacity,
            slots: Slots::new(capacity),
        }
    }

    fn close(&self) {
        // ORDERING: Release; pairs with the Acquire load in `Consumer::look_again_slow`, which must
        // see every push that came before.
        self.closed.store(true, Ordering::Release);
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
        // Two owners in turn: if dropping a value panics, the rest is still dropped.
        let _second = chunk::DropSlice(second);
        let _first = chunk::DropSlice(first);
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.capacity)
            .field("tail", &self.tail)
            .field("head", &self.head)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
