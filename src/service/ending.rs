//! Whether a service is about to end, for calls that would otherwise go on for as long as their callers like.

use tokio::sync::watch;

/// Says that the service ends.
pub struct End(watch::Sender<bool>);

/// Learns that the service ends.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<bool>);

/// The two ends of the word.
pub fn ending() -> (End, Ending) {
    let (tell, told) = watch::channel(false);
    (End(tell), Ending(told))
}

impl End {
    /// The service ends from now on.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Ending {
    /// Waits until the service begins to end, or is gone.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.0.clone();
        async move { drop(told.wait_for(|ends| *ends).await) }
    }
}
