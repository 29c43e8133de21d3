use redlock_core::decisions::fence::FenceRound;
use redlock_core::decisions::handover::Succession;
use redlock_core::node::Vote;
use stateright::{Model, Property};

use super::state::{CLIENTS, GIVER, Grant, Node, State};
use super::{ANEW, CLAIM, CONTINUED, MUTEX, ORDER, Rule, Setting};
use crate::report::World;
use crate::setting::{Small, next, small};
use crate::talk::{self, Desk, Mail, Phase};

/// What may happen next. Nodes are counted in the order of the state's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A client begins, with this hint, and asks all nodes.
    Begin(usize, Small),
    /// A node executes a client's acquire and grants.
    Acquire(usize, usize),
    /// A client has read the grants of the nodes in the mask, a majority.
    Decide(usize, u8),
    /// A client that waits for its fence reads a further grant and has it raised.
    Follow(usize, usize),
    /// A node executes a client's raise.
    Raise(usize, usize),
    /// A client reads that enough nodes stand at its fence.
    Confirm(usize),
    /// The giver hands over.
    HandOver,
    /// A client gives up or lets go.
    End(usize),
    /// A lock goes from a node.
    Free(usize),
}

impl Setting {
    fn is_taker(&self, client: usize) -> bool {
        (1..=self.takers).contains(&client)
    }

    /// Whether a client can begin.
    fn may_begin(&self, state: &State, client: usize) -> bool {
        let alike = client == 2 && state.clients[1].phase == Phase::Idle;
        match client {
            _ if state.clients[client].phase != Phase::Idle => false,
            // Of two takers it does not matter which one is first.
            taker if self.is_taker(taker) => state.handed && !(self.takers == 2 && alike),
            stranger => self.stranger && stranger == CLIENTS - 1,
        }
    }

    /// Whether a node would grant.
    fn grants(&self, node: &Node, client: usize) -> bool {
        match node.lock {
            None => !(self.rule == Rule::SameToken && self.is_taker(client)),
            Some(holder) => self.is_taker(client) && usize::from(holder) == GIVER,
        }
    }

    fn acquire(&self, node: &mut Node, client: usize, hint: Small) {
        let (before, swapped) = (node.counter, node.lock.is_some());
        let number = if swapped && self.rule == Rule::SameToken {
            // It is extended, and stays what it is.
            before.unwrap_or(0)
        } else {
            let clock = u64::from(hint);
            let number = next(before, hint, clock, u64::MAX);
            (node.lock, node.counter) = (Some(small(client as u64)), Some(number));
            number
        };
        node.mail[client] = Mail::Granted(Grant { number, before, swapped });
    }

    /// What a client would be told of the giver's hold.
    fn continues(&self, state: &State, client: usize, mask: u8) -> Option<bool> {
        let fence = state.giver.filter(|_| self.is_taker(client)).map(u64::from);
        let mut succession = Succession::new(state.nodes.len(), 1, fence);
        for grant in
            talk::grants_of(&state.nodes, client, mask)?.iter().filter(|grant| grant.swapped)
        {
            let before = grant.before.map(u64::from);
            let counter = if self.rule == Rule::ByToken { fence } else { before };
            let fence = Some(u64::from(grant.number));
            succession.record(&Ok(Vote::Swapped { fence, resources: 1, counter }));
        }
        Some(succession.verdict() == Some(true))
    }

    fn decide(&self, state: &mut State, client: usize, mask: u8) -> Option<()> {
        let numbers = talk::majority_of(&state.nodes, client, mask)?;
        let continued = self.continues(state, client, mask)?;
        let round = FenceRound::new(state.nodes.len(), &numbers, 0)?;
        let raise = |grant: Grant| talk::raise(&round, u64::from(grant.number));
        talk::read(&mut state.nodes, client, mask, raise);
        if round.verdict() == Some(true) {
            state.hold(client, small(round.fence()), continued);
        } else {
            state.clients[client].phase = Phase::Fencing(round, continued);
        }
        Some(())
    }

    fn may_free(&self, state: &State, node: &Node) -> bool {
        let Some(holder) = node.lock.map(usize::from) else { return false };
        let over = state.clients[holder].phase == Phase::Over;
        over || holder == GIVER && (self.early || state.handed)
    }

    fn of_node(&self, state: &State, index: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[index];
        for client in 0..CLIENTS {
            match node.mail[client] {
                Mail::Acquire if self.grants(node, client) => {
                    steps.push(Step::Acquire(client, index));
                }
                Mail::Raise(_) if node.lock.map(usize::from) == Some(client) => {
                    steps.push(Step::Raise(client, index));
                }
                Mail::Granted(_) if node.is_low(client, state.clients[client].fence()) => {
                    steps.push(Step::Follow(client, index));
                }
                _ => {}
            }
        }
        steps.extend(self.may_free(state, node).then_some(Step::Free(index)));
    }

    fn of_client(&self, state: &State, client: usize, steps: &mut Vec<Step>) {
        match &state.clients[client].phase {
            Phase::Idle => {
                if self.may_begin(state, client) {
                    steps.extend(self.hints.iter().map(|hint| Step::Begin(client, *hint)));
                }
                return;
            }
            Phase::Over => return,
            Phase::Asking => {
                let wins = |mask| talk::majority_of(&state.nodes, client, mask).is_some();
                let masks = talk::masks(&state.nodes, client, wins);
                steps.extend(masks.map(|mask| Step::Decide(client, mask)));
            }
            Phase::Fencing(..) => {
                let confirmed = talk::confirmed(&state.nodes, &state.clients, client);
                steps.extend(confirmed.map(|_| Step::Confirm(client)));
            }
            Phase::Held(_) => {
                steps.extend((client == GIVER && !state.handed).then_some(Step::HandOver));
            }
        }
        steps.push(Step::End(client));
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        self.hints.iter().map(|hint| State::beginning(self, *hint)).collect()
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
            Step::Begin(client, hint) => {
                talk::begin(&mut state.nodes, &mut state.clients, client, hint);
            }
            Step::Acquire(client, node) => {
                let hint = state.clients[client].hint;
                self.acquire(&mut state.nodes[node], client, hint);
            }
            Step::Decide(client, mask) => self.decide(&mut state, client, mask)?,
            Step::Follow(client, node) => {
                talk::follow(&mut state.nodes[node], client, state.clients[client].fence())?;
            }
            Step::Raise(client, node) => {
                let node = &mut state.nodes[node];
                let Mail::Raise(fence) = node.mail[client] else { return None };
                node.counter = node.counter.max(Some(fence));
                node.mail[client] = Mail::Raised;
            }
            Step::Confirm(client) => {
                let (fence, continued) = talk::confirmed(&state.nodes, &state.clients, client)?;
                state.hold(client, fence, continued);
            }
            Step::HandOver => {
                state.handed = true;
                if self.rule != Rule::GiverGoesOn {
                    state.clients[GIVER].phase = Phase::Over;
                }
            }
            Step::End(client) => state.clients[client].phase = Phase::Over,
            Step::Free(node) => state.nodes[node].lock = None,
        }
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(MUTEX, |_, state: &State| state.holders() < 2),
            Property::<Self>::always(ORDER, |_, state: &State| !state.disorder),
            Property::<Self>::always(CLAIM, |_, state: &State| !state.false_claim),
            Property::<Self>::sometimes(CONTINUED, |setting: &Setting, state: &State| {
                setting.took(state, true)
            }),
            Property::<Self>::sometimes(ANEW, |setting: &Setting, state: &State| {
                setting.took(state, false)
            }),
        ]
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = &[MUTEX, ORDER, CLAIM, CONTINUED, ANEW];
}

impl Setting {
    /// Whether a taker holds and was told so.
    fn took(&self, state: &State, told: bool) -> bool {
        let mut takers = state.clients[1..=self.takers].iter();
        takers.any(|taker| taker.phase == Phase::Held(told))
    }
}
