//! What the kernels know of a type of number.

/// A number with a total order, kept by a key; implemented for `i64`, `i128` and `f64`.
pub trait Number: Copy + PartialEq + sealed::Sealed {
    /// Integers that are ordered as the numbers are.
    #[doc(hidden)]
    type Key: Copy + Ord;
    /// The lowest and the highest key.
    #[doc(hidden)]
    const KEYS: (Self::Key, Self::Key);

    /// The number's key.
    #[doc(hidden)]
    fn key(self) -> Self::Key;

    /// The number with this key.
    #[doc(hidden)]
    fn of(key: Self::Key) -> Self;
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
    type Key = Self;
    const KEYS: (Self, Self) = (Self::MIN, Self::MAX);

    #[inline(always)]
    fn key(self) -> Self {
        self
    }

    #[inline(always)]
    fn of(key: Self) -> Self {
        key
    }
}

impl Number for i128 {
    type Key = Self;
    const KEYS: (Self, Self) = (Self::MIN, Self::MAX);

    #[inline(always)]
    fn key(self) -> Self {
        self
    }

    #[inline(always)]
    fn of(key: Self) -> Self {
        key
    }
}

impl Number for f64 {
    /// The bits, those below the sign turned round for negative numbers; all NaNs are one.
    type Key = i64;
    const KEYS: (i64, i64) = (i64::MIN, i64::MAX);

    #[inline(always)]
    fn key(self) -> i64 {
        // Adding zero makes one zero of two.
        let bits = (self + 0.0).to_bits().cast_signed();
        if self.is_nan() {
            i64::MAX
        } else {
            bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
        }
    }

    #[inline(always)]
    fn of(key: i64) -> Self {
        let bits = key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed();
        if key == i64::MAX {
            Self::NAN
        } else {
            Self::from_bits(bits.cast_unsigned())
        }
    }
}
