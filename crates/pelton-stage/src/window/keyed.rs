//! Windows that lie where they lie, whatever comes: tumbling and sliding ones.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::Batch;

use super::Plan;
use super::state::{Stretches, part};
use crate::{Error, Fold, FoldState};

/// The groups of each open window, by its start.
pub(super) struct Fixed {
    plan: Arc<Plan>,
    budget: Budget,
    open: BTreeMap<i64, Open>,
}

struct Open {
    groups: Box<dyn FoldState>,
    /// The first batch with rows in it.
    since: u64,
}

impl Fixed {
    pub(super) fn new(plan: Arc<Plan>, budget: &Budget) -> Self {
        Self {
            plan,
            budget: budget.clone(),
            open: BTreeMap::new(),
        }
    }

    fn length(&self) -> i64 {
        self.plan.span.windows(0).1
    }
}

impl Stretches for Fixed {
    fn take(
        &mut self,
        batch: &Batch,
        times: &[i64],
        sequence: u64,
        watermark: i64,
    ) -> Result<(), Error> {
        let mut starts: Vec<i64> = Vec::new();
        let mut seen = i64::MIN..i64::MIN;
        for &at in times {
            // Neighbours are mostly in the same windows.
            if seen.contains(&at) {
                continue;
            }
            let (windows, size) = self.plan.span.windows(at);
            let before = starts.len();
            starts.extend(windows);
            if let [only] = starts[before..] {
                seen = only..only.saturating_add(size);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        for start in starts {
            let end = start.saturating_add(self.length());
            if end <= watermark {
                continue;
            }
            let inside = part(batch, |row| (start..end).contains(&times[row]));
            let open = self.open.entry(start).or_insert_with(|| Open {
                groups: self.plan.aggregate.state(&self.budget),
                since: sequence,
            });
            open.groups.fold(&mut self.plan.widen(inside, start, end))?;
        }
        Ok(())
    }

    fn close(&mut self, watermark: i64, out: &mut Vec<Batch>) -> Result<(), Error> {
        let length = self.length();
        while let Some(first) = self.open.first_entry()
            && first.key().saturating_add(length) <= watermark
        {
            for batch in first.remove().groups.finish()? {
                out.push(batch?);
            }
        }
        Ok(())
    }

    fn is_late(&self, at: i64, watermark: i64) -> bool {
        let (mut windows, size) = self.plan.span.windows(at);
        // Its windows begin with the latest: when even that is closed, all are.
        windows
            .next()
            .is_none_or(|start| start.saturating_add(size) <= watermark)
    }

    fn oldest(&self) -> Option<u64> {
        self.open.values().map(|open| open.since).min()
    }

    fn merge(&mut self, other: Box<dyn Stretches>) -> Result<(), Error> {
        let other = other.into_any().downcast::<Self>();
        let other = other.expect("windows of one kind are merged");
        for (start, open) in other.open {
            match self.open.get_mut(&start) {
                Some(own) => {
                    own.since = own.since.min(open.since);
                    own.groups.merge(open.groups)?;
                }
                None => {
                    self.open.insert(start, open);
                }
            }
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
