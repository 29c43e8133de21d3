use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redlock_protocol::together::Manner;
use redlock_protocol::{CallError, Reply};
use tokio::runtime::Id;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::command::Release;

/// How many releases are sent in one command.
pub(crate) const MOST: usize = 64;
/// How many other commands have to be under way. Among fewer there is next to nothing to be sent together, and to wait for it
/// costs a turn of the runtime.
const CROWD: usize = 4;
/// How far apart their time limits may be. fred calls them back by one for all, the last, and no timer is finer.
const MOMENT: Duration = Duration::from_millis(1);

/// What became of a command.
pub(crate) type Answer = Result<Reply, CallError>;

/// A release that was not handed to fred yet.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) release: Release,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The releases that wait for those that come at the same moment, to be sent together.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    waiting: Vec<Queued>,
    /// Where they came from: the timer that calls them back belongs to one runtime.
    runtime: Option<Id>,
}

impl Gathering {
    /// Whether one can go with those that wait.
    pub(crate) fn suits(&self, told: bool, deadline: Instant, runtime: Id) -> bool {
        let Some(first) = self.waiting.first() else { return true };
        let (later, sooner) = (deadline.max(first.deadline), deadline.min(first.deadline));
        self.waiting.len() < MOST
            && told == first.release.told()
            && later - sooner <= MOMENT
            && self.runtime == Some(runtime)
    }

    /// Adds one to those that wait. Whether it is the first.
    pub(crate) fn add(&mut self, queued: Queued, runtime: Id) -> bool {
        self.runtime = Some(runtime);
        self.waiting.push(queued);
        self.waiting.len() == 1
    }

    /// Whether a command on this key, or on who knows which, has to come behind one of them.
    pub(crate) fn concerns(&self, key: Option<&[u8]>) -> bool {
        match key {
            _ if self.waiting.is_empty() => false,
            Some(key) => self.waiting.iter().any(|queued| queued.release.key() == Some(key)),
            None => true,
        }
    }

    /// All of them.
    pub(crate) fn take(&mut self) -> Vec<Queued> {
        std::mem::take(&mut self.waiting)
    }
}

/// What a connection has for releases that are sent together.
#[derive(Debug, Default)]
pub(crate) struct Togetherness {
    under_way: AtomicUsize,
    gathering: Mutex<Gathering>,
    /// By itself: what waits is handed over under the lock, and may be answered at once.
    manner: Mutex<Manner>,
}

/// A command whose answer somebody waits for.
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Togetherness {
    /// A command comes. Whether it meets so many others that releases are better sent together.
    pub(crate) fn enter(&self) -> (UnderWay<'_>, bool) {
        let others = self.under_way.fetch_add(1, Ordering::Relaxed);
        (UnderWay(&self.under_way), others >= CROWD)
    }

    pub(crate) fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not polled: only the runtime's name is of interest.
    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn queued(key: &str, told: bool, deadline: Instant) -> Queued {
        let release = Release::example(key, told);
        Queued { release, deadline, answer: oneshot::channel().0 }
    }

    #[test]
    fn only_those_go_together_that_are_told_alike_and_share_a_timer() {
        let (here, there) = (runtime(), runtime());
        let (here, there) = (here.handle().id(), there.handle().id());
        let mut gathering = Gathering::default();
        let deadline = Instant::now() + Duration::from_secs(1);
        assert!(gathering.suits(true, deadline, here));
        assert!(gathering.add(queued("a", false, deadline), here));
        for limit in [deadline - MOMENT, deadline, deadline + MOMENT] {
            assert!(gathering.suits(false, limit, here));
        }
        let tick = Duration::from_nanos(1);
        for limit in [deadline - MOMENT - tick, deadline + MOMENT + tick] {
            assert!(!gathering.suits(false, limit, here));
        }
        assert!(!gathering.suits(true, deadline, here));
        assert!(!gathering.suits(false, deadline, there));
        for _ in 1..MOST {
            assert!(!gathering.add(queued("b", false, deadline), here));
        }
        assert!(!gathering.suits(false, deadline, here), "no end");
        assert_eq!(gathering.take().len(), MOST);
        assert!(gathering.suits(true, deadline, there));
    }

    #[test]
    fn a_command_on_the_key_of_one_or_on_any_comes_behind_it() {
        let mut gathering = Gathering::default();
        assert!(!gathering.concerns(None));
        gathering.add(queued("a", false, Instant::now()), runtime().handle().id());
        assert!(gathering.concerns(Some(b"a")) && gathering.concerns(None));
        assert!(!gathering.concerns(Some(b"b")));
        gathering.take();
        assert!(!gathering.concerns(Some(b"a")) && !gathering.concerns(None));
    }
}
