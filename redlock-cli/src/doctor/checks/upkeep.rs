//! What goes wrong with servers that are fit otherwise. Where nothing does, nothing is said.

use super::finding::{Check, Finding};
use super::told::infos;
use crate::doctor::facts::Facts;
use crate::doctor::info::Info;

/// So many hundredths of the clients that a server takes are no cause for concern.
const CROWDED: u128 = 80;

/// A replica that takes over has not heard of the last locks.
pub(super) fn replicas(facts: &Facts) -> Vec<Finding> {
    each(facts, |info| {
        let count = info.replicas.filter(|count| *count > 0)?;
        let reason = match count {
            1 => "has a replica, which has not heard of its last locks if it takes over".to_owned(),
            _ => format!(
                "has {count} replicas, which have not heard of its last locks if one takes over"
            ),
        };
        let remedy = "detach them, or see to it that none is ever made a master under this address (no Sentinel, no \
                      automatic failover)";
        Some(Finding::warn(Check::Replicas, reason, remedy))
    })
}

/// A server that takes no further client is a node that is down for every process that starts.
pub(super) fn clients(facts: &Facts) -> Vec<Finding> {
    each(facts, |info| {
        let (clients, most) = (info.clients?, info.maxclients.filter(|most| *most > 0)?);
        let percent = u128::from(clients) * 100 / u128::from(most);
        let reason = format!("{clients} of {most} clients are connected (maxclients)");
        let remedy = "raise maxclients, and the limit of open files with it, or find who does not close connections \
                      (CLIENT LIST)";
        (percent >= CROWDED).then(|| Finding::warn(Check::Clients, reason, remedy))
    })
}

/// What a server could not write, it forgets; or it takes no more writes.
pub(super) fn disk(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Disk;
    let remedy = "look into its log, and whether its disk is full or its directory may be written";
    let mut findings = each(facts, |info| {
        info.writes_failed.then(|| {
            let reason =
                "could not write its append-only file (aof_last_write_status): it gives no locks";
            Finding::fail(CHECK, reason, remedy)
        })
    });
    findings.extend(each(facts, |info| {
        info.rewrite_failed.then(|| {
            let reason = "could not rewrite its append-only file (aof_last_bgrewrite_status), which grows until it can";
            Finding::warn(CHECK, reason, remedy)
        })
    }));
    findings.extend(each(facts, |info| {
        info.snapshot_failed.then(|| {
            let reason = "could not make its last snapshot (rdb_last_bgsave_status): it gives no locks until it can, \
                          unless stop-writes-on-bgsave-error is no";
            Finding::warn(CHECK, reason, remedy)
        })
    }));
    findings
}

fn each(facts: &Facts, one: impl Fn(&Info) -> Option<Finding>) -> Vec<Finding> {
    infos(facts).filter_map(|(node, info)| Some(one(info)?.on(node))).collect()
}
