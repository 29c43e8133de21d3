use std::sync::Arc;

use super::claimed::Claimed;
use super::fan_out::FanOut;
use super::members::NodeSet;
use super::sweep::{Sweep, WhenSent};
use super::trace::Answer;
use crate::decide::lease::Moment;
use crate::decide::quorum::{Answer as Majority, Survey};
use crate::decide::release::Release;
use crate::error::{LockError, NodeOutcome, Tally};
use crate::node::Removal;
use crate::telemetry::Releasing;

/// Releases a claim on all nodes and waits until the outcome is certain. Cancel safe: it goes on in the
/// background.
pub(crate) async fn release(
    claimed: Claimed,
    acquires: Option<FanOut<Answer>>,
    when_sent: Option<Arc<dyn WhenSent>>,
    asked: Moment,
) -> Result<Release, LockError> {
    let set = &Arc::clone(&claimed.set);
    let kept = claimed.traced.trace.rest(asked).is_some();
    let mut sweep = Sweep::of_lock(claimed, acquires, when_sent, asked);
    let mut survey = Survey::new(set.len());
    // A bit per node: what a later release comes to is not counted.
    let mut answered = 0_u64;
    let releasing = Releasing::begin();
    let result = loop {
        match survey.answer() {
            Some(Majority::Yes) if kept => break Ok(Release::Kept),
            Some(Majority::Yes) => break Ok(Release::Released),
            Some(Majority::No) => break Ok(Release::AlreadyGone),
            // It stands on no majority any more, though it cannot be told whether it did before.
            Some(Majority::Open) if survey.is_answered() => break Ok(Release::Uncertain),
            Some(Majority::Open) => break Err(unconfirmed(set, &sweep, asked)),
            None => {}
        }
        let Some((index, result)) = sweep.next().await else {
            break Err(unconfirmed(set, &sweep, asked));
        };
        if answered & (1 << index) == 0 {
            survey.record(result.map(|removal| removal == Removal::Removed));
            answered |= 1 << index;
        }
    };
    releasing.ended(&result);
    result
}

fn unconfirmed(set: &NodeSet, sweep: &Sweep, asked: Moment) -> LockError {
    let (mut tally, mut nodes) = (Tally::default(), set.reports());
    for (index, answer, came) in sweep.answers() {
        let node = &mut nodes[index];
        if node.outcome != NodeOutcome::Pending {
            // A later release's.
            continue;
        }
        node.latency = came.map(|came| came.since(asked));
        node.outcome = match answer {
            Ok(Removal::Removed) => {
                tally.granted += 1;
                NodeOutcome::Granted
            }
            Ok(Removal::Gone | Removal::Foreign) => {
                tally.refused += 1;
                NodeOutcome::Absent
            }
            Err(error) => NodeOutcome::Failed(error.clone()),
        };
    }
    tally.unknown = set.len() - tally.granted - tally.refused;
    LockError::unreleased(tally, nodes)
}
