use redlock_core::decisions::quorum::majority;
use stateright::{Model, Property};

use super::state::{Acquire, Phase, State};
use super::{AFTER, EARLY, EXCLUSION, Rule, Setting};
use crate::report::World;
use crate::talk;

/// What may happen next; of a client, and its node of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A node says which server it is.
    Meet(usize, usize, usize),
    /// A node is asked for the lock.
    Ask(usize, usize, usize),
    /// A server executes an acquire that it was sent, and does not refuse it.
    Acquire(usize, usize, usize),
    /// A node fails a client.
    Fail(usize, usize, usize),
    /// A client has a majority of votes.
    Win(usize),
    /// A client gives up or lets go.
    End(usize),
    /// The lock of a client that ended goes from a server.
    Free(usize),
}

impl Setting {
    fn of_node(&self, state: &State, client: usize, at: usize, node: usize, steps: &mut Vec<Step>) {
        let server = &state.servers[at];
        let (entry, entries) = (server.entries[client][node], &server.entries[client]);
        let asking = state.phases[client] == Phase::Asking;
        if asking && !entry.met && entries.iter().all(|other| !other.met) {
            steps.push(Step::Meet(client, at, node));
        }
        let may_ask = entry.met || self.rule == Rule::Unmet;
        if asking && may_ask && entry.acquire == Acquire::Unsent {
            steps.push(Step::Ask(client, at, node));
        }
        let refuses = server.lock.is_some_and(|holder| holder != client);
        if entry.acquire == Acquire::Sent && !refuses {
            steps.push(Step::Acquire(client, at, node));
        }
        if entry.met && state.failures > 0 {
            steps.push(Step::Fail(client, at, node));
        }
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for at in talk::distinct(&state.servers) {
            let server = &state.servers[at];
            for (client, entries) in server.entries.iter().enumerate() {
                for node in talk::distinct(entries) {
                    self.of_node(state, client, at, node, steps);
                }
            }
            let is_over = |holder: usize| state.phases[holder] == Phase::Over;
            steps.extend(server.lock.is_some_and(is_over).then_some(Step::Free(at)));
        }
        for client in 0..2 {
            let won = state.votes(client, self.rule) >= majority(self.nodes());
            match state.phases[client] {
                Phase::Asking if won => steps.extend([Step::Win(client), Step::End(client)]),
                Phase::Asking | Phase::Held => steps.push(Step::End(client)),
                Phase::Over => {}
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Meet(client, at, node) => state.servers[at].entries[client][node].met = true,
            Step::Ask(client, at, node) => {
                state.servers[at].entries[client][node].acquire = Acquire::Sent;
            }
            Step::Acquire(client, at, node) => {
                let server = &mut state.servers[at];
                let before = server.lock.replace(client);
                server.entries[client][node].acquire =
                    if before.is_some() { Acquire::Ours } else { Acquire::Granted };
            }
            Step::Fail(client, at, node) => {
                state.servers[at].entries[client][node].met = false;
                state.failures -= 1;
            }
            Step::Win(client) => state.phases[client] = Phase::Held,
            Step::End(client) => state.phases[client] = Phase::Over,
            Step::Free(at) => state.servers[at].lock = None,
        }
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(EXCLUSION, |_, state: &State| {
                state.phases != [Phase::Held; 2]
            }),
            Property::<Self>::sometimes(EARLY, |setting, state: &State| {
                let won = state.votes(0, setting.rule) >= majority(setting.nodes());
                won && state.entries(0).any(|entry| !entry.met)
            }),
            Property::<Self>::sometimes(AFTER, |_, state: &State| {
                state.phases == [Phase::Over, Phase::Held]
            }),
        ]
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = &[EXCLUSION, EARLY, AFTER];
}
