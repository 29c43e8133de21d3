//! An attempt that was not won: what it tells, and how it ends.

use super::super::trace::Answer;
use super::asking::BARRED_FOR;
use super::{Attempt, Barred, Failure};
use crate::decide::quorum::retry_after;
use crate::error::{LockError, LockErrorKind, NodeOutcome};
use crate::node::key::LockKey;
use crate::node::{FaultClass, Mode, Vote};

impl Attempt<'_> {
    /// Releases everywhere, and waits for those nodes that had granted: no attempt of this process shall be refused
    /// by its own leftovers. The whole attempt takes no longer than one node timeout for each of its rounds; nodes that
    /// hang are released in the background.
    pub(super) async fn fail(mut self, kind: LockErrorKind) -> Failure {
        self.reasons(kind).await;
        let failure = self.failure(kind);
        let mut granted = self.given();
        let now = self.set.clock.glance();
        // A share that others stand beside is not told when it ends.
        let told = self.plan.mode == Mode::Exclusive;
        for (node, key) in granted.iter().filter(|_| told) {
            // By the time limit of the release.
            let until = now.plus(self.plan.node_timeout * 2);
            self.set.wakes.own(*node, key, until, now);
        }
        let elapsed = now.since(self.t0);
        let rounds = if self.raising { 2 } else { 1 };
        let left = (self.plan.node_timeout * rounds).saturating_sub(elapsed);
        let mut sweep = self.sweep();
        let released = async {
            while !granted.is_empty() {
                let Some((index, _)) = sweep.next().await else { break };
                granted.retain(|(granted, _)| *granted != index);
            }
        };
        // When time is up the sweep goes on in the background.
        let _ = tokio::time::timeout(left, released).await;
        failure
    }

    /// Collects reasons after the verdict: those that are there already; of an outage, which somebody will have
    /// to understand, those of all nodes.
    async fn reasons(&mut self, kind: LockErrorKind) {
        if matches!(kind, LockErrorKind::Unreachable | LockErrorKind::Misconfigured) {
            while let Some(place) = self.fan.next_place().await {
                self.record(place);
            }
        }
        while let Some(place) = self.fan.ready() {
            self.record(place);
        }
    }

    fn failure(&self, kind: LockErrorKind) -> Failure {
        let nodes = self.reports();
        let hint = retry_after(self.set.len(), self.fan.kept().map(|(_, answer, _)| answer));
        let misconfigured = |(index, answer, _): (usize, &Answer, _)| match answer {
            Err(error) if error.class() == FaultClass::Misconfigured => {
                Some((index, error.clone()))
            }
            _ => None,
        };
        let unraised = self.unraised.iter().filter_map(|(index, outcome)| match outcome {
            NodeOutcome::Failed(error) if error.class() == FaultClass::Misconfigured => {
                Some((*index, error.clone()))
            }
            _ => None,
        });
        let answered = self.fan.kept().filter_map(misconfigured);
        let until = self.set.clock.glance().plus(BARRED_FOR);
        let new = answered
            .filter(|(index, _)| self.barred.iter().all(|barred| barred.index != *index))
            .chain(unraised)
            .map(|(index, error)| Barred { index, error, until });
        let shares = !self.indices(|answer| matches!(answer, Ok(Vote::Shared { .. }))).is_empty();
        let taken = self.placing.as_ref().map(|placing| placing.taken()).unwrap_or_default();
        Failure {
            shares,
            taken,
            barred: self.barred.iter().cloned().chain(new).collect(),
            error: LockError::new(kind, self.round.tally(), nodes, hint),
        }
    }

    /// The nodes that granted, and what.
    fn given(&self) -> Vec<(usize, LockKey)> {
        let key = self.traced.claim.key();
        if let Some(placing) = &self.placing {
            let given = placing.given();
            return given.filter_map(|(index, slot)| Some((index, key.only(slot)?))).collect();
        }
        let granted = self.indices(|answer| {
            matches!(answer, Ok(Vote::Granted { .. } | Vote::Swapped { .. } | Vote::AlreadyOurs))
        });
        granted.into_iter().map(|index| (index, key.clone())).collect()
    }
}
