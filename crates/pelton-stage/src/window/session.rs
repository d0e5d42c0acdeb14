//! Windows that rows make themselves by coming close upon each other.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Column};

use super::Plan;
use super::state::Stretches;
use crate::fold::keys::{Keys, Seed, pieces};
use crate::{Error, Fold, FoldState};

/// The open sessions of each group.
pub(super) struct Sessions {
    plan: Arc<Plan>,
    budget: Budget,
    gap: i64,
    open: HashMap<u64, Session>,
    by_key: HashMap<Box<[u8]>, Vec<u64>>,
    /// When each may be closed, earliest first.
    ends: BTreeSet<(i64, u64)>,
    next_id: u64,
    keys: Keys,
}

struct Session {
    key: Box<[u8]>,
    first: i64,
    last: i64,
    /// The first batch with rows in it.
    since: u64,
    groups: Box<dyn FoldState>,
}

impl Sessions {
    pub(super) fn new(plan: Arc<Plan>, budget: &Budget) -> Self {
        Self {
            gap: plan.span.windows(0).1,
            plan,
            budget: budget.clone(),
            open: HashMap::new(),
            by_key: HashMap::new(),
            ends: BTreeSet::new(),
            next_id: 0,
            keys: Keys::default(),
        }
    }

    /// When a session that ended with a row of time `last` may be closed.
    const fn end(&self, last: i64) -> i64 {
        last.saturating_add(self.gap)
    }

    /// The session of `key` that rows from `first` to `last` belong to, made wide enough for them;
    /// those that it touches then become part of it, and are named.
    fn session(
        &mut self,
        key: &[u8],
        (first, last): (i64, i64),
        sequence: u64,
    ) -> Result<(u64, Vec<u64>), Error> {
        let gap = self.gap;
        let near = |session: &Session| {
            session.last > first.saturating_sub(gap) && session.first < last.saturating_add(gap)
        };
        let known = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        let touched = known
            .iter()
            .copied()
            .filter(|id| self.open.get(id).is_some_and(near));
        let touched: Vec<u64> = touched.collect();
        let Some((&id, others)) = touched.split_first() else {
            let session = Session {
                key: key.into(),
                first,
                last,
                since: sequence,
                groups: self.plan.aggregate.state(&self.budget),
            };
            let id = self.next_id;
            self.next_id += 1;
            self.insert(id, session);
            return Ok((id, Vec::new()));
        };
        if let (Some(own), []) = (self.open.get(&id), others)
            && own.first <= first
            && last <= own.last
        {
            return Ok((id, Vec::new()));
        }
        let others = others.to_vec();
        if let Some(mut own) = self.remove(id) {
            own.first = own.first.min(first);
            own.last = own.last.max(last);
            for other in others
                .iter()
                .filter_map(|&other| self.remove(other))
                .collect::<Vec<_>>()
            {
                own.first = own.first.min(other.first);
                own.last = own.last.max(other.last);
                own.since = own.since.min(other.since);
                own.groups.merge(other.groups)?;
            }
            self.insert(id, own);
        }
        Ok((id, others))
    }

    fn insert(&mut self, id: u64, session: Session) {
        self.ends.insert((self.end(session.last), id));
        self.by_key.entry(session.key.clone()).or_default().push(id);
        self.open.insert(id, session);
    }

    fn remove(&mut self, id: u64) -> Option<Session> {
        let session = self.open.remove(&id)?;
        self.ends.remove(&(self.end(session.last), id));
        if let Some(ids) = self.by_key.get_mut(&session.key) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_key.remove(&session.key);
            }
        }
        Some(session)
    }

    /// The rows of each session, those of `batch` put to the sessions they belong to.
    fn assign(
        &mut self,
        batch: &Batch,
        times: &[i64],
        sequence: u64,
    ) -> Result<HashMap<u64, Vec<u32>>, Error> {
        let mut keys = std::mem::take(&mut self.keys);
        let columns = self.plan.by.iter().map(|&index| batch.column(index));
        keys.encode(columns, 0, batch.rows(), Seed::fixed());
        let mut rows: HashMap<u64, Vec<u32>> = HashMap::new();
        for (row, &at) in times.iter().enumerate() {
            let mut room = [0; 16];
            let key = pieces(keys.words[row], keys.side(), &mut room);
            let (id, joined) = self.session(key, (at, at), sequence)?;
            // Sessions that became part of this one bring their rows.
            for old in joined {
                let brought = rows.remove(&old).unwrap_or_default();
                rows.entry(id).or_default().extend(brought);
            }
            rows.entry(id).or_default().push(row as u32);
        }
        rows.values_mut().for_each(|rows| rows.sort_unstable());
        self.keys = keys;
        Ok(rows)
    }
}

impl Stretches for Sessions {
    fn take(
        &mut self,
        batch: &Batch,
        times: &[i64],
        sequence: u64,
        _watermark: i64,
    ) -> Result<(), Error> {
        let rows = self.assign(batch, times, sequence)?;
        for (id, rows) in rows {
            let columns = batch.columns().iter().map(|column| column.take(&rows));
            let part = Batch::from_columns(batch.schema().clone(), columns.collect());
            let part = part.with_origin(batch.origin());
            if let Some(session) = self.open.get_mut(&id) {
                // Where a session begins and ends is known when it is closed.
                session.groups.fold(&mut self.plan.widen(part, 0, 0))?;
            }
        }
        Ok(())
    }

    fn close(&mut self, watermark: i64, out: &mut Vec<Batch>) -> Result<(), Error> {
        let mut closed = Vec::new();
        while let Some(&(end, id)) = self.ends.first()
            && end <= watermark
        {
            closed.extend(self.remove(id));
        }
        closed.sort_by(|one, other| (one.first, &one.key).cmp(&(other.first, &other.key)));
        for session in closed {
            let end = self.end(session.last);
            for batch in session.groups.finish()? {
                out.push(bounded(batch?, session.first, end));
            }
        }
        Ok(())
    }

    fn is_late(&self, at: i64, watermark: i64) -> bool {
        self.end(at) <= watermark
    }

    fn oldest(&self) -> Option<u64> {
        self.open.values().map(|session| session.since).min()
    }

    fn merge(&mut self, other: Box<dyn Stretches>) -> Result<(), Error> {
        let other = other.into_any().downcast::<Self>();
        let other = other.expect("windows of one kind are merged");
        for session in other.open.into_values() {
            let span = (session.first, session.last);
            let (id, _) = self.session(&session.key, span, session.since)?;
            if let Some(own) = self.open.get_mut(&id) {
                own.groups.merge(session.groups)?;
            }
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Groups whose first two columns are their window's bounds.
fn bounded(mut batch: Batch, start: i64, end: i64) -> Batch {
    let rows = batch.rows();
    let schema = batch.schema().clone();
    let mut columns = batch.take_columns();
    columns[0] = Column::timestamps(std::iter::repeat_n(start, rows));
    columns[1] = Column::timestamps(std::iter::repeat_n(end, rows));
    batch.set_columns(schema, columns);
    batch
}
