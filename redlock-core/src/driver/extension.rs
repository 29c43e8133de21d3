use std::sync::Arc;
use std::time::Duration;

use super::fan_out::{Background, FanOut, Job};
use super::members::NodeSet;
use super::stragglers::adopt;
use super::{Answer as Acquired, Traced};
use crate::error::{NodeOutcome, NodeReport};
use crate::lease::Moment;
use crate::node::{Expiry, Extension, FenceTerms, NodeError, Terms, Vote};
use crate::quorum::{Answer, Survey};
use crate::telemetry::Verb;

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
    terms: Terms,
    node_timeout: Duration,
) -> Extended {
    traced.trace.asked_for(terms.ttl);
    let t1 = set.clock.now();
    let mut fan = FanOut::new(background, set.len()).watched(set, Verb::Extend);
    for (index, member) in set.members.iter().enumerate() {
        fan.push(index, Arc::clone(&member.node).extend(traced.claim.clone(), terms, node_timeout));
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
    /// An acquire does it, which writes only where nothing stands, and under a restart guard only when the node has
    /// warmed up; a fence is written with it. The repaired nodes count from the next round on. `holds` is asked before
    /// each is sent; a repair that comes back after the release is undone.
    pub(crate) fn repair(
        self,
        set: &Arc<NodeSet>,
        background: &Background,
        traced: &Traced,
        terms: Terms,
        node_timeout: Duration,
        holds: impl Fn() -> bool + Send + 'static,
    ) {
        let Rest { mut fan, mut gone } = self.rest;
        let low = (0..set.len()).any(|index| traced.trace.is_low(index));
        if gone.is_empty() && fan.is_empty() && !low {
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
            if !holds() {
                return;
            }
            // What an earlier repair could not finish.
            let mut raises = FanOut::new(&own, set.len()).watched(&set, Verb::Raise);
            for index in (0..set.len()).filter(|index| !gone.contains(index)) {
                if let Some(fencing) = terms.fencing
                    && traced.trace.is_low(index)
                {
                    raises.push(index, lift(&set, index, &traced, fencing, node_timeout));
                }
            }
            let mut acquires = FanOut::new(&own, gone.len()).watched(&set, Verb::Acquire);
            for index in gone {
                acquires.push(index, restore(&set, index, &traced, terms, node_timeout));
            }
            adopt(&set, &own, &traced, acquires, node_timeout);
            while raises.next().await.is_some() {}
        });
    }
}

/// Acquires on one node, and sees to it that the node's counters are at the holder's fence afterwards.
///
/// Where they cannot be raised the claim stays all the same: an extension may have counted the node meanwhile. They are
/// raised with the next one.
fn restore(
    set: &Arc<NodeSet>,
    index: usize,
    traced: &Traced,
    terms: Terms,
    node_timeout: Duration,
) -> Job<Acquired> {
    let terms = mutant!(RepairNotNx, crate::mutants::overwriting(terms), terms);
    let acquire = set.acquire(index, traced, terms, node_timeout);
    let Some(fencing) = terms.fencing else { return acquire };
    let (set, traced) = (Arc::clone(set), traced.clone());
    // Until it is known to be otherwise: the answer may be lost.
    traced.trace.set_low(index, true);
    Box::pin(async move {
        let answer = acquire.await;
        match answer {
            // The node's clock is behind. Without more its next grant would just not be kept above the fence.
            Ok(Vote::Granted { fence: Some(number) }) if number < fencing.hint => {
                lift(&set, index, &traced, fencing, node_timeout).await;
            }
            // An earlier repair, whose answer was lost.
            Ok(Vote::AlreadyOurs) => lift(&set, index, &traced, fencing, node_timeout).await,
            Ok(_) => traced.trace.set_low(index, false),
            Err(_) => {}
        }
        answer
    })
}

/// Raises the counters of a node to the holder's fence.
fn lift(
    set: &Arc<NodeSet>,
    index: usize,
    traced: &Traced,
    fencing: FenceTerms,
    node_timeout: Duration,
) -> Job<()> {
    let (set, traced) = (Arc::clone(set), traced.clone());
    Box::pin(async move {
        let node = Arc::clone(&set.members[index].node);
        let FenceTerms { hint, life } = fencing;
        match node.raise(traced.claim.clone(), hint, life, node_timeout).await {
            Ok(_) => traced.trace.set_low(index, false),
            Err(error) => set.note_error(index, &error),
        }
    })
}
