//! What is made of the facts. Pure: a check is a function of them.

mod clocks;
mod directory;
mod finding;
mod latency;
mod persistence;
mod reachable;
mod remedies;
mod rights;
mod server;
mod set;
mod told;
mod upkeep;

use super::facts::Facts;

pub(crate) use self::finding::{Check, Finding, Level, worst};
pub(super) use self::latency::percentile;

/// All checks, in the order in which they are shown. Warnings of `accepted` checks do not count.
pub(crate) fn all(facts: &Facts, accepted: &[Check]) -> Vec<Finding> {
    let checks = [
        reachable::check,
        set::distinct,
        set::masters,
        set::count,
        set::hosts,
        server::version,
        server::eviction,
        server::memory,
        upkeep::replicas,
        upkeep::clients,
        upkeep::disk,
        persistence::check,
        persistence::warm,
        clocks::check,
        directory::check,
        rights::check,
        rights::wake_ups,
        rights::listing,
        rights::sharing,
        rights::permits,
        latency::check,
    ];
    let mut findings: Vec<Finding> = Vec::new();
    for finding in checks.iter().flat_map(|check| check(facts)) {
        // The same of several nodes is said once.
        let same = |other: &&mut Finding| {
            !other.nodes.is_empty()
                && !finding.nodes.is_empty()
                && Finding { nodes: finding.nodes.clone(), ..(**other).clone() } == finding
        };
        match findings.iter_mut().find(same) {
            Some(other) => other.nodes.extend(finding.nodes),
            None => findings.push(finding),
        }
    }
    for finding in &mut findings {
        if finding.level == Level::Warn && accepted.contains(&finding.check) {
            finding.level = Level::Accepted;
        }
    }
    findings
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
