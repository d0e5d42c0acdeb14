//! An intake that stays while the service behind it changes.

use std::sync::Arc;
use std::time::Instant;

use pelton_connect::stream::{Arrival, Future, Gone, Intake};
use pelton_pool::Buffer;
use pelton_sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

use crate::Error;
use crate::stream::{Service, ServiceReport};

/// The service of the moment. Listeners that are told that it is gone wait for the next one,
/// unless there will be none.
pub(super) struct Switch {
    service: Mutex<Option<Service>>,
    intake: watch::Sender<Option<Arc<dyn Intake>>>,
    stopping: watch::Sender<bool>,
}

impl Switch {
    pub(super) fn new(service: Service) -> Self {
        Self {
            intake: watch::Sender::new(Some(service.intake())),
            service: Mutex::new(Some(service)),
            stopping: watch::Sender::new(false),
        }
    }

    /// Asks the service of the moment.
    pub(super) fn with<T: Default>(&self, ask: impl FnOnce(&Service) -> T) -> T {
        self.lock().as_ref().map(ask).unwrap_or_default()
    }

    /// The intake of the moment, and word of each that comes after it; none in between.
    pub(super) fn intakes(&self) -> watch::Receiver<Option<Arc<dyn Intake>>> {
        self.intake.subscribe()
    }

    /// The furthest position of the stream `name` that any lane had when the service began.
    pub(super) fn highest(&self, name: &str) -> u64 {
        self.with(|service| service.highest(name))
    }

    /// Waits, unless the end comes before.
    pub(super) async fn unless_stopping<T>(
        &self,
        wait: impl std::future::Future<Output = T>,
    ) -> Result<T, Gone> {
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            waited = wait => Ok(waited),
            _ = stopping.wait_for(|stopping| *stopping) => Err(Gone),
        }
    }

    /// True while a service is there to be given something.
    pub(super) fn is_ready(&self) -> bool {
        self.intake.borrow().is_some() && !*self.stopping.borrow()
    }

    /// Stops the service and starts the next, or the old one again when that cannot be started.
    /// Their sinks may be the same: they cannot run side by side.
    pub(super) fn swap(
        &self,
        next: impl FnOnce() -> Result<Service, Error>,
        again: impl FnOnce() -> Result<Service, Error>,
    ) -> Result<(), Error> {
        let mut current = self.lock();
        self.intake.send_replace(None);
        drop(current.take().map(Service::stop));
        let (service, outcome) = match next() {
            Ok(service) => (service, Ok(())),
            Err(error) => (again()?, Err(error)),
        };
        self.intake.send_replace(Some(service.intake()));
        *current = Some(service);
        outcome
    }

    /// From now on who is told that the service is gone is told so for good.
    pub(super) fn mark_stopping(&self) {
        self.stopping.send_replace(true);
    }

    /// Stops the service; what is not put away by `end` is given up.
    pub(super) fn stop_by(&self, end: Instant) -> ServiceReport {
        self.intake.send_replace(None);
        let service = self.lock().take();
        service.map_or_else(ServiceReport::default, |service| service.stop_by(end))
    }

    /// The intake of the moment, waiting for one.
    async fn current(&self) -> Result<Arc<dyn Intake>, Gone> {
        let mut intake = self.intake.subscribe();
        let mut stopping = self.stopping.subscribe();
        loop {
            if let Some(intake) = &*intake.borrow_and_update() {
                return Ok(intake.clone());
            }
            if *stopping.borrow_and_update() {
                return Err(Gone);
            }
            tokio::select! {
                _ = intake.changed() => {}
                _ = stopping.changed() => {}
            }
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Service>> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intake for Switch {
    fn lease(&self, bytes: usize) -> Future<'_, Result<Buffer, Gone>> {
        Box::pin(async move {
            loop {
                match self.current().await?.lease(bytes).await {
                    Err(Gone) if !self.is_stopping() => tokio::task::yield_now().await,
                    leased => return leased,
                }
            }
        })
    }

    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>> {
        Box::pin(async move {
            loop {
                match self.current().await?.take(arrival.clone()).await {
                    Err(Gone) if !self.is_stopping() => tokio::task::yield_now().await,
                    taken => return taken,
                }
            }
        })
    }

    fn keeps_positions(&self) -> bool {
        let intake = self.intake.borrow().clone();
        intake.is_none_or(|intake| intake.keeps_positions())
    }

    fn position(&self, name: &str) -> Option<u64> {
        let intake = self.intake.borrow().clone();
        intake?.position(name)
    }
}
