//! What a lock takes by quorum: some cycles on a scratch key.

use std::time::{Duration, Instant};

use redlock_core::{NodeOutcome, Redlock};

use super::claims::TTL;
use super::facts::Rounds;
use crate::config::Config;
use crate::exit::Failure;
use crate::label;
use crate::nodes::nodeset;

const ROUNDS: usize = 50;
/// Nobody needs to see the same failure more often.
const FAILURES: usize = 3;
/// What a lock of four seconds or more has.
const NODE_TIMEOUT: Duration = Duration::from_millis(200);

/// The handle, and its nodes' time limit.
pub(super) fn handle(config: &Config) -> Result<(Redlock, Duration), Failure> {
    let ttl = config.restart_guard.map_or(TTL, |longest| longest.min(TTL));
    let node_timeout = NODE_TIMEOUT.min(ttl / 5);
    let builder = nodeset::builder(config, label::of_verb("doctor"))?;
    let builder = builder.ttl(ttl).node_timeout(node_timeout).wake_ups(false);
    Ok((builder.build()?, node_timeout))
}

pub(super) async fn measure(
    redlock: &Redlock,
    node_timeout: Duration,
    key: &str,
    limit: Duration,
) -> Rounds {
    let mut rounds = Rounds { node_timeout, warming: true, ..Rounds::default() };
    let begun = Instant::now();
    // The first one also meets the nodes.
    let mut first = true;
    while rounds.cycles.len() < ROUNDS && rounds.failed < FAILURES && begun.elapsed() < limit {
        let started = Instant::now();
        let done = match redlock.try_lock(key).await {
            Ok(guard) => guard.release().await.map(drop),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) if first => first = false,
            Ok(()) => rounds.cycles.push(started.elapsed()),
            Err(error) => {
                rounds.failed += 1;
                let outcomes = || error.nodes().iter().map(|node| &node.outcome);
                let warms = |outcome: &NodeOutcome| matches!(outcome, NodeOutcome::Warming { .. });
                let fails = |outcome: &NodeOutcome| matches!(outcome, NodeOutcome::Failed(_));
                rounds.warming &= outcomes().any(warms) && !outcomes().any(fails);
                let why = error.to_string();
                if rounds.failures.is_empty() {
                    rounds.failures.push(why);
                }
            }
        }
    }
    rounds.warming &= rounds.failed > 0;
    rounds
}
