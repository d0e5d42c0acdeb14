//! Reading a plan again.

use std::path::PathBuf;

use crate::Error;
use crate::plan::{Plan, PlanError, SourcePlan};

/// Where a plan came from.
#[derive(Clone, Debug)]
pub struct PlanSource {
    /// The file, to be read again.
    pub path: PathBuf,
    /// Its name in messages.
    pub name: String,
    /// What it held.
    pub text: String,
}

impl PlanSource {
    /// The plan as the file has it now.
    pub(super) fn again(&self) -> Result<(Plan, Self), Error> {
        let unreadable =
            |error: std::io::Error| Error::from(pelton_connect::Error::io(&self.name, &error));
        let text = std::fs::read_to_string(&self.path).map_err(unreadable)?;
        let plan = Plan::from_text(&text, &self.path)
            .map_err(|error: PlanError| error.in_file(&self.name))?;
        let source = Self {
            text,
            ..self.clone()
        };
        Ok((plan, source))
    }
}

/// Refuses what would have no effect, or half of one: listeners and connections that are there go
/// on under the terms that they began with.
pub(super) fn check_change(before: &Plan, after: &Plan) -> Result<(), PlanError> {
    let wrong = |message: &str| Err(PlanError::new(message));
    let (had, wanted) = (&before.serve, &after.serve);
    if (&had.admin, &had.token, had.gather) != (&wanted.admin, &wanted.token, wanted.gather) {
        return wrong("of serve only drain can change while it is served; start anew for the rest");
    }
    let (had, wanted) = (&before.source, &after.source);
    let same = SourcePlan {
        listen: had.listen.clone(),
        tls: had.tls.clone(),
        schema: had.schema.clone(),
        pattern: had.pattern.clone(),
        check: had.check,
        ..wanted.clone()
    };
    if same != *had {
        return wrong(
            "of source only listen, tls, schema, pattern and check can change while it is served; \
             start anew for the rest",
        );
    }
    if before.engine.record_limit != after.engine.record_limit {
        return wrong("engine.record_limit cannot change while it is served; start anew for that");
    }
    Ok(())
}
