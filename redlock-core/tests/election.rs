//! One leader at a time, terms that grow, and signals that come before another can lead.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::node::{Expiry, Fault, NodeError};
use redlock_core::{
    Election, Fence, LeaderState, Lease, LockErrorKind, LostReason, Redlock, Release,
};
use tokio::time::Instant;

const VALIDITY: Duration = Duration::from_millis(9_898);
const STEP_DOWN: Duration = Duration::from_secs(1);

fn election(redlock: &Redlock) -> Election {
    redlock.election("k").unwrap().step_down(STEP_DOWN)
}

/// Elections of `n` processes.
fn elections(nodes: &[Node], n: usize) -> Vec<Election> {
    (0..n).map(|_| election(&redlock(nodes))).collect()
}

fn cut_off(nodes: &[Node]) {
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(Refused));
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_next_has_a_greater_term() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let first = all[0].campaign().await.unwrap();
    let (second, released) = tokio::join!(all[1].campaign(), async {
        pass(TTL * 20).await;
        assert!(!first.is_lost(), "it is renewed");
        let term = first.term();
        (term, first.resign().await.unwrap())
    });
    let second = second.unwrap();
    assert_eq!(released.1, Release::Released);
    assert!(second.term() > released.0);
    assert_eq!(second.lease().fence(), Some(second.term()));
}

#[tokio::test(start_paused = true)]
async fn a_campaign_waits_without_end_and_through_an_outage() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let first = all[0].campaign().await.unwrap();
    let second = tokio::spawn({
        let election = all[1].clone();
        async move { election.campaign().await }
    });
    pass(Duration::from_secs(300)).await;
    nodes.iter().for_each(|node| node.always(Refused));
    pass(Duration::from_secs(100)).await;
    assert!(first.is_lost() && !second.is_finished());
    nodes.iter().for_each(|node| node.heal());
    drop(second.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_was_told_to_ends_in_time() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let _first = all[0].campaign().await.unwrap();
    let start = Instant::now();
    let error = all[1].clone().wait_for(ms(2_000)).campaign().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
    assert!(start.elapsed() <= ms(2_100), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dead_leader_is_followed_after_its_time_to_live() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let leader = all[0].campaign().await.unwrap();
    let term = leader.term();
    // As a process that was killed: nothing is sent any more.
    cut_off(&nodes);
    let died = Instant::now();
    std::mem::forget(leader);
    let next = all[1].campaign().await.unwrap();
    assert!(next.term() > term);
    assert!(died.elapsed() >= VALIDITY, "{:?}", died.elapsed());
    assert!(died.elapsed() <= TTL + ms(300), "{:?}", died.elapsed());
}

#[tokio::test(start_paused = true)]
async fn both_signals_come_in_order_before_another_can_lead() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let leader = all[0].campaign().await.unwrap();
    cut_off(&nodes);
    let start = Instant::now();
    let signals = async {
        leader.stepping_down().await;
        let stepping_down = start.elapsed();
        assert!(!leader.is_lost());
        assert_eq!(leader.lost().await, LostReason::NoQuorum);
        (stepping_down, start.elapsed())
    };
    let next = async {
        let next = all[1].campaign().await.unwrap();
        (start.elapsed(), next)
    };
    let ((stepping_down, lost), (leads, _next)) = tokio::join!(signals, next);
    assert_eq!((stepping_down, lost), (VALIDITY - STEP_DOWN, VALIDITY));
    assert!(leads >= lost, "{leads:?}");
}

#[tokio::test(start_paused = true)]
async fn stepping_down_is_not_told_while_renewal_keeps_up_and_at_the_end_of_the_longest_hold() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).max_hold(TTL * 5).build().unwrap();
    let start = Instant::now();
    let leader = election(&redlock).campaign().await.unwrap();
    leader.stepping_down().await;
    assert_eq!(start.elapsed(), TTL * 5 - STEP_DOWN);
    assert_eq!(leader.health(ms(0)), Ok(()), "there is nothing to renew");
    assert_eq!(leader.lost().await, LostReason::MaxHold);
    leader.stepping_down().await;
}

#[tokio::test(start_paused = true)]
async fn health_tells_how_long_renewal_is_overdue() {
    let nodes = nodes(3);
    let leader = elections(&nodes, 1)[0].campaign().await.unwrap();
    pass(TTL * 3).await;
    assert_eq!(leader.health(ms(0)), Ok(()));
    cut_off(&nodes);
    pass(TTL / 2).await;
    assert_eq!(leader.health(TTL), Ok(()));
    let unhealthy = leader.health(ms(1)).unwrap_err();
    assert!(unhealthy.overdue() > ms(1) && unhealthy.overdue() <= TTL / 2, "{unhealthy}");
    assert!(unhealthy.to_string().starts_with("its renewal is overdue by "), "{unhealthy}");
    leader.lost().await;
    let lost = leader.health(TTL * 100).unwrap_err();
    assert_eq!(lost.lost_reason(), Some(LostReason::NoQuorum));
    assert!(lost.to_string().starts_with("the leadership is lost, "), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn settings_that_break_a_rule_are_named() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let late = redlock.election("k").unwrap().step_down(TTL / 3 + ms(1)).campaign().await;
    let error = late.unwrap_err();
    assert_eq!(
        (error.kind(), error.config().unwrap().field()),
        (LockErrorKind::Invalid, "step_down")
    );
    assert_eq!(redlock.election("").unwrap_err().field(), "key");
    let unprintable = redlock.election("k").unwrap().label("a\nb").campaign().await.unwrap_err();
    assert_eq!(unprintable.config().unwrap().field(), "label");
    let short = redlock.election("k").unwrap().ttl(ms(1)).campaign().await.unwrap_err();
    assert_eq!(short.config().unwrap().field(), "ttl");
    assert_eq!(calls(&nodes, Verb::Acquire), [0, 0, 0], "nothing was sent");
}

/// What happened in a test of `run`, in order.
type Story = Arc<Mutex<Vec<String>>>;

/// Says when the work ended, and whether its leader had let go by then.
struct Work(Story, Lease);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(format!("ended {:?}", self.1.lost_reason()));
    }
}

#[tokio::test(start_paused = true)]
async fn run_leads_again_after_a_loss() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let (story, terms) = (Story::default(), Arc::new(Mutex::new(Vec::<Fence>::new())));
    let (told, had) = (Arc::clone(&story), Arc::clone(&terms));
    let election = election(&redlock);
    let running = tokio::spawn(async move {
        let lead = |leader: redlock_core::Leader| {
            had.lock().unwrap().push(leader.term());
            let work = Work(Arc::clone(&told), leader.lease());
            async move {
                let _work = work;
                pending::<()>().await;
            }
        };
        election.run(lead).await
    });
    pass(ms(1_000)).await;
    nodes.iter().for_each(|node| node.always(Refused));
    pass(TTL * 2).await;
    nodes.iter().for_each(|node| node.heal());
    pass(ms(1_000)).await;
    assert_eq!(*story.lock().unwrap(), ["ended Some(NoQuorum)"]);
    redlock.close().await;
    running.await.unwrap().unwrap();
    assert_eq!(*story.lock().unwrap(), ["ended Some(NoQuorum)", "ended None"], "and then resigned");
    assert_eq!(standing(&nodes, "k"), 0, "closing waited for it");
    let terms = terms.lock().unwrap();
    assert!(terms.len() == 2 && terms[0] < terms[1], "{terms:?}");
}

#[tokio::test(start_paused = true)]
async fn run_that_is_dropped_drops_the_work_and_then_resigns() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let story = Story::default();
    let election = election(&redlock);
    let run = election.run(async |leader| {
        let _work = Work(Arc::clone(&story), leader.lease());
        pending::<()>().await;
    });
    assert!(tokio::time::timeout(ms(1_000), run).await.is_err());
    assert_eq!(*story.lock().unwrap(), ["ended None"]);
    redlock.close().await;
    assert_eq!(standing(&nodes, "k"), 0);
}

#[tokio::test(start_paused = true)]
async fn run_lets_others_lead_when_its_work_ends_by_itself() {
    let nodes = nodes(3);
    let handles: Vec<Redlock> = (0..2).map(|_| redlock(&nodes)).collect();
    let order = Arc::new(Mutex::new(Vec::new()));
    let running: Vec<_> = (0..2)
        .map(|name| {
            let (election, order) = (election(&handles[name]), Arc::clone(&order));
            tokio::spawn(async move {
                election
                    .run(async |_| {
                        order.lock().unwrap().push(name);
                        pass(ms(500)).await;
                    })
                    .await
            })
        })
        .collect();
    pass(ms(6_000)).await;
    for handle in &handles {
        handle.close().await;
    }
    for running in running {
        running.await.unwrap().unwrap();
    }
    let order = order.lock().unwrap();
    assert!(order.len() >= 10, "{order:?}");
    assert!(order.windows(2).all(|pair| pair[0] != pair[1]), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn run_ends_where_running_again_is_no_use() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let wrong = NodeError::new(Fault::WrongType, "a list");
    nodes.iter().for_each(|node| node.on(Verb::Acquire).always(Failing(wrong.clone())));
    let error = election(&redlock).run(async |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_is_told_who_leads_by_a_majority() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    assert_eq!(all[1].leader().await.unwrap(), LeaderState::None);
    let leader = all[0].clone().label("10.0.0.7:8080").campaign().await.unwrap();
    nodes[0].always(Refused);
    let LeaderState::Known { holder, label, remaining: Expiry::In(left) } =
        all[1].leader().await.unwrap()
    else {
        panic!("it leads")
    };
    assert_eq!(label.unwrap().as_str(), "10.0.0.7:8080");
    assert!(left <= TTL && left > TTL / 2);
    let LeaderState::Known { holder: same, .. } = all[0].leader().await.unwrap() else {
        panic!("it leads")
    };
    assert_eq!(holder, same);
    nodes[1].always(Refused);
    assert_eq!(all[1].leader().await.unwrap(), LeaderState::Unknown);
    drop(leader);
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_each_change_and_of_nothing_else() {
    let nodes = nodes(3);
    let all = elections(&nodes, 2);
    let mut observer = all[1].observe();
    assert_eq!(observer.next().await.unwrap(), LeaderState::None);
    let leader = all[0].campaign().await.unwrap();
    let start = Instant::now();
    let first = observer.next().await.unwrap();
    assert!(matches!(first, LeaderState::Known { .. }), "{first:?}");
    assert!(start.elapsed() <= ms(300), "while nobody leads it looks after a retry delay");
    let quiet = tokio::time::timeout(TTL * 10, observer.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let start = Instant::now();
    leader.resign().await.unwrap();
    assert_eq!(observer.next().await.unwrap(), LeaderState::None);
    assert!(start.elapsed() < ms(50), "it hears of the resignation: {:?}", start.elapsed());
    let _leader = all[0].campaign().await.unwrap();
    let second = observer.next().await.unwrap();
    assert!(matches!(second, LeaderState::Known { .. }) && !second.is_same(&first));
}

#[tokio::test(start_paused = true)]
async fn an_observer_of_a_closed_handle_says_so() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let mut observer = election(&redlock).observe();
    observer.next().await.unwrap();
    let next = tokio::spawn(async move { observer.next().await });
    pass(ms(10)).await;
    redlock.close().await;
    assert_eq!(next.await.unwrap().unwrap_err().kind(), LockErrorKind::Closed);
}
