//! The word to stop, and those who wait for it.

use tokio::sync::watch;

/// Says when to stop. Dropping it says so too.
#[derive(Debug)]
pub struct Stopper {
    sender: watch::Sender<bool>,
}

/// Hears when to stop. Clones hear the same word.
///
/// ```
/// let (stopper, stop) = pelton_connect::net::Stop::new();
/// assert!(!stop.is_stopped());
/// stopper.stop();
/// assert!(stop.is_stopped());
/// ```
#[derive(Clone, Debug)]
pub struct Stop {
    receiver: watch::Receiver<bool>,
}

impl Stopper {
    /// Says it. All who wait go on, once and for all.
    pub fn stop(&self) {
        self.sender.send_replace(true);
    }
}

impl Stop {
    /// A word that was not said yet, and the end that says it.
    #[must_use]
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper { sender }, Self { receiver })
    }

    /// True when the word was said.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        // An error says that the stopper is gone.
        self.receiver.has_changed().unwrap_or(true)
    }

    /// Waits for the word.
    pub async fn stopped(&self) {
        let mut receiver = self.receiver.clone();
        // An error says that the stopper is gone.
        let _ = receiver.wait_for(|stopped| *stopped).await;
    }
}
