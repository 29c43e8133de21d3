//! Whether locks can be had now.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::fence;
use crate::decide::node_set::NodeSetFingerprint;
use crate::decide::quorum::majority;
use crate::node::{Identity, NodeError};

/// Whether locks can be had now, for [`Redlock::probe`](crate::Redlock::probe).
///
/// `Display` is one line for people, with the names of nodes that give no locks and what they said. No secret is in it;
/// [`summary`](Self::summary) names no node either.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// What became of each node, in the set's order.
    pub nodes: Vec<NodeProbe>,
    /// Which servers they are; `None` as long as one of them has not said who it is.
    pub node_set: Option<NodeSetFingerprint>,
}

/// What became of one node in a [`Probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeProbe {
    /// The node's name.
    pub name: Arc<str>,
    /// What it answered; or why it did not, or must not be asked for locks.
    pub outcome: Result<Standing, NodeError>,
    /// How long that took.
    pub round_trip: Duration,
}

/// How a node that answers stands to locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It gives them.
    Granting,
    /// It restarted a short while ago, and the [restart guard](crate::RedlockBuilder::restart_guard) keeps it out of votes.
    Warming {
        /// For so much longer, to the second.
        remaining: Duration,
    },
}

impl Standing {
    /// Of the server that says this of itself. One that does not tell since when it runs is taken to grant.
    pub(crate) fn of(identity: &Identity, guard: Option<Duration>) -> Self {
        let warming = guard.zip(identity.uptime).and_then(|(guard, up)| fence::warming(up, guard));
        warming.map_or(Self::Granting, |remaining| Self::Warming { remaining })
    }
}

impl Probe {
    /// How many nodes answer, and may be lock nodes.
    pub fn answering(&self) -> usize {
        self.nodes.iter().filter(|node| node.outcome.is_ok()).count()
    }

    /// How many of them give locks.
    pub fn granting(&self) -> usize {
        self.nodes.iter().filter(|node| node.outcome == Ok(Standing::Granting)).count()
    }

    /// How many have to for a lock to be had: the majority.
    pub fn needed(&self) -> usize {
        majority(self.nodes.len())
    }

    /// Whether a majority of nodes gives locks.
    pub fn is_ready(&self) -> bool {
        self.granting() >= self.needed()
    }

    /// How long the majority that answered first took, of the nodes that give locks: what a lock's round takes about. `None`
    /// where there is none.
    pub fn round_trip(&self) -> Option<Duration> {
        let granting = self.nodes.iter().filter(|node| node.outcome == Ok(Standing::Granting));
        let mut took: Vec<Duration> = granting.map(|node| node.round_trip).collect();
        took.sort_unstable();
        took.get(self.needed() - 1).copied()
    }

    /// The numbers in one line, such as `2 of 3 nodes answer, 1 of them gives locks, and 2 are needed`: for whoever asks from
    /// elsewhere.
    pub fn summary(&self) -> String {
        let (nodes, answering, granting) = (self.nodes.len(), self.answering(), self.granting());
        let nodes = format!("{nodes} node{}", if nodes == 1 { "" } else { "s" });
        let answer = if answering == 1 { "answers" } else { "answer" };
        let needed = self.needed();
        let need = if needed == 1 { "is" } else { "are" };
        match granting {
            _ if answering == granting => {
                format!("{answering} of {nodes} {answer}, and {needed} {need} needed")
            }
            0 => format!(
                "{answering} of {nodes} {answer}, none of them gives locks, and {needed} {need} needed"
            ),
            1 => format!(
                "{answering} of {nodes} {answer}, 1 of them gives locks, and {needed} {need} needed"
            ),
            _ => format!(
                "{answering} of {nodes} {answer}, {granting} of them give locks, and {needed} {need} needed"
            ),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ready() { "ready: " } else { "not ready: " })?;
        f.write_str(&self.summary())?;
        if let Some(round_trip) = self.round_trip() {
            write!(f, "; a majority after {round_trip:.1?}")?;
        }
        for node in &self.nodes {
            match &node.outcome {
                Ok(Standing::Granting) => {}
                Ok(Standing::Warming { remaining }) => {
                    write!(f, "; {} gives no locks for {remaining:.1?} more", node.name)?;
                }
                Err(error) => write!(f, "; {} {error}", node.name)?,
            }
        }
        if let Some(node_set) = &self.node_set {
            write!(f, "; node set {node_set}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Fault;

    type Said = Result<Standing, Fault>;

    const GRANTING: Said = Ok(Standing::Granting);
    const WARMING: Said = Ok(Standing::Warming { remaining: Duration::from_secs(12) });

    fn probe(outcomes: &[Said]) -> Probe {
        let node = |(index, outcome): (usize, &Said)| NodeProbe {
            name: format!("n{index}").into(),
            outcome: outcome.map_err(NodeError::from),
            round_trip: Duration::from_micros(100 * (outcomes.len() - index) as u64),
        };
        Probe { nodes: outcomes.iter().enumerate().map(node).collect(), node_set: None }
    }

    #[test]
    fn it_is_ready_where_a_majority_gives_locks_and_says_who_does_not() {
        let down = Err(Fault::Refused);
        let cases: [(&[Said], bool, &str); 7] = [
            (
                &[GRANTING; 3],
                true,
                "ready: 3 of 3 nodes answer, and 2 are needed; a majority after 200.0µs",
            ),
            (
                &[GRANTING, down, GRANTING],
                true,
                "ready: 2 of 3 nodes answer, and 2 are needed; a majority after 300.0µs; n1 no connection",
            ),
            (
                &[GRANTING, down, WARMING],
                false,
                "not ready: 2 of 3 nodes answer, 1 of them gives locks, and 2 are needed; n1 no connection; n2 gives no \
                 locks for 12.0s more",
            ),
            (
                &[GRANTING, GRANTING, WARMING],
                true,
                "ready: 3 of 3 nodes answer, 2 of them give locks, and 2 are needed; a majority after 300.0µs; n2 gives no \
                 locks for 12.0s more",
            ),
            (
                &[GRANTING, down, down],
                false,
                "not ready: 1 of 3 nodes answers, and 2 are needed; n1 no connection; n2 no connection",
            ),
            (
                &[WARMING],
                false,
                "not ready: 1 of 1 node answers, none of them gives locks, and 1 is needed; n0 gives no locks for 12.0s more",
            ),
            // Half of them is no majority.
            (
                &[GRANTING, down],
                false,
                "not ready: 1 of 2 nodes answers, and 2 are needed; n1 no connection",
            ),
        ];
        for (outcomes, ready, said) in cases {
            let probe = probe(outcomes);
            assert_eq!((probe.is_ready(), probe.to_string()), (ready, said.to_owned()));
            assert!(!probe.summary().contains("n0") && !probe.summary().contains("n1"));
        }
        let known = Probe { node_set: Some(NodeSetFingerprint::of(["a"])), ..probe(&[GRANTING]) };
        let print = NodeSetFingerprint::of(["a"]);
        assert!(known.to_string().ends_with(&format!("; node set {print}")));
    }

    #[test]
    fn a_server_warms_up_by_its_uptime_under_the_guard_alone() {
        let up = |uptime: Option<u64>| Identity {
            uptime: uptime.map(Duration::from_secs),
            ..Identity::unknown()
        };
        let guard = Some(Duration::from_secs(60));
        let remaining = Duration::from_secs(50);
        assert_eq!(Standing::of(&up(Some(10)), guard), Standing::Warming { remaining });
        assert_eq!(Standing::of(&up(Some(60)), guard), Standing::Granting);
        assert_eq!(Standing::of(&up(Some(10)), None), Standing::Granting);
        assert_eq!(Standing::of(&up(None), guard), Standing::Granting);
    }
}
