use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::Reply;
use integration_tests::{ChaosProxy, Kind, Server, Servers};
use redlock_core::key::COUNTER_PREFIX;
use redlock_core::node::{
    Claim, Fault, FaultClass, FenceTerms, LockNode, NodeError, Placed, Terms, Vote,
};
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

pub(crate) fn fenced() -> Terms {
    terms().with_fencing(Some(FenceTerms { hint: 0, life: Duration::from_secs(600) }))
}

pub(crate) async fn place(
    node: &Arc<dyn LockNode>,
    slots: &Claim,
    terms: Terms,
) -> Result<Placed, NodeError> {
    Arc::clone(node).acquire_any(slots.clone(), terms, 0, LIMIT).await
}

/// Acquires by the plain command, by the script and by the fenced one, shares and slots too, and expects this fault of all,
/// and of a handle over the node; and that nothing was taken.
pub(crate) async fn expect(node: &Arc<dyn LockNode>, server: &Server, fault: Fault) {
    for resources in [&["k"][..], &["a", "b"]] {
        for claim in [claim(resources), claim(resources).shared()] {
            let error = acquire(node, &claim, LIMIT).await.unwrap_err();
            assert_eq!(error.fault(), fault, "{claim:?}: {error}");
            let error = Arc::clone(node).acquire(claim.clone(), fenced(), LIMIT).await;
            assert_eq!(error.unwrap_err().fault(), fault, "{claim:?} fenced");
        }
        for terms in [terms(), fenced()].into_iter().filter(|_| fault != Fault::WrongType) {
            // What is of another type takes a slot, and is no fault.
            let error = place(node, &claim(resources), terms).await.unwrap_err();
            assert_eq!(error.fault(), fault, "a slot: {error}");
        }
    }
    expect_of_a_handle(node, LIMIT, fault).await;
    let ours = server_keys(server).await;
    assert!(
        !ours.iter().any(|key| ["k", "a"].contains(&key.as_str())) || fault == Fault::WrongType,
        "{ours:?}"
    );
    assert!(!ours.iter().any(|key| key.starts_with(COUNTER_PREFIX)), "{ours:?}");
}

/// Expects that a handle over the node gets no lock, for this reason.
pub(crate) async fn expect_of_a_handle(
    node: &Arc<dyn LockNode>,
    node_timeout: Duration,
    fault: Fault,
) {
    let error = refused_lock(node, node_timeout).await;
    let kind = match fault.class() {
        FaultClass::Misconfigured => LockErrorKind::Misconfigured,
        _ => LockErrorKind::Unreachable,
    };
    assert_eq!(error.kind(), kind, "{error}");
    match &error.nodes()[0].outcome {
        NodeOutcome::Failed(error) => assert_eq!(error.fault(), fault, "{error}"),
        other => panic!("{other}"),
    }
}

/// What stands on the server, if it can be asked.
async fn server_keys(server: &Server) -> Vec<String> {
    match server.command(&["KEYS", "*"]).await {
        Ok(Reply::Array(keys)) => keys.iter().filter_map(Reply::text).collect(),
        _ => Vec::new(),
    }
}

pub(crate) async fn refused_lock(node: &Arc<dyn LockNode>, node_timeout: Duration) -> LockError {
    let redlock = handle(node, node_timeout);
    let error = redlock.try_lock("k").await.unwrap_err();
    redlock.close().await;
    error
}

pub(crate) fn handle(node: &Arc<dyn LockNode>, node_timeout: Duration) -> Redlock {
    let builder = Redlock::builder().nodes([Arc::clone(node)]).ttl(Duration::from_secs(60));
    builder.node_timeout(node_timeout).build().unwrap()
}

/// Waits until nothing of ours stands on the server, other than what a test put there.
pub(crate) async fn until_only(server: &Server, keys: &[&str]) {
    let mut left = Vec::new();
    for _ in 0..500 {
        left = server.keys().await;
        if left == keys {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{left:?} stay");
}

/// Expects that a handle over such a server gets no lock, and does not even send it what would take one.
pub(crate) async fn expect_not_asked(client: Client, server: &Server, fault: Fault) {
    let proxy = ChaosProxy::start(server.addr()).await;
    let node = client.node(&proxy.url());
    expect_of_a_handle(&node, LIMIT, fault).await;
    assert!(proxy.seen(b"INFO") > 0);
    // The plain command, and what the script that takes a lock calls.
    assert_eq!([proxy.seen(b"NX"), proxy.seen(b"'SET'")], [0, 0]);
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
