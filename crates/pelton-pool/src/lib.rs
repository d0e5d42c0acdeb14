//! Memory that is counted, lent and lent again: a budget, a buffer pool and an object pool.
//!
//! - [`Budget`]: one limit in bytes, hierarchical, with [levels](Level) of pressure and callbacks.
//!   What is taken is a [`Reservation`] that gives itself back.
//! - [`BufferPool`]: byte [`Buffer`]s in power-of-two sizes, 64-byte aligned, whatever the pool
//!   holds reserved from a budget.
//! - [`ObjectPool`]: objects of one type, made once and recycled, with a [`Local`] end for each
//!   thread that is in a hurry.
//! - [`memory`]: what the operating system thinks of all this.
//!
//! # Guarantees
//!
//! - A limit holds: nothing is allocated that the budget has not granted, and a refusal is an
//!   [error](OverBudget) that names the level of the budget that was short, and by how much.
//! - A lease is refused only when the pool has nothing idle left to free.
//! - What is lent comes back when it drops, from any thread, once; neither a leak nor a double
//!   return can be written in safe code, short of `mem::forget`:
//!
//!   ```compile_fail,E0382
//!   let pool = pelton_pool::ObjectPool::new(1, || 0u8);
//!   let object = pool.take();
//!   drop(object);
//!   drop(object); // error: use of moved value
//!   ```
//! - Leases may outlive every handle of their pool; their memory is freed as they drop.
//! - In steady state nothing allocates: neither leasing, nor taking, nor reserving.
//!
//! # Limits
//!
//! - Nothing waits: a refusal is immediate. Whoever wants to wait subscribes to the budget or
//!   bounds the number of leases with a queue.
//! - A magazine is guarded by a lock that is tried, not slept for. A thread that is descheduled
//!   inside (some ten instructions) sends the others to another magazine; only emptying, closing
//!   and the shared store wait for it, spinning and yielding.
//! - A recycled buffer holds old bytes beyond its length. Debug builds overwrite them with `0xDB`.
//! - Fresh buffers are zeroed; a buffer that is larger than the largest class is fresh each time.
//!
//! # Example
//!
//! ```
//! use pelton_pool::{Budget, BufferPool, Level};
//!
//! let engine = Budget::root("engine", 1 << 20);
//! let blocks = BufferPool::new(engine.child("blocks", Some(512 << 10)));
//!
//! let mut block = blocks.lease(64 << 10)?;
//! block.extend_from_slice(b"first,line\n")?;
//! assert_eq!((engine.used(), engine.level()), (64 << 10, Level::Normal));
//!
//! let refused = blocks.lease(500 << 10).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     r#"budget "blocks": requested 524288 bytes, available 458752 of 524288"#
//! );
//! # Ok::<(), pelton_pool::OverBudget>(())
//! ```
//!
//! # How it works
//!
//! ```text
//! thread 1 ── magazine ──┐                        magazine: up to 64 idle buffers, or 128 objects,
//! thread 2 ── magazine ──┼── store ── allocator   under a lock of one exchange; a `Local`'s has
//! thread 3 ── magazine ──┘              │         no lock, for it is its owner's alone
//!                                     Budget
//! ```
//!
//! There is one such depot for each size class. A thread takes from and returns to the magazine it
//! shares with few others or none; half a magazine at a time moves from and to the store, so that
//! one thread that only takes and one that only returns meet once in dozens of leases. An empty
//! store sends the taker to the other magazines; when all are empty, the budget is asked and new
//! memory allocated; when the budget refuses, idle memory of other classes is freed first.
//!
//! # Features
//!
//! - `huge-pages` (off): `BufferPoolBuilder::huge_pages`, for buffers of 2 MiB and more on
//!   Linux. Brings `rustix`.

mod block;
mod budget;
mod buffer;
mod buffer_pool;
mod class;
mod depot;
mod level;
mod local;
mod lock;
pub mod memory;
mod object_pool;
mod reservation;
mod stack;
mod stats;
mod subscription;
mod sync;

pub use budget::{Budget, UNLIMITED};
pub use buffer::Buffer;
pub use buffer_pool::{BufferPool, BufferPoolBuilder};
pub use level::Level;
pub use local::Local;
pub use object_pool::{Leased, ObjectPool, ObjectPoolBuilder, ObjectStats};
pub use reservation::{OverBudget, Reservation};
pub use stats::{ClassStats, PoolStats};
pub use subscription::Subscription;

/// Runs the README's example with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
