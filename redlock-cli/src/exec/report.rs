//! What `redlock exec` says, all of it on standard error. On success it is silent.

use std::time::Duration;

use humantime::format_duration;
use redlock_core::node::Expiry;
use redlock_core::{Lease, LockError, LockErrorKind, LostReason, NodeOutcome, Release};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::args::ExecArgs;
use crate::config::NODES;

/// How often it is looked whether the lock was renewed.
const LOOK: Duration = Duration::from_millis(100);

/// Speaks of one lock.
pub(super) struct Report<'a> {
    args: &'a ExecArgs,
    keys: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &'a ExecArgs) -> Self {
        let shown: Vec<_> = args.keys.iter().map(|key| key.escape_debug().to_string()).collect();
        Self { args, keys: shown.join(", ") }
    }

    fn say(&self, text: impl std::fmt::Display) {
        eprintln!("redlock: {}: {text}", self.keys);
    }

    fn tell(&self, text: impl std::fmt::Display) {
        if self.args.verbose {
            self.say(text);
        }
    }

    /// No node was named.
    pub(super) fn this_machine_only(&self) {
        eprintln!(
            "redlock: no nodes are named, so this lock holds on this machine only. Name them with --node, {NODES} or \
             redlock.toml"
        );
    }

    pub(super) fn locked(&self, lease: &Lease) {
        let fence = lease.fence().map_or_else(String::new, |fence| format!("fence {fence}, "));
        self.tell(format_args!("locked ({fence}for {:.1?} unless renewed)", lease.remaining()));
    }

    /// Tells of a renewal once there was one.
    pub(super) async fn renewals(&self, lease: &Lease, valid_until: &mut Instant) {
        if !self.args.verbose {
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
            // It was said already.
            _ if lost => {}
            Ok(_) => self.say(
                "warning: when the command had ended, a majority of nodes no longer held the lock",
            ),
            Err(error) => self.say(format_args!("warning: not released, left to expire: {error}")),
        }
    }

    pub(super) fn lost(&self, reason: LostReason) {
        self.say(format_args!("lock lost: {reason}. The command is told to end"));
    }

    pub(super) fn killed(&self, kill_after: Duration) {
        let given = format_duration(kill_after);
        self.say(format_args!("the command has not ended within {given} and is killed"));
    }

    /// A signal came before the lock.
    pub(super) fn interrupted(&self, signal: Signal) {
        self.tell(format_args!("not locked: signal {}", signal.as_raw()));
    }

    pub(super) fn contended(&self, error: &LockError) {
        if self.args.quiet {
            return;
        }
        if self.args.verbose {
            return self.say(error);
        }
        let waited = match error.kind() {
            LockErrorKind::TimedOut => format!(" after {}", format_duration(self.args.wait)),
            _ => String::new(),
        };
        self.say(format_args!("held by another{waited}{}", until_when(error)));
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

fn until_when(error: &LockError) -> String {
    let forever = |outcome: &NodeOutcome| matches!(outcome, NodeOutcome::Held(Expiry::Never));
    match error.retry_after() {
        Some(left) => {
            let seconds = left.as_millis().div_ceil(1_000).max(1);
            let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
            format!(" (free in about {} unless renewed)", format_duration(seconds))
        }
        None if error.nodes().iter().any(|node| forever(&node.outcome)) => {
            " (by a key without expiry, which never frees itself)".to_owned()
        }
        None => String::new(),
    }
}
