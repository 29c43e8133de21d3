use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::Reply;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Fault, LockNode, NodeError, Terms, Vote};
use redlock_core::{LockError, LockErrorKind, LockKey, NodeOutcome, Redlock, Token};

/// Long enough for a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// For a server that is known not to answer.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) async fn start(kind: Kind, args: &[&str]) -> Servers {
    let builder = Servers::builder().kind(kind).count(1);
    args.iter().fold(builder, |builder, arg| builder.arg(*arg)).start().await
}

/// A node that knows its server.
pub(crate) async fn met(client: Client, url: &str) -> Arc<dyn LockNode> {
    let node = client.node(url);
    Arc::clone(&node).identity(LIMIT).await.unwrap();
    node
}

pub(crate) fn claim(resources: &[&str]) -> Claim {
    Claim::new(LockKey::all(resources).unwrap(), Token::random().unwrap())
}

pub(crate) fn terms() -> Terms {
    Terms::new(Duration::from_secs(60))
}

pub(crate) async fn acquire(
    node: &Arc<dyn LockNode>,
    claim: &Claim,
    limit: Duration,
) -> Result<Vote, NodeError> {
    Arc::clone(node).acquire(claim.clone(), terms(), limit).await
}

/// Acquires by the plain command and by the script, and expects this fault of both, and of a handle over the node.
pub(crate) async fn expect(node: &Arc<dyn LockNode>, server: &Server, fault: Fault) {
    for resources in [&["k"][..], &["a", "b"]] {
        let error = acquire(node, &claim(resources), LIMIT).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
    }
    let error = refused_lock(node, SHORT).await;
    let kind = match fault.class() {
        redlock_core::node::FaultClass::Misconfigured => LockErrorKind::Misconfigured,
        _ => LockErrorKind::Unreachable,
    };
    assert_eq!(error.kind(), kind, "{error}");
    match &error.nodes()[0].outcome {
        NodeOutcome::Failed(error) => assert_eq!(error.fault(), fault, "{error}"),
        other => panic!("{other}"),
    }
    let ours = server_keys(server).await;
    assert!(
        !ours.iter().any(|key| ["k", "a"].contains(&key.as_str())) || fault == Fault::WrongType,
        "{ours:?}"
    );
}

/// What stands on the server, if it can be asked.
async fn server_keys(server: &Server) -> Vec<String> {
    match server.command(&["KEYS", "*"]).await {
        Ok(Reply::Array(keys)) => keys.iter().filter_map(Reply::text).collect(),
        _ => Vec::new(),
    }
}

pub(crate) async fn refused_lock(node: &Arc<dyn LockNode>, node_timeout: Duration) -> LockError {
    let redlock = Redlock::builder()
        .nodes([Arc::clone(node)])
        .ttl(Duration::from_secs(60))
        .node_timeout(node_timeout.max(Duration::from_secs(3)))
        .build()
        .unwrap();
    let error = redlock.try_lock("k").await.unwrap_err();
    redlock.close().await;
    error
}

/// Asks again until the node gives this fault, for faults that take a moment to come about. What was taken before it
/// came cannot always be released, so each try has names of its own.
pub(crate) async fn eventually(node: &Arc<dyn LockNode>, resources: usize, fault: Fault) {
    let mut last = None;
    for i in 0..100 {
        let names: Vec<String> = (0..resources).map(|n| format!("try-{i}-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let claim = claim(&names);
        match acquire(node, &claim, SHORT).await {
            Err(error) if error.fault() == fault => return,
            other => last = Some(other),
        }
        let _ = Arc::clone(node).release(claim, SHORT).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {fault:?}, at last {last:?}");
}
