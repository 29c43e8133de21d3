use std::time::Duration;

use super::finding::{Check, Finding};
use super::told::{servers, unchecked};
use crate::doctor::facts::{Clock, Facts, NodeFacts};
use crate::output::{latency, span};

const CHECK: Check = Check::Clocks;
/// As far as a node takes the number that a client offers: docs/SAFETY.md, fencing.
const HINT: Duration = Duration::from_secs(1);
/// What the order of fences allows for: docs/SAFETY.md, assumption A8.
const APART: Duration = Duration::from_secs(10 * 60);

/// Locks measure time to live on each node alone. Fencing numbers come from wall clocks.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut clocks = Vec::new();
    let mut findings = Vec::new();
    for (node, server) in servers(facts) {
        match &server.clock {
            Ok(clock) => clocks.push((node, *clock)),
            Err(why) => findings.push(unchecked(CHECK, "TIME", why).on(node)),
        }
    }
    findings.extend(among(&clocks, facts.restart_guard));
    findings.extend(ours(&clocks));
    let well = findings.is_empty();
    let widest = pairs(&clocks).map(|(_, _, apart)| apart).max();
    match (well, widest, clocks.first()) {
        (true, Some(apart), _) => {
            let said = if apart < Duration::from_millis(1) {
                "agree within a millisecond".to_owned()
            } else {
                format!("are {} apart at least", latency(apart))
            };
            vec![Finding::ok(CHECK, format!("the servers' clocks {said}, and with ours"))]
        }
        (true, None, Some(_)) => vec![Finding::ok(CHECK, "the server's clock agrees with ours")],
        _ => findings,
    }
}

/// Every two, and how far they are apart at least.
fn pairs<'a>(
    clocks: &'a [(&'a NodeFacts, Clock)],
) -> impl Iterator<Item = (&'a NodeFacts, &'a NodeFacts, Duration)> {
    clocks.iter().enumerate().flat_map(move |(index, (node, clock))| {
        clocks[index + 1..].iter().map(move |(other, against)| {
            let apart = Duration::from_micros(clock.ahead.abs_diff(against.ahead));
            (*node, *other, apart.saturating_sub(clock.error + against.error))
        })
    })
}

/// The two that are furthest apart.
fn among(clocks: &[(&NodeFacts, Clock)], guard: Option<Duration>) -> Option<Finding> {
    let (one, two, apart) = pairs(clocks).max_by_key(|(_, _, apart)| *apart)?;
    let wrong = outlier(clocks, one, two);
    // What a node forgot in a restart may be as far ahead as its longest time to live: A8.
    let limit = guard.map_or(APART, |longest| longest.min(APART));
    let said = match wrong {
        Some((_, other)) => {
            format!("its clock is at least {} from that of {}", span(apart), other.name)
        }
        None => format!("their clocks are at least {} apart", span(apart)),
    };
    let remedy = "run NTP on the servers";
    let finding = if apart > limit {
        let why = match guard {
            Some(longest) if longest < APART => {
                "a fence after a restart may be lower than one before".to_owned()
            }
            _ => format!(
                "more than {}, and later fences may be lower than earlier ones",
                span(APART)
            ),
        };
        let remedy = format!("{remedy}; until then set clock_error on the builder above it");
        Finding::fail(CHECK, format!("{said}: {why}"), remedy)
    } else if apart > HINT {
        // Clocks that are so far apart are not being set, and go on.
        let near = if apart > limit / 2 {
            format!("; beyond {} later fences may be lower than earlier ones", span(limit))
        } else {
            String::new()
        };
        let why = "fencing takes a second round trip each time";
        Finding::warn(CHECK, format!("{said}: {why}{near}"), remedy)
    } else {
        return None;
    };
    Some(match wrong {
        Some((wrong, _)) => finding.on(wrong),
        None => finding.on(one).on(two),
    })
}

/// Which of two nodes is the further from the middle of all, and the other one; nothing where that does not tell.
fn outlier<'a>(
    clocks: &[(&NodeFacts, Clock)],
    one: &'a NodeFacts,
    two: &'a NodeFacts,
) -> Option<(&'a NodeFacts, &'a NodeFacts)> {
    let mut all: Vec<_> = clocks.iter().map(|(_, clock)| clock.ahead).collect();
    all.sort_unstable();
    let middle = *all.get(all.len() / 2).filter(|_| all.len() > 2)?;
    let off = |node: &NodeFacts| {
        let clock = clocks.iter().find(|(other, _)| std::ptr::eq(*other, node));
        clock.map_or(0, |(_, clock)| clock.ahead.abs_diff(middle))
    };
    match off(one).cmp(&off(two)) {
        std::cmp::Ordering::Greater => Some((one, two)),
        std::cmp::Ordering::Less => Some((two, one)),
        std::cmp::Ordering::Equal => None,
    }
}

/// Nothing of safety rests on this machine's clock.
fn ours<'a>(clocks: &'a [(&'a NodeFacts, Clock)]) -> Option<Finding> {
    let off = |clock: &Clock| {
        Duration::from_micros(clock.ahead.unsigned_abs()).saturating_sub(clock.error)
    };
    // One server that is wrong is said already; when all are, it is us.
    let least = clocks.iter().map(|(_, clock)| off(clock)).min()?;
    (least > HINT).then(|| {
        let reason = format!(
            "this machine's clock is at least {} from every server's: fencing may take a second round trip",
            span(least)
        );
        Finding::warn(CHECK, reason, "run NTP on this machine")
    })
}
