//! What the proxy, its listener and its connections share: what to do, and what passed.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

/// What the proxy does from now on, with old connections and new ones alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Forward everything.
    Pass,
    /// No server there: live connections are closed and new ones refused. The next mode listens on the same port again.
    Refuse,
    /// Accept connections and read, but forward nothing either way. [`Mode::Pass`] forwards what was held, even from
    /// clients that are gone by then; [`Mode::Blackhole`] discards it.
    Stall,
    /// Accept connections and read, but discard everything, also what an earlier [`Mode::Stall`] held.
    Blackhole,
    /// Requests reach the server; its replies are discarded.
    DropReplies,
    /// Forward a request, let the server execute it, then close the client's connection without a reply. After this
    /// has happened `times` times, [`Mode::Pass`]. (A hung server keeps the client waiting.)
    CutAfterRequest {
        /// How many times.
        times: u64,
        /// Only requests that hold these bytes, such as `b"SET"`; others pass. Empty: any request, be it the client's
        /// greeting.
        containing: &'static [u8],
    },
    /// Every request arrives this much later. Delays do not add up over a pipeline.
    DelayUp(Duration),
    /// Every reply arrives this much later.
    DelayDown(Duration),
}

/// What the proxy, its listener and its connections all see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) upstream: Mutex<SocketAddr>,
    /// Connections up to this number are read on and get no answer.
    pub(super) muted: AtomicU64,
    pub(super) mode: watch::Sender<Mode>,
    /// Grows with every [`ChaosProxy::cut_all`](super::ChaosProxy::cut_all).
    pub(super) cuts: watch::Sender<u64>,
    pub(super) live: watch::Sender<usize>,
    pub(super) accepted: AtomicU64,
    pub(super) closed_after_request: AtomicU64,
    pub(super) traffic: Traffic,
}

/// What clients sent, over all connections.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) requests: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// Whether not to keep what clients send.
    pub(super) forgetful: bool,
    /// One buffer per connection, so that a pattern is found across reads but not across connections.
    sent: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
}

impl Traffic {
    pub(super) fn forgetful() -> Self {
        Self { forgetful: true, ..Self::default() }
    }

    pub(super) fn connection(&self) -> Arc<Mutex<Vec<u8>>> {
        let sent = Arc::default();
        self.sent.lock().unwrap().push(Arc::clone(&sent));
        sent
    }

    pub(super) fn seen(&self, pattern: &[u8]) -> usize {
        let count =
            |sent: &Vec<u8>| sent.windows(pattern.len().max(1)).filter(|w| *w == pattern).count();
        self.sent.lock().unwrap().iter().map(|sent| count(&sent.lock().unwrap())).sum()
    }
}
