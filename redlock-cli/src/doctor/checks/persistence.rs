use std::time::Duration;

use super::finding::{Check, Finding};
use super::told::{infos, or_ok, servers, unchecked, withheld};
use crate::doctor::facts::{Facts, Server};
use crate::output::span;

const CHECK: Check = Check::Persistence;
const REMEDY: &str = "use the restart guard in all services (--restart-guard LONGEST_TTL), or appendonly yes with \
                      appendfsync always";

/// A node that restarts and has forgotten a lock gives it away again.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if servers(facts).next().is_none() {
        return Vec::new();
    }
    if let Some(longest) = facts.restart_guard {
        let reason = format!(
            "a node that restarted gives no locks for {} and a little more (the restart guard; as long in all services?)",
            span(longest)
        );
        return vec![Finding::ok(CHECK, reason)];
    }
    let findings = servers(facts).filter_map(|(node, server)| Some(one(server)?.on(node)));
    let ok =
        Finding::ok(CHECK, "every write is on disk before it is answered (appendfsync always)");
    or_ok(findings.collect(), Some(ok))
}

fn one(server: &Server) -> Option<Finding> {
    let aof = server.info.as_ref().ok().and_then(|info| info.aof);
    let forgets = match &server.settings {
        Ok(settings) if settings.appendonly => match settings.appendfsync.as_str() {
            "always" => return None,
            "everysec" => {
                "forgets up to two seconds of locks when it crashes (appendfsync everysec)"
                    .to_owned()
            }
            other => format!(
                "forgets what the system has not written when it crashes (appendfsync {other})"
            ),
        },
        Ok(settings) if !settings.save.is_empty() => {
            "forgets all locks since its last snapshot when it restarts (appendonly no)".to_owned()
        }
        Ok(_) => "forgets all locks when it restarts (appendonly no)".to_owned(),
        Err(_) if aof == Some(false) => {
            "forgets locks when it restarts (aof_enabled 0 in INFO)".to_owned()
        }
        Err(why) => {
            let finding = unchecked(CHECK, "CONFIG", why);
            return Some(Finding { remedy: Some(REMEDY.to_owned()), ..finding });
        }
    };
    Some(Finding::warn(CHECK, forgets, REMEDY))
}

/// A node that restarted a short while ago gives no locks under the guard: until then it is as good as down.
pub(super) fn warm(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Warm;
    let Some(longest) = facts.restart_guard else { return Vec::new() };
    // What the libraries wait for with their defaults, and a second that `INFO` may have cut off.
    let guard = longest + longest / 100 + Duration::from_millis(2) + Duration::from_secs(3);
    let mut findings: Vec<_> = withheld(facts, CHECK).collect();
    for (node, info) in infos(facts) {
        if let Some(uptime) = info.uptime.filter(|uptime| *uptime < guard) {
            let reason = format!(
                "restarted {} ago, and gives no locks for {} more",
                span(uptime),
                span(guard - uptime)
            );
            let remedy = "wait, and do not restart another one meanwhile";
            findings.push(Finding::fail(CHECK, reason, remedy).on(node));
        }
    }
    let any = infos(facts).next().is_some();
    or_ok(findings, any.then(|| Finding::ok(CHECK, "no node is kept out by the restart guard")))
}
