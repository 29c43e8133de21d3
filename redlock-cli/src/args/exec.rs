//! `redlock exec`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueHint};
use redlock_core::Label;

use super::nodes::{MoreKeys, NodeArgs};
use crate::duration::{duration, wait};
use crate::exec::{Mode, Name, Request};
use crate::exit;

/// Run a command while holding a lock
///
/// The lock is renewed while the command runs and released when it has ended. A lock that is lost ends the command.
///
/// Exits with the command's own code, or 128 + the signal that ended it; with -E's when the lock is held by another; 124
/// when it was lost while the command ran; 125 when redlock itself failed; 126 when the command cannot be run, 127 when
/// there is no such command; 2 when the command line is wrong.
///
/// The command finds in its environment REDLOCK_KEY (several keys stand one a line), REDLOCK_FENCE (a number greater than
/// that of every earlier holder) and REDLOCK_VALID_UNTIL (seconds since 1970; renewal moves it on, so it is no more than a
/// hint). With --permits also REDLOCK_SLOT, and REDLOCK_FENCE is greater than that of every earlier holder of this slot.
///
/// SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 are passed on to the command, which decides what they mean.
///
/// If redlock dies in whatever way, all that the command started is killed at once. Not covered are processes that redlock may
/// not signal (set-user-ID programs, unless it is root), and, when redlock and its watcher (lock-watcher in ps) are killed both
/// at once, a command that changed its user and whatever the command started; what runs under a watcher that somebody stopped is
/// killed when that goes on. Without /proc, and on other systems than Linux, the command's process group alone is killed, and
/// at a terminal the command alone. `pkill -f` with words of the command finds redlock and its watcher, too, which carry them
/// in their own command lines.
#[derive(Debug, Args)]
#[command(override_usage = "redlock exec [OPTIONS] <KEY>... -- <COMMAND>...")]
pub(super) struct ExecArgs {
    /// What to lock. Several are locked together or not at all
    #[arg(required_unless_present = "key", value_name = "KEY")]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// The command and its arguments, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(super) command: Vec<OsString>,
    /// Share the lock with others that do: they run beside one another, and never beside one that has it without this
    /// flag. Not with --at-least: who shares keeps nobody out for a time
    #[arg(short, long, conflicts_with = "at_least")]
    pub(super) shared: bool,
    /// Let so many commands run at once, 1 to 64, over all machines, with one KEY; all of them should say the same number. The
    /// command finds in REDLOCK_SLOT which one it is, from 0: no other has the same meanwhile. A lock on KEY itself is
    /// another one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), conflicts_with = "shared")]
    pub(super) permits: Option<u16>,
    /// Try once, do not wait. So does `-w 0s`
    #[arg(short = 'n', long = "nonblock", alias = "try", conflicts_with = "wait")]
    pub(super) nonblock: bool,
    /// How long to wait for the lock; a bare number is seconds
    #[arg(short, long, value_name = "DURATION", default_value = "10s", value_parser = wait, allow_negative_numbers = true)]
    pub(super) wait: Duration,
    /// How long the lock outlives this process if it dies. Renewed while the command runs [default: 30s, or as much longer as
    /// --at-least needs] [env: REDLOCK_TTL]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) ttl: Option<Duration>,
    /// The longest that renewal may hold the lock; then it is lost, and the command is ended. Below 30s it is the default of
    /// --ttl, too
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) max_hold: Option<Duration>,
    /// For a job that several machines start at about the same time: nobody else runs it before this time is over, however
    /// early it ends and also if this process dies. Tries once, as -n does. Where another runs it, or ran it just now, it
    /// is skipped: a line on standard error, and exit code 0 unless -E says otherwise. Where it is refused and nobody is seen
    /// to have it for 3 s, redlock fails. Longer than clocks are apart, and shorter than the period
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "wait")]
    pub(super) at_least: Option<Duration>,
    /// Exit code when the lock is held by another [default: 1, with --at-least 0]
    #[arg(short = 'E', long, value_name = "CODE")]
    pub(super) conflict_exit_code: Option<u8>,
    /// Exit code when the lock was lost while the command ran
    #[arg(long, value_name = "CODE", default_value_t = exit::LOST)]
    pub(super) lost_exit_code: u8,
    /// How long the command has to end after SIGTERM when the lock was lost, before SIGKILL; 0s kills it at once, a
    /// bare number is seconds
    #[arg(short, long, value_name = "DURATION", default_value = "5s", value_parser = wait, allow_negative_numbers = true)]
    pub(super) kill_after: Duration,
    /// Give no fencing number: one counter less per key on the nodes
    #[arg(long)]
    pub(super) no_fence: bool,
    /// What the holder calls itself on the nodes, for those who wait and look: at most 128 bytes [default: user@host pid
    /// program]
    #[arg(long, value_name = "TEXT", value_parser = label, conflicts_with = "no_label")]
    pub(super) label: Option<Label>,
    /// Leave no label on the nodes
    #[arg(long)]
    pub(super) no_label: bool,
    /// Say nothing when the lock is held by another
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say when the lock was had, renewed and released
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

/// What is said names the flag and repeats the value by itself.
fn label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|error| error.rule().to_owned())
}

impl From<ExecArgs> for Request {
    fn from(args: ExecArgs) -> Self {
        let once = args.nonblock || args.at_least.is_some();
        let contended = args.at_least.map_or(exit::CONTENDED, |_| exit::OK);
        Self {
            keys: args.more.after(args.keys),
            command: args.command,
            mode: match args.permits {
                Some(permits) => Mode::Permits(permits),
                None if args.shared => Mode::Shared,
                None => Mode::Alone,
            },
            wait: if once { Duration::ZERO } else { args.wait },
            ttl: args.ttl,
            max_hold: args.max_hold,
            at_least: args.at_least,
            conflict_exit_code: args.conflict_exit_code.unwrap_or(contended),
            lost_exit_code: args.lost_exit_code,
            kill_after: args.kill_after,
            label: match args.label {
                Some(label) => Name::Given(label),
                None if args.no_label => Name::None,
                None => Name::Usual,
            },
            fence: !args.no_fence,
            quiet: args.quiet,
            verbose: args.verbose,
            flags: args.nodes.into(),
        }
    }
}
