//! Follows who leads.

use std::fmt;
use std::time::Duration;

use crate::decide::leadership::LeaderState;
use crate::driver::Waiter;
use crate::error::{LockError, LockErrorKind};
use crate::handle::election::Election;

/// Follows who leads an [`Election`]: looks a third of the time to live after the last look, and when it hears of a
/// resignation. While nobody leads it looks more often, after a retry delay.
pub struct Observer {
    election: Election,
    /// What was told last.
    last: Option<LeaderState>,
    /// Hears of resignations; there from the first look on.
    waiter: Option<Waiter>,
}

impl Election {
    /// Follows who leads.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LeaderState, Redlock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let election = redlock.election("scheduler")?;
    /// let mut observer = election.observe();
    /// assert_eq!(observer.next().await?, LeaderState::None);
    /// let _leader = election.campaign().await?;
    /// assert!(matches!(observer.next().await?, LeaderState::Known { .. }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(&self) -> Observer {
        Observer::new(self.clone())
    }
}

impl Observer {
    fn new(election: Election) -> Self {
        Self { election, last: None, waiter: None }
    }

    /// The next change of who leads; at first, who leads now. A term that came and went between two looks is not seen.
    ///
    /// # Errors
    ///
    /// As [`Election::leader`]; [`LockErrorKind::Closed`] once the handle is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing: the change is told by the next call.
    pub async fn next(&mut self) -> Result<LeaderState, LockError> {
        let mut pause = match &self.last {
            Some(last) => self.pause(last)?,
            None => Duration::ZERO,
        };
        loop {
            self.wait(pause).await?;
            let state = self.election.leader().await?;
            if self.last.as_ref().is_none_or(|last| !last.is_same(&state)) {
                self.last = Some(state.clone());
                return Ok(state);
            }
            pause = self.pause(&state)?;
        }
    }

    /// How long not to look, unless a resignation is heard.
    fn pause(&self, state: &LeaderState) -> Result<Duration, LockError> {
        let shared = &self.election.redlock.0;
        let plan = shared.plan(&self.election.options)?;
        Ok(match state {
            LeaderState::Known { .. } => plan.ttl / 3,
            LeaderState::None | LeaderState::Unknown => plan.retry.delay(0, shared.random(), None),
        })
    }

    async fn wait(&mut self, pause: Duration) -> Result<(), LockError> {
        let Election { redlock, key, options, .. } = &self.election;
        let waiter = match &self.waiter {
            Some(waiter) => waiter,
            None => {
                let call = redlock.call(key, options)?;
                let (set, timeout) = (&redlock.0.set, call.plan.node_timeout);
                self.waiter.insert(Waiter::new(set, &call.background, &call.key, timeout))
            }
        };
        tokio::select! {
            biased;
            () = redlock.0.set.closing.cancelled() => Err(LockError::bare(LockErrorKind::Closed)),
            _ = waiter.heard() => Ok(()),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("election", &self.election)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

const _: fn() = || {
    fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<Observer>();
};
