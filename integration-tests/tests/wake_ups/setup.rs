use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration_tests::Server;
use redlock_core::node::{Claim, Listener, LockNode, NodeError, Removal, Terms};
use redlock_core::{LockKey, Token};
use redlock_protocol::RELEASED_CHANNEL;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// What is heard: `None` that it listens.
#[derive(Default)]
pub(crate) struct Ear(Mutex<Vec<Option<String>>>);

impl Ear {
    pub(crate) fn heard(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, wanted: &[Option<&str>]) {
        let wanted: Vec<_> = wanted.iter().map(|heard| heard.map(str::to_owned)).collect();
        until("heard", async || self.heard() == wanted).await;
    }
}

impl Listener for Ear {
    fn listening(&self) {
        self.0.lock().unwrap().push(None);
    }

    fn released(&self, resource: &[u8]) {
        self.0.lock().unwrap().push(Some(resource.escape_ascii().to_string()));
    }
}

pub(crate) fn open(node: &Arc<dyn LockNode>) -> (Arc<Ear>, JoinHandle<NodeError>) {
    let ear = Arc::new(Ear::default());
    (Arc::clone(&ear), tokio::spawn(Arc::clone(node).listen(ear, LIMIT)))
}

/// Listens, and waits for the subscription.
pub(crate) async fn listening(node: &Arc<dyn LockNode>) -> (Arc<Ear>, JoinHandle<NodeError>) {
    let (ear, listening) = open(node);
    ear.until(&[None]).await;
    (ear, listening)
}

/// How a listening ended, within `limit`.
pub(crate) async fn ending(listening: JoinHandle<NodeError>, limit: Duration) -> NodeError {
    timeout(limit, listening).await.expect("an end").unwrap()
}

pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..3_000 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("not {what}");
}

pub(crate) async fn cycle(node: &Arc<dyn LockNode>, key: &str) {
    let claim = Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap());
    let terms = Terms::new(Duration::from_secs(60));
    Arc::clone(node).acquire(claim.clone(), terms, LIMIT).await.unwrap();
    let removal = Arc::clone(node).release_and_tell(claim, LIMIT).await;
    assert_eq!(removal, Ok(Removal::Removed));
}

pub(crate) async fn subscribers(server: &Server) -> String {
    let counted = server.exec(&["PUBSUB", "NUMSUB", RELEASED_CHANNEL]).await;
    counted.split_whitespace().last().unwrap().to_owned()
}
