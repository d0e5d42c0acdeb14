//! Size classes: the powers of two from one cache line up.

/// The smallest class, in bytes: one cache line, which is also the alignment of every buffer.
pub(crate) const SMALLEST: usize = 64;

/// The size of class `class`, in bytes.
pub(crate) const fn size_of_class(class: usize) -> usize {
    SMALLEST << class
}

/// The class of the smallest buffers that hold `bytes`, however large that is.
#[inline]
pub(crate) const fn class_holding(bytes: usize) -> usize {
    let lines = bytes.saturating_sub(1) / SMALLEST;
    (usize::BITS - lines.leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_holds_its_size_and_not_one_byte_more() {
        for class in 0..30 {
            let size = size_of_class(class);
            assert_eq!(class_holding(size), class);
            assert_eq!(class_holding(size + 1), class + 1);
        }
        assert_eq!((class_holding(0), class_holding(1)), (0, 0));
    }
}
