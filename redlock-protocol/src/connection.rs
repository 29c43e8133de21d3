//! What holds for an adapter's connections, whichever client makes them.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use redlock_core::node::{Fault, NodeError};

/// For how long a server may leave a command unanswered before its connection is given up.
///
/// Longer than a server that goes on is mostly held up (a fork, a disk, a script, a host that is out of CPU), because giving
/// the connection up costs the order of what was sent on it. Longer, too, than the kernel takes to find a dead machine.
pub const SILENCE: Duration = Duration::from_secs(5);

/// The longest pause before a server is connected to again, and how long a connection has to last for the pauses to be
/// short again: a server that takes connections and ends them must not be asked without a pause either.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The pause before a server is connected to again: `first`, doubled so often; `luck` is from 0 to 1.
pub fn pause(first: Duration, doublings: u32, luck: f64) -> Duration {
    let whole = LONGEST_PAUSE.min(first.saturating_mul(1 << doublings.min(16)));
    // From half of it, so that those who failed together do not come back together.
    whole.mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
}

/// The runtime that polls, if there is time left to send anything.
///
/// A timer polls what it bounds once before it looks at the time, which would send the command; and some clients take a
/// limit of zero for none.
///
/// # Errors
///
/// When nothing polls this on a tokio runtime, or the time is over.
pub fn runtime(timeout: Duration) -> Result<Handle, NodeError> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(NodeError::new(Fault::Unsupported, "needs a tokio runtime"));
    };
    if timeout.is_zero() {
        return Err(Fault::Timeout.into());
    }
    Ok(runtime)
}

/// Tells the subscriptions of a node that its server was left for being a replica.
#[derive(Debug, Default)]
pub struct Leavings(watch::Sender<()>);

/// What a subscription hears of that.
#[derive(Debug)]
pub struct Leaving(watch::Receiver<()>);

impl Leavings {
    /// The server was left.
    pub fn tell(&self) {
        self.0.send_replace(());
    }

    /// Hears of servers that are left from now on: to be asked for before the subscription connects.
    pub fn from_now_on(&self) -> Leaving {
        Leaving(self.0.subscribe())
    }
}

impl Leaving {
    /// Waits until the server is left, or nobody is there any more to leave it; gives what ends the subscription.
    pub async fn heard(mut self) -> NodeError {
        let _ = self.0.changed().await;
        NodeError::new(Fault::ConnectionLost, "the server is a replica")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_are_cut_by_half_at_the_most() {
        let first = Duration::from_millis(50);
        let pauses: Vec<_> =
            (0..8).map(|doublings| pause(first, doublings, 1.0).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(pause(first, u32::MAX, 1.0), LONGEST_PAUSE);
        for doublings in 0..8 {
            assert_eq!(pause(first, doublings, 0.0) * 2, pause(first, doublings, 1.0));
            assert_eq!(pause(first, doublings, -1.0) * 2, pause(first, doublings, 2.0));
        }
    }
}
