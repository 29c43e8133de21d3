use redlock_core::decisions::keep;
use stateright::{Model, Property};

use super::state::{Attempt, End, KEEPER, NODES, Node, Phase, Stands, State};
use super::{AFTER, EXCLUSION, NOT_LONG, NOT_SHORT, Rule, Setting};
use crate::report::World;
use crate::setting::Small;
use crate::talk;
use crate::ticks::{Request, ticks, whole};

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An attempt asks all nodes.
    Begin(usize),
    /// A node executes an attempt's acquire and grants.
    Acquire(usize, usize),
    /// An attempt has read a majority of grants.
    Win(usize),
    /// The keeper asks for more time.
    Extend,
    /// A node executes that.
    Extended(usize),
    /// The keeper has read a majority of answers to it.
    Longer,
    /// An attempt gives up or lets go.
    End(usize),
    /// A node executes the keeper's end, or its second sending.
    Ended(usize, usize),
    /// The end is sent to a node once more.
    Again(usize),
    /// A token that nobody counts on goes from a node.
    Free(usize),
    /// A node loses its memory.
    Crash(usize),
    /// Time goes by.
    Tick,
}

impl Setting {
    /// What the keeper sends a node at `now`.
    fn end(&self, keeper: &Attempt, now: Small) -> End {
        match keep::rest(ticks(now - keeper.began), ticks(self.at_least)) {
            Some(rest) => End::Keep(whole(rest)),
            None => End::Release,
        }
    }

    fn of_node(&self, state: &State, at: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[at];
        let warm = node.restarted.is_none_or(|since| state.now - since >= self.guard);
        for attempt in 0..2 {
            if node.acquires[attempt] == Request::Sent && node.stands.is_none() && warm {
                steps.push(Step::Acquire(attempt, at));
            }
        }
        if node.extend == Request::Sent && node.is_token(KEEPER) {
            steps.push(Step::Extended(at));
        }
        let keeper = &state.attempts[KEEPER];
        for which in 0..2 {
            if matches!(node.ends[which], End::Keep(_) | End::Half(_) | End::Release) {
                steps.push(Step::Ended(at, which));
            }
        }
        if self.resends && node.ends[0] != End::Unsent && node.ends[1] == End::Unsent {
            steps.push(Step::Again(at));
        }
        if let Some(Stands { of, mark: false, .. }) = node.stands {
            let attempt = &state.attempts[of];
            let free = attempt.phase == Phase::Over && (of != KEEPER || !keeper.held);
            steps.extend(free.then_some(Step::Free(at)));
        }
        steps.extend((state.crashes > 0).then_some(Step::Crash(at)));
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let idle = Attempt { phase: Phase::Idle, began: 0, until: 0, extends: None, held: false };
        let state = State {
            nodes: [Node::default(); NODES],
            attempts: [idle; 2],
            now: 0,
            crashes: self.crashes,
            short: false,
            long: false,
        };
        // The keeper begins at the beginning.
        self.next_state(&state, Step::Begin(KEEPER)).into_iter().collect()
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for at in talk::distinct(&state.nodes) {
            self.of_node(state, at, steps);
        }
        for (index, attempt) in state.attempts.iter().enumerate() {
            match attempt.phase {
                Phase::Idle => steps.push(Step::Begin(index)),
                Phase::Asking => {
                    let granted = |node: &Node| node.acquires[index] == Request::Done;
                    if talk::is_majority(&state.nodes, granted) {
                        steps.push(Step::Win(index));
                    }
                    steps.push(Step::End(index));
                }
                Phase::Held => {
                    if self.extends && index == KEEPER && attempt.extends.is_none() {
                        steps.push(Step::Extend);
                    }
                    if index == KEEPER
                        && talk::is_majority(&state.nodes, |node| node.extend == Request::Done)
                    {
                        steps.push(Step::Longer);
                    }
                    if index != KEEPER || state.nodes.iter().all(|n| n.ends[0] == End::Unsent) {
                        steps.push(Step::End(index));
                    }
                }
                Phase::Over => {}
            }
        }
        if state.now < self.horizon {
            steps.push(Step::Tick);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let now = state.now;
        match step {
            Step::Begin(index) => {
                let attempt = &mut state.attempts[index];
                (attempt.phase, attempt.began, attempt.until) =
                    (Phase::Asking, now, now + self.ttl);
                state.nodes.iter_mut().for_each(|node| node.acquires[index] = Request::Sent);
            }
            Step::Acquire(index, at) => {
                let node = &mut state.nodes[at];
                node.stands = Some(Stands { of: index, mark: false, until: now + self.ttl });
                node.acquires[index] = Request::Done;
            }
            Step::Win(index) => {
                let attempt = &mut state.attempts[index];
                (attempt.phase, attempt.held) = (Phase::Held, true);
                let keeper = &state.attempts[KEEPER];
                let early = keeper.held && now < keeper.began + self.at_least;
                state.short |= index != KEEPER && early;
            }
            Step::Extend => {
                state.attempts[KEEPER].extends = Some(now);
                state.nodes.iter_mut().for_each(|node| node.extend = Request::Sent);
            }
            Step::Extended(at) => {
                let node = &mut state.nodes[at];
                let stands = node.stands.as_mut()?;
                let until = stands.until.max(now + self.ttl);
                state.long |= node.ended && until > stands.until;
                stands.until = until;
                node.extend = Request::Done;
            }
            Step::Longer => {
                let keeper = &mut state.attempts[KEEPER];
                keeper.until = keeper.until.max(keeper.extends? + self.ttl);
                state.nodes.iter_mut().for_each(|node| node.extend = Request::None);
            }
            Step::End(index) => {
                let held = state.attempts[index].phase == Phase::Held;
                if index == KEEPER && held {
                    let end = self.end(&state.attempts[KEEPER], now);
                    state.nodes.iter_mut().for_each(|node| node.ends[0] = end);
                }
                if self.rule != Rule::LeaseGoesOn || index != KEEPER || !held {
                    state.attempts[index].phase = Phase::Over;
                }
            }
            Step::Ended(at, which) => {
                state.long |= state.nodes[at].execute(self.rule, which, now);
            }
            Step::Again(at) => {
                state.nodes[at].ends[1] = match self.rule {
                    Rule::RetriedPlainly => End::Release,
                    _ => self.end(&state.attempts[KEEPER], now),
                };
            }
            Step::Free(at) => state.nodes[at].stands = None,
            Step::Crash(at) => {
                (state.nodes[at].stands, state.nodes[at].restarted) = (None, Some(now));
                state.crashes -= 1;
            }
            Step::Tick => {
                state.now += 1;
                for node in &mut state.nodes {
                    node.stands = node.stands.filter(|stands| state.now < stands.until);
                }
                for attempt in &mut state.attempts {
                    if attempt.phase != Phase::Idle && attempt.until <= state.now {
                        attempt.phase = Phase::Over;
                    }
                }
            }
        }
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(EXCLUSION, |_, state: &State| {
                !state.attempts.iter().all(|attempt| attempt.phase == Phase::Held)
            }),
            Property::<Self>::always(NOT_SHORT, |_, state: &State| !state.short),
            Property::<Self>::always(NOT_LONG, |_, state: &State| !state.long),
            Property::<Self>::sometimes(AFTER, |_, state: &State| {
                let kept = talk::is_majority(&state.nodes, |node| node.ended);
                state.attempts[1].phase == Phase::Held && kept
            }),
        ]
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = &[EXCLUSION, NOT_SHORT, NOT_LONG, AFTER];
}
