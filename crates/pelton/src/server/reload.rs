//! Reading a plan again.

use std::path::PathBuf;

use crate::Error;
use crate::plan::{Plan, PlanError};

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
