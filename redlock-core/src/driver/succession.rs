//! Whether the server that answers for a node is another one than before.

use std::time::Duration;

use crate::decide::lease::Moment;
use crate::node::Identity;

/// By so much a server may say that it runs longer than it does: it counts the seconds of its wall clock that it began in.
const ROUNDED: Duration = Duration::from_secs(1);

/// Who answered for a node.
#[derive(Debug)]
pub(super) struct Server {
    run_id: String,
    /// When it was asked who it is, for the last time. It ran after that.
    asked: Moment,
}

impl Server {
    pub(super) fn new(run_id: String, asked: Moment) -> Self {
        Self { run_id, asked }
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Whether it is the server with this run id.
    pub(super) fn is(&self, run_id: &str) -> bool {
        self.run_id == run_id
    }

    /// Whether `next`, of whom is known at `now`, is another server, and not this one after a restart: that would have
    /// begun after this one was asked. A server that does not say since when it runs is not told from a restart.
    pub(super) fn is_followed_by_another(&self, next: &Identity, now: Moment) -> bool {
        let is_new = next.run_id.as_ref().is_some_and(|run_id| *run_id != self.run_id);
        is_new && next.uptime.is_some_and(|uptime| uptime > now.since(self.asked) + ROUNDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ran_before_its_forerunner_was_asked_is_no_restart() {
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let before = Server::new("a".to_owned(), at(100));
        let next = |run_id: Option<&str>, uptime: Option<u64>| Identity {
            run_id: run_id.map(str::to_owned),
            uptime: uptime.map(Duration::from_secs),
            ..Identity::unknown()
        };
        let another = |identity| before.is_followed_by_another(&identity, at(160));
        assert!(another(next(Some("b"), Some(62))));
        // It may have been started right after the question, late in a second.
        assert!(!another(next(Some("b"), Some(61))));
        assert!(!another(next(Some("b"), Some(0))));
        assert!(!another(next(Some("b"), None)));
        assert!(!another(next(Some("a"), Some(1_000))));
        assert!(!another(next(None, Some(1_000))));
    }
}
