use redlock_core::decisions::quorum::majority;
use stateright::{Model, Property};

use super::parts::{Command, Said};
use super::state::{CLIENTS, LOCK, Node, Phase, State, Vote};
use super::{AFTER, AGAIN, EXCLUSION, NOTHING_LEFT, ORDER, Rule, Setting};
use crate::report::World;
use crate::setting::Small;
use crate::talk;

/// What may happen next; of a client or a process, at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A client asks all nodes.
    Begin(usize),
    /// A process hands over what waits for a node, which does it, but for this part.
    HandOver(usize, usize, Option<usize>),
    /// A process hears what a node said to its oldest message.
    Hear(usize, usize),
    /// The time limit of a client's acquire passes.
    Leave(usize, usize),
    /// The driver releases again what it does not know of.
    Retry(usize, usize),
    /// A client has a majority of votes.
    Win(usize),
    /// A client leaves its attempt, or lets go.
    End(usize),
}

impl Setting {
    fn of_node(&self, state: &State, at: usize, steps: &mut Vec<Step>) {
        let node = &state.nodes[at];
        for (process, link) in node.links.iter().enumerate() {
            if !link.waiting.is_empty() {
                steps.push(Step::HandOver(at, process, None));
                let together = link.together(self.rule).filter(|_| state.refusals > 0);
                steps.extend(together.map(|part| Step::HandOver(at, process, Some(part))));
            }
            if !link.said.is_empty() {
                steps.push(Step::Hear(at, process));
            }
        }
        for client in 0..CLIENTS {
            if state.limits > 0 && node.votes[client] == Vote::Awaited {
                steps.push(Step::Leave(at, client));
            }
            if state.phases[client] == Phase::Over && node.is_tried_again(client) {
                steps.push(Step::Retry(at, client));
            }
        }
    }

    /// A node does what a process hands over, but for a part that is refused.
    fn hand_over(&self, state: &mut State, at: usize, process: usize, refused: Option<usize>) {
        let node = &mut state.nodes[at];
        let mut said = Vec::new();
        let parts = node.links[process].hand_over(self.rule);
        for (place, part) in parts.into_iter().enumerate() {
            if refused == Some(place) {
                said.push(Said::Refused(part));
                continue;
            }
            let mut done: Vec<_> = part
                .into_iter()
                .map(|command| {
                    let client = usize::from(command.client);
                    state.behind |= !command.releases && node.released[client];
                    (command, node.act(command))
                })
                .collect();
            if self.rule == Rule::Shifted {
                let mut answers: Vec<_> = done.iter().map(|(_, answer)| *answer).collect();
                answers.rotate_right(1);
                done.iter_mut().zip(answers).for_each(|((_, answer), other)| *answer = other);
            }
            said.push(Said::Done(done));
        }
        node.links[process].said.push(said);
    }

    fn hear(&self, state: &mut State, at: usize, process: usize) {
        let node = &mut state.nodes[at];
        let said = node.links[process].said.remove(0);
        let asked = node.votes.map(|vote| vote == Vote::Awaited);
        let mut again = Vec::new();
        for said in said {
            match said {
                Said::Done(done) => {
                    done.into_iter().for_each(|(command, answer)| node.hear(command, answer));
                }
                Said::Refused(refused) => {
                    for command in refused {
                        if node.goes_again(command, self.rule) {
                            again.push(Command { again: true, ..command });
                        } else if !command.releases {
                            node.hear(command, false);
                        }
                    }
                }
            }
        }
        let waiting = &mut node.links[process].waiting;
        waiting.splice(..0, again);
        for client in (0..CLIENTS).filter(|client| state.phases[*client] == Phase::Over) {
            node.undo(client, asked[client]);
        }
    }
}

impl Node {
    /// Whether the command took or freed anything.
    fn act(&mut self, command: Command) -> bool {
        let client = usize::from(command.client);
        let lock = &mut self.locks[LOCK[client]];
        if command.releases {
            self.released[client] = true;
            return lock.take_if(|holder| *holder == command.client).is_some();
        }
        let free = lock.is_none();
        *lock = lock.or(Some(command.client));
        free
    }

    fn hear(&mut self, command: Command, answer: bool) {
        let client = usize::from(command.client);
        if command.releases {
            self.freed[client] |= answer;
        } else if self.votes[client] == Vote::Awaited {
            self.votes[client] = if answer { Vote::Granted } else { Vote::Refused };
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
        for at in talk::distinct(&state.nodes) {
            self.of_node(state, at, steps);
        }
        for client in 0..CLIENTS {
            match state.phases[client] {
                Phase::Idle => steps.push(Step::Begin(client)),
                Phase::Asking => {
                    if state.granted(client) >= majority(self.nodes) {
                        steps.push(Step::Win(client));
                    }
                    steps.push(Step::End(client));
                }
                Phase::Held => steps.push(Step::End(client)),
                Phase::Over => {}
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Begin(client) => {
                state.phases[client] = Phase::Asking;
                state.send(client, false);
            }
            Step::HandOver(at, process, refused) => {
                state.refusals -= Small::from(refused.is_some());
                self.hand_over(&mut state, at, process, refused);
            }
            Step::Hear(at, process) => self.hear(&mut state, at, process),
            Step::Leave(at, client) => {
                state.nodes[at].votes[client] = Vote::Left;
                state.limits -= 1;
            }
            Step::Retry(at, client) => state.nodes[at].send(Command::new(client, true)),
            Step::Win(client) => state.phases[client] = Phase::Held,
            Step::End(client) => {
                state.phases[client] = Phase::Over;
                state.send(client, true);
            }
        }
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::<Self>::always(EXCLUSION, |_, state: &State| state.excludes()),
            Property::<Self>::always(ORDER, |_, state: &State| !state.behind),
            Property::<Self>::always(NOTHING_LEFT, |_, state: &State| {
                let free = |node: &Node| node.locks == [None; 2];
                !state.is_quiet() || state.nodes.iter().all(free)
            }),
            Property::<Self>::sometimes(AGAIN, |_, state: &State| {
                let granted = |(command, answer): &(Command, bool)| {
                    command.again && !command.releases && *answer
                };
                let mut said = state.nodes.iter().flat_map(|node| &node.links[0].said).flatten();
                said.any(|said| matches!(said, Said::Done(done) if done.iter().any(granted)))
            }),
        ];
        if self.stranger {
            properties.push(Property::<Self>::sometimes(AFTER, |_, state: &State| {
                state.phases[0] == Phase::Over && state.phases[2] == Phase::Held
            }));
        }
        properties
    }
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] = &[EXCLUSION, ORDER, NOTHING_LEFT, AGAIN, AFTER];
}
