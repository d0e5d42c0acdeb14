//! From one SELECT to a plan.

use crate::plan::{Plan, PlanError};

/// The plan of a SELECT over one file.
///
/// # Errors
///
/// When the text is not such a SELECT.
pub fn plan(_query: &str) -> Result<Plan, PlanError> {
    Err(PlanError::new("not yet"))
}
