//! Listeners over real sockets, into an intake that keeps what it is given.
//!
//! Nothing here waits for time to pass: a test goes on when the arrival, the count or the end that
//! it is about is there.

mod acked;
#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "http")]
mod http;
mod intake;
mod sockets;
mod stdin;
mod tail;
#[cfg(feature = "tls")]
mod tls;
mod udp;

use std::future::Future;
use std::sync::Arc;

use pelton_connect::net::{Address, ListenLimits, ListenOptions, Listener, Metrics, Stop, Stopper};
use pelton_format::Format;
use tokio::task::JoinHandle;

use intake::Memory;

/// Runs `test` on a runtime with two workers.
fn on_runtime<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

/// A listener that runs.
struct Running {
    intake: Arc<Memory>,
    metrics: Metrics,
    place: String,
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(address: &str, format: impl Format + 'static, limits: ListenLimits) -> Self {
        Self::start_with(Memory::new(), address, format, limits).await
    }

    async fn start_with(
        intake: Memory,
        address: &str,
        format: impl Format + 'static,
        limits: ListenLimits,
    ) -> Self {
        Self::start_changed(intake, address, format, limits, |_| {}).await
    }

    async fn start_changed(
        intake: Memory,
        address: &str,
        format: impl Format + 'static,
        limits: ListenLimits,
        change: impl FnOnce(&mut ListenOptions),
    ) -> Self {
        let address: Address = address.parse().expect("an address");
        let mut options = ListenOptions {
            limits,
            ..ListenOptions::new(address, Arc::new(format))
        };
        change(&mut options);
        let metrics = options.metrics.clone();
        let listener = Listener::bind(options).await.expect("bound");
        let place = listener.local_addr().map(|address| address.to_string());
        let (stopper, stop) = Stop::new();
        let intake = Arc::new(intake);
        let task = tokio::spawn(listener.run(intake.clone(), stop));
        Self {
            intake,
            metrics,
            place: place.unwrap_or_default(),
            stopper,
            task,
        }
    }

    /// Waits until so many connections were let in and are over.
    #[cfg(feature = "tls")]
    async fn ended(&self, connections: u64) {
        let metrics = &self.metrics;
        while metrics.accepted.value() < connections || metrics.open.value() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Says stop and waits for the end.
    async fn stop(self) -> Arc<Memory> {
        self.stopper.stop();
        self.task.await.expect("no panic");
        self.intake
    }
}
