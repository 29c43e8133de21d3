use std::time::Duration;

use super::*;
use crate::{InMemoryNode, LockNode, LockOptions, Redlock};

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

/// A head that waits for one resource on three nodes.
fn head() -> Head {
    Head::new(1, 3, false)
}

fn own(head: &Head, node: usize, until: Moment) {
    head.lock()[0][node].expect(until, at(0));
}

/// Whether a release by everybody is heard, and once.
fn hears(head: &Head, now: Moment) -> bool {
    (0..3).for_each(|node| head.told(0, node, now));
    head.resources.swap(0, Ordering::SeqCst) == 1
}

#[test]
fn the_release_of_an_own_failed_attempt_is_not_heard_and_the_next_one_is() {
    let head = head();
    (0..3).for_each(|node| own(&head, node, at(400)));
    assert!(!hears(&head, at(1)));
    assert!(hears(&head, at(2)));
}

#[test]
fn an_own_release_that_was_not_told_in_time_swallows_no_other() {
    let head = head();
    for _ in 0..5 {
        (0..3).for_each(|node| own(&head, node, at(400)));
    }
    assert!(hears(&head, at(401)));
}

#[test]
fn own_releases_at_a_node_that_never_tells_are_forgotten() {
    let mut told = Told::default();
    for now in 0..10_000 {
        told.expect(at(now + 400), at(now));
        assert!(told.own.len() <= 401);
    }
}

#[test]
fn a_release_of_each_resource_is_heard_as_its_own() {
    let head = Head::new(3, 1, false);
    head.told(2, 0, at(0));
    head.told(0, 0, at(0));
    assert_eq!(head.resources.load(Ordering::SeqCst), 0b101);
}

fn redlock(nodes: &[Arc<InMemoryNode>]) -> Redlock {
    let nodes = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
    Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gave_up_is_told_of_releases_no_more() {
    let nodes: Vec<_> = (0..3).map(|i| Arc::new(InMemoryNode::new(i.to_string()))).collect();
    let redlock = redlock(&nodes);
    let options = LockOptions::new().wait_for(Duration::from_secs(1));
    for i in 0..50 {
        let keys = [format!("a{i}"), format!("b{i}")];
        nodes.iter().for_each(|node| node.put(&keys[0], "somebody else", None));
        let waiting = redlock.lock_with(&keys[..], &options);
        let cut = tokio::time::timeout(Duration::from_millis(500), waiting).await;
        assert!(cut.is_err(), "still waiting");
        let late = redlock.lock_with(&keys[..], &options).await;
        assert!(late.is_err());
    }
    let wakes = &redlock.set().wakes;
    assert_eq!((wakes.heads().len(), wakes.waiting.load(Ordering::SeqCst)), (0, 0));
}

#[test]
fn who_waits_for_any_tells_its_own_releases_from_those_of_others_and_hears_each_once() {
    let head = Head::new(3, 3, true);
    let heard = || {
        let own = head.own.as_ref().unwrap().swap(0, Ordering::SeqCst);
        (head.resources.swap(0, Ordering::SeqCst), own)
    };
    head.released_here(2, at(400), at(0));
    assert_eq!(heard(), (0b100, 0b100));
    (0..3).for_each(|node| head.told(2, node, at(1)));
    assert_eq!(heard(), (0, 0), "the nodes tell what was heard already");
    (0..3).for_each(|node| head.told(1, node, at(2)));
    (0..3).for_each(|node| head.told(2, node, at(2)));
    assert_eq!(heard(), (0b110, 0));
    let all = Head::new(3, 3, false);
    all.released_here(2, at(400), at(0));
    (0..3).for_each(|node| all.told(1, node, at(1)));
    assert_eq!(all.resources.load(Ordering::SeqCst), 0b110);
}
