//! When a script is sent by its digest, and what becomes of it where the server does not know it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::node::{Claim, Fault, LockNode, NodeError, Removal};
use redlock_core::{LockKey, Token};
use redlock_protocol::{Arg, CallError, Reply, ServerNode, Wire};

const LIMIT: Duration = Duration::from_secs(1);

/// A server that answers to `EVALSHA` with what is set.
#[derive(Debug, Default)]
struct Server {
    sent: Mutex<Vec<&'static str>>,
    refusal: Mutex<Option<&'static str>>,
}

impl Wire for Server {
    async fn call(
        &self,
        name: &'static str,
        _: &[Arg<'_>],
        _: Duration,
    ) -> Result<Reply, CallError> {
        self.sent.lock().unwrap().push(name);
        match *self.refusal.lock().unwrap() {
            Some("lost") => Err(NodeError::from(Fault::ConnectionLost).into()),
            Some(refusal) if name == "EVALSHA" => Err(CallError::Server(refusal.to_owned())),
            _ => Ok(Reply::Int(1)),
        }
    }
}

/// What is sent for `times` releases that go well, while `EVALSHA` is refused like this.
async fn sent(
    node: &Arc<ServerNode<Server>>,
    times: usize,
    refusal: Option<&'static str>,
) -> Vec<&'static str> {
    *node.wire().refusal.lock().unwrap() = refusal;
    for _ in 0..times {
        let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
        let released = Arc::clone(node).release(claim, LIMIT).await;
        assert_eq!(released.ok(), (refusal != Some("lost")).then_some(Removal::Removed));
    }
    std::mem::take(&mut *node.wire().sent.lock().unwrap())
}

fn node() -> Arc<ServerNode<Server>> {
    Arc::new(ServerNode::new("node", Server::default()))
}

#[tokio::test]
async fn a_script_is_sent_whole_once_for_each_connection() {
    let node = node();
    assert_eq!(sent(&node, 3, None).await, ["EVAL", "EVALSHA", "EVALSHA"]);
    assert_eq!(sent(&node, 1, Some("lost")).await, ["EVALSHA"]);
    assert_eq!(sent(&node, 2, None).await, ["EVAL", "EVALSHA"]);
}

#[tokio::test]
async fn a_server_that_forgot_its_scripts_gets_them_again() {
    let node = node();
    sent(&node, 1, None).await;
    let forgot = Some("NOSCRIPT No matching script. Please use EVAL.");
    assert_eq!(sent(&node, 1, forgot).await, ["EVALSHA", "EVAL"]);
    assert_eq!(sent(&node, 1, None).await, ["EVALSHA"]);
}

#[tokio::test]
async fn where_digests_are_forbidden_or_unknown_they_are_tried_once() {
    for refusal in [
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "NOPERM User x has no permissions to run the 'evalsha' command",
        "NOPERM this user has no permissions to run the 'EVALSHA' command or its subcommand",
        "ERR unknown command 'EVALSHA', with args beginning with: ",
        "ERR unknown command `evalsha`, with args beginning with: ",
    ] {
        let node = node();
        sent(&node, 1, None).await;
        assert_eq!(sent(&node, 3, Some(refusal)).await, ["EVALSHA", "EVAL", "EVAL", "EVAL"]);
    }
}

#[tokio::test]
async fn another_refusal_is_the_answer() {
    let node = node();
    sent(&node, 1, None).await;
    *node.wire().refusal.lock().unwrap() = Some("NOPERM no permissions to run the 'get' command");
    let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
    let error = node.release(claim, LIMIT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Permission);
}
