use redlock_core::node::{Fault, NodeError};

use super::finding::{Check, Finding};
use super::remedies;
use super::told::or_ok;
use crate::doctor::facts::{Facts, Trial, Verb};

/// What each verb sends, where the server does not say which of it is refused.
fn needs(verb: Verb) -> &'static str {
    match verb {
        Verb::Acquire => "+eval +evalsha +get +set +pttl",
        Verb::Extend => "+eval +evalsha +get +pttl +pexpire",
        Verb::Inspect => "+eval +evalsha +get +pttl",
        Verb::Scan => "+eval +evalsha +scan +getrange +pttl",
        Verb::Release => "+eval +evalsha +get +del",
        Verb::Fence => "+eval +evalsha +get +set +pttl +time ~redlock:fence:*",
        Verb::Guard => "+eval +evalsha +get +set +time +info +lastsave",
        Verb::Share => {
            "+eval +evalsha +get +del +pttl +pexpire +time +zadd +zrem +zscore +zrange +zremrangebyscore ~redlock:want:*"
        }
        Verb::Permit => "+eval +evalsha +mget +exists +pttl +time +get +set +del",
        Verb::WakeUp => "+publish +subscribe &redlock:released",
    }
}

fn what(verb: Verb) -> &'static str {
    match verb {
        Verb::Acquire => "locks cannot be taken",
        Verb::Extend => "locks cannot be extended or renewed",
        Verb::Inspect => "nobody can look who holds a lock",
        Verb::Scan => "nobody can list what is held (redlock list)",
        Verb::Release => "locks cannot be released, and stay until they expire",
        Verb::Fence => "there are no fencing numbers (redlock exec needs --no-fence)",
        Verb::Guard => {
            "the restart guard cannot tell how long the server has run, and gives no locks"
        }
        Verb::Share => {
            "locks cannot be shared, which those need who read (`read`, `try_read`) and nobody else"
        }
        Verb::Permit => {
            "no permits can be had, which those need who have a semaphore and nobody else"
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

pub(super) fn listing(facts: &Facts) -> Vec<Finding> {
    optional(facts, Check::Listing, Verb::Scan, "what is held can be listed")
}

pub(super) fn wake_ups(facts: &Facts) -> Vec<Finding> {
    optional(facts, Check::WakeUps, Verb::WakeUp, "who waits for a lock hears of its release")
}

pub(super) fn sharing(facts: &Facts) -> Vec<Finding> {
    optional(facts, Check::Sharing, Verb::Share, "readers can share locks")
}

pub(super) fn permits(facts: &Facts) -> Vec<Finding> {
    optional(facts, Check::Permits, Verb::Permit, "semaphores can give permits")
}

/// What locks can do without.
fn optional(facts: &Facts, check: Check, verb: Verb, ok: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut works = false;
    for node in &facts.nodes {
        let Some(trial) = &node.trial else { continue };
        if [Verb::Acquire, Verb::Release].iter().any(|verb| trial.error(*verb).is_some()) {
            // Said already.
            continue;
        }
        match trial.error(verb) {
            Some(error) => {
                let reason = format!("{}: {error}", what(verb));
                let remedy = remedy(verb, error, trial);
                findings.push(Finding::warn(check, reason, remedy).on(node));
            }
            None => works |= trial.verbs.iter().any(|(tried, _)| *tried == verb),
        }
    }
    or_ok(findings, works.then(|| Finding::ok(check, ok)))
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
            format!("grant {grant} to the user (ACL SETUSER){}", unless(verb))
        }
        _ => remedies::by_fault(error).to_owned(),
    }
}

/// Who can do without: doctor cannot know what the services do.
fn unless(verb: Verb) -> &'static str {
    match verb {
        Verb::Share => ", or --accept sharing where nobody reads",
        Verb::Permit => ", or --accept permits where nobody has a semaphore",
        _ => "",
    }
}
