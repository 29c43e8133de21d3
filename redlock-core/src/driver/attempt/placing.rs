//! What nodes answered to who asks for one of several slots, and what that means to who asks for one of them.

use std::time::Duration;

use super::super::fan_out::FanOut;
use super::super::request::{Placement, given};
use super::super::trace::Answer;
use crate::decide::lease::Moment;
use crate::decide::slots::{SlotBallot, SlotRound};
use crate::node::{Expiry, Fault, NodeError, Placed, Vote};

/// A round for one of several slots.
pub(super) struct Placing {
    /// Until a slot is won, or the attempt is swept up.
    pub(super) fan: Option<FanOut<Placement>>,
    pub(super) round: SlotRound,
    /// With how long each took.
    pub(super) answers: Vec<Option<(Placement, Duration)>>,
    pub(super) rules: Rules,
}

/// What an answer must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) slots: usize,
    pub(super) fencing: bool,
}

impl Placing {
    /// When the answer that was given out last came.
    pub(super) fn came(&mut self, now: impl FnOnce() -> Moment) -> Moment {
        match &mut self.fan {
            Some(fan) => fan.came(now),
            None => now(),
        }
    }

    pub(super) async fn next(&mut self) -> Option<(usize, Placement)> {
        self.fan.as_mut()?.next().await
    }

    pub(super) fn take_ready(&mut self) -> Option<(usize, Placement)> {
        self.fan.as_mut()?.take_ready()
    }

    /// Counts an answer. As one to a claim on all slots.
    pub(super) fn count(&mut self, index: usize, answer: Placement, latency: Duration) -> Answer {
        let plausible = self.rules.plausible(&answer);
        self.round.record(SlotBallot::of(&plausible));
        self.answers[index] = Some((answer, latency));
        vote(&plausible)
    }

    /// What is still out, of a claim on all slots.
    pub(super) fn rest(&mut self) -> Option<FanOut<Answer>> {
        self.fan.take().map(|fan| fan.map(|_| |placement: Placement| vote(&placement)))
    }

    /// Which slots were taken, as each node told that told of any.
    pub(super) fn taken(&self) -> Vec<u64> {
        let placed = self.answers.iter().flatten().filter_map(|(answer, _)| answer.as_ref().ok());
        let tells = |placed: &&Placed| !matches!(placed.vote, Vote::Warming { .. });
        placed.filter(tells).map(|placed| placed.taken).collect()
    }

    pub(super) fn answered(&self) -> impl Iterator<Item = (usize, &Placement)> {
        let answers = self.answers.iter().enumerate();
        answers.filter_map(|(index, answer)| Some((index, &answer.as_ref()?.0)))
    }

    /// The nodes that gave a slot, and which.
    pub(super) fn given(&self) -> impl Iterator<Item = (usize, usize)> {
        self.answered().filter_map(|(index, answer)| Some((index, given(answer)?)))
    }

    /// The answers as such to a claim on one slot, with how long each took.
    pub(super) fn of_slot(
        &self,
        slot: Option<usize>,
    ) -> impl Iterator<Item = (usize, Answer, Duration)> {
        let answers = self.answers.iter().enumerate();
        answers.filter_map(move |(index, answer)| {
            let (answer, latency) = answer.as_ref()?;
            Some((index, self.rules.of_slot(answer, slot), *latency))
        })
    }
}

impl Rules {
    /// An answer as one to a claim on that slot. Where another one was given, that one is free again at once.
    pub(super) fn of_slot(self, answer: &Placement, slot: Option<usize>) -> Answer {
        match self.plausible(answer) {
            Ok(Placed { vote: Vote::Granted { fence }, slot: other, .. }) if other != slot => {
                Ok(Vote::Held {
                    expiry: Expiry::In(Duration::ZERO),
                    fence,
                    label: None,
                    kept: false,
                })
            }
            answer => vote(&answer),
        }
    }

    /// The answer, unless it is one that a backend must not give.
    fn plausible(self, answer: &Placement) -> Placement {
        let Ok(Placed { vote: Vote::Granted { .. } | Vote::Swapped { .. }, slot, .. }) = answer
        else {
            return answer.clone();
        };
        let wrong = match answer {
            Ok(Placed { vote: Vote::Granted { fence: None }, .. }) if self.fencing => {
                "it granted without a fencing number"
            }
            Ok(Placed { vote: Vote::Granted { .. }, .. })
                if slot.is_some_and(|slot| slot < self.slots) =>
            {
                return answer.clone();
            }
            _ => "it granted a slot that there is not",
        };
        Err(NodeError::new(Fault::Unsupported, wrong))
    }
}

/// An answer as one to a claim on all slots.
fn vote(answer: &Placement) -> Answer {
    answer.as_ref().map(|placed| placed.vote.clone()).map_err(Clone::clone)
}
