//! A call that asks for a lock, and its attempts.

use std::pin::Pin;
#[cfg(feature = "tracing")]
use std::sync::atomic::AtomicU32;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "tracing")]
use tracing::{Instrument, Level, Span, field};

#[cfg(feature = "metrics")]
use super::meter::{self, Up};
#[cfg(feature = "tracing")]
use super::speak::Tellings;
use super::values::Outcome;
#[cfg(feature = "tracing")]
use super::values::Word;
use crate::driver::{Failure, Granted, NodeSet};
#[cfg(feature = "tracing")]
use crate::error::LockErrorKind;
use crate::error::{LockError, NodeReport};
use crate::guard::LockGuard;
use crate::lease::Moment;
#[cfg(feature = "tracing")]
use crate::quorum::majority;
use crate::redlock::Call;

/// A call that asks for a lock. Dropped before its end, it was cancelled.
#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(dead_code))]
pub(crate) struct Acquire<'a> {
    set: &'a NodeSet,
    /// Where anybody wants to know how long it takes.
    began: Option<Moment>,
    over: AtomicBool,
    #[cfg(feature = "metrics")]
    _waiting: Up,
    #[cfg(feature = "tracing")]
    span: Span,
    #[cfg(feature = "tracing")]
    attempts: AtomicU32,
}

impl<'a> Acquire<'a> {
    /// Begins, unless the input was refused.
    pub(crate) fn begin(
        set: &'a NodeSet,
        call: Result<Call, LockError>,
    ) -> Result<(Call, Self), LockError> {
        let call = call.inspect_err(|error| count(error.kind().into()))?;
        #[cfg(feature = "tracing")]
        let span = span(set, &call);
        let wanted = cfg!(feature = "metrics");
        #[cfg(feature = "tracing")]
        let wanted = wanted || !span.is_disabled();
        let acquire = Self {
            set,
            began: wanted.then(|| set.clock.now()),
            over: AtomicBool::new(false),
            #[cfg(feature = "metrics")]
            _waiting: Up::new(&meter::WAITING),
            #[cfg(feature = "tracing")]
            span,
            #[cfg(feature = "tracing")]
            attempts: AtomicU32::new(0),
        };
        Ok((call, acquire))
    }

    /// Does the work of the call, which is pinned elsewhere: it is large, and moving it costs more than all the rest here.
    pub(crate) async fn over(
        &self,
        work: Pin<&mut impl Future<Output = Result<LockGuard, LockError>>>,
    ) -> Result<LockGuard, LockError> {
        #[cfg(feature = "tracing")]
        let work = work.instrument(self.span.clone());
        let result = work.await;
        self.over.store(true, Ordering::Relaxed);
        self.end(match &result {
            Ok(_) => Outcome::Acquired,
            Err(error) => error.kind().into(),
        });
        #[cfg(feature = "tracing")]
        if !self.span.is_disabled() {
            self.tell(&result);
        }
        result
    }

    fn end(&self, outcome: Outcome) {
        count(outcome);
        #[cfg(feature = "metrics")]
        if let Some(began) = self.began {
            let waited = self.set.clock.now().since(began);
            meter::observe(meter::ACQUIRE_DURATIONS.of_word(outcome), waited);
        }
        #[cfg(feature = "tracing")]
        if let Some(began) = self.began.filter(|_| !self.span.is_disabled()) {
            let waited = self.set.clock.now().since(began);
            self.span.record("redlock.outcome", outcome.text());
            self.span.record("redlock.attempts", self.attempts.load(Ordering::Relaxed));
            self.span.record("redlock.wait_ms", crate::node::millis(waited));
        }
    }

    #[cfg(feature = "tracing")]
    fn tell(&self, result: &Result<LockGuard, LockError>) {
        match result {
            Ok(guard) => {
                let validity = crate::node::millis(guard.remaining());
                self.span.record("redlock.validity_ms", validity);
                self.span.record("redlock.holder", field::display(guard.holder()));
                if let Some(fence) = guard.fence() {
                    self.span.record("redlock.fence", fence.get());
                }
            }
            // That somebody else holds it is no failure.
            Err(error)
                if matches!(error.kind(), LockErrorKind::Contended | LockErrorKind::TimedOut) => {}
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
        }
    }
}

fn count(outcome: Outcome) {
    #[cfg(feature = "metrics")]
    meter::count(meter::ACQUIRES.of_word(outcome));
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
}

#[cfg(feature = "tracing")]
fn span(set: &NodeSet, call: &Call) -> Span {
    let span = tracing::span!(
        target: super::TARGET,
        Level::INFO,
        "redlock.acquire",
        redlock.resources = call.key.resources().len(),
        redlock.nodes = set.len(),
        redlock.quorum = majority(set.len()),
        redlock.key = field::Empty,
        redlock.outcome = field::Empty,
        redlock.attempts = field::Empty,
        redlock.wait_ms = field::Empty,
        redlock.validity_ms = field::Empty,
        redlock.holder = field::Empty,
        redlock.fence = field::Empty,
        otel.status_code = field::Empty,
    );
    if let Some(key) = set.telemetry.key_to_tell(&call.key) {
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
    pub(crate) fn ended(mut self, result: &Result<Granted, Failure>) {
        self.over = true;
        let outcome = match result {
            Ok(_) => Outcome::Acquired,
            Err(failure) => failure.error.kind().into(),
        };
        self.end(outcome);
        #[cfg(feature = "tracing")]
        {
            let attempt = self.acquire.attempts.load(Ordering::Relaxed);
            match result {
                Ok(granted) => granted.votes.tell(attempt, outcome),
                Err(failure) => super::speak::attempt(attempt, outcome, failure.error.nodes()),
            }
            if outcome == Outcome::Late {
                self.acquire.set.telemetry.came_late(&self.acquire.set.clock);
            }
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
    pub(crate) fn of(reports: impl FnOnce() -> Vec<NodeReport>) -> Self {
        #[cfg(not(feature = "tracing"))]
        let _ = reports;
        Self {
            #[cfg(feature = "tracing")]
            reports: tracing::enabled!(target: super::TARGET, Level::DEBUG).then(reports),
        }
    }

    #[cfg(feature = "tracing")]
    fn tell(&self, attempt: u32, outcome: Outcome) {
        if let Some(reports) = &self.reports {
            super::speak::attempt(attempt, outcome, reports);
        }
    }
}
