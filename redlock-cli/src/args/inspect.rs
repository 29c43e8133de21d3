//! `redlock inspect`.

use clap::Args;

use super::nodes::{MoreKeys, NodeArgs};
use crate::inspect::Request;

/// Show who holds a lock
///
/// Exits with 0 when a majority of nodes answered, whether it is held or free, and with 125 when they did not or disagree.
#[derive(Debug, Args)]
#[command(override_usage = "redlock inspect [OPTIONS] <KEY>...")]
pub(super) struct InspectArgs {
    /// Which locks
    #[arg(required_unless_present = "key", value_name = "KEY")]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// Print one JSON object per key
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<InspectArgs> for Request {
    fn from(args: InspectArgs) -> Self {
        Self { keys: args.more.after(args.keys), json: args.json, flags: args.nodes.into() }
    }
}
