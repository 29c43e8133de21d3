//! `redlock release`.

use clap::Args;

use super::nodes::{MoreKeys, NodeArgs};
use crate::release::{Request, Way};

/// Release a lock by its token, or by force
///
/// Exits with 0 when the lock is released, or was free before --force; with 1 when the token does not hold it, when what was
/// typed is not the key, or when another holder came before --force and was left alone; with 2 when --force is to ask
/// and standard input is no terminal; with 125 when too few nodes answered.
///
/// With neither --token nor --force it shows who holds the lock and says how it can be released, releases nothing and exits
/// with 2.
///
/// --force deletes, on every server, what it showed there and nothing else.
#[derive(Debug, Args)]
#[command(override_usage = "redlock release [OPTIONS] <KEY>...")]
pub(super) struct ReleaseArgs {
    /// Which locks
    #[arg(required_unless_present = "key", value_name = "KEY")]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// The holder's token. `-` reads it from standard input: the list of processes shows arguments to everybody
    #[arg(long, value_name = "TOKEN", conflicts_with = "force")]
    pub(super) token: Option<String>,
    /// Take the lock away from whoever holds it. Its holder may still be at work
    #[arg(long)]
    pub(super) force: bool,
    /// Do not ask before --force
    #[arg(long, requires = "force")]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<ReleaseArgs> for Request {
    fn from(args: ReleaseArgs) -> Self {
        let way = match args.token {
            Some(token) => Way::Token(token),
            None if args.force => Way::Force { asks: !args.yes },
            None => Way::Unsaid,
        };
        Self { keys: args.more.after(args.keys), way, flags: args.nodes.into() }
    }
}
