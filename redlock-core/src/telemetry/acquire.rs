//! A call that asks for a lock, and its attempts.

use std::pin::Pin;
#[cfg(feature = "tracing")]
use std::sync::atomic::AtomicU32;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "tracing")]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[cfg(feature = "tracing")]
use tracing::{Instrument, Level, Span, field};

#[cfg(feature = "metrics")]
use super::meter::{self, Up};
#[cfg(feature = "tracing")]
use super::outage::is_outage;
#[cfg(feature = "tracing")]
use super::speak::Tellings;
use super::state::{Telemetry, Told};
use super::values::{Outcome, Sharing};
#[cfg(feature = "tracing")]
use super::values::{TARGET, Word};
use crate::decide::fence::Fence;
use crate::decide::lease::Moment;
#[cfg(feature = "tracing")]
use crate::decide::quorum::majority;
#[cfg(feature = "tracing")]
use crate::error::LockErrorKind;
use crate::error::{LockError, NodeReport};
use crate::node::Holder;
use crate::node::key::LockKey;
use crate::node::label::Label;

/// A call that asks for a lock. Dropped before its end, it was cancelled.
#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(dead_code))]
pub(crate) struct Acquire<'a> {
    told: &'a dyn Told,
    sharing: Sharing,
    /// Where anybody wants to know how long it takes.
    began: Option<Moment>,
    over: AtomicBool,
    #[cfg(feature = "metrics")]
    _waiting: Up,
    #[cfg(feature = "tracing")]
    span: Span,
    #[cfg(feature = "tracing")]
    attempts: AtomicU32,
    /// How the last attempt failed, if it did for want of a majority.
    #[cfg(feature = "tracing")]
    outage: Mutex<Option<LockError>>,
}

impl<'a> Acquire<'a> {
    pub(crate) fn begin(told: &'a dyn Told, key: &LockKey, sharing: Sharing) -> Self {
        let _ = key;
        #[cfg(feature = "tracing")]
        let span = span(told.telemetry(), key, sharing);
        let wanted = cfg!(feature = "metrics");
        #[cfg(feature = "tracing")]
        let wanted = wanted || !span.is_disabled();
        Self {
            told,
            sharing,
            began: wanted.then(|| told.now()),
            over: AtomicBool::new(false),
            #[cfg(feature = "metrics")]
            _waiting: Up::new(&meter::WAITING),
            #[cfg(feature = "tracing")]
            span,
            #[cfg(feature = "tracing")]
            attempts: AtomicU32::new(0),
            #[cfg(feature = "tracing")]
            outage: Mutex::new(None),
        }
    }

    /// Does the work of the call, which is pinned elsewhere: it is large, and moving it costs more than all the rest here.
    pub(crate) async fn over<T: Won>(
        &self,
        work: Pin<&mut impl Future<Output = Result<T, LockError>>>,
    ) -> Result<T, LockError> {
        #[cfg(feature = "tracing")]
        let work = work.instrument(self.span.clone());
        let result = work.await;
        self.over.store(true, Ordering::Relaxed);
        self.end(match &result {
            Ok(_) => Outcome::Acquired,
            Err(error) => error.kind().into(),
        });
        #[cfg(feature = "tracing")]
        {
            if !self.span.is_disabled() {
                self.tell(&result);
            }
            if let Err(error) = &result
                && is_outage(error.kind())
            {
                self.told.telemetry().no_majority(self.told.now(), error);
            }
        }
        result
    }

    fn end(&self, outcome: Outcome) {
        count(outcome, self.sharing);
        #[cfg(feature = "metrics")]
        if let Some(began) = self.began {
            let waited = self.told.now().since(began);
            meter::observe(meter::ACQUIRE_DURATIONS.of_words(outcome, self.sharing), waited);
        }
        #[cfg(feature = "tracing")]
        if let Some(began) = self.began.filter(|_| !self.span.is_disabled()) {
            let waited = self.told.now().since(began);
            self.span.record("redlock.outcome", outcome.text());
            self.span.record("redlock.attempts", self.attempts.load(Ordering::Relaxed));
            self.span.record("redlock.wait_ms", crate::node::millis(waited));
        }
    }

    #[cfg(feature = "tracing")]
    fn tell(&self, result: &Result<impl Won, LockError>) {
        match result {
            Ok(won) => {
                let validity = crate::node::millis(won.remaining());
                self.span.record("redlock.validity_ms", validity);
                self.span.record("redlock.holder", field::display(won.holder()));
                if let Some(label) = won.label() {
                    self.span.record("redlock.label", label.as_str());
                }
                if let Some(fence) = won.fence() {
                    self.span.record("redlock.fence", fence.get());
                }
            }
            // That somebody else holds it is no failure.
            Err(error)
                if matches!(error.kind(), LockErrorKind::Contended | LockErrorKind::TimedOut) =>
            {
                if let Some(label) = error.holder() {
                    self.span.record("redlock.held_by", label.as_str());
                }
            }
            Err(_) => {
                self.span.record("otel.status_code", "ERROR");
            }
        }
    }

    /// Begins one attempt.
    pub(crate) fn attempt(&self) -> Attempting<'_> {
        #[cfg(feature = "tracing")]
        self.attempts.fetch_add(1, Ordering::Relaxed);
        Attempting { acquire: self, over: false }
    }
}

/// The caller left, or unwinds.
impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            self.end(Outcome::Cancelled);
            // Whoever bounds calls by a shorter time than theirs never sees one end.
            #[cfg(feature = "tracing")]
            if let Some(error) = self.outage.get_mut().unwrap_or_else(PoisonError::into_inner) {
                self.told.telemetry().no_majority(self.told.now(), error);
            }
        }
    }
}

/// A call's input was refused.
pub(crate) fn refused(error: &LockError) {
    count(error.kind().into(), Sharing::Exclusive);
}

/// The same of a call that would share the lock.
pub(crate) fn share_refused(error: &LockError) {
    count(error.kind().into(), Sharing::Shared);
}

/// The same of a call that asks for a permit.
pub(crate) fn permit_refused(error: &LockError) {
    count(error.kind().into(), Sharing::Permit);
}

/// What is told of a lock that was had.
#[cfg_attr(not(feature = "tracing"), allow(dead_code))]
pub(crate) trait Won {
    /// How long it is held if nobody renews it.
    fn remaining(&self) -> Duration;

    /// The fingerprint of what stands on the nodes, which inspections show too.
    fn holder(&self) -> Holder;

    /// What the holder calls itself.
    fn label(&self) -> Option<&Label>;

    fn fence(&self) -> Option<Fence>;
}

fn count(outcome: Outcome, sharing: Sharing) {
    #[cfg(feature = "metrics")]
    meter::count(meter::ACQUIRES.of_words(outcome, sharing));
    #[cfg(not(feature = "metrics"))]
    let _ = (outcome, sharing);
}

#[cfg(feature = "tracing")]
fn span(telemetry: &Telemetry, key: &LockKey, sharing: Sharing) -> Span {
    let nodes = telemetry.names.len();
    let span = tracing::span!(
        target: TARGET,
        Level::INFO,
        "redlock.acquire",
        redlock.resources = key.resources().len(),
        redlock.nodes = nodes,
        redlock.quorum = majority(nodes),
        redlock.mode = sharing.text(),
        redlock.key = field::Empty,
        redlock.outcome = field::Empty,
        redlock.attempts = field::Empty,
        redlock.wait_ms = field::Empty,
        redlock.validity_ms = field::Empty,
        redlock.holder = field::Empty,
        redlock.label = field::Empty,
        redlock.held_by = field::Empty,
        redlock.fence = field::Empty,
        otel.status_code = field::Empty,
    );
    if let Some(key) = telemetry.key_to_tell(key) {
        span.record("redlock.key", key);
    }
    span
}

/// One round over the nodes.
pub(crate) struct Attempting<'a> {
    acquire: &'a Acquire<'a>,
    over: bool,
}

impl Attempting<'_> {
    pub(crate) fn ended(mut self, result: Result<&Votes, &LockError>) {
        self.over = true;
        let outcome = match result {
            Ok(_) => Outcome::Acquired,
            Err(error) => error.kind().into(),
        };
        self.end(outcome);
        #[cfg(feature = "tracing")]
        {
            let attempt = self.acquire.attempts.load(Ordering::Relaxed);
            match result {
                Ok(votes) => votes.tell(attempt, outcome),
                Err(error) => super::speak::attempt(attempt, outcome, error.nodes()),
            }
            let (told, telemetry) = (self.acquire.told, self.acquire.told.telemetry());
            if outcome == Outcome::Late {
                telemetry.came_late(told.now());
            }
            let outage = result.err().filter(|error| is_outage(error.kind()));
            match result {
                _ if outage.is_some() => {}
                Ok(votes) => telemetry.majority(|| told.now(), votes.reports()),
                Err(error) if !error.nodes().is_empty() => {
                    telemetry.majority(|| told.now(), error.nodes());
                }
                Err(_) => {}
            }
            *self.acquire.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage.cloned();
        }
    }

    fn end(&self, outcome: Outcome) {
        #[cfg(feature = "metrics")]
        meter::count(meter::ATTEMPTS.of_word(outcome));
        let _ = (self.acquire, outcome);
    }
}

impl Drop for Attempting<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.end(Outcome::Cancelled);
        }
    }
}

/// What the nodes answered to an attempt that was won, where anybody wants to know.
pub(crate) struct Votes {
    #[cfg(feature = "tracing")]
    reports: Option<Vec<NodeReport>>,
}

impl Votes {
    pub(crate) fn of(telemetry: &Telemetry, reports: impl FnOnce() -> Vec<NodeReport>) -> Self {
        #[cfg(not(feature = "tracing"))]
        let _ = (telemetry, reports);
        Self {
            #[cfg(feature = "tracing")]
            reports: (tracing::enabled!(target: TARGET, Level::DEBUG) || telemetry.outage.is_on())
                .then(reports),
        }
    }

    /// Nothing where nobody wanted to know.
    #[cfg(feature = "tracing")]
    fn reports(&self) -> &[NodeReport] {
        self.reports.as_deref().unwrap_or_default()
    }

    #[cfg(feature = "tracing")]
    fn tell(&self, attempt: u32, outcome: Outcome) {
        if let Some(reports) = &self.reports {
            super::speak::attempt(attempt, outcome, reports);
        }
    }
}
