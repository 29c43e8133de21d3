//! What `redlock exec` says, all of it on standard error. On success it is silent.

use std::time::Duration;

use humantime::{FormattedDuration, format_duration};
use redlock_core::node::Expiry;
use redlock_core::{
    Label, Lease, LockError, LockErrorKind, LockState, LostReason, NodeOutcome, Release,
};
use redlock_file::FileNode;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::hold::Hold;
use super::request::{Mode, Request};
use crate::config::NODES;
use crate::output::{keys, say};

/// How often it is looked whether the lock was renewed.
const LOOK: Duration = Duration::from_millis(100);

/// Speaks of one lock.
pub(super) struct Report<'a> {
    request: &'a Request,
    keys: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        Self { request, keys: keys(&request.keys) }
    }

    fn say(&self, text: impl std::fmt::Display) {
        say(format_args!("redlock: {}: {text}", self.keys));
    }

    fn tell(&self, text: impl std::fmt::Display) {
        if self.request.verbose {
            self.say(text);
        }
    }

    /// No node was named.
    pub(super) fn this_machine_only(&self) {
        say(format_args!(
            "redlock: no nodes are named, so this lock holds for this user on this machine only, in {}. Other users, and \
             services with a /tmp of their own, do not see it. Name nodes with --node, {NODES} or redlock.toml",
            FileNode::default_dir().display()
        ));
    }

    pub(super) fn had(&self, hold: &Hold) {
        let lease = hold.lease();
        let fence = lease.fence().map_or_else(String::new, |fence| format!("fence {fence}, "));
        let had = match (hold, self.request.mode) {
            (Hold::Permit(permit), Mode::Permits(permits)) => {
                format!("has permit {} of 0 to {}", permit.slot(), permits - 1)
            }
            (Hold::Share(_), _) => "shared".to_owned(),
            _ => "locked".to_owned(),
        };
        self.tell(format_args!("{had} ({fence}for {:.1?} unless renewed)", lease.remaining()));
    }

    /// Tells of a renewal once there was one.
    pub(super) async fn renewals(&self, lease: &Lease, valid_until: &mut Instant) {
        if !self.request.verbose {
            return std::future::pending().await;
        }
        loop {
            sleep(LOOK).await;
            let until = lease.valid_until();
            // It is computed anew each time, from two clocks.
            if until > *valid_until + LOOK / 2 {
                *valid_until = until;
                return self.tell(format_args!("renewed (for {:.1?} more)", lease.remaining()));
            }
        }
    }

    /// The release came to this. What went wrong with it changes nothing about the command.
    pub(super) fn released(&self, release: Result<Release, LockError>, lost: bool) {
        match release {
            Ok(Release::Released) => self.tell("released"),
            Ok(Release::Kept) => self.tell(format_args!("kept from others until {} are over", self.at_least())),
            // It was said already.
            _ if lost => {}
            Ok(Release::AlreadyGone) => self.say(
                "warning: when the command had ended, no majority of nodes held the lock any more",
            ),
            Ok(Release::Uncertain) => self.say(
                "warning: too few nodes answered to tell whether the lock was held until the command had ended",
            ),
            Err(error) => self.say(format_args!("warning: not released, left to expire: {error}")),
        }
    }

    fn at_least(&self) -> FormattedDuration {
        format_duration(self.request.at_least.unwrap_or_default())
    }

    pub(super) fn lost(&self, reason: LostReason) {
        self.say(format_args!("lock lost: {reason}. The command is told to end"));
    }

    pub(super) fn killed(&self, kill_after: Duration) {
        let given = format_duration(kill_after);
        self.say(format_args!("the command has not ended within {given} and is killed"));
    }

    /// Somebody did not wait for those that the command left running.
    pub(super) fn cut_short(&self) {
        self.say("asked to end: what the command left running is killed");
    }

    /// The lock was lost before the command was seen to begin. If it had, it was killed.
    pub(super) fn lost_before(&self, reason: LostReason) {
        self.say(format_args!("lock lost: {reason}. Nothing of the command goes on"));
    }

    /// A signal came, and the command was not seen to begin. If it had, it was killed.
    pub(super) fn not_begun(&self, signal: Signal) {
        self.say(format_args!("signal {}, and the command does not begin", signal.as_raw()));
    }

    /// A signal came before the lock.
    pub(super) fn interrupted(&self, signal: Signal) {
        self.tell(format_args!("not locked: signal {}", signal.as_raw()));
    }

    /// Somebody else runs it, or ran it.
    pub(super) fn skipped(&self, why: &str) {
        if !self.request.quiet {
            self.say(format_args!("skipped: {why}"));
        }
    }

    pub(super) fn contended(&self, error: &LockError) {
        if self.request.quiet {
            return;
        }
        if self.request.verbose {
            return self.say(error);
        }
        let waited = match error.kind() {
            LockErrorKind::TimedOut => format!(" after {}", format_duration(self.request.wait)),
            _ => String::new(),
        };
        let forever = |outcome: &NodeOutcome| {
            matches!(outcome, NodeOutcome::Held { expiry: Expiry::Never, .. })
        };
        let expiry = match error.retry_after() {
            Some(left) => Expiry::In(left),
            None if error.nodes().iter().any(|node| forever(&node.outcome)) => Expiry::Never,
            None => Expiry::Unknown,
        };
        match self.all_taken() {
            Some(all) => self.say(format_args!("{all}{waited}{}", one_is_free(expiry))),
            // Nobody renews a mark.
            None if error.is_kept() => {
                self.say(format_args!("kept from others{waited} ({})", until_free(expiry)))
            }
            None => {
                self.say(format_args!("{}{waited}{}", held_by(error.holder()), until_when(expiry)))
            }
        }
    }

    /// Why a job that is due once is not run; nothing where nobody has it.
    pub(super) fn why_skipped(&self, seen: &LockState) -> Option<String> {
        let why = skipped(seen)?;
        Some(match self.all_taken() {
            Some(all) => format!("{all}, the one that is free first: {why}"),
            None => why,
        })
    }

    fn all_taken(&self) -> Option<String> {
        match self.request.mode {
            Mode::Permits(1) => Some("the permit is taken".to_owned()),
            Mode::Permits(permits) => Some(format!("all {permits} permits are taken")),
            Mode::Alone | Mode::Shared => None,
        }
    }

    /// Why there is no lock, where that is nobody's holding it.
    pub(super) fn failure(&self, error: &LockError) -> String {
        format!("{}: {error}", self.keys)
    }
}

/// Whether somebody else is the reason.
pub(super) fn is_contention(kind: LockErrorKind) -> bool {
    use LockErrorKind::{Contended, TimedOut, TooManyWaiters};
    matches!(kind, Contended | TimedOut | TooManyWaiters)
}

/// Why a job that is due once is not run, as a majority of the nodes has it; nothing where none has.
fn skipped(seen: &LockState) -> Option<String> {
    match seen {
        LockState::Held { label, expiry, .. } => {
            Some(format!("{}{}", held_by(label.as_ref()), until_when(*expiry)))
        }
        LockState::Shared { label, expiry, .. } => {
            let who = label.as_ref().map_or("others", Label::as_str);
            Some(format!("shared by {who}{}", until_when(*expiry)))
        }
        LockState::Kept { expiry: Expiry::In(left), .. } => {
            Some(format!("another ran it (kept from others for about {} more)", about(*left)))
        }
        LockState::Kept { expiry, .. } => Some(format!("another ran it{}", until_when(*expiry))),
        _ => None,
    }
}

fn held_by(holder: Option<&Label>) -> String {
    format!("held by {}", holder.map_or("another", Label::as_str))
}

/// Of what its holder may renew.
fn until_when(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(left) => format!(" (free in about {} unless renewed)", about(left)),
        Expiry::Never => " (by a key without expiry, which never frees itself)".to_owned(),
        Expiry::Unknown => String::new(),
    }
}

/// Of what its holder, who is done, keeps.
fn until_free(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(left) => format!("by a holder that is done; free in about {}", about(left)),
        _ => "by a holder that is done".to_owned(),
    }
}

/// Of several that their holders may renew.
fn one_is_free(expiry: Expiry) -> String {
    match expiry {
        Expiry::In(left) => format!(" (one is free in about {} unless renewed)", about(left)),
        other => until_when(other),
    }
}

/// In whole seconds, at least one.
fn about(left: Duration) -> FormattedDuration {
    let seconds = left.as_millis().div_ceil(1_000).max(1);
    format_duration(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use redlock_core::node::Holder;

    use super::*;

    #[test]
    fn who_is_skipped_is_told_whether_it_is_held_or_kept_and_until_when() {
        let holder = Holder::of(b"a");
        let left = Expiry::In(Duration::from_millis(5_001));
        let held = |label: Option<&str>, expiry| {
            let label = label.map(|label| Label::new(label).unwrap());
            skipped(&LockState::Held { holder, label, expiry }).unwrap()
        };
        let me = Some("me@here 12 job");
        assert_eq!(held(me, left), "held by me@here 12 job (free in about 6s unless renewed)");
        assert_eq!(held(None, left), "held by another (free in about 6s unless renewed)");
        assert_eq!(
            held(None, Expiry::Never),
            "held by another (by a key without expiry, which never frees itself)"
        );
        // Nobody renews a mark.
        let kept = |expiry| skipped(&LockState::Kept { holder, expiry }).unwrap();
        assert_eq!(kept(left), "another ran it (kept from others for about 6s more)");
        assert_eq!(kept(Expiry::Unknown), "another ran it");
        for nobody in [LockState::Free, LockState::Unknown] {
            assert_eq!(skipped(&nobody), None, "who is to have run it?");
        }
    }
}
