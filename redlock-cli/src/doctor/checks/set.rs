use std::collections::BTreeMap;

use super::finding::{Check, Finding};
use super::told::{infos, or_ok, withheld};
use crate::doctor::facts::{Facts, Kind, NodeFacts};

/// One server listed twice would vote twice.
pub(super) fn distinct(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Distinct;
    let mut names = BTreeMap::<&str, Vec<Entry>>::new();
    let mut runs = BTreeMap::<&str, Vec<Entry>>::new();
    for (index, node) in facts.nodes.iter().enumerate() {
        names.entry(&node.name).or_default().push((index, node));
        if let Kind::Server { server: Ok(server), .. } = &node.kind
            && let Ok(info) = &server.info
            && let Some(run_id) = &info.run_id
        {
            runs.entry(run_id).or_default().push((index, node));
        }
    }
    let remedy = "list every server once";
    let twice = names.iter().filter(|(_, entries)| entries.len() > 1).map(|(name, entries)| {
        let reason = format!("is listed {} times: {}", entries.len(), places(entries));
        Finding::fail(CHECK, reason, remedy).on_all([(*name).to_owned()])
    });
    let mut findings: Vec<_> = twice.collect();
    for (run_id, entries) in &runs {
        let mut different: Vec<_> = entries.iter().map(|(_, node)| node.name.clone()).collect();
        different.sort_unstable();
        different.dedup();
        if different.len() > 1 {
            let short: String = run_id.chars().take(8).collect();
            let reason = format!(
                "one server (run id {short}), which would vote {} times: {}",
                entries.len(),
                places(entries)
            );
            findings.push(Finding::fail(CHECK, reason, remedy).on_all(different));
        }
    }
    if facts.nodes.len() > 1 {
        findings.extend(withheld(facts, CHECK));
    }
    let all = runs.len();
    or_ok(findings, (all > 1).then(|| Finding::ok(CHECK, format!("{all} different servers"))))
}

/// A node, and where it stands in the set.
type Entry<'a> = (usize, &'a NodeFacts);

/// Where they are listed, and how.
fn places(entries: &[Entry<'_>]) -> String {
    let place = |(index, node): &Entry<'_>| format!("node {} (`{}`)", index + 1, node.given);
    let places: Vec<_> = entries.iter().map(place).collect();
    format!("as {}", places.join(" and "))
}

/// Replicas copy, and members of a cluster send commands elsewhere.
pub(super) fn masters(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Masters;
    let mut findings: Vec<_> = withheld(facts, CHECK).collect();
    for (node, info) in infos(facts) {
        if let Some(master) = &info.replica_of {
            let reason = format!("is a replica of {master} and takes no writes");
            let remedy = "name an independent master; replicas of the same one are no nodes";
            findings.push(Finding::fail(CHECK, reason, remedy).on(node));
        }
        if info.cluster {
            let reason = "is a member of a cluster, which sends keys to other nodes";
            let remedy = "use servers with cluster-enabled no";
            findings.push(Finding::fail(CHECK, reason, remedy).on(node));
        }
    }
    let any = infos(facts).next().is_some();
    or_ok(findings, any.then(|| Finding::ok(CHECK, "all are independent masters")))
}

pub(super) fn count(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Count;
    let nodes = facts.nodes.len();
    let may_fail = nodes.saturating_sub(nodes / 2 + 1);
    let finding = match nodes {
        0 => Finding::fail(CHECK, "there is no node", "name some with --node"),
        1 => Finding::warn(
            CHECK,
            "1 node: there are no locks while it is down, and none is kept when its disk is lost",
            "take 3, on different machines",
        ),
        2 => Finding::warn(
            CHECK,
            "2 nodes: both are needed for a majority, so this fails more often than 1 node",
            "take 3, on different machines",
        ),
        65.. => {
            Finding::fail(CHECK, format!("{nodes} nodes, and 64 is the most"), "take 3, 5 or 7")
        }
        _ if nodes.is_multiple_of(2) => Finding::warn(
            CHECK,
            format!("{nodes} nodes survive {may_fail} that fail, as many as {} do", nodes - 1),
            format!("take {} or {}", nodes - 1, nodes + 1),
        ),
        _ => Finding::ok(CHECK, format!("{nodes} nodes, of which {may_fail} may fail")),
    };
    vec![finding]
}

/// Nodes on one machine fail together.
pub(super) fn hosts(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Hosts;
    let mut by_host = BTreeMap::<String, Vec<String>>::new();
    for node in &facts.nodes {
        let Kind::Server { hosts, .. } = &node.kind else { continue };
        let mut machines: Vec<_> = hosts
            .iter()
            .map(|ip| if ip.is_loopback() { "this machine".to_owned() } else { ip.to_string() })
            .collect();
        machines.sort_unstable();
        machines.dedup();
        for machine in machines {
            let there = by_host.entry(machine).or_default();
            if !there.contains(&node.name) {
                there.push(node.name.clone());
            }
        }
    }
    let shared = by_host.iter().filter(|(_, nodes)| nodes.len() > 1);
    let findings = shared.map(|(machine, nodes)| {
        let reason = format!("on one host ({machine}), and fail together with it");
        let remedy =
            "spread the nodes over machines, and over power supplies and zones if there are";
        Finding::warn(CHECK, reason, remedy).on_all(nodes.iter().cloned())
    });
    let several = facts.nodes.len() > 1 && !by_host.is_empty();
    or_ok(findings.collect(), several.then(|| Finding::ok(CHECK, "no two nodes have one address")))
}
