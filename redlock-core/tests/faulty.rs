//! The misbehaving network does what it says, no more, and the same every time.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use redlock_core::InMemoryNode;
use redlock_core::faults::{Faulty, Lie, Misbehaviour, Verb};
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Expiry, Fault, Listener, LockNode, NodeError, Removal, Terms, Vote,
};
use redlock_core::token::Token;
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_millis(100);

fn faulty() -> Arc<Faulty<InMemoryNode>> {
    Arc::new(Faulty::new(Arc::new(InMemoryNode::new("a"))))
}

fn claim() -> Claim {
    Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap())
}

async fn acquire(node: &Arc<Faulty<InMemoryNode>>, claim: &Claim) -> Result<Vote, NodeError> {
    node.clone().acquire(claim.clone(), Terms::new(Duration::from_secs(10)), LIMIT).await
}

async fn release(node: &Arc<Faulty<InMemoryNode>>, claim: &Claim) -> Result<Removal, NodeError> {
    node.clone().release(claim.clone(), LIMIT).await
}

fn held(node: &Faulty<InMemoryNode>) -> bool {
    node.inner().value("k").is_some()
}

/// Polls once and leaves.
async fn start<T>(future: impl Future<Output = T>) {
    let mut future = Box::pin(future);
    poll_fn(|cx| {
        let _ = Pin::new(&mut future).poll(cx);
        Poll::Ready(())
    })
    .await;
}

const GRANTED: Result<Vote, Fault> = Ok(Vote::Granted { fence: None });

#[tokio::test(start_paused = true)]
async fn each_fault_answers_and_applies_as_its_name_says() {
    use Misbehaviour::*;
    let busy = Failing(NodeError::new(Fault::Busy, "BUSY"));
    let held_by_nobody =
        Vote::Held { expiry: Expiry::Never, fence: None, label: None, kept: false };
    let cases: [(Misbehaviour, Result<Vote, Fault>, bool, u64); 10] = [
        (SlowRequest(Duration::from_millis(40)), GRANTED, true, 40),
        (SlowReply(Duration::from_millis(40)), GRANTED, true, 40),
        (LostRequest, Err(Fault::Timeout), false, 100),
        (LostReply, Err(Fault::Timeout), true, 100),
        (Refused, Err(Fault::Refused), false, 0),
        (CutBefore, Err(Fault::ConnectionLost), false, 0),
        (CutAfter, Err(Fault::ConnectionLost), true, 0),
        (SentTwice, Ok(Vote::AlreadyOurs), true, 0),
        (busy, Err(Fault::Busy), false, 0),
        (Lying(Lie::Vote(held_by_nobody.clone())), Ok(held_by_nobody), false, 0),
    ];
    for (what, answer, applied, millis) in cases {
        let node = faulty();
        node.always(what.clone());
        let began = Instant::now();
        let vote = acquire(&node, &claim()).await.map_err(|error| error.fault());
        assert_eq!(vote, answer, "{what:?}");
        assert_eq!(held(&node), applied, "{what:?}");
        assert_eq!(began.elapsed().as_millis(), u128::from(millis), "{what:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_does_not_call_the_request_back() {
    let node = faulty();
    node.always(Misbehaviour::SlowRequest(LIMIT * 3));
    start(acquire(&node, &claim())).await;
    assert!(!held(&node));
    sleep(LIMIT * 4).await;
    assert!(held(&node));
}

#[tokio::test(start_paused = true)]
async fn a_request_outlives_its_time_limit() {
    let node = faulty();
    node.next(1, Misbehaviour::SlowRequest(LIMIT * 3));
    assert_eq!(acquire(&node, &claim()).await.unwrap_err().fault(), Fault::Timeout);
    assert!(!held(&node));
    sleep(LIMIT * 3).await;
    assert!(held(&node));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_arrives_after_the_last_handle_is_gone() {
    let (node, claim) = (faulty(), claim());
    let inner = node.inner().clone();
    node.always(Misbehaviour::SlowRequest(LIMIT));
    start(acquire(&node, &claim)).await;
    drop(node);
    sleep(LIMIT * 2).await;
    assert!(inner.value("k").is_some());
    assert_eq!(Arc::strong_count(&inner), 1, "no task is left");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_node_that_is_dropped_leaves_no_task() {
    let node = faulty();
    let inner = node.inner().clone();
    node.hang();
    assert_eq!(acquire(&node, &claim()).await.unwrap_err().fault(), Fault::Timeout);
    drop(node);
    sleep(LIMIT).await;
    assert_eq!(Arc::strong_count(&inner), 1);
    assert!(inner.keys().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_release_waits_behind_the_slow_acquire_unless_reordering() {
    for reordering in [false, true] {
        let (node, claim) = (faulty(), claim());
        node.reordering(reordering);
        node.on(Verb::Acquire).always(Misbehaviour::SlowRequest(LIMIT / 2));
        start(acquire(&node, &claim)).await;
        let removal = release(&node, &claim).await.unwrap();
        sleep(LIMIT).await;
        let expected = if reordering { (Removal::Gone, true) } else { (Removal::Removed, false) };
        assert_eq!((removal, held(&node)), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_node_does_nothing_until_it_resumes_and_then_all_in_order() {
    let (node, first, second) = (faulty(), claim(), claim());
    node.hang();
    assert_eq!(acquire(&node, &first).await.unwrap_err().fault(), Fault::Timeout);
    assert_eq!(release(&node, &first).await.unwrap_err().fault(), Fault::Timeout);
    assert_eq!(acquire(&node, &second).await.unwrap_err().fault(), Fault::Timeout);
    assert!(!held(&node));
    node.resume();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(node.inner().value("k").unwrap(), second.token().as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_node_does_not_hold_up_what_never_reaches_it() {
    let node = faulty();
    node.hang();
    start(acquire(&node, &claim())).await;
    node.next(1, Misbehaviour::CutBefore);
    assert_eq!(acquire(&node, &claim()).await.unwrap_err().fault(), Fault::ConnectionLost);
    node.next(1, Misbehaviour::Refused);
    assert_eq!(acquire(&node, &claim()).await.unwrap_err().fault(), Fault::Refused);
}

#[tokio::test(start_paused = true)]
async fn rules_go_by_verb_and_number_and_the_newer_wins() {
    let (node, claim) = (faulty(), claim());
    node.always(Misbehaviour::Refused);
    node.on(Verb::Acquire).next(1, Misbehaviour::CutAfter);
    node.always(Misbehaviour::Lying(Lie::Removal(Removal::Foreign)));
    assert_eq!(acquire(&node, &claim).await.unwrap_err().fault(), Fault::ConnectionLost);
    assert_eq!(acquire(&node, &claim).await.unwrap_err().fault(), Fault::Refused);
    assert_eq!(release(&node, &claim).await.unwrap(), Removal::Foreign);
    node.heal();
    assert_eq!(release(&node, &claim).await.unwrap(), Removal::Removed);
    assert_eq!((node.calls(Verb::Acquire), node.calls(Verb::Release)), (2, 2));
    assert_eq!(node.log().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_asked_for_every_request_and_comes_on_top() {
    let (node, claim) = (faulty(), claim());
    node.always(Misbehaviour::Refused);
    let mut requests = 0;
    node.decide(move |_| {
        requests += 1;
        if requests == 2 { vec![Misbehaviour::CutBefore] } else { Vec::new() }
    });
    let mut faults = Vec::new();
    for _ in 0..3 {
        faults.push(acquire(&node, &claim).await.unwrap_err().fault());
    }
    assert_eq!(faults, [Fault::Refused, Fault::ConnectionLost, Fault::Refused]);
}

/// Counts what it is told.
#[derive(Default)]
struct Ear {
    listening: AtomicUsize,
    released: AtomicUsize,
}

impl Ear {
    fn heard(&self) -> (usize, usize) {
        (self.listening.load(Ordering::SeqCst), self.released.load(Ordering::SeqCst))
    }
}

impl Listener for Ear {
    fn listening(&self) {
        self.listening.fetch_add(1, Ordering::SeqCst);
    }

    fn released(&self, _: &[u8]) {
        self.released.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_tells_meets_what_a_release_meets() {
    let (node, claim, ear) = (faulty(), claim(), Arc::new(Ear::default()));
    let _listening = tokio::spawn(node.clone().listen(ear.clone(), LIMIT));
    tokio::task::yield_now().await;
    let tell = || node.clone().release_and_tell(claim.clone(), LIMIT);
    acquire(&node, &claim).await.unwrap();
    for what in [Misbehaviour::LostRequest, Misbehaviour::CutBefore, Misbehaviour::Refused] {
        node.on(Verb::Release).next(1, what);
        tell().await.unwrap_err();
    }
    assert_eq!((held(&node), ear.heard()), (true, (1, 0)));
    node.on(Verb::Release).next(1, Misbehaviour::LostReply);
    assert_eq!(tell().await.unwrap_err().fault(), Fault::Timeout);
    assert_eq!((held(&node), ear.heard()), (false, (1, 1)));
    assert_eq!(tell().await, Ok(Removal::Gone));
    assert_eq!((node.calls(Verb::Release), ear.heard()), (5, (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn listening_meets_only_what_is_meant_for_it() {
    use Misbehaviour::*;
    let (node, claim) = (faulty(), claim());
    node.decide(|_| vec![Refused]);
    let missing = NodeError::new(Fault::Permission, "NOPERM");
    for (what, fault) in [
        (Refused, Fault::Refused),
        (LostRequest, Fault::Timeout),
        (SlowRequest(LIMIT * 2), Fault::Timeout),
        (CutBefore, Fault::ConnectionLost),
        (CutAfter, Fault::ConnectionLost),
        (Failing(missing), Fault::Permission),
    ] {
        node.on(Verb::Listen).next(1, what.clone());
        let ear = Arc::new(Ear::default());
        let ended = node.clone().listen(ear.clone(), LIMIT).await;
        assert_eq!((ended.fault(), ear.heard()), (fault, (0, 0)), "{what:?}");
    }
    node.on(Verb::Listen).next(1, LostReply);
    let ears = [(); 2].map(|()| Arc::new(Ear::default()));
    for ear in ears.clone() {
        tokio::spawn(node.clone().listen(ear, LIMIT));
        tokio::task::yield_now().await;
    }
    assert_eq!(node.calls(Verb::Listen), 8);
    let inner = node.inner().clone();
    inner.clone().acquire(claim.clone(), Terms::new(LIMIT), LIMIT).await.unwrap();
    inner.release_and_tell(claim, LIMIT).await.unwrap();
    assert_eq!(ears.map(|ear| ear.heard()), [(1, 0), (1, 1)]);
}

#[test]
fn a_node_goes_on_in_another_runtime() {
    let (node, claim) = (faulty(), claim());
    for expected in [GRANTED, Ok(Vote::AlreadyOurs)] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let vote = runtime.block_on(acquire(&node, &claim)).map_err(|error| error.fault());
        assert_eq!(vote, expected);
    }
}
