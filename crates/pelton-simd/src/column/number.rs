//! What the kernels know of a type of number.

/// A number with a total order; implemented for `i64`, `i128` and `f64`.
pub trait Number: Copy + sealed::Sealed {
    /// Nothing is less.
    #[doc(hidden)]
    const LEAST: Self;
    /// Nothing is greater.
    #[doc(hidden)]
    const GREATEST: Self;

    /// Comes before the other. Written without branches, for vectors.
    #[doc(hidden)]
    fn less(self, other: Self) -> bool;

    /// Neither comes before the other.
    #[doc(hidden)]
    fn same(self, other: Self) -> bool;

    /// The one of all that are the same which results show.
    #[doc(hidden)]
    fn canonical(self) -> Self;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "that nobody can name it is what seals `Number`"
    )]
    pub trait Sealed {}
    impl Sealed for i64 {}
    impl Sealed for i128 {}
    impl Sealed for f64 {}
}

impl Number for i64 {
    const LEAST: Self = Self::MIN;
    const GREATEST: Self = Self::MAX;

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self < other
    }

    #[inline(always)]
    fn same(self, other: Self) -> bool {
        self == other
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        self
    }
}

impl Number for i128 {
    const LEAST: Self = Self::MIN;
    const GREATEST: Self = Self::MAX;

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self < other
    }

    #[inline(always)]
    fn same(self, other: Self) -> bool {
        self == other
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        self
    }
}

/// NaN is the same as NaN and greater than everything else; the zeros are the same.
impl Number for f64 {
    const LEAST: Self = Self::NEG_INFINITY;
    const GREATEST: Self = Self::NAN;

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        (self < other) | (!self.is_nan() & other.is_nan())
    }

    #[inline(always)]
    fn same(self, other: Self) -> bool {
        (self == other) | (self.is_nan() & other.is_nan())
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        // Adding zero makes one zero of two.
        if self.is_nan() { Self::NAN } else { self + 0.0 }
    }
}
