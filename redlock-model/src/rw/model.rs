use redlock_core::decisions::fence::{self, FenceRound};
use stateright::{Model, Property};

use super::state::{Hold, Node, State};
use super::{
    BESIDE, CLIENTS, DOWNGRADED, EXCLUSION, Kind, ORDER, RAISED, REAL_TIME, Rule, Setting,
};
use crate::report::World;
use crate::setting::{Small, Timing, small};
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
    /// A client that held alone shares from now on, and asks all nodes to.
    Downgrade(usize),
    /// A node executes that.
    Share(usize, usize),
    /// A node executes the second step of that, where there are two.
    Join(usize, usize),
    /// A client gives up or lets go.
    End(usize),
    /// What a client has goes from a node.
    Free(usize, usize),
    /// A node crashes.
    Crash(usize),
}

impl Setting {
    fn shares(&self, client: usize) -> bool {
        self.clients[client] == Kind::Reader
    }

    fn may_begin(&self, state: &State, client: usize) -> bool {
        // Of those of one kind it does not matter which one is first.
        let alike = client > 0
            && self.clients[client] == self.clients[client - 1]
            && state.clients[client - 1].phase == Phase::Idle;
        self.clients[client] != Kind::Nobody && !alike
    }

    /// Whether a node would grant.
    fn grants(&self, node: &Node, client: usize) -> bool {
        let shares = self.shares(client);
        let guarded = match self.rule {
            Rule::Unguarded => false,
            Rule::SharesUnguarded => !shares,
            _ => true,
        };
        let free = shares || node.shares == 0 || self.rule == Rule::OverShares;
        node.whole.is_none() && free && !(guarded && node.forgot != 0)
    }

    fn acquire(&self, node: &mut Node, client: usize, hint: Small) {
        let (counter, hint) = (node.counter.map(u64::from), u64::from(hint));
        let number = match self.shares(client) {
            true if self.rule == Rule::SameNumber => counter.unwrap_or(hint.max(1)),
            true => fence::next_shared(counter, hint, hint, u64::MAX),
            false => fence::next(counter, hint, hint, u64::MAX),
        };
        node.counter = Some(small(number));
        if self.shares(client) {
            node.shares |= 1 << client;
        } else {
            node.whole = Some(small(client as u64));
        }
        node.mail[client] = Mail::Granted(small(number));
    }

    /// Whether a client has anything on a node.
    fn stands(node: &Node, client: usize) -> bool {
        node.whole == Some(client as Small) || node.shares >> client & 1 == 1
    }

    fn share(&self, node: &mut Node, client: usize) {
        node.sharing &= !(1 << client);
        if node.whole != Some(client as Small) {
            return;
        }
        node.whole = None;
        if self.rule == Rule::TwoSteps {
            node.joining |= 1 << client;
        } else {
            node.shares |= 1 << client;
        }
    }

    fn free(&self, node: &mut Node, client: usize) {
        node.whole.take_if(|whole| *whole == client as Small);
        let all = self.rule == Rule::ReleaseDels && node.shares >> client & 1 == 1;
        node.shares &= if all { 0 } else { !(1 << client) };
    }

    fn decide(&self, state: &mut State, client: usize, mask: u8) -> Option<()> {
        let numbers = talk::majority_of(&state.nodes, client, mask)?;
        let round = FenceRound::new(state.nodes.len(), &numbers, 0)?;
        let shared = self.shares(client);
        let spared = shared && self.rule == Rule::NoSecondRound;
        let raise = |number| talk::raise(&round, u64::from(number)).filter(|_| !spared);
        talk::read(&mut state.nodes, client, mask, raise);
        let raised = !spared && round.verdict() != Some(true);
        let hold = Hold { shared, raised, downgraded: false };
        if raised {
            state.clients[client].phase = Phase::Fencing(round, hold);
        } else {
            state.hold(client, small(round.fence()), hold);
        }
        Some(())
    }

    /// Whether what a client has on a node may go.
    fn may_go(&self, state: &State, client: usize) -> bool {
        state.clients[client].phase == Phase::Over || self.timing == Timing::Broken
    }

    fn of_node(&self, state: &State, index: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[index];
        for client in 0..CLIENTS {
            match node.mail[client] {
                Mail::Acquire if self.grants(node, client) => {
                    steps.push(Step::Acquire(client, index));
                }
                Mail::Raise(_) if Self::stands(node, client) => {
                    steps.push(Step::Raise(client, index));
                }
                Mail::Granted(_) if node.is_low(client, state.clients[client].fence()) => {
                    steps.push(Step::Follow(client, index));
                }
                _ => {}
            }
            let asks = |mask: u8| mask >> client & 1 == 1;
            // Where it has nothing whole the request changes nothing.
            let whole = node.whole == Some(client as Small);
            steps.extend((asks(node.sharing) && whole).then_some(Step::Share(client, index)));
            let free = node.whole.is_none();
            steps.extend((asks(node.joining) && free).then_some(Step::Join(client, index)));
            let gone = Self::stands(node, client) && self.may_go(state, client);
            steps.extend(gone.then_some(Step::Free(client, index)));
        }
        steps.extend((state.crashes > 0).then_some(Step::Crash(index)));
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
            Phase::Held(hold) => {
                let may = !hold.shared && self.clients[client] == Kind::Downgrader;
                steps.extend(may.then_some(Step::Downgrade(client)));
            }
        }
        steps.push(Step::End(client));
    }

    fn crash(&self, state: &mut State, index: usize) {
        state.crashes -= 1;
        // Its clock is past whatever it forgot.
        let counter = state.nodes.iter().filter_map(|node| node.counter).max();
        let node = &mut state.nodes[index];
        let whole = node.whole.map_or(0, |client| 1 << client);
        node.forgot |= whole | node.shares;
        (node.whole, node.shares, node.counter) = (None, 0, counter);
    }
}

impl Model for Setting {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        State::beginnings(self)
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
                state.floors[client] = state.before(self.shares(client));
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
                let (fence, hold) = talk::confirmed(&state.nodes, &state.clients, client)?;
                state.hold(client, fence, hold);
            }
            Step::Downgrade(client) => {
                let Phase::Held(hold) = &mut state.clients[client].phase else { return None };
                (hold.shared, hold.downgraded) = (true, true);
                state.nodes.iter_mut().for_each(|node| node.sharing |= 1 << client);
            }
            Step::Share(client, node) => self.share(&mut state.nodes[node], client),
            Step::Join(client, node) => {
                let node = &mut state.nodes[node];
                node.joining &= !(1 << client);
                node.shares |= 1 << client;
            }
            Step::End(client) => state.clients[client].phase = Phase::Over,
            Step::Free(client, node) => self.free(&mut state.nodes[node], client),
            Step::Crash(node) => self.crash(&mut state, node),
        }
        Some(state.canonical(self.timing))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(EXCLUSION, |_, state: &State| {
                state.holds().all(|hold| hold.shared) || state.holds().count() == 1
            }),
            Property::<Self>::always(ORDER, |_, state: &State| !state.disorder),
            Property::<Self>::always(REAL_TIME, |_, state: &State| !state.not_above),
            Property::<Self>::sometimes(BESIDE, |_, state: &State| {
                state.holds().filter(|hold| hold.shared).count() > 1
            }),
            Property::<Self>::sometimes(RAISED, |_, state: &State| {
                state.holds().any(|hold| hold.shared && hold.raised && !hold.downgraded)
            }),
            Property::<Self>::sometimes(DOWNGRADED, |_, state: &State| {
                state.holds().any(|hold| hold.downgraded) && state.holds().count() > 1
            }),
        ]
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] =
        &[EXCLUSION, ORDER, REAL_TIME, BESIDE, RAISED, DOWNGRADED];
}
