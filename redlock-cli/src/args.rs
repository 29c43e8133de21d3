//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueHint};
use humantime::parse_duration;

use crate::config::ClientKind;
use crate::doctor::checks::Check;
use crate::exit;

/// A lock shared by machines: flock(1) over independent Redis or Valkey servers, after the Redlock algorithm.
#[derive(Debug, Parser)]
#[command(name = "redlock", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Exec(ExecArgs),
    Inspect(InspectArgs),
    Watch(WatchArgs),
    Release(ReleaseArgs),
    Doctor(DoctorArgs),
    Bench(BenchArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Which nodes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Nodes")]
pub(crate) struct NodeArgs {
    /// A node: `redis://host:port/db`, `rediss://…`, `host:port`, or `file:/directory`. Repeat it for each. A password
    /// belongs in REDLOCK_PASSWORD, REDLOCK_NODES (comma-separated URLs) or the file
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) node: Vec<String>,
    /// The library that speaks to the servers [default: redis]
    #[arg(long, value_enum, value_name = "CLIENT")]
    pub(crate) client: Option<ClientKind>,
    /// A TOML file with nodes and settings [default: redlock.toml in ~/.config or /etc, if there is one]
    #[arg(long, value_name = "FILE", env = "REDLOCK_CONFIG", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// A node that restarted gives no locks until one of this time to live would have expired: the longest in use, the same
    /// everywhere
    #[arg(long, value_name = "LONGEST_TTL", value_parser = parse_duration)]
    pub(crate) restart_guard: Option<Duration>,
    /// Put before every key on the nodes
    #[arg(long, value_name = "PREFIX")]
    pub(crate) key_prefix: Option<String>,
}

/// Run a command while holding a lock
///
/// The lock is renewed while the command runs and released when it has ended. A lock that is lost ends the command.
///
/// Exits with the command's own code, or 128 + the signal that ended it; with -E's when the lock is held by another; 124
/// when it was lost while the command ran; 125 when redlock itself failed; 126 when the command cannot be run, 127 when
/// there is no such command.
///
/// The command finds in its environment REDLOCK_KEY (several keys stand one a line), REDLOCK_FENCE (a number greater than
/// that of every earlier holder) and REDLOCK_VALID_UNTIL (seconds since 1970; renewal moves it on, so it is no more than a
/// hint).
///
/// SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 are passed on to the command, which decides what they mean.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// What to lock. Several are locked together or not at all
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// The command and its arguments, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
    /// Try once, do not wait. So does `-w 0s`
    #[arg(short = 'n', long = "nonblock", alias = "try", conflicts_with = "wait")]
    pub(crate) nonblock: bool,
    /// How long to wait for the lock
    #[arg(short, long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(crate) wait: Duration,
    /// How long the lock outlives this process if it dies. Renewed while the command runs [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// The longest that renewal may hold the lock; then it is lost, and the command is ended. Below 30s it is the default of
    /// --ttl, too
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) max_hold: Option<Duration>,
    /// Exit code when the lock is held by another
    #[arg(short = 'E', long, value_name = "CODE", default_value_t = exit::CONTENDED)]
    pub(crate) conflict_exit_code: u8,
    /// Exit code when the lock was lost while the command ran
    #[arg(long, value_name = "CODE", default_value_t = exit::LOST)]
    pub(crate) lost_exit_code: u8,
    /// How long the command has to end after SIGTERM when the lock was lost, before SIGKILL; 0s kills it at once
    #[arg(short, long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) kill_after: Duration,
    /// Give no fencing number: one counter less per key on the nodes
    #[arg(long)]
    pub(crate) no_fence: bool,
    /// Say nothing when the lock is held by another
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say when the lock was had, renewed and released
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Show who holds a lock
///
/// Exits with 0 when a majority of nodes answered, whether it is held or free, and with 125 when they did not or disagree.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Which locks
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Print one JSON object per key
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Follow who holds a lock, until Ctrl-C
///
/// Prints a line for what is seen first and for each change: `taken`, `passed` to another holder, `freed`, `unclear` when no
/// majority agrees, `clear` when one does again, `nodes` when other nodes than before differ from the majority. Changes
/// between two looks are not seen. Exits with 0.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Which lock
    pub(crate) key: String,
    /// How often the nodes are asked
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration)]
    pub(crate) interval: Duration,
    /// Print one JSON object per change
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Release a lock by its token, or by force
///
/// Exits with 0 when the lock is released, or was free before --force; with 1 when the token does not hold it, when what was
/// typed is not the key, or when another holder came before --force and was left alone; with 125 when too few nodes
/// answered, or when --force is to ask and standard input is no terminal.
///
/// --force deletes, on every server, what it showed there and nothing else.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// Which locks
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// The holder's token. `-` reads it from standard input: the list of processes shows arguments to everybody
    #[arg(long, value_name = "TOKEN", required_unless_present = "force", conflicts_with = "force")]
    pub(crate) token: Option<String>,
    /// Take the lock away from whoever holds it. Its holder may still be at work
    #[arg(long)]
    pub(crate) force: bool,
    /// Do not ask before --force
    #[arg(long, requires = "force")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Check whether the nodes are fit for Redlock
///
/// Exits with 0 when all checks passed, with 1 when there are warnings, with 2 when a check failed, and with 125 when nothing
/// could be checked.
///
/// Changes nothing on the nodes but keys of its own under `redlock:doctor:`, which it removes, also when it is
/// interrupted; they expire after ten seconds anyway. What a user has no right to see is a warning.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Time limit of each question
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// A check whose warnings are known and do not count. Failures always do. Repeat it for each
    #[arg(long, value_enum, value_name = "CHECK")]
    pub(crate) accept: Vec<Check>,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Measure latency and throughput of locks on the nodes
///
/// Takes and releases locks of its own under `redlock:bench:` as fast as it can, and removes them; also at Ctrl-C, when it
/// prints what it has. Exits with 0, and with 125 when no lock was had at all.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// How long
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) duration: Duration,
    /// Tasks that lock at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) tasks: u16,
    /// All tasks want the same lock, instead of one each
    #[arg(long)]
    pub(crate) contended: bool,
    /// With fencing numbers
    #[arg(long)]
    pub(crate) fencing: bool,
    /// Time to live of the locks
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(crate) ttl: Duration,
    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the man page, or write one per subcommand into a directory
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to write redlock.1, redlock-exec.1 and so on
    #[arg(value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    pub(crate) directory: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_command_after_two_dashes_keeps_its_own_flags() {
        let cli = Cli::parse_from(["redlock", "exec", "a", "b", "-n", "--", "ls", "-n", "--", "x"]);
        let Command::Exec(exec) = cli.command else { panic!("{cli:?}") };
        assert_eq!(exec.keys, ["a", "b"]);
        assert_eq!(exec.command, ["ls", "-n", "--", "x"]);
        assert!(exec.nonblock);
    }

    #[test]
    fn waiting_and_not_waiting_exclude_each_other() {
        let parsed = Cli::try_parse_from(["redlock", "exec", "a", "-n", "-w", "1s", "--", "ls"]);
        assert_eq!(parsed.unwrap_err().exit_code(), i32::from(exit::USAGE));
    }

    #[test]
    fn nodes_may_stand_before_and_after_the_subcommand_s_arguments() {
        let cli = Cli::parse_from(["redlock", "inspect", "--node", "a", "k", "--node", "b"]);
        let Command::Inspect(inspect) = cli.command else { panic!("{cli:?}") };
        assert_eq!((inspect.nodes.node.len(), inspect.keys.len()), (2, 1));
    }
}
