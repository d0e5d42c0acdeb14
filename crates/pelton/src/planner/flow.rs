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
pub(super) fn is_raw(steps: &[Step], schema: &Schema) -> bool {
    let fresh = |name: &String| schema.index_of(name).is_none();
    steps
        .iter()
        .all(|step| step.flow.keeps_rows && step.flow.passes && step.flow.writes.iter().all(fresh))
}

/// The fields of the input that are needed. When rows leave `raw` only those that steps look at;
/// steps of the caller's own (`opaque`) may look at any.
pub(super) fn need(steps: &[Step], raw: bool, opaque: bool) -> Need {
    let mut need: Need = (raw && !opaque).then(|| {
        steps
            .iter()
            .flat_map(|step| step.flow.writes.iter().cloned())
            .collect()
    });
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
