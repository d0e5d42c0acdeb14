//! Pools and allocators of every maker behind one small door.

use std::sync::Arc;

use pelton_pool::{Leased, Local, ObjectPool};

/// The event of a trading or logging program: nine cache lines.
#[repr(align(64))]
pub(super) struct Event<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Default for Event<BYTES> {
    fn default() -> Self {
        Self([0; BYTES])
    }
}

/// Something that lends out memory. An `End` is what one thread needs for taking and giving.
pub(super) trait Store: 'static {
    type End: Send;
    type Held: Send;

    /// Two ends of one store, which can lend `capacity` at once.
    fn ends(capacity: usize) -> (Self::End, Self::End);
    fn take(end: &mut Self::End) -> Self::Held;
    /// Writes the first and the last byte and returns their sum.
    fn touch(end: &mut Self::End, held: &mut Self::Held, value: u8) -> u64;
    fn give(end: &mut Self::End, held: Self::Held);
}

/// Writes `value` at both ends of `bytes`.
#[inline]
fn touch_bytes(bytes: &mut [u8], value: u8) -> u64 {
    if let [first, .., last] = bytes {
        (*first, *last) = (value, value);
        return std::hint::black_box(u64::from(*first) + u64::from(*last));
    }
    0
}

/// Ours: each thread takes and gives at its own end.
pub(super) struct Pelton<const BYTES: usize>;

impl<const BYTES: usize> Store for Pelton<BYTES> {
    type End = Local<Event<BYTES>>;
    type Held = Leased<Event<BYTES>>;

    fn ends(capacity: usize) -> (Self::End, Self::End) {
        let pool = ObjectPool::new(capacity, Event::default);
        (pool.local(), pool.local())
    }

    #[inline]
    fn take(end: &mut Self::End) -> Self::Held {
        end.take()
    }

    #[inline]
    fn touch(_: &mut Self::End, held: &mut Self::Held, value: u8) -> u64 {
        touch_bytes(&mut held.0, value)
    }

    #[inline]
    fn give(end: &mut Self::End, held: Self::Held) {
        end.put(held);
    }
}

/// Objects in a vector, slab as the list of the free ones. For one thread.
pub(super) struct Slab<const BYTES: usize>;

impl<const BYTES: usize> Store for Slab<BYTES> {
    type End = (slab::Slab<()>, Vec<Event<BYTES>>);
    type Held = usize;

    fn ends(capacity: usize) -> (Self::End, Self::End) {
        let end = || {
            let objects = (0..capacity).map(|_| Event::default()).collect();
            (slab::Slab::with_capacity(capacity), objects)
        };
        (end(), end())
    }

    #[inline]
    fn take(end: &mut Self::End) -> usize {
        end.0.insert(())
    }

    #[inline]
    fn touch(end: &mut Self::End, held: &mut usize, value: u8) -> u64 {
        touch_bytes(&mut end.1[*held].0, value)
    }

    #[inline]
    fn give(end: &mut Self::End, held: usize) {
        end.0.remove(held);
    }
}

/// Boxes in a shared ring.
pub(super) struct FreeList<const BYTES: usize>;

impl<const BYTES: usize> Store for FreeList<BYTES> {
    type End = Arc<crossbeam_queue::ArrayQueue<Box<Event<BYTES>>>>;
    type Held = Box<Event<BYTES>>;

    fn ends(capacity: usize) -> (Self::End, Self::End) {
        let list = Arc::new(crossbeam_queue::ArrayQueue::new(capacity));
        while list.push(Box::default()).is_ok() {}
        (list.clone(), list)
    }

    #[inline]
    fn take(end: &mut Self::End) -> Self::Held {
        end.pop().unwrap_or_default()
    }

    #[inline]
    fn touch(_: &mut Self::End, held: &mut Self::Held, value: u8) -> u64 {
        touch_bytes(&mut held.0, value)
    }

    #[inline]
    fn give(end: &mut Self::End, held: Self::Held) {
        // A full list means that this box was one too many.
        let _ = end.push(held);
    }
}

#[cfg(feature = "peers")]
pub(super) use peers::*;

/// The stores that a smoke run leaves out.
#[cfg(feature = "peers")]
mod peers {
    use std::sync::Arc;

    use super::{Event, Store, touch_bytes};

    impl<const BYTES: usize> opool::PoolAllocator<Box<Event<BYTES>>> for Makes {
        fn allocate(&self) -> Box<Event<BYTES>> {
            Box::default()
        }
    }

    /// Tells opool how to make an event.
    pub(in super::super) struct Makes;

    pub(in super::super) struct Opool<const BYTES: usize>;

    impl<const BYTES: usize> Store for Opool<BYTES> {
        type End = Arc<opool::Pool<Makes, Box<Event<BYTES>>>>;
        type Held = opool::RcGuard<Makes, Box<Event<BYTES>>>;

        fn ends(capacity: usize) -> (Self::End, Self::End) {
            let pool = opool::Pool::new_prefilled(capacity, Makes).to_rc();
            (pool.clone(), pool)
        }

        #[inline]
        fn take(end: &mut Self::End) -> Self::Held {
            end.clone().get_rc()
        }

        #[inline]
        fn touch(_: &mut Self::End, held: &mut Self::Held, value: u8) -> u64 {
            touch_bytes(&mut held.0, value)
        }

        #[inline]
        fn give(_: &mut Self::End, held: Self::Held) {
            drop(held);
        }
    }

    impl<const BYTES: usize> sharded_slab::Clear for Event<BYTES> {
        fn clear(&mut self) {}
    }

    pub(in super::super) struct ShardedSlab<const BYTES: usize>;

    impl<const BYTES: usize> Store for ShardedSlab<BYTES> {
        type End = Arc<sharded_slab::Pool<Event<BYTES>>>;
        type Held = sharded_slab::pool::OwnedRefMut<Event<BYTES>>;

        fn ends(_: usize) -> (Self::End, Self::End) {
            let pool = Arc::new(sharded_slab::Pool::new());
            (pool.clone(), pool)
        }

        #[inline]
        fn take(end: &mut Self::End) -> Self::Held {
            end.clone()
                .create_owned()
                .expect("the pool has room for thousands")
        }

        #[inline]
        fn touch(_: &mut Self::End, held: &mut Self::Held, value: u8) -> u64 {
            touch_bytes(&mut held.0, value)
        }

        #[inline]
        fn give(end: &mut Self::End, held: Self::Held) {
            let key = held.key();
            drop(held);
            end.clear(key);
        }
    }
}
