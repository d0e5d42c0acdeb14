//! Sorting, limiting and deduplicating.

use std::sync::Arc;

use pelton_record::Schema;

use super::draft::{Binding, Fault, Step};

pub(super) fn sort(
    _keys: &[String],
    _schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    Err(binding.wrong("sort", "not yet"))
}

pub(super) fn limit(
    _count: u64,
    _schema: &Arc<Schema>,
    _binding: &mut Binding<'_, '_>,
) -> Vec<Step> {
    Vec::new()
}

pub(super) fn distinct(
    _names: &[String],
    _schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    Err(binding.wrong("distinct", "not yet"))
}
