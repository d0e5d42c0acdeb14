//! Text and bytes: views into one base.

pub use pelton_simd::view::View;

use crate::{Bitmap, Block, bitmap, spare};

/// What the views of a column point into.
#[derive(Debug)]
enum Base {
    Block(Block),
    Heap(Vec<u8>),
}

/// A column of byte strings: views into a block that is not copied, or into bytes of its own.
///
/// ```
/// let words: pelton_record::Strings = ["up", "down"].into_iter().collect();
/// assert_eq!(words.get(1), b"down");
/// ```
#[derive(Debug)]
pub struct Strings {
    base: Base,
    views: Vec<View>,
}

impl Default for Strings {
    fn default() -> Self {
        Self {
            base: Base::Heap(Vec::new()),
            views: Vec::new(),
        }
    }
}

impl Strings {
    /// Views into `block`.
    #[must_use]
    pub const fn in_block(block: Block, views: Vec<View>) -> Self {
        Self {
            base: Base::Block(block),
            views,
        }
    }

    /// Views into bytes of their own.
    #[must_use]
    pub const fn in_heap(heap: Vec<u8>, views: Vec<View>) -> Self {
        Self {
            base: Base::Heap(heap),
            views,
        }
    }

    /// No values yet, with room for `rows` of `bytes` in all.
    #[must_use]
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self::in_heap(spare::take(bytes), spare::take(rows))
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.views.len()
    }

    /// True without values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// What the views point into. Ask once a batch, then use [`View::of`].
    #[must_use]
    pub fn base(&self) -> &[u8] {
        match &self.base {
            Base::Block(block) => block.bytes(),
            Base::Heap(heap) => heap,
        }
    }

    /// The views, a row each.
    #[must_use]
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// Value `row`.
    ///
    /// # Panics
    ///
    /// When `row` is not below the length.
    #[must_use]
    pub fn get(&self, row: usize) -> &[u8] {
        self.views[row].of(self.base())
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let base = self.base();
        self.views.iter().map(move |view| view.of(base))
    }

    /// Appends a value, copying it; a column in a block moves to a heap of its own first.
    ///
    /// # Panics
    ///
    /// When the values are 4 GiB or more in all.
    pub fn push(&mut self, value: &[u8]) {
        self.heap().extend_from_slice(value);
        let len = u32::try_from(value.len()).expect("a value is shorter than 4 GiB");
        let start = u32::try_from(self.heap().len()).expect("a column is shorter than 4 GiB") - len;
        self.views.push(View { start, len });
    }

    fn heap(&mut self) -> &mut Vec<u8> {
        if let Base::Block(_) = self.base {
            let moved = self.iter().fold(Self::default(), |mut moved, value| {
                moved.push(value);
                moved
            });
            *self = moved;
        }
        match &mut self.base {
            Base::Heap(heap) => heap,
            Base::Block(_) => unreachable!("moved to the heap above"),
        }
    }

    /// Keeps the values whose bit is set; their bytes stay where they are.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn retain(&mut self, keep: &Bitmap) {
        bitmap::compact(&mut self.views, keep);
    }

    /// The values at `rows`, in that order; shares a block, copies a heap.
    ///
    /// # Panics
    ///
    /// When a row is not below the length.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        let views = rows.iter().map(|&row| self.views[row as usize]);
        Self {
            base: self.base.clone(),
            views: spare::collect(views),
        }
    }

    /// Bytes held on the heap: by the views, and by the values when they are not in a block.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let own = match &self.base {
            Base::Block(_) => 0,
            Base::Heap(heap) => heap.capacity(),
        };
        own + self.views.capacity() * size_of::<View>()
    }
}

impl Clone for Base {
    fn clone(&self) -> Self {
        match self {
            Self::Block(block) => Self::Block(block.clone()),
            Self::Heap(heap) => Self::Heap(spare::copy(heap)),
        }
    }
}

impl Clone for Strings {
    fn clone(&self) -> Self {
        Self {
            base: self.base.clone(),
            views: spare::copy(&self.views),
        }
    }
}

impl Drop for Strings {
    fn drop(&mut self) {
        spare::give(std::mem::take(&mut self.views));
        if let Base::Heap(heap) = &mut self.base {
            spare::give(std::mem::take(heap));
        }
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Strings {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut strings = Self::default();
        values
            .into_iter()
            .for_each(|value| strings.push(value.as_ref()));
        strings
    }
}
