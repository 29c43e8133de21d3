//! The second round of an attempt: what makes a fence of the nodes' numbers.

use std::sync::Arc;

use super::super::background::Job;
use super::super::fan_out::{Either, FanOut, next_of};
use super::super::trace::Answer;
use super::Attempt;
use crate::decide::fence::{self, Fence, FenceRound};
use crate::decide::quorum::{Ballot, Round, Verdict};
use crate::error::{LockErrorKind, NodeOutcome};
use crate::node::{Expiry, Extension, Mode, NodeError, Vote};
use crate::telemetry::{self, Verb};

impl Attempt<'_> {
    /// The fence of a round that a majority granted. Where the nodes agree on its number it is there at once; else the
    /// rest is raised to it, which takes another round trip. No fence that a later holder could fall short of is given
    /// out: rather the attempt fails.
    pub(super) async fn fence(&mut self) -> Result<Option<Fence>, LockErrorKind> {
        if !self.plan.fencing {
            return Ok(None);
        }
        let grants = self.fan.kept().filter_map(|(i, answer, _)| Some((i, granted(answer)?)));
        let grants: Vec<_> = grants.collect();
        let numbers: Vec<_> = grants.iter().map(|(_, number)| *number).collect();
        let other = self.fan.kept().count() - grants.len();
        let Some(mut round) = FenceRound::new(self.set.len(), &numbers, other) else {
            return Err(LockErrorKind::Misconfigured);
        };
        if self.plan.mode == Mode::Shared && mutant!(ShareNoRaise) {
            return Ok(Some(number(round.fence())?));
        }
        let mut raises =
            FanOut::new(self.background, self.set.len()).watched(self.set.told(), Verb::Raise);
        for (index, number) in grants {
            if round.must_raise(number) {
                if !self.raising {
                    telemetry::raising();
                }
                self.raising = true;
                raises.push(index, self.raise(index, round.fence()));
            }
        }
        loop {
            match round.verdict() {
                Some(true) => return Ok(Some(number(round.fence())?)),
                Some(false) => return Err(self.unfenced()),
                None => {}
            }
            match next_of(&mut raises, &mut self.fan).await {
                Some(Either::First(place)) => {
                    let Some((index, result)) = raises.take_at(place) else { continue };
                    round.raised(matches!(result, Ok(Extension::Extended)));
                    self.record_raise(index, result);
                }
                Some(Either::Second(place)) => {
                    let Some((index, answer)) = self.fan.at(place) else { continue };
                    match granted(answer) {
                        Some(number) if round.must_raise(number) => {
                            raises.push(index, self.raise(index, round.fence()));
                        }
                        Some(number) => round.granted(number),
                        None => round.refused(),
                    }
                    self.record(place);
                }
                None => return Err(self.unfenced()),
            }
        }
    }

    fn raise(&self, index: usize, fence: u64) -> Job<Result<Extension, NodeError>> {
        let life = fence::life(self.plan.ttl, self.plan.clock_error);
        let node = Arc::clone(&self.set.members[index].node);
        node.raise(self.traced.claim.clone(), fence, life, self.plan.node_timeout)
    }

    fn record_raise(&mut self, index: usize, result: Result<Extension, NodeError>) {
        let outcome = match result {
            Ok(Extension::Extended) => return,
            Ok(Extension::Gone) => NodeOutcome::Absent,
            Ok(Extension::Foreign) => {
                NodeOutcome::Held { expiry: Expiry::Unknown, label: None, kept: false }
            }
            Err(error) => {
                self.set.note_error(index, &error);
                NodeOutcome::Failed(error)
            }
        };
        self.unraised.push((index, outcome));
    }

    /// Why no majority stands at the fence: what a round comes to in which nodes that were not raised did not grant. If
    /// all of them just hold the token no more, the attempt took too long.
    fn unfenced(&self) -> LockErrorKind {
        let mut round = Round::new(self.set.len());
        let mut expired = false;
        for index in 0..self.set.len() {
            let unraised = self.unraised.iter().find(|(raised, _)| *raised == index);
            let answer = self.fan.kept().find(|(answered, ..)| *answered == index);
            round.record(match (unraised, answer) {
                (Some((_, NodeOutcome::Held { .. })), _) => Ballot::Refused,
                (Some((_, NodeOutcome::Failed(error))), _) => Ballot::of(&Err(error.clone())),
                (Some(_), _) => {
                    expired = true;
                    Ballot::Failed
                }
                (None, Some((_, answer, _))) => Ballot::of(answer),
                (None, None) => Ballot::Failed,
            });
        }
        match round.verdict() {
            Some(Verdict::Contended) => LockErrorKind::Contended,
            Some(Verdict::Misconfigured) => LockErrorKind::Misconfigured,
            _ if expired => LockErrorKind::Late,
            _ => LockErrorKind::Unreachable,
        }
    }
}

/// The number that a node gave with its grant.
fn granted(answer: &Answer) -> Option<u64> {
    match answer {
        Ok(Vote::Granted { fence } | Vote::Swapped { fence, .. }) => *fence,
        _ => None,
    }
}

/// A number that no consumer could keep exactly is none.
fn number(number: u64) -> Result<Fence, LockErrorKind> {
    Fence::try_from(number).map_err(|_| LockErrorKind::Misconfigured)
}
