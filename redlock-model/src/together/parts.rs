//! What travels.

use super::Rule;
use crate::setting::Small;

/// An acquire or a release of a client's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Command {
    pub(super) client: Small,
    pub(super) releases: bool,
    /// It was refused together with others.
    pub(super) again: bool,
}

impl Command {
    pub(super) fn new(client: usize, releases: bool) -> Self {
        Self { client: client as Small, releases, again: false }
    }

    pub(super) fn is_of(self, client: usize) -> bool {
        usize::from(self.client) == client
    }
}

/// What is done at once, and refused or not as a whole.
pub(super) type Part = Vec<Command>;

/// What a node said to each of several commands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Said {
    /// To each whether it took or freed anything.
    Done(Vec<(Command, bool)>),
    Refused(Vec<Command>),
}

/// A process's connection to a node: what waits to be handed over, and what the node said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Link {
    pub(super) waiting: Vec<Command>,
    pub(super) said: Vec<Vec<Said>>,
    /// A bit for each client whose release was handed over.
    pub(super) released: u8,
}

impl Link {
    /// What is handed over as one message.
    pub(super) fn hand_over(&mut self, rule: Rule) -> Vec<Part> {
        let waiting = std::mem::take(&mut self.waiting);
        for command in waiting.iter().filter(|command| command.releases) {
            self.released |= 1 << command.client;
        }
        part(waiting, rule)
    }

    /// Which parts of what waits can be refused: those of several commands.
    pub(super) fn together(&self, rule: Rule) -> impl Iterator<Item = usize> {
        let parts = part(self.waiting.clone(), rule).into_iter().enumerate();
        parts.filter(|(_, part)| part.len() > 1).map(|(place, _)| place)
    }

    /// Whether a command is under way, or its answer.
    pub(super) fn has(&self, wanted: impl Fn(&Command) -> bool) -> bool {
        let mut said = self.said.iter().flatten();
        self.waiting.iter().any(&wanted)
            || said.any(|said| match said {
                Said::Done(done) => done.iter().any(|(command, _)| wanted(command)),
                Said::Refused(refused) => refused.iter().any(&wanted),
            })
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && self.said.is_empty()
    }
}

/// Releases first, acquires then, then the rest: what goes before others is of another lock.
fn part(waiting: Vec<Command>, rule: Rule) -> Vec<Part> {
    let (mut releases, mut acquires, mut rest) = (Part::new(), Part::new(), Part::new());
    for command in waiting {
        let passes = |others: &Part| others.iter().all(|other| other.client != command.client);
        let blind = command.releases && rule == Rule::PassesOwn;
        let is_together = !command.again && (blind || passes(&rest));
        if is_together && command.releases && (blind || passes(&acquires)) {
            releases.push(command);
        } else if is_together && !command.releases {
            acquires.push(command);
        } else {
            rest.push(command);
        }
    }
    let together = [releases, acquires].into_iter().filter(|part| !part.is_empty());
    together.chain(rest.into_iter().map(|command| vec![command])).collect()
}
