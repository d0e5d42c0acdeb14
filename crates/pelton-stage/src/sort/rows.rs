//! Rows kept in memory as records.

use crate::fold::runs::{prefix, read_record, write_record};

/// Records, and where each begins.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) records: Vec<u8>,
    pub(super) index: Vec<Entry>,
}

/// A record, by eight bytes of its sort key, behind any that all keys share, and its beginning.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    prefix: u64,
    start: usize,
}

impl Rows {
    pub(super) fn push(&mut self, sort_key: &[u8], payload: impl FnOnce(&mut Vec<u8>)) {
        self.index.push(Entry {
            prefix: prefix(sort_key),
            start: self.records.len(),
        });
        write_record(&mut self.records, sort_key, payload);
    }

    /// Sort key and payload.
    pub(super) fn record(&self, entry: Entry) -> (&[u8], &[u8]) {
        let record = read_record(&mut &self.records[entry.start..]);
        record.expect("an entry points to a record")
    }

    fn compare(&self, a: Entry, b: Entry) -> std::cmp::Ordering {
        let keys = || self.record(a).0.cmp(self.record(b).0);
        a.prefix.cmp(&b.prefix).then_with(keys)
    }

    pub(super) fn sort(&mut self) {
        let mut index = std::mem::take(&mut self.index);
        let common = self.common(&index);
        for entry in &mut index {
            entry.prefix = prefix(&self.record(*entry).0[common..]);
        }
        index.sort_unstable_by(|&a, &b| self.compare(a, b));
        self.index = index;
    }

    /// How many bytes all sort keys begin with: those behind them tell keys apart sooner.
    fn common(&self, index: &[Entry]) -> usize {
        let Some((&first, rest)) = index.split_first() else {
            return 0;
        };
        let first = self.record(first).0;
        rest.iter().fold(first.len(), |common, &entry| {
            let key = self.record(entry).0;
            if key.starts_with(&first[..common]) {
                return common;
            }
            key.iter().zip(first).take_while(|(a, b)| a == b).count()
        })
    }

    /// Puts the least `count` of more rows in front, unsorted; gives the greatest of them.
    pub(super) fn select(&mut self, count: usize) -> Entry {
        let mut index = std::mem::take(&mut self.index);
        index.select_nth_unstable_by(count - 1, |&a, &b| self.compare(a, b));
        self.index = index;
        self.index[count - 1]
    }

    /// Keeps the first `count` rows, with their records one behind the other.
    pub(super) fn truncate(&mut self, count: usize) {
        self.index.truncate(count);
        self.index.sort_unstable_by_key(|entry| entry.start);
        let mut end = 0;
        for entry in &mut self.index {
            let mut rest = &self.records[entry.start..];
            let before = rest.len();
            read_record(&mut rest);
            let len = before - rest.len();
            self.records
                .copy_within(entry.start..entry.start + len, end);
            entry.start = end;
            end += len;
        }
        self.records.truncate(end);
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.records.capacity() + self.index.capacity() * size_of::<Entry>()
    }

    /// The capacities that it needs for what `more` has, half as many again at least.
    pub(super) fn grown(&self, more: &Self) -> (usize, usize) {
        let grown = |len: usize, more: usize, capacity: usize| {
            let needed = len + more;
            if capacity < needed {
                needed.max(capacity + capacity / 2)
            } else {
                capacity
            }
        };
        (
            grown(
                self.records.len(),
                more.records.len(),
                self.records.capacity(),
            ),
            grown(self.index.len(), more.index.len(), self.index.capacity()),
        )
    }

    /// Appends the rows of `more`; the capacities are as [`grown`](Self::grown) says.
    pub(super) fn append(&mut self, more: &Self, (records, index): (usize, usize)) {
        let base = self.records.len();
        self.records.reserve_exact(records - base);
        self.index.reserve_exact(index - self.index.len());
        self.records.extend_from_slice(&more.records);
        self.index.extend(more.index.iter().map(|entry| Entry {
            start: base + entry.start,
            ..*entry
        }));
    }
}
