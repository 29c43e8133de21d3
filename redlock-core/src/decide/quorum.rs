//! Pure: votes in, a verdict out as soon as no further vote can change it.
//!
//! Nothing here reads a clock or awaits. The verdict depends on what each node answered and not on the
//! order in which the answers came.

pub use crate::error::Tally;
use crate::node::{Expiry, FaultClass, NodeError, Vote};

use std::time::Duration;

/// Smallest number of nodes that is more than half of `nodes`: ⌊n/2⌋ + 1.
///
/// Two majorities share a node, which is all that mutual exclusion rests on; so it cannot be configured.
pub const fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

/// What one node's answer to acquire counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ballot {
    /// The node granted.
    Granted,
    /// A healthy node refused: another token stands there.
    Refused,
    /// No vote: unknown outcome, unreachable, or warming up.
    Failed,
    /// No vote, and none to come before somebody changes the set-up. So counts a node that held the attempt's
    /// fresh token before it was asked: another node of the set is the same server.
    Misconfigured,
}

impl Ballot {
    /// Counts an answer.
    pub fn of(answer: &Result<Vote, NodeError>) -> Self {
        match answer {
            Ok(Vote::Granted { .. } | Vote::Swapped { .. }) => Self::Granted,
            Ok(Vote::AlreadyOurs) => mutant!(TwinCounts, Self::Granted, Self::Misconfigured),
            Ok(Vote::Held { .. } | Vote::Shared { .. }) => Self::Refused,
            Ok(Vote::Warming { .. }) => Self::Failed,
            Err(error) if error.class() == FaultClass::Misconfigured => Self::Misconfigured,
            Err(_) => mutant!(TimeoutIsYes, Self::Granted, Self::Failed),
        }
    }
}

/// How a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A majority granted.
    Won,
    /// Refusing nodes, or these and failed ones together, rule a majority out.
    Contended,
    /// Failed nodes alone rule a majority out.
    Unreachable,
    /// Misconfigured nodes alone rule a majority out.
    Misconfigured,
}

/// One round of acquiring: a ballot per node.
#[derive(Debug, Clone)]
pub struct Round {
    nodes: usize,
    granted: usize,
    refused: usize,
    failed: usize,
    misconfigured: usize,
}

impl Round {
    /// A round over `nodes` nodes, none of which has answered.
    pub fn new(nodes: usize) -> Self {
        Self { nodes, granted: 0, refused: 0, failed: 0, misconfigured: 0 }
    }

    /// Counts one node's ballot. Each node votes once.
    pub fn record(&mut self, ballot: Ballot) {
        match ballot {
            Ballot::Granted => self.granted += 1,
            Ballot::Refused => self.refused += 1,
            Ballot::Failed => self.failed += 1,
            Ballot::Misconfigured => self.misconfigured += 1,
        }
    }

    /// The verdict, once no further ballot can change it.
    pub fn verdict(&self) -> Option<Verdict> {
        let majority = majority(self.nodes) - usize::from(mutant!(QuorumHalf));
        // So many nodes without a grant rule a majority out.
        let veto = self.nodes - majority + 1;
        let pending = self.pending();
        if self.granted >= majority {
            return Some(Verdict::Won);
        }
        if self.granted + pending >= majority {
            return None;
        }
        let failed = self.failed + self.misconfigured;
        if self.misconfigured >= veto {
            Some(Verdict::Misconfigured)
        } else if self.misconfigured + pending >= veto {
            None
        } else if failed >= veto {
            Some(Verdict::Unreachable)
        } else if failed + pending >= veto {
            None
        } else {
            Some(Verdict::Contended)
        }
    }

    /// The count so far.
    pub fn tally(&self) -> Tally {
        Tally {
            granted: self.granted,
            refused: self.refused,
            unknown: self.failed + self.pending(),
            misconfigured: self.misconfigured,
        }
    }

    fn pending(&self) -> usize {
        self.nodes.saturating_sub(self.granted + self.refused + self.failed + self.misconfigured)
    }
}

/// What a round of yes-or-no answers comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A majority said yes.
    Yes,
    /// So many said no that a majority of yes is impossible.
    No,
    /// Failed nodes leave it open.
    Open,
}

/// A round of extending ("is it still ours?") or releasing ("was it ours?").
#[derive(Debug, Clone)]
pub struct Survey {
    nodes: usize,
    yes: usize,
    no: usize,
    failed: usize,
}

impl Survey {
    /// A survey of `nodes` nodes.
    pub fn new(nodes: usize) -> Self {
        Self { nodes, yes: 0, no: 0, failed: 0 }
    }

    /// Counts a node's answer; `None` for a node that failed.
    pub fn record(&mut self, answer: Option<bool>) {
        match answer {
            Some(true) => self.yes += 1,
            Some(false) => self.no += 1,
            None => self.failed += 1,
        }
    }

    /// Whether a majority answered at all.
    pub fn is_answered(&self) -> bool {
        self.yes + self.no >= majority(self.nodes)
    }

    /// The answer, once no further one can change it.
    pub fn answer(&self) -> Option<Answer> {
        let majority = majority(self.nodes);
        let veto = self.nodes - majority + 1;
        let pending = self.nodes.saturating_sub(self.yes + self.no + self.failed);
        if self.yes >= mutant!(ExtendIgnoresQuorum, 1, majority) {
            Some(Answer::Yes)
        } else if self.no >= veto {
            Some(mutant!(TheftUnnoticed, Answer::Open, Answer::No))
        } else if self.yes + pending >= majority || self.no + pending >= veto {
            None
        } else {
            Some(Answer::Open)
        }
    }
}

/// When a majority of the nodes may be free: the majority-th smallest of the nodes' remaining times.
///
/// A node that granted is free now; one that failed, or holds a resource without expiry, never is.
pub fn retry_after<'a>(
    nodes: usize,
    answers: impl Iterator<Item = &'a Result<Vote, NodeError>>,
) -> Option<Duration> {
    let mut free_in: Vec<Duration> = answers
        .filter_map(|answer| match answer {
            Ok(Vote::Granted { .. } | Vote::Swapped { .. } | Vote::AlreadyOurs) => {
                Some(Duration::ZERO)
            }
            Ok(
                Vote::Held { expiry: Expiry::In(left), .. }
                | Vote::Shared { expiry: Expiry::In(left), .. },
            ) => Some(*left),
            Ok(Vote::Warming { remaining, .. }) => Some(*remaining),
            _ => None,
        })
        .collect();
    free_in.sort_unstable();
    free_in.get(majority(nodes) - 1).copied()
}

#[cfg(test)]
#[path = "quorum_tests.rs"]
mod tests;
