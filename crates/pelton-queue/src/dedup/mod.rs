//! A set of keys seen, shared by threads: insert if absent, by compare-and-swap.
//!
//! ```
//! use pelton_queue::dedup::Dedup;
//!
//! let mut seen = Dedup::<u64>::builder().build().unwrap();
//! let mut other = seen.clone(); // one handle per thread
//! assert_eq!(seen.insert(7), Ok(true));
//! assert_eq!(other.insert(7), Ok(false));
//!
//! let mut new = [false; 3];
//! seen.insert_batch(&[7, 8, 8], &mut new).unwrap(); // overlaps the cache misses
//! assert_eq!(new, [false, true, false]);
//! ```
//!
//! # Guarantees
//!
//! - Exact for its keys: of all insertions of a key, in any threads, through growth and change of
//!   generation, exactly one is told `true` for as long as the key is remembered.
//! - Growth does not stop the world: the table is cut into shards that grow one at a time, each
//!   into an array half as long again, which all inserters fill a chunk at a time while both are in
//!   use. One thread allocates one shard's array; the others go on.
//! - Memory is asked for before it is taken ([`Allowance`]) and given back when freed. A refusal is
//!   an error that says how much was wanted; the table stays as it is and keeps answering for the
//!   keys it has.
//! - Beyond some fifty thousand keys about 12.3 bytes for each 64-bit key, below 15 at any moment,
//!   growing or not; some 13.3 if it was told how many to [expect](Builder::expected); twice that
//!   for 128-bit keys. A table starts with 12 KB.
//!
//! # Limits
//!
//! - Nothing is removed but by the [window](Builder::window_keys).
//! - An array that was grown out of, or is out of the window, is freed when no thread is inside an
//!   operation that began before: by crossbeam-epoch, within some hundred operations on any table.
//!   A thread that is stopped in the middle of an operation puts that off.
//! - Counts, and so windows by count, lag by up to [`COUNT_LAG`] keys a handle: a key is remembered
//!   for longer, never for less.
//!
//! # Keys of longer values
//!
//! The table is exact for keys of 64 or 128 bits. Longer values are hashed to 128 bits by
//! [`key_of`]; then two different values share a key, and the second is taken for a duplicate, with
//! a chance of at most `n² / 2¹²⁹` among `n` values remembered (the birthday bound):
//!
//! | values remembered | chance of any mistake, 128 bits | the same with 64 bits, `n² / 2⁶⁵` |
//! |---|---|---|
//! | 10⁶  | 1.5 · 10⁻²⁷ | 2.7 · 10⁻⁸ |
//! | 10⁸  | 1.5 · 10⁻²³ | 2.7 · 10⁻⁴ |
//! | 10⁹  | 1.5 · 10⁻²¹ | 2.7 · 10⁻² |
//! | 10¹⁰ | 1.5 · 10⁻¹⁹ | certain |
//! | 10¹² | 1.5 · 10⁻¹⁵ | certain |
//!
//! # How it works
//!
//! ```text
//!   rank ──first bits──> shard ──the others, scaled to the length──> line, then linear probing
//!
//!   older generation    growing from     target
//!   [ k . k s k s ]     [ k s s k ]      [ k . . k . . ]      k key, s sealed, . empty
//!     settle: found, or   the same, and    claim the first empty slot
//!     seal the empty      chunks move ->
//! ```
//!
//! A slot goes once from empty to a key or to sealed, and then stays. Whoever looks for a key in an
//! older array and comes to an empty slot seals it: from then on nobody can put the key there, and
//! so it is safe to go on to the newer array. That one rule carries growth and generations alike,
//! without a fence. The idea of sealing is from Cliff Click's non-blocking hash table.
//!
//! Which arrays are in use stands in a view for each shard, which is never changed, only replaced;
//! a thread pins an epoch for an operation, or for a group of a batch, and so may read the view and
//! all that it leads to without counting references.

mod allowance;
mod array;
mod builder;
mod handle;
#[expect(
    unnameable_types,
    reason = "the sealed trait `Key` rests on private ones"
)]
mod key;
mod shard;
#[expect(unnameable_types, reason = "behind the sealed trait `Key`")]
mod slot;
mod table;
mod window;

pub use allowance::{Allowance, Exhausted, Unlimited};
pub use builder::Builder;
pub use handle::{COUNT_LAG, Dedup};
pub use key::{Key, key_of};
