//! An attempt for one of several slots. As long as it is open, each node's answer counts for the slot that it gave; once a slot
//! is won the attempt is one for that slot alone, and what nodes gave of others goes back.

use super::super::fan_out::FanOut;
use super::super::request::Placement;
use super::super::trace::may_stand;
use super::Attempt;
use super::others::Others;
use super::placing::{Placing, Rules};
use crate::decide::quorum::{Ballot, Verdict};
use crate::decide::slots::{SlotBallot, SlotRound, SlotVerdict, free_slots};
use crate::node::key::LockKey;
use crate::node::{Fault, Terms};
use crate::telemetry::Verb;

impl Attempt<'_> {
    /// Asks all nodes that are not barred for one of the claim's resources.
    pub(super) fn ask_any(&mut self, terms: Terms, first: usize) {
        let (nodes, timeout) = (self.set.len(), self.plan.node_timeout);
        let mut fan = FanOut::new(self.background, nodes).watched(self.set.told(), Verb::Acquire);
        let mut round = SlotRound::new(nodes);
        for index in 0..nodes {
            if self.barred.iter().any(|barred| barred.index == index) {
                round.record(SlotBallot::None(Ballot::Misconfigured));
                continue;
            }
            fan.push(index, self.set.acquire_any(index, &self.traced, terms, first, timeout));
        }
        let answers = (0..nodes).map(|_| None).collect();
        let slots = self.traced.claim.key().resources().len();
        let rules = Rules { slots, fencing: self.plan.fencing };
        self.placing = Some(Box::new(Placing { fan: Some(fan), round, answers, rules }));
    }

    /// The verdict on all slots. Cancel safe.
    pub(super) async fn place(&mut self) -> Verdict {
        while let Some(placing) = &mut self.placing {
            match placing.round.verdict() {
                Some(SlotVerdict::Won(slot)) => match self.traced.claim.key().only(slot) {
                    Some(key) => {
                        self.settle(slot, key);
                        return Verdict::Won;
                    }
                    None => return self.unplaced(Verdict::Misconfigured).await,
                },
                Some(SlotVerdict::Lost(verdict)) => return self.unplaced(verdict).await,
                None => {}
            }
            let Some((index, answer)) = placing.next().await else { break };
            let duplicate = matches!(&answer, Err(error) if error.fault() == Fault::Duplicate);
            self.count(index, answer);
            if duplicate {
                return self.unplaced(Verdict::Misconfigured).await;
            }
        }
        // Every node was counted, so there was a verdict; this is for the compiler.
        Verdict::Unreachable
    }

    fn count(&mut self, index: usize, answer: Placement) {
        if let Some(placing) = &mut self.placing {
            let latency = placing.came(|| self.set.clock.glance()).since(self.t0);
            let answer = placing.count(index, answer, latency);
            self.set.note(index, &self.traced.trace, &answer);
        }
    }

    /// From now on the attempt is one for the slot that was won. What nodes gave of others is released, and what they may
    /// have given; who has not answered yet may give another one still.
    fn settle(&mut self, slot: usize, key: LockKey) {
        let Some(mut placing) = self.placing.take() else { return };
        let (all, rules) = (self.traced.clone(), placing.rules);
        let taken = placing.taken();
        let free = free_slots(&taken, self.set.len(), rules.slots);
        self.free = free.filter(|free| *free != slot).count();
        self.traced.claim = all.claim.on(key);
        let others = Others::of(&self.claimed(), &all, slot);
        if let Some(others) = &others {
            others.take_back(placing.answered());
        }
        if let Some(fan) = placing.fan.take() {
            self.fan = fan.map(|index| {
                let straggler = others.as_ref().map(|others| others.straggler(index));
                move |answer: Placement| {
                    if let Some(straggler) = straggler {
                        straggler.answered(&answer);
                    }
                    rules.of_slot(&answer, Some(slot))
                }
            });
        }
        self.recount(&placing, Some(slot));
        for index in self.indices(|answer| !may_stand(answer)) {
            self.traced.trace.refuse(index);
        }
    }

    /// No slot was won: the attempt counts as one for the slot that came nearest to it. Collects reasons as for any lost
    /// attempt.
    async fn unplaced(&mut self, verdict: Verdict) -> Verdict {
        let outage = matches!(verdict, Verdict::Unreachable | Verdict::Misconfigured);
        while let Some(placing) = &mut self.placing {
            let next = if outage { placing.next().await } else { placing.take_ready() };
            let Some((index, answer)) = next else { break };
            self.count(index, answer);
        }
        if let Some(placing) = self.placing.take() {
            self.recount(&placing, placing.round.best());
            self.placing = Some(placing);
        }
        verdict
    }

    /// Counts what the nodes answered as answers to who asked for one slot.
    fn recount(&mut self, placing: &Placing, slot: Option<usize>) {
        for (index, answer, latency) in placing.of_slot(slot) {
            self.round.record(Ballot::of(&answer));
            self.fan.put(index, answer, Some(self.t0.plus(latency)));
        }
    }
}
