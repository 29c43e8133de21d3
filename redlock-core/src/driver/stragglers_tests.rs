use super::*;
use crate::{InMemoryNode, LockNode, Redlock};

/// How much is parked after ten locks over nodes that answer at once, and whether the task is at work.
async fn after_locks(redlock: &Redlock) -> (usize, bool) {
    for _ in 0..10 {
        redlock.try_lock("k").await.unwrap().release().await.unwrap();
    }
    let yard = redlock.set().stragglers.lock();
    (yard.parked.len(), yard.keeper.is_some())
}

fn redlock(fencing: bool) -> Redlock {
    let nodes = ["a", "b", "c"].map(|name| Arc::new(InMemoryNode::new(name)) as Arc<dyn LockNode>);
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10));
    builder.fencing(fencing).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn where_nothing_follows_from_the_last_answers_nothing_is_parked_and_the_task_keeps_its_beat()
{
    let redlock = redlock(false);
    assert_eq!(after_locks(&redlock).await, (0, true));
    tokio::time::sleep(TICK * 3).await;
    assert!(redlock.set().stragglers.lock().keeper.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_came_after_the_verdict_is_learned_by_the_task() {
    let redlock = redlock(true);
    let (parked, works) = after_locks(&redlock).await;
    assert!(parked > 0 && works);
    tokio::time::sleep(TICK * 3).await;
    let yard = redlock.set().stragglers.lock();
    assert!(yard.parked.is_empty() && yard.keeper.is_none());
}
