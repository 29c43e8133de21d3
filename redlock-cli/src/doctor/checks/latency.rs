use std::time::Duration;

use super::finding::{Check, Finding};
use crate::doctor::facts::Facts;
use crate::output::{count, latency};

const CHECK: Check = Check::Latency;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let rounds = &facts.rounds;
    if let Some(why) = &rounds.skipped {
        let remedy = "set right what fails above first";
        return vec![Finding::warn(CHECK, format!("was not measured: {why}"), remedy)];
    }
    let mut findings = Vec::new();
    if rounds.failed > 0 {
        let tried = rounds.failed + rounds.cycles.len();
        let reason =
            format!("{} of {tried} locks failed: {}", rounds.failed, rounds.failures.join("; "));
        findings.push(if rounds.warming {
            Finding::warn(CHECK, reason, "wait until the nodes that restarted have warmed up")
        } else if rounds.cycles.is_empty() {
            Finding::fail(CHECK, reason, "set right what fails above first")
        } else {
            Finding::warn(CHECK, reason, "see what makes the nodes slow")
        });
    }
    let (Some(middle), Some(worst)) =
        (percentile(&rounds.cycles, 50), percentile(&rounds.cycles, 99))
    else {
        return findings;
    };
    let measured = format!(
        "a lock is taken and released in {} (p99 {}, of {})",
        latency(middle),
        latency(worst),
        count(rounds.cycles.len(), "round")
    );
    findings.push(if middle > rounds.node_timeout / 2 {
        let reason = format!(
            "{measured}, near to the {} that a node is waited for",
            latency(rounds.node_timeout)
        );
        Finding::warn(CHECK, reason, "bring the nodes nearer, or set node_timeout well above it")
    } else {
        Finding::ok(CHECK, measured)
    });
    findings
}

/// The smallest that so many percent do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
