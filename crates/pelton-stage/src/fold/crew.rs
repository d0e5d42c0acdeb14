//! Whoever does the work that can be done in pieces.

/// Does pieces of work, several at once where it can.
///
/// A stage knows nothing of threads: what it can cut into pieces it gives to a crew, which whoever
/// runs the stage provides.
///
/// ```
/// use pelton_stage::{Alone, Crew};
///
/// let done = std::sync::Mutex::new(Vec::new());
/// Alone.each(3, &|piece| done.lock().unwrap().push(piece));
/// assert_eq!(done.into_inner().unwrap(), [0, 1, 2]);
/// ```
pub trait Crew: Sync {
    /// How many pieces it may do at the same time, at least 1.
    fn size(&self) -> usize;

    /// Calls `work` with every number below `pieces`, in any order and perhaps at the same time;
    /// comes back when all calls have.
    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync));
}

/// Does one piece after the other, on the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn size(&self) -> usize {
        1
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..pieces).for_each(work);
    }
}
