//! Which store a sink of the plan is.

use pelton_connect::stream::Store;

use crate::Error;
use crate::plan::{PlanError, SinkPlan};
use crate::run::Pipeline;

pub(super) fn open(sink: &SinkPlan, _pipeline: &Pipeline) -> Result<Box<dyn Store>, Error> {
    Err(PlanError::new(format!("sink: cannot write {}", sink.path)).into())
}

pub(super) fn lines(path: &str) -> Result<Box<dyn Store>, Error> {
    Err(PlanError::new(format!("dead_letter: cannot write {path}")).into())
}
