//! The fake server as fred meets it.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../../redlock-redis/tests/adapter/server.rs"]
mod server;

use std::sync::Arc;

use redlock_fred::FredNode;
pub(crate) use server::*;

pub(crate) type Node = FredNode;

pub(crate) const NIL: &str = "$-1\r\n";

pub(crate) fn is_handshake(command: &Command) -> bool {
    match &*word(command, 0) {
        "PING" | "AUTH" | "SELECT" | "CLIENT" => true,
        // The node's own INFO has no argument.
        "INFO" => command.len() > 1,
        _ => false,
    }
}

pub(crate) fn greet(command: &Command) -> Action {
    match &*word(command, 0) {
        "CLIENT" => reply(":7\r\n"),
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        _ => reply("+OK\r\n"),
    }
}

impl FakeServer {
    pub(crate) fn node(&self) -> Arc<FredNode> {
        Arc::new(FredNode::connect(&self.url()).unwrap())
    }
}
