use super::{Check, Facts, Finding, Server, or_ok, servers, unchecked};
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
