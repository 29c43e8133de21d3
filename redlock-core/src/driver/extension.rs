use std::sync::Arc;
use std::time::Duration;

use super::Traced;
use super::fan_out::{Background, FanOut};
use super::members::NodeSet;
use super::sweep::adopt;
use crate::error::{NodeOutcome, NodeReport};
use crate::lease::Moment;
use crate::node::{Expiry, Extension, NodeError, Terms};
use crate::quorum::{Answer, Survey};

/// What a round of extending came to.
pub(crate) struct Extended {
    pub(crate) answer: Answer,
    /// Read before the first request was made: the new deadline counts from here.
    pub(crate) t1: Moment,
    pub(crate) nodes: Vec<NodeReport>,
    rest: Rest,
}

/// What is still to be done after the answer is certain.
struct Rest {
    fan: FanOut<Result<Extension, NodeError>>,
    gone: Vec<usize>,
}

/// Asks all nodes to extend a claim. Cancel safe: what was sent is driven to completion.
pub(crate) async fn extend(
    set: &Arc<NodeSet>,
    background: &Background,
    traced: &Traced,
    ttl: Duration,
    node_timeout: Duration,
) -> Extended {
    traced.trace.asked_for(ttl);
    let t1 = set.clock.now();
    let mut fan = FanOut::new(background, set.len());
    for (index, member) in set.members.iter().enumerate() {
        fan.push(
            index,
            Arc::clone(&member.node).extend(traced.claim.clone(), Terms::new(ttl), node_timeout),
        );
    }
    let mut survey = Survey::new(set.len());
    let mut gone = Vec::new();
    let mut nodes = set.reports();
    let answer = loop {
        if let Some(answer) = survey.answer() {
            break answer;
        }
        let Some((index, result)) = fan.next().await else { break Answer::Open };
        survey.record(result.as_ref().ok().map(|extension| *extension == Extension::Extended));
        nodes[index].latency = Some(set.clock.now().since(t1));
        nodes[index].outcome = match result {
            Ok(Extension::Extended) => NodeOutcome::Granted,
            Ok(Extension::Gone) => {
                gone.push(index);
                NodeOutcome::Absent
            }
            Ok(Extension::Foreign) => NodeOutcome::Held(Expiry::Unknown),
            Err(error) => {
                set.note_error(index, &error);
                NodeOutcome::Failed(error)
            }
        };
    };
    Extended { answer, t1, nodes, rest: Rest { fan, gone } }
}

impl Extended {
    /// Gives the claim back to the nodes that lost it, while a majority holds it without a gap: a node that
    /// restarted empty would otherwise count against the holder for good.
    ///
    /// An acquire does it, which writes only where nothing stands. The repaired nodes count from the next round
    /// on. `holds` is asked before each is sent; a repair that comes back after the release is undone.
    pub(crate) fn repair(
        self,
        set: &Arc<NodeSet>,
        background: &Background,
        traced: &Traced,
        ttl: Duration,
        node_timeout: Duration,
        holds: impl Fn() -> bool + Send + 'static,
    ) {
        let Rest { mut fan, mut gone } = self.rest;
        if gone.is_empty() && fan.is_empty() {
            return;
        }
        let (set, own, traced) = (Arc::clone(set), background.clone(), traced.clone());
        background.spawn(async move {
            while let Some((index, result)) = fan.next().await {
                match result {
                    Ok(Extension::Gone) => gone.push(index),
                    Ok(_) => {}
                    Err(error) => set.note_error(index, &error),
                }
            }
            if gone.is_empty() || !holds() {
                return;
            }
            let mut acquires = FanOut::new(&own, gone.len());
            for index in gone {
                acquires.push(index, set.acquire(index, &traced, Terms::new(ttl), node_timeout));
            }
            adopt(&set, &own, &traced, acquires, node_timeout);
        });
    }
}
