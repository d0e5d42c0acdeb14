//! Standard input, or anything else that blocks, read in a thread of its own.

use std::io::Read;
use std::sync::Arc;

use pelton_sync::thread;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::feed::{Feed, READ_BYTES};
use super::pump::{Halt, read_piece};
use super::unfinished::Unfinished;
use super::{ListenOptions, Metrics, Stop};
use crate::stream::{Intake, Peer};

/// Reads `reader` to its end, or until somebody says stop. A read that blocks goes on blocking its
/// thread then, and what it gives is dropped.
pub(super) async fn run(
    reader: Box<dyn Read + Send>,
    name: String,
    options: &ListenOptions,
    intake: Arc<dyn Intake>,
    stop: Stop,
) {
    let source = options.source;
    let peer = Peer { source, name };
    let feed = Feed::new(options, intake, peer, Unfinished::unlimited());
    let watch = stop.clone();
    let reading = read_all(reader, feed, watch);
    tokio::select! {
        () = in_thread("pelton-stdin", &options.metrics, reading) => {}
        () = stop.stopped() => {}
    }
}

/// Runs what blocks in a thread of its own, and waits for its end. The thread goes on when nobody
/// waits any more.
pub(super) async fn in_thread(
    name: &str,
    metrics: &Metrics,
    work: impl Future<Output = Result<(), Halt>> + Send + 'static,
) {
    let runtime = Handle::current();
    let (sender, ended) = oneshot::channel();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody listens when it was stopped.
        let _ = sender.send(runtime.block_on(work));
    });
    let ended = match thread {
        Ok(_) => ended.await.unwrap_or(Err(Halt::Broken)),
        Err(_) => Err(Halt::Broken),
    };
    if matches!(ended, Err(Halt::Broken)) {
        metrics.failed.add(1);
    }
}

/// Feeds all that `reader` gives.
async fn read_all(mut reader: impl Read + Send, mut feed: Feed, stop: Stop) -> Result<(), Halt> {
    let mut last_read = READ_BYTES;
    while !stop.is_stopped() {
        last_read = read_piece(&mut reader, &mut feed, last_read).await?;
        if last_read == 0 {
            return Ok(feed.finish().await?);
        }
    }
    Ok(())
}
