//! Which lanes go first when memory is scarce.
//!
//! A lane of kind `batch` begins no other block while memory is critical and a lane of another kind
//! has blocks waiting. It never waits for one whose sink fails, nor when the service ends.

use std::sync::Arc;
use std::time::Duration;

use pelton_metrics::Gauge;
use pelton_pool::{Budget, Level};

use super::inbox::Receiver;
use super::keeper::Deadline;
use super::lane::Lane;

/// How soon a worker that waits looks again. Only while memory is critical is there anything to
/// look for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Whom the workers of a lane let go first.
#[derive(Debug)]
pub(super) struct Precedence {
    budget: Budget,
    deadline: Arc<Deadline>,
    ahead: Vec<Ahead>,
}

/// A lane that goes first.
#[derive(Debug)]
struct Ahead {
    inbox: Receiver,
    broken: Gauge,
}

impl Precedence {
    /// Lets `lanes` go first when `budget` is critical.
    pub(super) fn new<'a>(
        lanes: impl Iterator<Item = &'a Arc<Lane>>,
        budget: &Budget,
        deadline: &Arc<Deadline>,
    ) -> Self {
        let ahead = lanes.map(|lane| Ahead {
            inbox: lane.inbox.receiver(),
            broken: lane.metrics.broken.clone(),
        });
        Self {
            budget: budget.clone(),
            deadline: deadline.clone(),
            ahead: ahead.collect(),
        }
    }

    /// True while others go first.
    pub(super) fn gives_way(&self) -> bool {
        self.budget.level() == Level::Critical
            && self.ahead.iter().any(Ahead::has_work)
            && !self.deadline.is_set()
    }

    /// Waits while others go first.
    pub(super) fn give_way(&self) {
        while self.gives_way() {
            self.deadline.rest(LOOK_AGAIN);
        }
    }
}

impl Ahead {
    fn has_work(&self) -> bool {
        !self.inbox.end().is_empty() && self.broken.value() == 0
    }
}
