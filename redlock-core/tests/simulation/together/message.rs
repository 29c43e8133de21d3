//! What travels as one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use redlock_core::node::{Claim, Fault, NodeError, Removal, Terms, Vote};
use redlock_core::{InMemoryNode, LockKey};
use tokio::sync::oneshot;

use super::Flaw;

/// To a caller, from a node.
pub(super) type Answer<T> = oneshot::Sender<Result<T, NodeError>>;

/// Gives a caller the answer, or what became of the connection instead.
pub(super) type Tell = Box<dyn FnOnce(Option<Fault>) + Send>;

pub(super) fn tell<T: Send + 'static>(answer: Answer<T>, said: Result<T, NodeError>) -> Tell {
    Box::new(move |lost| {
        // The caller may be gone.
        let _ = answer.send(lost.map_or(said, |fault| Err(fault.into())));
    })
}

/// Whatever is not sent together; of no node where it does not arrive.
/// Of no node where it does not arrive.
pub(super) type Alone = Box<dyn FnOnce(Option<Arc<InMemoryNode>>) -> Asking + Send>;

pub(super) type Asking = Pin<Box<dyn Future<Output = Tell> + Send>>;

pub(super) struct Command {
    pub(super) what: What,
    /// The resources that it touches, or nobody knows which.
    pub(super) key: Option<LockKey>,
    /// It was refused together with others.
    pub(super) again: bool,
    /// Its place among what was sent over the connection.
    pub(super) place: u64,
}

pub(super) enum What {
    /// The plain acquire of one resource.
    Acquire(Claim, Terms, Answer<Vote>),
    /// The release of one resource, and whether it is told.
    Release(Claim, bool, Answer<Removal>),
    Alone(Alone),
}

impl Command {
    /// Whether anybody waits for its answer.
    pub(super) fn is_awaited(&self) -> bool {
        match &self.what {
            What::Acquire(_, _, answer) => !answer.is_closed(),
            What::Release(_, _, answer) => !answer.is_closed(),
            What::Alone(_) => true,
        }
    }

    /// What gives the caller another answer than a node's.
    pub(super) async fn undone(self) -> Tell {
        match self.what {
            What::Acquire(_, _, answer) => tell(answer, Err(Fault::Refused.into())),
            What::Release(_, _, answer) => tell(answer, Err(Fault::Refused.into())),
            What::Alone(ask) => ask(None).await,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let (Some(these), Some(those)) = (&self.key, &other.key) else { return true };
        these.resources().any(|this| those.resources().any(|that| this == that))
    }

    fn is_told(&self) -> bool {
        matches!(self.what, What::Release(_, true, _))
    }
}

/// Commands that are done in their order, one after another.
pub(super) enum Part {
    /// At once, and refused or not as a whole.
    Together(Vec<Command>),
    Single(Command),
}

impl Part {
    pub(super) fn commands(&mut self) -> &mut [Command] {
        match self {
            Self::Together(commands) => commands,
            Self::Single(command) => std::slice::from_mut(command),
        }
    }

    pub(super) fn into_commands(self) -> Vec<Command> {
        match self {
            Self::Together(commands) => commands,
            Self::Single(command) => vec![command],
        }
    }
}

/// Releases first, acquires then, and the rest: whatever goes before others touches none of their keys.
pub(super) fn part(queue: Vec<Command>, apart: bool, flaw: Flaw) -> Vec<Part> {
    let (mut releases, mut acquires) = (Vec::<Command>::new(), Vec::<Command>::new());
    let mut rest = Vec::<Command>::new();
    for command in queue {
        let passes = |others: &[Command]| others.iter().all(|other| !other.meets(&command));
        let alone = command.again || apart;
        match &command.what {
            What::Release(..) if !alone => {
                let alike =
                    releases.first().is_none_or(|first| first.is_told() == command.is_told());
                let blind = flaw == Flaw::ReleasePassesItsAcquire;
                if alike && (blind || passes(&acquires) && passes(&rest)) {
                    releases.push(command);
                } else {
                    rest.push(command);
                }
            }
            What::Acquire(..) if !alone && passes(&rest) => acquires.push(command),
            _ => rest.push(command),
        }
    }
    let together = [releases, acquires].into_iter().flat_map(|mut group| {
        let single = if group.len() == 1 { group.pop() } else { None };
        let several = (group.len() > 1).then_some(Part::Together(group));
        single.map(Part::Single).into_iter().chain(several)
    });
    let together: Vec<_> = together.collect();
    together.into_iter().chain(rest.into_iter().map(Part::Single)).collect()
}
