//! The quoted stretches of a block, chunk by chunk.

use crate::vector::Vector;

/// What the next chunk must know of those before it.
pub(super) struct Quotes {
    /// All ones inside a quoted field, else zero.
    inside: u64,
    /// One if an opening quote may come first in the next chunk.
    may_open: u64,
    /// One if the next chunk begins with a field.
    starts: u64,
    /// One if the last chunk ended with a closing quote.
    closed: u64,
    /// All quote masks so far, or-ed.
    seen: u64,
    /// The lowest misplaced quote so far.
    pub(super) misplaced: Option<usize>,
}

/// One chunk, as masks; bits that are not `valid` lie past the block.
pub(super) struct Masks {
    pub(super) quotes: u64,
    /// Delimiters and newlines, quoted or not.
    pub(super) separators: u64,
    pub(super) valid: u64,
}

impl Quotes {
    /// The state at the start of a record.
    pub(super) const fn new() -> Self {
        Self {
            inside: 0,
            may_open: 1,
            starts: 1,
            closed: 0,
            seen: 0,
            misplaced: None,
        }
    }

    /// The block so far ends inside a quoted field.
    pub(super) const fn open(&self) -> bool {
        self.inside != 0
    }

    /// The block so far has quotes.
    pub(super) const fn seen(&self) -> bool {
        self.seen != 0
    }

    /// One if the last chunk ended with a closing quote, else zero.
    #[inline(always)]
    pub(super) const fn closed(&self) -> u64 {
        self.closed
    }

    /// Passes over chunks without quotes, of which the first need not be looked at because of a
    /// quote before it; the byte before the next chunk allows an opening quote, or it does not.
    #[inline(always)]
    pub(super) fn skip_to(&mut self, may_open: bool) {
        self.may_open = u64::from(may_open);
    }

    /// One if the next chunk begins with a field, else zero.
    #[inline(always)]
    pub(super) const fn starts(&self) -> u64 {
        self.starts
    }

    /// Takes the next chunk, which starts at `base`, and marks its bytes outside quotes.
    ///
    /// A closing quote counts as outside, an opening one as inside.
    #[inline(always)]
    pub(super) fn outside<V: Vector>(
        &mut self,
        v: V,
        masks: &Masks,
        chunk: V::Chunk,
        base: usize,
    ) -> u64 {
        let Masks {
            quotes, separators, ..
        } = *masks;
        if quotes | self.inside | self.closed == 0 {
            self.may_open = separators >> 63;
            self.starts = self.may_open;
            return !0;
        }
        self.outside_quoted(v, masks, chunk, base)
    }

    /// [`outside`](Self::outside) without asking whether there is any quote: the better choice
    /// where little else depends on the answer.
    #[inline(always)]
    pub(super) fn outside_quoted<V: Vector>(
        &mut self,
        v: V,
        masks: &Masks,
        chunk: V::Chunk,
        base: usize,
    ) -> u64 {
        let Masks {
            quotes,
            separators,
            valid,
        } = *masks;
        let inside = v.prefix_xor(quotes) ^ self.inside;
        let before = (separators | quotes) << 1 | self.may_open;
        let closing = quotes & !inside;
        let after = closing << 1 | self.closed;
        let bad_open = quotes & inside & !before;
        let bad_close = after & !(separators | quotes | v.eq(chunk, b'\r') | !valid);
        if bad_open | bad_close != 0 && self.misplaced.is_none() {
            self.misplaced = Some(lowest(bad_open, bad_close, base));
        }
        self.seen |= quotes;
        self.may_open = (separators | quotes) >> 63;
        self.starts = (separators & !inside) >> 63;
        self.closed = closing >> 63;
        self.inside = ((inside.cast_signed()) >> 63).cast_unsigned();
        !inside
    }
}

/// The lower of a bad opening quote and a bad closing one, which is marked at the byte after it.
#[cold]
fn lowest(bad_open: u64, bad_close: u64, base: usize) -> usize {
    let open = bad_open.trailing_zeros() as usize + 1;
    let close = bad_close.trailing_zeros() as usize;
    base + open.min(close) - 1
}
