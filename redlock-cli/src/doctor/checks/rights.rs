use redlock_core::node::{Fault, NodeError};

use super::{Check, Facts, Finding, or_ok};
use crate::doctor::facts::{Trial, Verb};

/// What each verb sends, where the server does not say which of it is refused.
fn needs(verb: Verb) -> &'static str {
    match verb {
        Verb::Acquire => "+eval +evalsha +get +set +pttl",
        Verb::Extend => "+eval +evalsha +get +pttl +pexpire",
        Verb::Inspect => "+eval +evalsha +get +pttl",
        Verb::Release => "+eval +evalsha +get +del",
        Verb::Fence => "+eval +evalsha +get +set +pttl +time ~redlock:fence:*",
        Verb::Guard => "+eval +evalsha +get +set +time +info +lastsave",
        Verb::WakeUp => "+publish +subscribe &redlock:released",
    }
}

fn what(verb: Verb) -> &'static str {
    match verb {
        Verb::Acquire => "locks cannot be taken",
        Verb::Extend => "locks cannot be extended or renewed",
        Verb::Inspect => "nobody can look who holds a lock",
        Verb::Release => "locks cannot be released, and stay until they expire",
        Verb::Fence => "there are no fencing numbers (redlock exec needs --no-fence)",
        Verb::Guard => {
            "the restart guard cannot tell how long the server has run, and gives no locks"
        }
        Verb::WakeUp => {
            "who waits for a lock is not told of releases, and asks again after a pause"
        }
    }
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Rights;
    let mut findings = Vec::new();
    let mut tried = false;
    for node in &facts.nodes {
        let Some(trial) = &node.trial else { continue };
        tried = true;
        for verb in
            [Verb::Acquire, Verb::Extend, Verb::Release, Verb::Inspect, Verb::Fence, Verb::Guard]
        {
            let Some(error) = trial.error(verb) else { continue };
            let reason = format!("{}: {error}", what(verb));
            let remedy = remedy(verb, error, trial);
            let optional = match verb {
                Verb::Inspect | Verb::Fence => true,
                Verb::Guard => facts.restart_guard.is_none(),
                _ => false,
            };
            let finding = if optional {
                Finding::warn(CHECK, reason, remedy)
            } else {
                Finding::fail(CHECK, reason, remedy)
            };
            findings.push(finding.on(node));
        }
    }
    let ok = "locks can be taken, extended, looked at and released, with fencing and under the restart guard";
    or_ok(findings, tried.then(|| Finding::ok(CHECK, ok)))
}

pub(super) fn wake_ups(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::WakeUps;
    let mut findings = Vec::new();
    let mut heard = false;
    for node in &facts.nodes {
        let Some(trial) = &node.trial else { continue };
        if [Verb::Acquire, Verb::Release].iter().any(|verb| trial.error(*verb).is_some()) {
            // Said already.
            continue;
        }
        match trial.error(Verb::WakeUp) {
            Some(error) => {
                let reason = format!("{}: {error}", what(Verb::WakeUp));
                let remedy = remedy(Verb::WakeUp, error, trial);
                findings.push(Finding::warn(CHECK, reason, remedy).on(node));
            }
            None => heard |= trial.verbs.iter().any(|(verb, _)| *verb == Verb::WakeUp),
        }
    }
    or_ok(findings, heard.then(|| Finding::ok(CHECK, "who waits for a lock hears of its release")))
}

fn remedy(verb: Verb, error: &NodeError, trial: &Trial) -> String {
    match error.fault() {
        Fault::Permission if error.detail().contains("key") && !error.detail().contains("command") => {
            "let the user have the keys: ~redlock:* and those of the locks, or --key-prefix as for the locks".to_owned()
        }
        Fault::Permission => {
            let missing: Vec<_> =
                needs(verb).split(' ').filter(|right| trial.denied.iter().any(|d| right[1..] == **d)).collect();
            let grant = if missing.is_empty() { needs(verb).to_owned() } else { missing.join(" ") };
            format!("grant {grant} to the user (ACL SETUSER)")
        }
        Fault::Replica | Fault::ClusterMember => "name an independent master".to_owned(),
        Fault::OutOfMemory => "raise maxmemory".to_owned(),
        Fault::CannotPersist => "see why the server cannot write to its disk".to_owned(),
        Fault::Authentication => "check user and password".to_owned(),
        _ => "see the server's log".to_owned(),
    }
}
