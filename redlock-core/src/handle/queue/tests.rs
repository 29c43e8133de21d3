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

#[test]
fn as_many_have_their_turns_as_there_is_room_for_in_the_order_in_which_they_came() {
    let (mut lines, key) = (Lines::<()>::default(), LockKey::new("s").unwrap());
    let at = |millis| Moment(Duration::from_millis(millis));
    let join =
        |lines: &mut Lines<()>| lines.join(&key, Mode::Exclusive, 100, at(1_000), at(0), || ());
    assert_eq!(join(&mut lines), Joined::First(1));
    (2..=6).for_each(|id| assert_eq!(join(&mut lines), Joined::Behind(id)));
    let end = |lines: &mut Lines<()>, id, room| {
        lines.each(&key, |_, line| line.room = room);
        let granted = lines.end(id, &key, at(1));
        granted.iter().map(|granted| granted.id).collect::<Vec<_>>()
    };
    assert_eq!(end(&mut lines, 1, 2), [2, 3]);
    assert_eq!(end(&mut lines, 2, 1), [0; 0], "one is at it");
    assert_eq!(end(&mut lines, 3, 0), [4], "one always may ask");
    assert_eq!(end(&mut lines, 4, 5), [5, 6]);
    let granted = lines.join(&key, Mode::Exclusive, 100, at(1_000), at(2), || ());
    assert_eq!(granted, Joined::First(7), "there is room");
    for id in 5..=7 {
        end(&mut lines, id, 5);
    }
    // What was free long ago may not be.
    let first = lines.join(&key, Mode::Exclusive, 100, at(9_000), at(5_000), || ());
    assert_eq!(first, Joined::First(8));
    let behind = lines.join(&key, Mode::Exclusive, 100, at(9_000), at(5_000), || ());
    assert_eq!(behind, Joined::Behind(9));
}
