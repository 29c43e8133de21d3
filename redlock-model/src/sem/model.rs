use redlock_core::decisions::fence::FenceRound;
use redlock_core::decisions::slots::{SlotBallot, SlotRound, SlotVerdict};
use stateright::{Model, Property};

use super::state::{Hold, NOBODY, Node, Place, Slot, State};
use super::{CLIENTS, Rule, SLOTS, Setting};
use crate::setting::{Small, next, small};
use crate::talk::{self, Desk, Mail, Phase};

/// What may happen next. Nodes are counted in the order of the state's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A client begins and asks all nodes.
    Begin(usize),
    /// A node executes a client's acquire and grants it this slot.
    Acquire(usize, usize, usize),
    /// A node executes it once more, and grants again.
    Again(usize, usize, usize),
    /// A client has read the grants of the nodes in the mask, which are enough.
    Decide(usize, u8),
    /// A client has read the grants of the nodes in the mask and has them moved to one slot.
    Settle(usize, u8),
    /// A node executes that.
    Move(usize, usize),
    /// A client that waits for its fence reads a further grant and has it raised.
    Follow(usize, usize),
    /// A node executes a client's raise.
    Raise(usize, usize),
    /// A client reads that enough nodes stand at its fence.
    Confirm(usize),
    /// A client gives up or lets go.
    End(usize),
    /// What stands in a slot goes from a node.
    Free(usize, usize),
    /// A node crashes.
    Crash(usize),
}

impl Setting {
    fn may_begin(&self, state: &State, client: usize) -> bool {
        // Of those who believe the same it does not matter which one is first.
        let alike = client > 0
            && self.permits[client] == self.permits[client - 1]
            && self.resent >> client & 1 == self.resent >> (client - 1) & 1
            && state.clients[client - 1].phase == Phase::Idle;
        self.permits[client] > 0 && !alike
    }

    /// The slots of which the node would grant one.
    fn free(&self, node: &Node, client: usize) -> impl Iterator<Item = usize> {
        let warm = self.rule == Rule::Unguarded || node.forgot == 0;
        let slots = node.slots;
        let free = (0..usize::from(self.permits[client]))
            .filter(move |slot| warm && slots[*slot].holder.is_none());
        // Which one is looked at first is drawn: any, but for those who do not draw.
        free.take(if self.lowest_first { 1 } else { SLOTS })
    }

    /// A client stands in a slot from now on, and nowhere else.
    fn place(&self, node: &mut Node, client: usize, slot: usize) {
        if let Some(former) = node.place_of(client) {
            node.slots[former].holder = None;
        }
        let before = node.slots[slot].counter;
        let number = if self.fencing { next(before, 0, 0, u64::MAX) } else { 0 };
        let counter = self.fencing.then_some(number);
        node.slots[slot] = Slot { holder: Some(client as Small), counter };
        // What is sent a second time does not call back what was sent after the first.
        if !matches!(node.mail[client], Mail::Raise(_)) {
            node.mail[client] = Mail::Granted(Place { slot: slot as Small, number });
        }
    }

    /// These grants as votes.
    fn round(&self, state: &State, grants: &[Place]) -> SlotRound {
        let mut round = SlotRound::new(state.nodes.len());
        let slots = grants.iter().map(|place| SlotBallot::Granted(usize::from(place.slot)));
        slots.for_each(|ballot| round.record(ballot));
        round
    }

    /// Whether any slots make a majority together.
    fn adds_up(&self) -> bool {
        matches!(self.rule, Rule::CountedOnNodes | Rule::AnySlot)
    }

    /// The slot that is won by the grants of the nodes in the mask, if one is.
    fn won(&self, state: &State, client: usize, mask: u8) -> Option<usize> {
        let grants = talk::grants_of(&state.nodes, client, mask)?;
        let round = self.round(state, &grants);
        if self.adds_up() {
            talk::majority_of(&state.nodes, client, mask)?;
            return round.best();
        }
        match round.verdict() {
            Some(SlotVerdict::Won(slot)) => Some(slot),
            _ => None,
        }
    }

    fn decide(&self, state: &mut State, client: usize, mask: u8) -> Option<()> {
        let slot = self.won(state, client, mask)?;
        let moved = state.chosen[client].is_some();
        if !self.fencing {
            talk::read(&mut state.nodes, client, mask, |_| None);
            state.hold(client, slot, None, Hold { raised: false, moved });
            return Some(());
        }
        let is_its = |place: &Place| usize::from(place.slot) == slot;
        let grants = talk::grants_of(&state.nodes, client, mask)?.into_iter().filter(is_its);
        let numbers: Vec<_> = grants.map(|place| u64::from(place.number)).collect();
        let round = FenceRound::new(state.nodes.len(), &numbers, 0)?;
        let spared = self.rule == Rule::NoSecondRound;
        let raises = |place: &Place| is_its(place) && !spared;
        let raise =
            |place: Place| talk::raise(&round, u64::from(place.number)).filter(|_| raises(&place));
        talk::read(&mut state.nodes, client, mask, raise);
        let hold = Hold { raised: !spared && round.verdict() != Some(true), moved };
        if hold.raised {
            state.chosen[client] = Some(slot as Small);
            state.clients[client].phase = Phase::Fencing(round, hold);
        } else {
            state.hold(client, slot, Some(small(round.fence())), hold);
        }
        Some(())
    }

    /// The slot that a client would have its grants moved to.
    fn settles_on(&self, state: &State, client: usize, mask: u8) -> Option<usize> {
        let settles = matches!(self.rule, Rule::Settles | Rule::MovesBlindly);
        if !settles || state.chosen[client].is_some() || mask.count_ones() < 2 {
            return None;
        }
        let round = self.round(state, &talk::grants_of(&state.nodes, client, mask)?);
        let won = matches!(round.verdict(), Some(SlotVerdict::Won(_)));
        round.best().filter(|_| !won)
    }

    fn settle(&self, state: &mut State, client: usize, mask: u8) -> Option<()> {
        let slot = self.settles_on(state, client, mask)?;
        state.chosen[client] = Some(slot as Small);
        for (index, node) in state.nodes.iter_mut().enumerate() {
            let elsewhere = node.granted(client).is_some_and(|p| usize::from(p.slot) != slot);
            if elsewhere && mask >> index & 1 == 1 {
                node.moving |= 1 << client;
            }
        }
        Some(())
    }

    /// Where a node would move a client.
    fn moves_to(&self, state: &State, node: &Node, client: usize) -> Option<usize> {
        let to = usize::from(state.chosen[client].filter(|_| node.moving >> client & 1 == 1)?);
        let elsewhere = node.place_of(client).is_some_and(|from| from != to);
        let free = node.slots[to].holder.is_none() || self.rule == Rule::MovesBlindly;
        (elsewhere && free).then_some(to)
    }

    /// Whether what stands in a slot may go: its client has ended, or has another one.
    fn may_go(&self, state: &State, client: usize, slot: usize) -> bool {
        match state.clients[client].phase {
            Phase::Over => true,
            Phase::Fencing(..) | Phase::Held(_) => {
                !self.adds_up() && state.chosen[client] != Some(slot as Small)
            }
            Phase::Idle | Phase::Asking => false,
        }
    }

    fn of_node(&self, state: &State, index: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[index];
        for client in 0..CLIENTS {
            let place = node.place_of(client);
            let chosen = state.chosen[client].map(usize::from);
            match node.mail[client] {
                Mail::Acquire => {
                    let free = self.free(node, client);
                    steps.extend(free.map(|slot| Step::Acquire(client, index, slot)));
                }
                Mail::Raise(_) if place.is_some() && place == chosen => {
                    steps.push(Step::Raise(client, index));
                }
                Mail::Granted(_) if node.is_low(client, state.clients[client].fence()) => {
                    steps.push(Step::Follow(client, index));
                }
                _ => {}
            }
            let repeated = node.again >> client & 1 == 1 && node.mail[client] != Mail::Acquire;
            // Where its token stands nothing comes of it.
            if repeated && place.is_none() {
                let free = self.free(node, client);
                steps.extend(free.map(|slot| Step::Again(client, index, slot)));
            }
            let moves = self.moves_to(state, node, client);
            steps.extend(moves.map(|_| Step::Move(client, index)));
        }
        for (slot, stands) in node.slots.iter().enumerate() {
            let gone =
                stands.holder.is_some_and(|of| of == NOBODY || self.may_go(state, of.into(), slot));
            steps.extend(gone.then_some(Step::Free(index, slot)));
        }
        steps.extend((state.crashes > 0).then_some(Step::Crash(index)));
    }

    fn of_client(&self, state: &State, client: usize, steps: &mut Vec<Step>) {
        let nodes = &state.nodes;
        match &state.clients[client].phase {
            Phase::Idle => {
                steps.extend(self.may_begin(state, client).then_some(Step::Begin(client)));
                return;
            }
            Phase::Over => return,
            Phase::Asking => {
                let wins = |mask| self.won(state, client, mask).is_some();
                steps.extend(
                    talk::masks(nodes, client, wins).map(|mask| Step::Decide(client, mask)),
                );
                let settles = |mask| self.settles_on(state, client, mask).is_some();
                steps.extend(
                    talk::masks(nodes, client, settles).map(|mask| Step::Settle(client, mask)),
                );
            }
            Phase::Fencing(..) => {
                let confirmed = talk::confirmed(nodes, &state.clients, client);
                steps.extend(confirmed.map(|_| Step::Confirm(client)));
            }
            Phase::Held(_) => {}
        }
        steps.push(Step::End(client));
    }

    fn crash(&self, state: &mut State, index: usize) {
        state.crashes -= 1;
        // Its clock is past whatever it forgot.
        let counters = std::array::from_fn(|slot| {
            state.nodes.iter().filter_map(|node| node.slots[slot].counter).max()
        });
        let node = &mut state.nodes[index];
        let holders = node.slots.iter().filter_map(|slot| slot.holder);
        let living = holders.filter(|holder| *holder != NOBODY);
        node.forgot |= living.fold(0, |mask, client| mask | 1 << client);
        node.slots = <[_; SLOTS]>::map(counters, |counter| Slot { holder: None, counter });
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::beginning(self)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for index in talk::distinct(&state.nodes) {
            self.of_node(state, index, steps);
        }
        (0..CLIENTS).for_each(|client| self.of_client(state, client, steps));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Begin(client) => {
                talk::begin(&mut state.nodes, &mut state.clients, client, 0);
                let again = self.resent & 1 << client;
                state.nodes.iter_mut().for_each(|node| node.again |= again);
            }
            Step::Acquire(client, node, slot) => {
                self.place(&mut state.nodes[node], client, slot);
            }
            Step::Again(client, node, slot) => {
                self.place(&mut state.nodes[node], client, slot);
                state.nodes[node].again &= !(1 << client);
            }
            Step::Decide(client, mask) => self.decide(&mut state, client, mask)?,
            Step::Settle(client, mask) => self.settle(&mut state, client, mask)?,
            Step::Move(client, node) => {
                let to = self.moves_to(&state, &state.nodes[node], client)?;
                state.nodes[node].moving &= !(1 << client);
                self.place(&mut state.nodes[node], client, to);
            }
            Step::Follow(client, node) => {
                talk::follow(&mut state.nodes[node], client, state.clients[client].fence())?;
            }
            Step::Raise(client, node) => {
                let slot = usize::from(state.chosen[client]?);
                let node = &mut state.nodes[node];
                let Mail::Raise(fence) = node.mail[client] else { return None };
                node.slots[slot].counter = node.slots[slot].counter.max(Some(fence));
                node.mail[client] = Mail::Raised;
            }
            Step::Confirm(client) => {
                let (fence, hold) = talk::confirmed(&state.nodes, &state.clients, client)?;
                let slot = usize::from(state.chosen[client]?);
                state.hold(client, slot, Some(fence), hold);
            }
            Step::End(client) => state.clients[client].phase = Phase::Over,
            Step::Free(node, slot) => state.nodes[node].slots[slot].holder = None,
            Step::Crash(node) => self.crash(&mut state, node),
        }
        Some(state.canonical(self))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        super::properties::of(self)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
