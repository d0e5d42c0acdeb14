//! The listeners of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pelton_connect::net::{
    BearerToken, ListenLimits, ListenOptions, Listener, Metrics, Stop, Stopper,
};
use pelton_connect::stream::Intake;
use pelton_metrics::Registry;
use tokio::task::{JoinHandle, JoinSet};

use super::secure::Security;
use crate::Error;
use crate::plan::Plan;
use crate::planner;

/// What listens now, by the address as the plan has it.
pub(super) struct Listeners {
    running: BTreeMap<String, Running>,
    security: Security,
    intake: Arc<dyn Intake>,
    registry: Registry,
}

struct Running {
    name: String,
    stopper: Stopper,
    task: JoinHandle<()>,
}

/// Listeners that are bound and do not run yet, and what all shall show from now on.
pub(super) struct Bound {
    listeners: Vec<(String, Listener)>,
    security: Security,
}

impl Listeners {
    pub(super) fn new(intake: Arc<dyn Intake>, registry: Registry) -> Self {
        Self {
            running: BTreeMap::new(),
            security: Security::default(),
            intake,
            registry,
        }
    }

    /// The addresses, with the ports that were found.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.running.values().map(|running| running.name.clone());
        names.collect()
    }

    /// The most connections that they let in together.
    pub(super) fn connections_max(&self, plan: &Plan) -> u64 {
        let lets_in = |text: &&String| {
            let kinds = ["tcp://", "unix://", "http://", "acked://"];
            !text.contains("://") || kinds.iter().any(|kind| text.starts_with(kind))
        };
        let doors = self.running.keys().filter(lets_in).count();
        (doors * limits(plan).connections_max) as u64
    }

    /// Makes what listens what `plan` wants.
    pub(super) async fn change(&mut self, plan: &Plan) -> Result<(), Error> {
        let bound = self.bind_new(plan).await?;
        self.apply(plan, bound).await;
        Ok(())
    }

    /// Binds the addresses of `plan` that nobody listens on yet.
    pub(super) async fn bind_new(&self, plan: &Plan) -> Result<Bound, Error> {
        let format = planner::arriving(plan)?;
        let security = Security::of(plan)?;
        // Those that come share with those that are there.
        let shown = match self.running.is_empty() {
            true => &security,
            false => &self.security,
        };
        shown.check_change(&security)?;
        let mut listeners = Vec::new();
        for (index, (text, address)) in planner::addresses(plan)?.into_iter().enumerate() {
            if self.running.contains_key(text) {
                continue;
            }
            let metrics = Metrics::registered(&self.registry, text)
                .map_err(|error| Error::internal(&error))?;
            let mut options = ListenOptions {
                source: index as u32,
                limits: limits(plan),
                token: plan.source.token.as_ref().map(BearerToken::new),
                metrics,
                ..ListenOptions::new(address, format.clone())
            };
            shown.apply(&mut options);
            listeners.push((text.to_owned(), Listener::bind(options).await?));
        }
        Ok(Bound {
            listeners,
            security,
        })
    }

    /// Lets `bound` listen, and ends those that `plan` does not have.
    pub(super) async fn apply(&mut self, plan: &Plan, bound: Bound) {
        match self.running.is_empty() {
            true => self.security = bound.security,
            false => self.security.replace(&bound.security),
        }
        let kept = |text: &String| plan.source.listen.contains(text);
        let gone: Vec<String> = self
            .running
            .keys()
            .filter(|text| !kept(text))
            .cloned()
            .collect();
        for text in gone {
            if let Some(running) = self.running.remove(&text) {
                running.stopper.stop();
                drop(running.task.await);
            }
        }
        for (text, listener) in bound.listeners {
            let (stopper, stop) = Stop::new();
            let name = listener.name();
            let task = tokio::spawn(listener.run(self.intake.clone(), stop));
            let running = Running {
                name,
                stopper,
                task,
            };
            self.running.insert(text, running);
        }
    }

    /// Waits until every listener is at its end by itself.
    pub(super) async fn ended(&mut self) {
        for running in self.running.values_mut() {
            if !running.task.is_finished() {
                // Only a panic makes an error, and then it is at its end too.
                let _ = (&mut running.task).await;
            }
        }
    }

    /// Ends all, giving them `grace` to hand in what they have read.
    pub(super) async fn stop(self, grace: Duration) {
        let mut tasks = JoinSet::new();
        for (_, running) in self.running {
            running.stopper.stop();
            if !running.task.is_finished() {
                tasks.spawn(running.task);
            }
        }
        let all = async { while tasks.join_next().await.is_some() {} };
        // Those that wait for room go on when the service ends.
        let _ = tokio::time::timeout(grace, all).await;
        tasks.detach_all();
    }
}

fn limits(plan: &Plan) -> ListenLimits {
    let (asked, usual) = (&plan.source.limits, ListenLimits::default());
    ListenLimits {
        connections_max: asked.connections.unwrap_or(usual.connections_max),
        idle_max: asked
            .idle
            .map_or(usual.idle_max, |idle| Some(idle.duration())),
        bytes_per_second_max: asked.rate.map(|rate| rate.bytes()),
        body_bytes_max: asked
            .body
            .map_or(usual.body_bytes_max, |size| size.bytes() as usize),
        handshake_time_max: asked
            .handshake
            .map_or(usual.handshake_time_max, |time| time.duration()),
        handshakes_max: asked.handshakes.unwrap_or(usual.handshakes_max),
        ..usual
    }
}
