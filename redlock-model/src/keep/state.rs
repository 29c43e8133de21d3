//! What the world is like at one moment, and what a node makes of what comes.

use redlock_core::decisions::keep;

use super::Rule;
use crate::setting::Small;
use crate::ticks::{Request, ticks, whole};

pub(super) const NODES: usize = 3;

/// Who wants the lock kept, and everybody else.
pub(super) const KEEPER: usize = 0;

/// All of it. Nodes are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) nodes: [Node; NODES],
    pub(super) attempts: [Attempt; 2],
    pub(super) now: Small,
    pub(super) crashes: Small,
    pub(super) short: bool,
    pub(super) long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Node {
    pub(super) stands: Option<Stands>,
    pub(super) restarted: Option<Small>,
    pub(super) acquires: [Request; 2],
    pub(super) extend: Request,
    /// The end of the keeper's hold, and the same once more.
    pub(super) ends: [End; 2],
    /// An end of the keeper's was executed while its token stood.
    pub(super) ended: bool,
}

/// A token, or the mark in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stands {
    pub(super) of: usize,
    pub(super) mark: bool,
    pub(super) until: Small,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum End {
    #[default]
    Unsent,
    Keep(Small),
    /// Deleted, and not yet set.
    Half(Small),
    Release,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) phase: Phase,
    pub(super) began: Small,
    pub(super) until: Small,
    /// When it asked for an extension.
    pub(super) extends: Option<Small>,
    pub(super) held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    Asking,
    Held,
    Over,
}

impl Node {
    pub(super) fn is_token(&self, of: usize) -> bool {
        self.stands.is_some_and(|stands| stands.of == of && !stands.mark)
    }

    pub(super) fn execute(&mut self, rule: Rule, which: usize, now: Small) -> bool {
        let before = self.stands;
        let ours = self.is_token(KEEPER);
        let end = std::mem::replace(&mut self.ends[which], End::Done);
        let mark = |until, mark| Some(Stands { of: KEEPER, mark, until });
        match (end, before) {
            (End::Keep(rest), Some(stands)) if ours => {
                let left = ticks(stands.until - now);
                let stay = match rule {
                    Rule::Lengthens => ticks(rest),
                    _ => keep::stay(Some(left), ticks(rest)),
                };
                self.stands = match rule {
                    Rule::DeleteAndSet => {
                        self.ends[which] = End::Half(rest);
                        None
                    }
                    _ => mark(now + whole(stay), rule != Rule::TokenStays),
                };
                self.ended = true;
                self.stands.zip(before).is_some_and(|(after, before)| after.until > before.until)
            }
            (End::Half(rest), None) => {
                self.stands = mark(now + rest, true);
                false
            }
            (End::Release, _) if ours => {
                (self.stands, self.ended) = (None, true);
                false
            }
            _ => false,
        }
    }
}

impl State {
    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        for (index, attempt) in self.attempts.iter_mut().enumerate() {
            // Replies to who does not wait for them are read by nobody.
            for node in &mut self.nodes {
                if attempt.phase != Phase::Asking && node.acquires[index] == Request::Done {
                    node.acquires[index] = Request::None;
                }
                if index == KEEPER && attempt.phase == Phase::Over && node.extend == Request::Done {
                    node.extend = Request::None;
                }
            }
            if attempt.phase == Phase::Over {
                (attempt.until, attempt.extends) = (0, None);
                if index != KEEPER {
                    attempt.began = 0;
                }
            }
        }
        self.nodes.sort_unstable();
        self
    }
}
