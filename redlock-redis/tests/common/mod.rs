//! The fake server as redis-rs meets it.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "../adapter/server.rs"]
mod server;

use std::sync::Arc;

use redlock_redis::RedisNode;
pub(crate) use server::*;

pub(crate) type Node = RedisNode;

pub(crate) const NIL: &str = "_\r\n";

pub(crate) fn is_handshake(command: &Command) -> bool {
    matches!(&*word(command, 0), "HELLO" | "AUTH" | "SELECT" | "CLIENT")
}

pub(crate) fn greet(_: &Command) -> Action {
    reply("+OK\r\n")
}

impl FakeServer {
    pub(crate) fn node(&self) -> Arc<RedisNode> {
        Arc::new(RedisNode::connect(&self.url()).unwrap())
    }

    pub(crate) fn client(&self) -> redis::Client {
        redis::Client::open(format!("{}?protocol=resp3", self.url())).unwrap()
    }
}
