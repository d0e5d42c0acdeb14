//! A service with listeners around it: what `pelton serve` runs.
//!
//! ```no_run
//! use pelton::plan::Plan;
//! use pelton::server::Server;
//!
//! let plan = Plan::from_toml(r#"
//!     [source]
//!     listen = ["127.0.0.1:9000"]
//!     schema = { level = "string" }
//!     [[stage]]
//!     filter = "level = 'error'"
//!     [sink]
//!     path = "errors.ndjson"
//! "#)?;
//! let report = Server::start(plan, None)?.run()?;
//! println!("{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin;
mod listen;
mod memory;
mod reload;
mod secure;
mod spool;
mod switch;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelton_connect::net::BearerToken;
use pelton_connect::stream::{Intake, turn};
use pelton_metrics::Registry;
use pelton_sync::thread;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;
use crate::plan::{Plan, PlanError};
use crate::planner;
use crate::stream::{LaneStats, Service, ServiceReport};

use admin::Admin;
use listen::Listeners;
pub use reload::PlanSource;
use spool::Spool;
use switch::Switch;

/// A running service, its listeners, and the place where it is looked at from outside.
pub struct Server {
    // Dropped in this order: listeners end before the runtime that they run on.
    listeners: Listeners,
    admin: Option<Admin>,
    spool: Option<Arc<Spool>>,
    switch: Arc<Switch>,
    registry: Registry,
    plan: Plan,
    file: Option<PlanSource>,
    runtime: Runtime,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}

/// What ended the wait of a server.
enum Event {
    /// Somebody asked for the end.
    Stop,
    /// All inputs are at their end.
    Ended,
    /// The plan is to be read again.
    Reload,
}

impl Server {
    /// Binds the plan, opens its sinks, and listens. `file` says where the plan came from: errors
    /// show the place, and a hang-up signal reads it again.
    ///
    /// # Errors
    ///
    /// When the plan makes no sense, a sink cannot be opened, or an address cannot be had.
    pub fn start(plan: Plan, file: Option<PlanSource>) -> Result<Self, Error> {
        if plan.source.listen.is_empty() {
            let message = "source.listen is missing: the addresses to listen on, such as \
                           `127.0.0.1:9000`";
            return Err(PlanError::new(message).into());
        }
        let runtime = runtime(planner::gather(&plan)?).map_err(|error| Error::internal(&error))?;
        let registry = Registry::new();
        let service = start_service(&plan, file.as_ref(), &registry)?;
        let switch = Arc::new(Switch::new(service));
        let guard = runtime.enter();
        let spool = match &plan.source.spool {
            Some(spool) => {
                let started = Spool::start(spool, switch.clone(), &registry);
                Some(runtime.block_on(started)?)
            }
            None => None,
        };
        let intake: Arc<dyn Intake> = match &spool {
            Some(spool) => spool.clone(),
            None => switch.clone(),
        };
        let mut listeners = Listeners::new(intake, registry.clone());
        runtime.block_on(listeners.change(&plan))?;
        let admin = match &plan.serve.admin {
            Some(address) => {
                let token = plan.serve.token.as_ref().map(BearerToken::new);
                let started = Admin::start(address, token, switch.clone(), spool.clone());
                Some(runtime.block_on(started)?)
            }
            None => None,
        };
        drop(guard);
        Ok(Self {
            listeners,
            admin,
            spool,
            switch,
            registry,
            plan,
            file,
            runtime,
        })
    }

    /// The addresses it listens on, with the ports that were found for those given as 0.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.listeners.names()
    }

    /// The most connections that all listeners together let in: each takes a file of the process.
    #[must_use]
    pub fn connections_max(&self) -> u64 {
        self.listeners.connections_max(&self.plan)
    }

    /// Where metrics and health are answered.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// How each lane stands now.
    #[must_use]
    pub fn stats(&self) -> Vec<LaneStats> {
        self.switch.with(Service::stats)
    }

    /// Serves until a signal asks for the end (SIGINT, SIGTERM), or all inputs are at theirs; a
    /// SIGHUP reads the plan again, and applies it wholly or not at all. Then [stops](Self::stop).
    ///
    /// # Errors
    ///
    /// When signals cannot be listened to.
    pub fn run(mut self) -> Result<ServiceReport, Error> {
        loop {
            match self.wait().map_err(|error| Error::internal(&error))? {
                Event::Stop | Event::Ended => return Ok(self.stop()),
                Event::Reload => match self.reload() {
                    Ok(()) => tracing::info!("reloaded"),
                    Err(error) => {
                        tracing::error!(%error, "not reloaded; going on as before");
                    }
                },
            }
        }
    }

    fn wait(&mut self) -> std::io::Result<Event> {
        let Self {
            listeners, runtime, ..
        } = self;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut hang_up = signal(SignalKind::hangup())?;
            Ok(tokio::select! {
                _ = interrupt.recv() => Event::Stop,
                _ = terminate.recv() => Event::Stop,
                _ = hang_up.recv() => Event::Reload,
                () = listeners.ended() => Event::Ended,
            })
        })
    }

    /// Reads the plan again and applies it: wholly, or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be read, makes no sense, or asks for what cannot be had; then everything
    /// goes on as before.
    pub fn reload(&mut self) -> Result<(), Error> {
        let Some(file) = &self.file else {
            let message = "there is no file to read again";
            return Err(PlanError::new(message).into());
        };
        let (plan, file) = file.again()?;
        reload::check_change(&self.plan, &plan)?;
        let guard = self.runtime.enter();
        let opened = self.runtime.block_on(self.listeners.bind_new(&plan))?;
        let (registry, old_plan, old_file) = (&self.registry, &self.plan, self.file.as_ref());
        self.switch.swap(
            || start_service(&plan, Some(&file), registry),
            || start_service(old_plan, old_file, registry),
        )?;
        self.runtime.block_on(self.listeners.apply(&plan, opened));
        drop(guard);
        (self.plan, self.file) = (plan, Some(file));
        Ok(())
    }

    /// Stops listening, works off what was taken in, and tells how it went. See
    /// [`Service::stop`].
    #[must_use]
    pub fn stop(self) -> ServiceReport {
        let Self {
            listeners,
            spool,
            switch,
            runtime,
            ..
        } = self;
        let end = Instant::now()
            + switch
                .with(|service| Some(service.drain()))
                .unwrap_or_default();
        switch.mark_stopping();
        // Listeners that wait for room go on when the service takes nothing more.
        runtime.block_on(listeners.stop(GRACE));
        if let Some(spool) = &spool {
            runtime.block_on(spool.drain(end));
        }
        let mut report = switch.stop_by(end);
        report.spooled_blocks = spool.map_or(0, |spool| spool.finish());
        runtime.shutdown_timeout(Duration::from_millis(100));
        report
    }
}

/// How long listeners may take to hand in what they have read.
const GRACE: Duration = Duration::from_secs(2);

/// Half the cores move bytes between sockets and blocks: that is little work, and the lanes have
/// threads of their own. On two cores a second thread took a quarter more processor time for each
/// event, and a fifth of the throughput.
fn runtime(gather: Duration) -> std::io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(2))
        .thread_name("pelton-net")
        .on_thread_unpark(turn::begin)
        .on_thread_park(move || turn::end(gather))
        .enable_all()
        .build()
}

fn start_service(
    plan: &Plan,
    file: Option<&PlanSource>,
    registry: &Registry,
) -> Result<Service, Error> {
    let mut builder = Service::builder(plan.clone()).registry(registry.clone());
    if let Some(file) = file {
        builder = builder.in_file(&file.name, &file.text);
    }
    builder.start()
}
