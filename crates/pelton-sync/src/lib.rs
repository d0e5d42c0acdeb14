//! Atomics, cells and threads behind one door: std in life, [loom] under `cfg(loom)`.
//!
//! Every structure of the Pelton family takes its shared memory from here, so that one flag
//! (`RUSTFLAGS="--cfg loom"`) turns a whole stack of crates into a model that loom explores.
//! On top of the re-exports live the four small parts that lock-free code always needs:
//! [`CachePadded`], [`Backoff`], [`Parker`] with its [`Unparker`], and [`scaled`].
//!
//! # Guarantees
//!
//! - Outside `cfg(loom)` nothing here costs anything: re-exports, and transparent wrappers that
//!   are always inlined.
//! - Under `cfg(loom)` no type of this crate reaches std's shared memory.
//!
//! # Limits
//!
//! - loom's atomics have no `const fn new`: statics of atomics do not model.
//! - loom treats `SeqCst` accesses as `AcqRel`; where a total order matters use
//!   [`atomic::fence`] with `SeqCst`, which loom honours.
//!
//! # Example
//!
//! ```
//! use pelton_sync::{Parker, atomic::{AtomicBool, Ordering}, Arc, thread};
//!
//! let ready = Arc::new(AtomicBool::new(false));
//! let parker = Parker::new();
//! let unparker = parker.unparker();
//! let seen = ready.clone();
//! let waker = thread::spawn(move || {
//!     seen.store(true, Ordering::Release);
//!     unparker.unpark();
//! });
//! while !ready.load(Ordering::Acquire) {
//!     parker.park();
//! }
//! waker.join().unwrap();
//! ```
//!
//! [loom]: https://docs.rs/loom

mod backoff;
mod padded;
mod parker;

#[cfg(loom)]
mod modelled;
#[cfg(not(loom))]
mod real;

#[cfg(loom)]
pub use modelled::*;
#[cfg(not(loom))]
pub use real::*;

pub use backoff::Backoff;
pub use padded::CachePadded;
pub use parker::{Parker, Unparker};

/// The size for real runs, or the small one where each step is explored (loom) or interpreted
/// (Miri).
#[must_use]
pub const fn scaled(real: usize, small: usize) -> usize {
    if cfg!(any(loom, miri)) { small } else { real }
}

/// Runs the README's example with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
