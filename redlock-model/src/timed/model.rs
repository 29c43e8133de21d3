use stateright::{Model, Property};

use super::state::{Client, Node, Phase, State};
use super::{BESIDE, CLIENTS, EXCLUSION, EXTENDED, Kind, LONGER, RESTARTED, Setting, WRITTEN, Who};
use crate::report::World;
use crate::talk;
use crate::ticks::Request;

/// What may happen next. Nodes are counted in the order of the state's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A client asks all nodes.
    Begin(usize),
    /// A node executes a client's acquire and grants.
    Acquire(usize, usize),
    /// A client has read a majority of grants.
    Win(usize),
    /// A reader asks for more time.
    Extend(usize),
    /// A node executes that.
    Extended(usize, usize, usize),
    /// A reader has read a majority of answers to it.
    Longer(usize, usize),
    /// A client gives up or lets go.
    End(usize),
    /// What a client that is over has goes from a node.
    Free(usize, usize),
    /// A node loses its memory.
    Crash(usize),
    /// Time goes by.
    Tick,
}

impl Setting {
    fn may_begin(&self, state: &State, client: usize) -> bool {
        // Of those who are alike it does not matter which one is first.
        let alike = client > 0
            && self.clients[client] == self.clients[client - 1]
            && state.clients[client - 1].phase == Phase::Idle;
        self.clients[client].is_some() && !alike
    }

    /// How long each extension is that the client asks for.
    fn longer(&self, client: usize) -> &'static [u8] {
        self.clients[client].map_or(&[], |who| who.longer)
    }

    fn of_node(&self, state: &State, index: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[index];
        for (client, who) in self.clients.iter().enumerate() {
            let Some(who) = who else { continue };
            if node.acquires[client] == Request::Sent && node.grants(self, who, state.now) {
                steps.push(Step::Acquire(client, index));
            }
            for which in 0..LONGER {
                let sent = node.extends[client][which] == Request::Sent;
                let extends = sent && node.shares[client].is_some();
                steps.extend(extends.then_some(Step::Extended(client, index, which)));
            }
            let gone = state.clients[client].phase == Phase::Over && node.stands(client);
            steps.extend(gone.then_some(Step::Free(client, index)));
        }
        steps.extend((state.crashes > 0).then_some(Step::Crash(index)));
    }

    fn of_client(&self, state: &State, client: usize, steps: &mut Vec<Step>) {
        let majority = |is: &dyn Fn(&Node) -> bool| talk::is_majority(&state.nodes, is);
        let asked = &state.clients[client].asked;
        match state.clients[client].phase {
            Phase::Idle => {
                steps.extend(self.may_begin(state, client).then_some(Step::Begin(client)));
                return;
            }
            Phase::Over => return,
            Phase::Asking => {
                let won = majority(&|node| node.acquires[client] == Request::Done);
                steps.extend(won.then_some(Step::Win(client)));
            }
            Phase::Held => {
                let sent = asked.iter().flatten().count();
                let more = sent < self.longer(client).len();
                steps.extend(more.then_some(Step::Extend(client)));
                for which in 0..sent {
                    let done = majority(&|node| node.extends[client][which] == Request::Done);
                    steps.extend(done.then_some(Step::Longer(client, which)));
                }
            }
        }
        steps.push(Step::End(client));
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::beginning(self.crashes)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for index in talk::distinct(&state.nodes) {
            self.of_node(state, index, steps);
        }
        (0..CLIENTS).for_each(|client| self.of_client(state, client, steps));
        // Before the first client begins nothing happens that matters.
        let begun = state.clients.iter().any(|client| client.phase != Phase::Idle);
        steps.extend((begun && state.now < self.horizon).then_some(Step::Tick));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let now = state.now;
        match step {
            Step::Begin(index) => {
                let client = &mut state.clients[index];
                (client.phase, client.began) = (Phase::Asking, now);
                client.until = now + self.clients[index]?.ttl;
                state.nodes.iter_mut().for_each(|node| node.acquires[index] = Request::Sent);
            }
            Step::Acquire(client, node) => {
                let who = self.clients[client]?;
                state.nodes[node].acquire(self.rule, client, &who, now);
            }
            Step::Win(client) => {
                let client = &mut state.clients[client];
                (client.phase, client.held) = (Phase::Held, true);
            }
            Step::Extend(client) => {
                let which = state.clients[client].asked.iter().flatten().count();
                state.clients[client].asked[which] = Some(now);
                state.nodes.iter_mut().for_each(|node| node.extends[client][which] = Request::Sent);
            }
            Step::Extended(client, node, which) => {
                let until = now + self.longer(client)[which];
                state.nodes[node].extend(self.rule, client, until);
                state.nodes[node].extends[client][which] = Request::Done;
            }
            Step::Longer(index, which) => {
                let client = &mut state.clients[index];
                let until = client.asked[which]? + self.longer(index)[which];
                client.until = client.until.max(until);
                for node in &mut state.nodes {
                    let request = &mut node.extends[index][which];
                    if *request == Request::Done {
                        *request = Request::None;
                    }
                }
            }
            Step::End(client) => state.clients[client].phase = Phase::Over,
            Step::Free(client, node) => state.nodes[node].free(self.rule, client),
            Step::Crash(node) => {
                state.nodes[node].crash(now);
                state.crashes -= 1;
            }
            Step::Tick => state.tick(),
        }
        Some(state.canonical(self))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::<Self>::always(EXCLUSION, |setting: &Setting, state: &State| {
                let writers = setting.holders(state, Kind::Writer);
                writers == 0 || writers + setting.holders(state, Kind::Reader) == 1
            }),
            Property::<Self>::sometimes(BESIDE, |setting: &Setting, state: &State| {
                setting.holders(state, Kind::Reader) > 1
            }),
            Property::<Self>::sometimes(WRITTEN, |setting: &Setting, state: &State| {
                let read = |(who, client): (Who, &Client)| who.kind == Kind::Reader && client.held;
                setting.holders(state, Kind::Writer) > 0 && setting.those(state).any(read)
            }),
        ];
        if (0..CLIENTS).any(|client| !self.longer(client).is_empty()) {
            all.push(Property::<Self>::sometimes(EXTENDED, |setting: &Setting, state: &State| {
                let past = |(who, client): (Who, &Client)| {
                    client.phase == Phase::Held && client.began + who.ttl <= state.now
                };
                setting.those(state).any(past)
            }));
        }
        if self.crashes > 0 {
            all.push(Property::<Self>::sometimes(RESTARTED, |setting: &Setting, state: &State| {
                state.crashes < setting.crashes && setting.holders(state, Kind::Writer) > 0
            }));
        }
        all
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = &[EXCLUSION, BESIDE, WRITTEN, EXTENDED, RESTARTED];
}

impl Setting {
    /// Those who take part.
    fn those<'a>(&'a self, state: &'a State) -> impl Iterator<Item = (Who, &'a Client)> {
        self.clients.iter().zip(&state.clients).filter_map(|(who, client)| who.zip(Some(client)))
    }

    fn holders(&self, state: &State, kind: Kind) -> usize {
        let holds =
            |(who, client): &(Who, &Client)| who.kind == kind && client.phase == Phase::Held;
        self.those(state).filter(holds).count()
    }
}
