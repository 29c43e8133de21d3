//! `redlock inspect`.

use clap::Args;

use super::nodes::{MoreKeys, NodeArgs};
use crate::inspect::Request;

/// Show who holds a lock
///
/// Exits with 0 when a majority of nodes answered, whether it is held or free, and with 125 when they did not or disagree.
///
/// The permits of a semaphore are the locks NAME/0, NAME/1 and so on, by which every other verb knows them: `redlock list NAME/`
/// has a row for each that is taken. Of a lock that is free it is said which of the locks NAME/0 to NAME/63 are not.
#[derive(Debug, Args)]
#[command(override_usage = "redlock inspect [OPTIONS] <KEY>...")]
pub(super) struct InspectArgs {
    /// Which locks
    #[arg(required_unless_present = "key", value_name = "KEY")]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// The keys are semaphores of so many permits: show who has each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) permits: Option<u16>,
    /// Print one JSON object per key
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<InspectArgs> for Request {
    fn from(args: InspectArgs) -> Self {
        Self {
            keys: args.more.after(args.keys),
            permits: args.permits,
            json: args.json,
            flags: args.nodes.into(),
        }
    }
}
