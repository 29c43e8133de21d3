use std::sync::Arc;
use std::time::Duration;

use super::claimed::Claimed;
use super::ending::Removed;
use super::fan_out::FanOut;
use super::members::NodeSet;
use super::sweep::{Sweep, WhenSent};
use super::trace::Answer;
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
) -> Result<Release, LockError> {
    let set = &Arc::clone(&claimed.set);
    let asked = set.clock.glance();
    let kept = claimed.traced.trace.rest(asked).is_some();
    let mut sweep = Sweep::of_lock(claimed, acquires, when_sent);
    let mut survey = Survey::new(set.len());
    let mut answers: Vec<Option<(Removed, Duration)>> = (0..set.len()).map(|_| None).collect();
    let releasing = Releasing::begin();
    let result = loop {
        match survey.answer() {
            Some(Majority::Yes) if kept => break Ok(Release::Kept),
            Some(Majority::Yes) => break Ok(Release::Released),
            Some(Majority::No) => break Ok(Release::AlreadyGone),
            // It stands on no majority any more, though it cannot be told whether it did before.
            Some(Majority::Open) if survey.is_answered() => break Ok(Release::Uncertain),
            Some(Majority::Open) => break Err(unconfirmed(set, &answers)),
            None => {}
        }
        let Some((index, result)) = sweep.next().await else {
            break Err(unconfirmed(set, &answers));
        };
        if answers[index].is_none() {
            survey.record(result.as_ref().ok().map(|removal| *removal == Removal::Removed));
            answers[index] = Some((result, set.clock.glance().since(asked)));
        }
    };
    releasing.ended(&result);
    result
}

fn unconfirmed(set: &NodeSet, answers: &[Option<(Removed, Duration)>]) -> LockError {
    let mut tally = Tally::default();
    let mut nodes = set.reports();
    for (node, answer) in nodes.iter_mut().zip(answers) {
        let Some((answer, latency)) = answer else {
            tally.unknown += 1;
            continue;
        };
        node.latency = Some(*latency);
        node.outcome = match answer {
            Ok(Removal::Removed) => {
                tally.granted += 1;
                NodeOutcome::Granted
            }
            Ok(Removal::Gone | Removal::Foreign) => {
                tally.refused += 1;
                NodeOutcome::Absent
            }
            Err(error) => {
                tally.unknown += 1;
                NodeOutcome::Failed(error.clone())
            }
        };
    }
    LockError::unreleased(tally, nodes)
}
