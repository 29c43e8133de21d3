//! In-memory nodes, and a runtime for what actix-web spawns.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../../redlock-tower/tests/common/nodes.rs"]
mod nodes;

pub(crate) use nodes::*;
use tokio::task::LocalSet;

/// Runs a test where actix-web can spawn, on paused time.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    LocalSet::new().block_on(&runtime.unwrap(), test);
}
