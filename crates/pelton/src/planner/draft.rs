//! The steps of a plan, bound one after the other, with errors at their places.

use std::sync::Arc;

use pelton_record::Schema;
use pelton_stage::{ErrorKind, Fold, Position, Spill, Stage};

use super::flow::Flow;
use super::lower;
use crate::plan::{BranchPlan, Locator, Place, Plan, PlanError, StagePlan, first_word};

/// One bound step.
pub(super) struct Step {
    pub kind: StepKind,
    pub output: Arc<Schema>,
    pub flow: Flow,
}

pub(super) enum StepKind {
    Stage(Arc<dyn Stage>),
    Fold(Arc<dyn Fold>),
}

impl Step {
    pub(super) fn stage(stage: impl Stage + 'static, flow: Flow) -> Self {
        let output = stage.output().clone();
        Self {
            kind: StepKind::Stage(Arc::new(stage)),
            output,
            flow,
        }
    }

    pub(super) fn fold(fold: impl Fold + 'static, flow: Flow) -> Self {
        let output = fold.output().clone();
        Self {
            kind: StepKind::Fold(Arc::new(fold)),
            output,
            flow,
        }
    }

    fn is_fold(&self) -> bool {
        matches!(self.kind, StepKind::Fold(_))
    }

    /// A stage of the caller's own.
    pub(super) fn custom(stage: Arc<dyn Stage>) -> Self {
        let output = stage.output().clone();
        Self {
            kind: StepKind::Stage(stage),
            output,
            flow: Flow::default(),
        }
    }
}

/// The steps of a plan: those of all records, and those of each branch. Without branches there is
/// one, which has them all.
pub(super) struct Ways {
    pub trunk: Vec<Step>,
    pub branches: Vec<Vec<Step>>,
}

/// Why a step could not be bound.
pub(super) struct Fault {
    pub error: PlanError,
    /// Columns of the expression whose type did not fit, or the one that there is not, if that is
    /// what was wrong.
    pub columns: Vec<String>,
}

impl Fault {
    /// The same fault, which may be mended by other types for `columns`.
    pub(super) fn about(mut self, columns: &[&str]) -> Self {
        self.columns = columns.iter().map(|&name| name.to_owned()).collect();
        self
    }
}

/// A plan and the text it came from.
pub(super) struct Draft<'a> {
    plan: &'a Plan,
    spill: Spill,
    file: Option<&'a (String, String)>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(
        plan: &'a Plan,
        file: Option<&'a (String, String)>,
        spill: Spill,
    ) -> Self {
        Self { plan, spill, file }
    }

    /// Binds all stages to `schema`.
    pub(super) fn ways(&self, schema: &Arc<Schema>) -> Result<Ways, Fault> {
        let mut locator = Locator::new(self.file.map_or("", |(_, text)| text));
        let steps = self.steps(&self.plan.stages, "", schema, &mut locator)?;
        if self.plan.branches.is_empty() {
            let (trunk, branches) = (Vec::new(), vec![steps]);
            return Ok(Ways { trunk, branches });
        }
        if let Some(Step {
            kind: StepKind::Fold(fold),
            ..
        }) = steps.iter().find(|step| step.is_fold())
        {
            let error = self.plain(&format!(
                "stage \"{}\" takes in all records before it gives any, and so cannot stand before \
                 branches: put it into each of them",
                fold.name()
            ));
            return Err(Fault {
                error,
                columns: Vec::new(),
            });
        }
        let reached = steps.last().map_or(schema, |step| &step.output).clone();
        let branches = self
            .plan
            .branches
            .iter()
            .enumerate()
            .map(|(index, branch)| {
                let prefix = format!("{}: ", branch_name(branch, index));
                self.steps(&branch.stages, &prefix, &reached, &mut locator)
            });
        let branches = branches.collect::<Result<_, _>>()?;
        Ok(Ways {
            trunk: steps,
            branches,
        })
    }

    /// Binds one list of stages, whose names begin with `prefix`.
    fn steps(
        &self,
        stages: &[StagePlan],
        prefix: &str,
        schema: &Arc<Schema>,
        locator: &mut Locator<'a>,
    ) -> Result<Vec<Step>, Fault> {
        let mut steps: Vec<Step> = Vec::new();
        let mut rest = stages;
        while let Some(stage) = rest.first() {
            let label = format!("{prefix}{}", label(stages, stages.len() - rest.len()));
            let before = steps.last().map_or(schema, |step| &step.output).clone();
            let mut binding = Binding {
                draft: self,
                label: &label,
                locator,
            };
            let taken = lower::stages(stage, &rest[1..], &before, &mut binding)?;
            steps.extend(taken.steps);
            rest = &rest[taken.stages..];
        }
        Ok(steps)
    }

    /// An error without a place.
    pub(super) fn plain(&self, message: &str) -> PlanError {
        let error = PlanError::new(message);
        match self.file {
            Some((name, _)) => error.in_file(name),
            None => error,
        }
    }
}

/// The name of stage `index`: its kind, numbered where there are several of it.
fn label(stages: &[StagePlan], index: usize) -> String {
    let kind = stages[index].kind();
    let same = |stages: &[StagePlan]| stages.iter().filter(|stage| stage.kind() == kind).count();
    match same(stages) {
        1 => kind.to_owned(),
        _ => format!("{kind} {}", same(&stages[..=index])),
    }
}

/// The name of branch `index`: its own, or its number.
pub(super) fn branch_name(branch: &BranchPlan, index: usize) -> String {
    let numbered = || format!("branch {}", index + 1);
    branch.name.clone().unwrap_or_else(numbered)
}

/// Where the binding of one stage stands: its label, and how far the file has been read.
pub(super) struct Binding<'a, 'b> {
    draft: &'a Draft<'b>,
    pub label: &'a str,
    locator: &'a mut Locator<'b>,
}

impl Binding<'_, '_> {
    /// The error of an expression, at the place where it stands in the file.
    pub(super) fn fault(
        &mut self,
        text: &str,
        error: &pelton_stage::Error,
        columns: &[&str],
    ) -> Fault {
        let label = self.label;
        let message = format!("stage \"{label}\": {}", error.message());
        let mut plain = self.draft.plain(&message);
        if let (Some((_, file)), Some(place)) = (self.draft.file, self.place(text, error)) {
            plain = plain.at(file, place);
        } else if self.draft.file.is_none() {
            let at = error.position().map_or(1, |at| at.column);
            plain = self
                .draft
                .plain(&format!("{message} (at character {at} of `{text}`)"));
        }
        let columns = match error.kind() {
            ErrorKind::Type => columns.iter().map(|&name| name.to_owned()).collect(),
            ErrorKind::UnknownColumn { name } => vec![name.clone()],
            _ => Vec::new(),
        };
        Fault {
            error: plain,
            columns,
        }
    }

    /// Where the error in `text` stands in the file; where `text` itself does not stand there, as
    /// with what was made from a query, the word that is wrong is looked for.
    fn place(&self, text: &str, error: &pelton_stage::Error) -> Option<Place> {
        let Position { line, column } = match (error.position(), self.locator.find(text)) {
            (at, Some(start)) => {
                let (line, column) = at.map_or((1, 1), |at| (at.line, at.column));
                return Some(self.locator.within(start, line, column));
            }
            (at, None) => at?,
        };
        let shown = text.lines().nth(line.max(1) as usize - 1)?;
        let rest = shown.char_indices().nth(column.max(1) as usize - 1)?.0;
        self.locator.word(first_word(&shown[rest..]))
    }

    /// The error of a text that was parsed with `before` in front of it.
    pub(super) fn fault_behind(
        &mut self,
        before: &str,
        text: &str,
        error: &pelton_stage::Error,
    ) -> Fault {
        let moved = |Position { line, column }| match line {
            1 => Position {
                line,
                column: column.saturating_sub(before.len() as u32).max(1),
            },
            _ => Position { line, column },
        };
        let own = pelton_stage::Error::new(error.kind().clone(), error.message());
        let own = error
            .position()
            .map(moved)
            .map_or(own.clone(), |position| own.at(position));
        self.fault(text, &own, &[])
    }

    /// Where state of this run goes that outgrows its memory.
    pub(super) fn spill(&self) -> Spill {
        self.draft.spill.clone()
    }

    /// Something wrong with a stage that is not about an expression.
    pub(super) fn wrong(&mut self, part: &str, message: &str) -> Fault {
        let error = pelton_stage::Error::new(ErrorKind::Unsupported, message);
        self.fault(part, &error, &[])
    }

    /// Moves past `text` in the file: what follows is looked for behind it.
    pub(super) fn seen(&mut self, text: &str) {
        self.locator.skip(text);
    }
}
