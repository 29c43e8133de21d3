use std::sync::Arc;

use super::acquires::adopt;
use super::background::Job;
use super::claimed::Claimed;
use super::fan_out::FanOut;
use super::trace::Answer as Acquired;
use crate::decide::lease::Moment;
use crate::decide::quorum::{Answer, Survey};
use crate::error::{NodeOutcome, NodeReport};
use crate::node::{Expiry, Extension, FenceTerms, NodeError, Terms, Vote};
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
pub(crate) async fn extend(claimed: &Claimed, terms: Terms) -> Extended {
    let Claimed { set, background, traced, node_timeout } = claimed;
    traced.trace.asked_for(terms.ttl);
    let t1 = set.clock.glance();
    let mut fan = FanOut::new(background, set.len()).watched(set.told(), Verb::Extend);
    for (index, member) in set.members.iter().enumerate() {
        fan.push(
            index,
            Arc::clone(&member.node).extend(traced.claim.clone(), terms, *node_timeout),
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
        nodes[index].latency = Some(fan.came(|| set.clock.glance()).since(t1));
        nodes[index].outcome = match result {
            Ok(Extension::Extended) => NodeOutcome::Granted,
            Ok(Extension::Gone) => {
                gone.push(index);
                NodeOutcome::Absent
            }
            Ok(Extension::Foreign) => {
                NodeOutcome::Held { expiry: Expiry::Unknown, label: None, kept: false }
            }
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
        claimed: &Claimed,
        terms: Terms,
        holds: impl Fn() -> bool + Send + 'static,
    ) {
        let Rest { mut fan, mut gone } = self.rest;
        let nodes = claimed.set.len();
        let low = (0..nodes).any(|index| claimed.traced.trace.is_low(index));
        if gone.is_empty() && fan.is_empty() && !low {
            return;
        }
        let own = claimed.clone();
        claimed.background.spawn(async move {
            while let Some((index, result)) = fan.next().await {
                match result {
                    Ok(Extension::Gone) => gone.push(index),
                    Ok(_) => {}
                    Err(error) => own.set.note_error(index, &error),
                }
            }
            if !holds() {
                return;
            }
            // What an earlier repair could not finish.
            let mut raises =
                FanOut::new(&own.background, nodes).watched(own.set.told(), Verb::Raise);
            for index in (0..nodes).filter(|index| !gone.contains(index)) {
                if let Some(fencing) = terms.fencing
                    && own.traced.trace.is_low(index)
                {
                    raises.push(index, lift(&own, index, fencing));
                }
            }
            let mut acquires =
                FanOut::new(&own.background, gone.len()).watched(own.set.told(), Verb::Acquire);
            for index in gone {
                acquires.push(index, restore(&own, index, terms));
            }
            adopt(&own, acquires);
            while raises.next().await.is_some() {}
        });
    }
}

/// Acquires on one node, and sees to it that the node's counters are at the holder's fence afterwards.
///
/// Where they cannot be raised the claim stays all the same: an extension may have counted the node meanwhile. They are
/// raised with the next one.
///
/// It is no vote: that a part of the claim stands there, or all of it after a repair whose answer was lost, is what was
/// wanted, and says nothing about who the server is.
fn restore(claimed: &Claimed, index: usize, terms: Terms) -> Job<Acquired> {
    let terms = mutant!(RepairNotNx, crate::testing::mutants::overwriting(terms), terms);
    let Claimed { set, traced, node_timeout, .. } = claimed;
    // What is held already is not new to a writer that waits.
    let acquire = set.acquire(index, traced, terms.heeding(false), *node_timeout);
    if terms.fencing.is_some() {
        // Until it is known to be otherwise: the answer may be lost.
        traced.trace.set_low(index, true);
    }
    let own = claimed.clone();
    Box::pin(async move {
        let answer = acquire.await;
        match (&answer, terms.fencing) {
            // The node's clock is behind. Without more its next grant would just not be kept above the fence.
            (
                Ok(
                    Vote::Granted { fence: Some(number) }
                    | Vote::Swapped { fence: Some(number), .. },
                ),
                Some(fencing),
            ) if *number < fencing.hint => {
                lift(&own, index, fencing).await;
            }
            (Ok(Vote::AlreadyOurs), Some(fencing)) => {
                lift(&own, index, fencing).await;
            }
            (Ok(_), Some(_)) => own.traced.trace.set_low(index, false),
            (_, None) | (Err(_), _) => {}
        }
        match answer {
            Ok(Vote::AlreadyOurs) => Ok(Vote::Granted { fence: None }),
            answer => answer,
        }
    })
}

/// Raises the counters of a node to the holder's fence.
fn lift(claimed: &Claimed, index: usize, fencing: FenceTerms) -> Job<()> {
    let Claimed { set, traced, node_timeout, .. } = claimed.clone();
    Box::pin(async move {
        let node = Arc::clone(&set.members[index].node);
        let FenceTerms { hint, life } = fencing;
        match node.raise(traced.claim.clone(), hint, life, node_timeout).await {
            // It is a share by now, which the next extension raises.
            Ok(Extension::Foreign) if traced.trace.is_downgraded() && !traced.claim.is_shared() => {
            }
            Ok(_) => traced.trace.set_low(index, false),
            Err(error) => set.note_error(index, &error),
        }
    })
}
