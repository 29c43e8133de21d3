use std::sync::Arc;

use super::*;
use crate::{InMemoryNode, LockNode, Redlock};

/// Resources that have a line.
fn lines(redlock: &Redlock) -> usize {
    redlock.queues().lock().len()
}

#[tokio::test(start_paused = true)]
async fn lines_of_keys_that_nobody_uses_are_forgotten() {
    let node = Arc::new(InMemoryNode::new("node")) as Arc<dyn LockNode>;
    let redlock = Redlock::builder().nodes([node]).ttl(Duration::from_secs(10)).build().unwrap();
    for i in 0..10_000 {
        redlock.lock(format!("k{i}")).await.unwrap().release().await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let held = redlock.lock("held").await.unwrap();
    assert_eq!(lines(&redlock), 1);
    drop(held);
}
