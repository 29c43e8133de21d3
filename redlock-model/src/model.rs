use stateright::{Model, Property};

use crate::client;
use crate::properties;
use crate::report::World;
use crate::setting::{BEGINNING, Setting, Small, Timing};
use crate::state::{Phase, State};
use crate::talk::{self, Desk, Mail};

/// What may happen next. Nodes are counted in the order of the state's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The next attempt begins, with this hint, and asks all nodes.
    Begin(Small),
    /// A node executes an attempt's acquire and grants.
    Acquire(usize, usize),
    /// An attempt has read the grants of the nodes in the mask, a majority.
    Decide(usize, u8),
    /// An attempt that waits for its fence reads a further grant and has it raised.
    Follow(usize, usize),
    /// A node executes an attempt's raise.
    Raise(usize, usize),
    /// An attempt reads that enough nodes stand at its fence.
    Confirm(usize),
    /// An attempt gives up or lets go.
    End(usize),
    /// A lock goes from a node.
    Free(usize),
    /// A node loses its memory.
    Crash(usize),
    /// A node's counter reaches the end of its life.
    Forget(usize),
    /// Time goes by.
    Tick,
}

impl Setting {
    fn may_free(&self, state: &State, node: usize) -> bool {
        let Some(attempt) = state.nodes[node].lock else { return false };
        let over = matches!(state.attempts[usize::from(attempt)].phase, Phase::Over { .. });
        over || self.timing == Timing::Broken
    }

    fn may_forget(&self, state: &State, node: usize) -> bool {
        let after = self.clock.and_then(|clock| clock.forget);
        let counter = state.nodes[node].counter;
        counter.zip(after).is_some_and(|(counter, after)| BEGINNING + state.now >= counter + after)
    }

    fn of_node(&self, state: &State, node: usize, steps: &mut Vec<Step>) {
        let here = &state.nodes[node];
        for attempt in 0..self.attempts {
            match here.mail[attempt] {
                Mail::Acquire if here.grants(self, state.now) => {
                    steps.push(Step::Acquire(attempt, node));
                }
                Mail::Raise(_) if here.raises(self.rule, attempt) => {
                    steps.push(Step::Raise(attempt, node));
                }
                Mail::Granted(_) if here.is_low(attempt, state.attempts[attempt].round()) => {
                    steps.push(Step::Follow(attempt, node));
                }
                _ => {}
            }
        }
        steps.extend(self.may_free(state, node).then_some(Step::Free(node)));
        steps.extend(self.may_forget(state, node).then_some(Step::Forget(node)));
        steps.extend((state.crashes > 0).then_some(Step::Crash(node)));
    }

    fn of_attempt(&self, state: &State, attempt: usize, steps: &mut Vec<Step>) {
        match state.attempts[attempt].phase {
            Phase::Idle | Phase::Over { .. } => return,
            Phase::Asking => {
                let wins = |mask| talk::majority_of(&state.nodes, attempt, mask).is_some();
                let masks = talk::masks(&state.nodes, attempt, wins);
                steps.extend(masks.map(|mask| Step::Decide(attempt, mask)));
            }
            Phase::Fencing(_) => {
                let confirmed = client::confirmed(self, state, attempt);
                steps.extend(confirmed.map(|_| Step::Confirm(attempt)));
            }
            Phase::Held { .. } => {}
        }
        steps.push(Step::End(attempt));
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        State::beginnings(self)
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let begun = state.begun();
        if begun < self.attempts {
            steps.extend(self.hints(state.now).into_iter().map(Step::Begin));
        }
        // Before the first attempt nothing happens that matters, so it begins at the beginning.
        if begun == 0 {
            return;
        }
        for node in talk::distinct(&state.nodes) {
            self.of_node(state, node, steps);
        }
        for attempt in 0..begun {
            self.of_attempt(state, attempt, steps);
        }
        if self.clock.is_some_and(|clock| state.now < clock.horizon) {
            steps.push(Step::Tick);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let now = state.now;
        match step {
            Step::Begin(hint) => {
                let begun = state.begun();
                let attempt = &mut state.attempts[begun];
                (attempt.phase, attempt.hint) = (Phase::Asking, hint);
                (attempt.began, attempt.floor) = (now, state.highest);
                state.nodes.iter_mut().for_each(|node| node.mail[begun] = Mail::Acquire);
            }
            Step::Acquire(attempt, node) => {
                state.nodes[node].acquire(self, attempt, state.attempts[attempt].hint, now);
            }
            Step::Decide(attempt, mask) => client::decide(self, &mut state, attempt, mask)?,
            Step::Follow(attempt, node) => {
                talk::follow(&mut state.nodes[node], attempt, state.attempts[attempt].round())?;
            }
            Step::Raise(attempt, node) => match state.nodes[node].mail[attempt] {
                Mail::Raise(fence) => state.nodes[node].raise(attempt, fence),
                _ => return None,
            },
            Step::Confirm(attempt) => {
                let fence = client::confirmed(self, &state, attempt)?;
                client::hold(&mut state, attempt, fence, true);
            }
            Step::End(attempt) => end(&mut state, attempt),
            Step::Free(node) => state.nodes[node].lock = None,
            Step::Forget(node) => state.nodes[node].counter = None,
            Step::Crash(node) => {
                state.nodes[node].crash(now);
                state.crashes -= 1;
            }
            Step::Tick => {
                state.now += 1;
                let ttl = self.clock?.ttl;
                for attempt in 0..state.begun() {
                    if state.attempts[attempt].began + ttl <= state.now {
                        end(&mut state, attempt);
                    }
                }
            }
        }
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = properties::ALL;
}

fn end(state: &mut State, attempt: usize) {
    let fence = state.attempts[attempt].fence();
    state.attempts[attempt].phase = Phase::Over { fence };
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
