//! General allocators, called by their own names: no global one has to change.
#![allow(unsafe_code, reason = "an allocator is a pair of unsafe functions")]

use std::alloc::Layout;

use super::store::Store;

/// Cache lines, as events want them.
const ALIGNMENT: usize = 64;

/// A pair of functions that lend memory and take it back.
pub(super) trait Allocator: 'static {
    /// At least `bytes`, aligned to [`ALIGNMENT`]; null when there is none.
    fn allocate(bytes: usize) -> *mut u8;

    /// # Safety
    ///
    /// `memory` must come from [`allocate`](Self::allocate) with the same `bytes`, and not have
    /// been given back.
    unsafe fn free(memory: *mut u8, bytes: usize);
}

/// Memory on loan.
pub(super) struct Loan(*mut u8);

// SAFETY: a loan is the only pointer to its memory, and every allocator here lets one thread give
// back what another took.
unsafe impl Send for Loan {}

/// An allocator as a store of blocks of one size.
pub(super) struct Blocks<A, const BYTES: usize>(A);

impl<A: Allocator, const BYTES: usize> Store for Blocks<A, BYTES> {
    type End = ();
    type Held = Loan;

    fn ends(_: usize) -> ((), ()) {
        ((), ())
    }

    #[inline]
    fn take((): &mut ()) -> Loan {
        let memory = A::allocate(BYTES);
        assert!(!memory.is_null(), "out of memory");
        // Seen from outside, or the compiler would remove the pair of calls altogether.
        Loan(std::hint::black_box(memory))
    }

    #[inline]
    fn touch((): &mut (), held: &mut Loan, value: u8) -> u64 {
        // SAFETY: the loan is BYTES long, was checked against null, and is borrowed mutably; both
        // bytes are written before they are read.
        unsafe {
            held.0.write(value);
            held.0.add(BYTES - 1).write(value);
            std::hint::black_box(u64::from(held.0.read()) + u64::from(held.0.add(BYTES - 1).read()))
        }
    }

    #[inline]
    fn give((): &mut (), held: Loan) {
        // SAFETY: the loan came from `take` of the same type, and ends here.
        unsafe { A::free(held.0, BYTES) }
    }
}

/// The allocator of the system: glibc's on most Linux machines.
pub(super) struct System;

/// The layout of a block; its size and alignment are constants that fit.
fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, ALIGNMENT).expect("a power of two and a small size")
}

impl Allocator for System {
    #[inline]
    fn allocate(bytes: usize) -> *mut u8 {
        // SAFETY: no block has size zero.
        unsafe { std::alloc::alloc(layout(bytes)) }
    }

    #[inline]
    unsafe fn free(memory: *mut u8, bytes: usize) {
        // SAFETY: the caller promises that `memory` came from `allocate`, so with this layout.
        unsafe { std::alloc::dealloc(memory, layout(bytes)) }
    }
}

#[cfg(feature = "peers")]
pub(super) use peers::*;

/// The allocators that a smoke run leaves out.
#[cfg(feature = "peers")]
mod peers {
    use super::{ALIGNMENT, Allocator};

    pub(in super::super) struct Mimalloc;

    impl Allocator for Mimalloc {
        #[inline]
        fn allocate(bytes: usize) -> *mut u8 {
            // SAFETY: mi_malloc_aligned has no preconditions on a power of two.
            unsafe { libmimalloc_sys::mi_malloc_aligned(bytes, ALIGNMENT).cast() }
        }

        #[inline]
        unsafe fn free(memory: *mut u8, _: usize) {
            // SAFETY: the caller promises that `memory` came from `allocate`.
            unsafe { libmimalloc_sys::mi_free(memory.cast()) }
        }
    }

    pub(in super::super) struct Jemalloc;

    impl Allocator for Jemalloc {
        #[inline]
        fn allocate(bytes: usize) -> *mut u8 {
            // SAFETY: mallocx asks for a size above zero, which every block has.
            unsafe { tikv_jemalloc_sys::mallocx(bytes, flags()).cast() }
        }

        #[inline]
        unsafe fn free(memory: *mut u8, bytes: usize) {
            // SAFETY: the caller promises that `memory` came from `allocate` with this size.
            unsafe { tikv_jemalloc_sys::sdallocx(memory.cast(), bytes, flags()) }
        }
    }

    fn flags() -> std::ffi::c_int {
        tikv_jemalloc_sys::MALLOCX_ALIGN(ALIGNMENT)
    }
}
