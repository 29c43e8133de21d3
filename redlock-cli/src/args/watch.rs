//! `redlock watch`.

use std::time::Duration;

use clap::Args;

use super::nodes::{MoreKeys, NodeArgs};
use crate::duration::duration;
use crate::watch::Request;

/// Follow who holds a lock, until Ctrl-C
///
/// Prints a line for what is seen first and for each change: `taken`, `passed` to another holder, `freed`, `unclear` when no
/// majority agrees, `clear` when one does again, `nodes` when other nodes than before differ from the majority. Changes
/// between two looks are not seen. Ends when nobody reads any more, at the latest with the next look. Exits with 0.
#[derive(Debug, Args)]
#[command(override_usage = "redlock watch [OPTIONS] <KEY>")]
pub(super) struct WatchArgs {
    /// Which lock
    #[arg(required_unless_present = "key", value_name = "KEY", num_args = 1)]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// How often the nodes are asked
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration)]
    pub(super) interval: Duration,
    /// Print one JSON object per change
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl WatchArgs {
    /// Nothing where several keys are given.
    pub(super) fn request(self) -> Option<Request> {
        let [key] = self.more.after(self.keys).try_into().ok()?;
        Some(Request { key, interval: self.interval, json: self.json, flags: self.nodes.into() })
    }
}
