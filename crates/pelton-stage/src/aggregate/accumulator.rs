//! What an aggregate function keeps for each group.

use pelton_record::{Bitmap, Column, Values};

use super::Function;
use crate::Error;
use crate::fold::keys::Keys;

/// Some rows of a batch, and the groups they belong to.
pub(crate) struct Rows<'a> {
    /// The group of each row.
    pub(crate) groups: &'a [u32],
    /// True when all of them are group 0, as they are without keys.
    pub(crate) single: bool,
    /// The argument, for all rows of the batch; a column without meaning for `count(*)`.
    pub(crate) column: Option<&'a Column>,
    /// The first of the rows in the batch.
    pub(crate) start: usize,
    /// Where each row stands in the input.
    pub(crate) positions: &'a [u64],
}

impl<'a> Rows<'a> {
    /// The argument.
    pub(crate) fn argument(&self) -> &'a Column {
        self.column
            .expect("a function that needs an argument has one")
    }

    /// Calls `add` with the state and the value of each row that is not null.
    #[inline]
    pub(crate) fn each<S: Default, T: Copy>(
        &self,
        states: &mut [S],
        values: &[T],
        add: impl Fn(&mut S, T),
    ) {
        let values = &values[self.start..][..self.groups.len()];
        if self.argument().validity().is_some() {
            self.each_valid(states, |state, index| add(state, values[index]));
        } else if self.single {
            let mut state = std::mem::take(&mut states[0]);
            values.iter().for_each(|&value| add(&mut state, value));
            states[0] = state;
        } else {
            for (&group, &value) in self.groups.iter().zip(values) {
                add(&mut states[group as usize], value);
            }
        }
    }

    /// Calls `add` with the state and the index from `start` of each row that is not null.
    #[inline]
    pub(crate) fn each_valid<S>(&self, states: &mut [S], mut add: impl FnMut(&mut S, usize)) {
        let validity = self.column.and_then(Column::validity);
        for (index, &group) in self.groups.iter().enumerate() {
            if validity.is_none_or(|bits| bits.get(self.start + index)) {
                add(&mut states[group as usize], index);
            }
        }
    }
}

/// Room that is used again for every chunk of rows.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) keys: Keys,
    pub(crate) bytes: Vec<u8>,
}

/// What one function keeps for one group. The default is that of a group without values.
pub(crate) trait Summary: Default + Send + 'static {
    /// Takes in `rows`; gives the bytes by which the heap has grown.
    fn update(states: &mut [Self], rows: &Rows<'_>, scratch: &mut Scratch) -> usize;

    /// Writes the state in a form that [`read`](Self::read) merges.
    fn write(&self, out: &mut Vec<u8>);

    /// Merges a written state and takes it off `input`; gives the bytes by which the heap grew.
    fn read(&mut self, input: &mut &[u8]) -> usize;

    /// The results of `function` for `groups`, whose argument had values like those of `like`.
    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        like: &Values,
    ) -> Result<Column, Error>;
}

/// The states of all groups for one function and argument.
pub(crate) trait Accumulator: Send {
    /// Bytes a group, without what it has on the heap.
    fn width(&self) -> usize;

    /// Bytes on the heap beside the width of each group.
    fn extra(&self) -> usize;

    /// Bytes to be had, beside the width of new groups, before `rows` rows are taken in.
    fn growth(&self, _rows: usize) -> usize {
        0
    }

    /// Makes room for `groups` in all, and for `rows` rows.
    fn reserve(&mut self, groups: usize, rows: usize);

    /// Has states for `groups` groups; there is room for them.
    fn resize(&mut self, groups: usize);

    /// Takes in `rows`.
    fn update(&mut self, rows: &Rows<'_>);

    /// Writes the state of `group`.
    fn write(&self, group: usize, out: &mut Vec<u8>);

    /// Merges a state that was written into `group`.
    fn read(&mut self, group: usize, input: &mut &[u8]);

    /// The results of `function` for `groups`, in their order.
    fn finish(&mut self, groups: &[u32], function: Function) -> Result<Column, Error>;
}

/// An accumulator that keeps a [`Summary`] a group.
pub(crate) struct Each<S> {
    states: Vec<S>,
    extra: usize,
    like: Values,
    scratch: Scratch,
}

impl<S> Each<S> {
    /// For an argument with values like those of `like`.
    pub(crate) fn new(like: Values) -> Self {
        Self {
            states: Vec::new(),
            extra: 0,
            like,
            scratch: Scratch::default(),
        }
    }
}

impl<S: Summary> Accumulator for Each<S> {
    fn width(&self) -> usize {
        size_of::<S>()
    }

    fn extra(&self) -> usize {
        self.extra + self.scratch.keys.bytes() + self.scratch.bytes.capacity()
    }

    fn reserve(&mut self, groups: usize, _: usize) {
        self.states
            .reserve_exact(groups.saturating_sub(self.states.len()));
    }

    fn resize(&mut self, groups: usize) {
        self.states.resize_with(groups, S::default);
    }

    fn update(&mut self, rows: &Rows<'_>) {
        self.extra += S::update(&mut self.states, rows, &mut self.scratch);
    }

    fn write(&self, group: usize, out: &mut Vec<u8>) {
        self.states[group].write(out);
    }

    fn read(&mut self, group: usize, input: &mut &[u8]) {
        self.extra += self.states[group].read(input);
    }

    fn finish(&mut self, groups: &[u32], function: Function) -> Result<Column, Error> {
        S::finish(&mut self.states, groups, function, &self.like)
    }
}

/// A column with the results of `result`, null where it gives none.
pub(crate) fn collect<S, T: Default>(
    states: &[S],
    groups: &[u32],
    result: impl Fn(&S) -> Option<T>,
    values: impl FnOnce(Vec<T>) -> Values,
) -> Column {
    let mut items = Vec::with_capacity(groups.len());
    let mut validity = Bitmap::default();
    for &group in groups {
        let item = result(&states[group as usize]);
        validity.push(item.is_some());
        items.push(item.unwrap_or_default());
    }
    Column::new(values(items), Some(validity))
}
