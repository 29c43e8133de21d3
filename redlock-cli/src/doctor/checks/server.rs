use redlock_protocol::Product;

use super::finding::{Check, Finding};
use super::told::{infos, or_ok, withheld};
use crate::doctor::facts::Facts;
use crate::doctor::info::Info;

/// The oldest that the libraries are tested with.
const OLDEST: (u32, u32) = (6, 2);

pub(super) fn version(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Version;
    let findings = infos(facts).map(|(node, info)| {
        let server = info.server();
        let finding = match info.number() {
            None => Finding::warn(
                CHECK,
                format!("{server}: what it can do is not known"),
                "locks use scripts there, which any server since 2.6 runs",
            ),
            Some(number) if info.product == Product::Redis && number < OLDEST => Finding::warn(
                CHECK,
                format!("{server} is older than anything this is tested with"),
                "take Redis 6.2 or newer, or Valkey",
            ),
            Some(number) => Finding::ok(CHECK, format!("{server}: {}", sent(info, number))),
        };
        finding.on(node)
    });
    findings.chain(withheld(facts, CHECK)).collect()
}

/// What the libraries send there.
fn sent(info: &Info, number: (u32, u32)) -> String {
    let take = "takes by SET NX GET (by script with fencing or restart guard)";
    let release = |native| {
        format!(
            "{take}, releases by script, which tells who waits, and by {native} for 50 ms after one that nobody heard"
        )
    };
    match (info.product, number) {
        (Product::Valkey, (9.., _)) => release("DELIFEQ"),
        (Product::Redis, (8, 4..) | (9.., _)) => release("DELEX"),
        (Product::Valkey, _) | (Product::Redis, (7.., _)) => format!("{take}, releases by script"),
        _ => "takes and releases by script".to_owned(),
    }
}

/// A lock that is thrown away is had by two.
pub(super) fn eviction(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Eviction;
    let mut findings: Vec<_> = withheld(facts, CHECK).collect();
    for (node, info) in infos(facts) {
        let remedy = "CONFIG SET maxmemory-policy noeviction, and the same in its file";
        let finding = match (info.policy.as_deref(), info.maxmemory) {
            (Some("noeviction"), _) => continue,
            (Some(policy), Some(0)) => Finding::warn(
                CHECK,
                format!(
                    "maxmemory-policy is {policy}: locks would be thrown away as soon as maxmemory is set"
                ),
                remedy,
            ),
            (Some(policy), _) => Finding::fail(
                CHECK,
                format!(
                    "maxmemory-policy is {policy}: locks that are held are thrown away when memory is full"
                ),
                remedy,
            ),
            (None, _) => Finding::warn(
                CHECK,
                "could not be checked: INFO says nothing of maxmemory_policy",
                "make sure that it is noeviction",
            ),
        };
        findings.push(finding.on(node));
    }
    let any = infos(facts).next().is_some();
    or_ok(findings, any.then(|| Finding::ok(CHECK, "maxmemory-policy is noeviction")))
}

/// A node whose memory is full gives no locks.
pub(super) fn memory(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Memory;
    let remedy = "raise maxmemory, or give the locks servers of their own";
    let mut findings: Vec<_> = withheld(facts, CHECK).collect();
    let mut fullest = None;
    for (node, info) in infos(facts) {
        let (Some(used), Some(limit @ 1..)) = (info.used_memory, info.maxmemory) else { continue };
        let percent = u128::from(used) * 100 / u128::from(limit);
        fullest = fullest.max(Some(percent));
        let finding = match percent {
            0..80 => continue,
            80..100 => Finding::warn(CHECK, format!("{percent} % of maxmemory is used"), remedy),
            _ => Finding::fail(
                CHECK,
                format!("{percent} % of maxmemory is used: it gives no locks"),
                remedy,
            ),
        };
        findings.push(finding.on(node));
    }
    let ok = match fullest {
        Some(percent) => Some(format!("{percent} % of maxmemory is used at most")),
        None => infos(facts).next().map(|_| "no maxmemory is set".to_owned()),
    };
    or_ok(findings, ok.map(|reason| Finding::ok(CHECK, reason)))
}
