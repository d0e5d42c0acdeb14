//! What people see while a run goes on.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount, ProgressBar, ProgressStyle};
use pelton::Run;
use pelton::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    thread,
};

/// A bar that follows a run, when standard error is a terminal.
pub(crate) struct Bar {
    shown: Option<(Arc<AtomicBool>, thread::JoinHandle<()>)>,
}

const TICK: Duration = Duration::from_millis(100);

/// Begins to show how far `run` has come, unless it must be `quiet` or nobody looks.
pub(crate) fn start(run: &Run, quiet: bool) -> Bar {
    if quiet || !std::io::stderr().is_terminal() {
        return Bar { shown: None };
    }
    let progress = run.progress();
    let bar = progress
        .total_bytes()
        .map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match progress.total_bytes() {
        Some(_) => "{bar:30} {percent:>3}%  {msg}  {eta} left",
        None => "{spinner} {msg}",
    };
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let done = Arc::new(AtomicBool::new(false));
    let asked = done.clone();
    let follower = thread::spawn(move || {
        while !asked.load(Ordering::Relaxed) {
            bar.set_position(progress.bytes());
            let seconds = bar.elapsed().as_secs_f64().max(1e-3);
            let rate = |amount: u64| (amount as f64 / seconds) as u64;
            bar.set_message(format!(
                "{}/s  {} records/s",
                DecimalBytes(rate(progress.bytes())),
                HumanCount(rate(progress.records()))
            ));
            thread::park_timeout(TICK);
        }
        bar.finish_and_clear();
    });
    Bar {
        shown: Some((done, follower)),
    }
}

impl Bar {
    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some((done, follower)) = self.shown {
            done.store(true, Ordering::Relaxed);
            follower.thread().unpark();
            // A bar that failed to draw is no reason to fail.
            let _ = follower.join();
        }
    }
}
