//! What one server can do to the process that asks it.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Fault, FaultClass, LockNode, Terms};
use redlock_core::token::Token;
use redlock_redis::RedisNode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// redis-rs stops at a hundred. fred has no limit, which `docs/SAFETY.md` says.
#[tokio::test]
async fn a_deeply_nested_reply_fails_its_node_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let nested = "*1\r\n".repeat(100_000) + ":1\r\n";
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The greeting is answered like all else.
            if stream.read(&mut [0; 4_096]).await.is_ok() {
                let _ = stream.write_all(nested.as_bytes()).await;
                let _ = stream.read(&mut [0; 4_096]).await;
            }
        }
    });
    let node = Arc::new(RedisNode::connect(&url).unwrap());
    let claim = Claim::new(LockKey::new("a").unwrap(), Token::random().unwrap());
    let limit = Duration::from_secs(10);
    let error = node.acquire(claim, Terms::new(limit), limit).await.unwrap_err();
    assert_ne!(error.class(), FaultClass::Unknown, "{error}");
    assert_ne!(error.fault(), Fault::Timeout);
    assert!(!serving.is_finished());
}
