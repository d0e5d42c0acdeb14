//! Which columns a pipeline needs, told from its end to its beginning.

use std::collections::BTreeSet;

use pelton_record::Schema;

use super::draft::Step;

/// The columns that are needed at some point; all of them when absent.
pub(super) type Need = Option<BTreeSet<String>>;

/// What a step does with columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// Columns that it looks at.
    pub reads: Vec<String>,
    /// Columns that it makes or replaces.
    pub writes: Vec<String>,
    /// Columns that it does not mention come out of it as they went in.
    pub passes: bool,
    /// It looks at all columns, whatever their names.
    pub reads_all: bool,
    /// It leaves rows as they are, or leaves them out, and gives none of its own.
    pub keeps_rows: bool,
}

/// True when every row leaves with all fields of its record unchanged and in front.
pub(super) fn is_raw<'a>(mut steps: impl Iterator<Item = &'a Step>, schema: &Schema) -> bool {
    let fresh = |name: &String| schema.index_of(name).is_none();
    steps.all(|step| step.flow.keeps_rows && step.flow.passes && step.flow.writes.iter().all(fresh))
}

/// What is needed at the end of `steps`: all columns, or when rows leave `raw` those alone that
/// steps have added.
pub(super) fn at_end<'a>(steps: impl Iterator<Item = &'a Step>, raw: bool) -> Need {
    raw.then(|| {
        steps
            .flat_map(|step| step.flow.writes.iter().cloned())
            .collect()
    })
}

/// What is needed by either.
pub(super) fn union(one: Need, other: Need) -> Need {
    let (mut one, other) = (one?, other?);
    one.extend(other);
    Some(one)
}

/// The columns that are needed before `steps` when `need` are needed behind them.
pub(super) fn need(steps: &[Step], mut need: Need) -> Need {
    for step in steps.iter().rev() {
        let flow = &step.flow;
        if flow.reads_all {
            need = None;
        } else if !flow.passes {
            need = Some(flow.reads.iter().cloned().collect());
        } else if let Some(names) = &mut need {
            flow.writes.iter().for_each(|name| {
                names.remove(name);
            });
            names.extend(flow.reads.iter().cloned());
        }
    }
    need
}
