//! What holders call themselves, and who is told.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{
    InMemoryNode, Label, LockErrorKind, LockOptions, LockState, NodeOutcome, Redlock, Release,
    Renewal, Token,
};

fn labelled(nodes: &[Node], label: &str) -> Redlock {
    builder(nodes).label(label).build().unwrap()
}

/// The labels under `k`, on the nodes that hold it.
fn labels(nodes: &[Node]) -> Vec<Option<String>> {
    let values = nodes.iter().filter_map(|node| node.inner().value("k"));
    values.map(|value| Label::of_value(&value).map(|label| label.to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_labelled_lock_is_taken_renewed_given_back_and_released_like_any_other() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).label("orders@pod-7").renewal(Renewal::Auto).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    assert_eq!(labels(&nodes), vec![Some("orders@pod-7".to_owned()); 3]);
    nodes[1].inner().remove("k");
    pass(TTL * 2).await;
    assert!(!guard.is_lost());
    let all = vec![Some("orders@pod-7".to_owned()); 3];
    assert_eq!(labels(&nodes), all, "the repair has the label, too");
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    assert_eq!(standing(&nodes, "k"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_label_costs_no_request() {
    let mut counts = Vec::new();
    for label in [None, Some("me")] {
        let nodes = nodes(3);
        let mut builder = builder(&nodes).fencing(true);
        if let Some(label) = label {
            builder = builder.label(label);
        }
        let redlock = builder.build().unwrap();
        let guard = redlock.lock("k").await.unwrap();
        redlock.try_lock("k").await.unwrap_err();
        guard.extend(TTL).await.unwrap();
        guard.release().await.unwrap();
        let token = redlock.lock("k").await.unwrap().leak();
        redlock.release("k", &token).await.unwrap();
        redlock.close().await;
        counts.push(nodes.iter().map(|node| node.log().len()).collect::<Vec<_>>());
    }
    assert_eq!(counts[0], counts[1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_is_told_by_whom_and_until_when() {
    let nodes = nodes(3);
    let guard = labelled(&nodes, "orders@pod-7").lock("k").await.unwrap();
    pass(ms(2_000)).await;
    let other = builder(&nodes).wait_for(ms(1_000)).build().unwrap();
    let refused = other.try_lock("k").await.unwrap_err();
    assert_eq!(refused.kind(), LockErrorKind::Contended);
    assert_eq!(refused.holder().unwrap().as_str(), "orders@pod-7");
    let NodeOutcome::Held { label, .. } = &refused.nodes()[0].outcome else { panic!("{refused}") };
    assert_eq!(label.as_ref(), refused.holder());
    let text = refused.to_string();
    assert!(
        text.starts_with("held by orders@pod-7, free in 8s (0 of 3 granted): node-0 held by"),
        "{text}"
    );
    assert!(text.contains("node-0 held by orders@pod-7 for 8s more"), "{text}");
    let timed_out = other.lock("k").await.unwrap_err();
    assert_eq!(timed_out.holder(), refused.holder());
    let text = timed_out.to_string();
    let begin = "still held by orders@pod-7 when the wait budget was over, free in 7s";
    assert!(text.starts_with(begin), "{text}");
    let inspection = other.inspect("k").await.unwrap();
    let LockState::Held { label, .. } = inspection.state else { panic!("{inspection:?}") };
    assert_eq!(label.as_ref(), refused.holder());
    let token = guard.leak();
    for shown in [text, format!("{refused:#?}"), format!("{:?}", inspection.nodes)] {
        assert!(!shown.contains(token.expose()), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_holders_none_is_named_for_all() {
    let nodes = nodes(3);
    let token = |digit: &str| Token::parse(&digit.repeat(40)).unwrap();
    for (node, digit, label) in [(0, "1", " me"), (1, "2", " you"), (2, "3", "")] {
        let value = format!("{}{label}", token(digit).expose());
        nodes[node].inner().put("k", value, Some(TTL));
    }
    let redlock = redlock(&nodes);
    let refused = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(refused.holder(), None);
    assert!(refused.to_string().starts_with("held by another (0 of 3"), "{refused}");
    assert!(refused.to_string().contains("node-0 held by me for"), "{refused}");
    // Those who do not answer name nobody.
    nodes[1].always(Misbehaviour::Refused);
    nodes[2].always(Misbehaviour::Refused);
    let unreachable = redlock.try_lock("k").await.unwrap_err();
    assert_eq!((unreachable.kind(), unreachable.holder()), (LockErrorKind::Unreachable, None));
}

#[tokio::test(start_paused = true)]
async fn a_hostile_value_of_another_program_is_shown_nowhere() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let token = "0".repeat(40);
    for value in [
        "\x1b[2J\x07".to_owned(),
        format!("{token} \x1b]0;canary\x07"),
        format!("{token} canary\nWARN all is lost"),
        format!("{token} \u{202e}canary"),
        format!("{token} {}", "canary".repeat(2_000)),
    ] {
        nodes.iter().for_each(|node| node.inner().put("k", &value, Some(TTL)));
        let refused = redlock.try_lock("k").await.unwrap_err();
        let inspection = redlock.inspect("k").await.unwrap();
        assert_eq!(refused.holder(), None);
        for shown in [refused.to_string(), format!("{refused:#?}"), format!("{inspection:?}")] {
            assert!(!shown.contains("canary") && !shown.contains(&token), "{shown}");
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_has_the_handles_label_its_own_or_none() {
    let nodes = nodes(1);
    let redlock = labelled(&nodes, "handle");
    for (options, label) in [
        (LockOptions::new(), Some("handle")),
        (LockOptions::new().label("call"), Some("call")),
        (LockOptions::new().unlabelled(), None),
        (LockOptions::new().unlabelled().label("call"), Some("call")),
    ] {
        let guard = redlock.try_lock_with("k", &options).await.unwrap();
        assert_eq!(labels(&nodes), [label.map(str::to_owned)]);
        guard.release().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_that_breaks_a_rule_is_refused_before_anything_is_sent() {
    let nodes = nodes(1);
    let bad = "two\nlines";
    let error = builder(&nodes).label(bad).build().unwrap_err();
    let named = |error: &redlock_core::ConfigError| {
        let [field, value, rule] = [error.field(), error.value(), error.rule()];
        assert_eq!([field, value, rule], ["label", r"two\nlines", "must be printable characters"]);
    };
    named(&error);
    let redlock = redlock(&nodes);
    let error = redlock.lock_with("k", &LockOptions::new().label(bad)).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Invalid);
    named(error.config().unwrap());
    assert!(nodes[0].log().is_empty());
    assert!(Redlock::builder().node(InMemoryNode::new("a")).ttl(TTL).label("ok").build().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_leaked_lock_is_released_by_its_token_whatever_it_and_the_releaser_are_called() {
    for holder in [None, Some("me"), Some("you")] {
        for key in [&["k"][..], &["j", "k"]] {
            let nodes = nodes(3);
            let options =
                holder.map_or(LockOptions::new(), |label| LockOptions::new().label(label));
            let redlock = redlock(&nodes);
            for releaser in [redlock.clone(), labelled(&nodes, "me")] {
                let token = redlock.try_lock_with(key, &options).await.unwrap().leak();
                let stranger = Token::random().unwrap();
                let gone = releaser.release(key, &stranger).await.unwrap();
                assert_eq!((gone, standing(&nodes, "k")), (Release::AlreadyGone, 3));
                assert_eq!(releaser.release(key, &token).await.unwrap(), Release::Released);
                assert_eq!(releaser.release(key, &token).await.unwrap(), Release::AlreadyGone);
                assert_eq!(littered(&nodes), 0, "{holder:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_by_token_looks_only_where_something_else_stands() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let token = redlock.lock("k").await.unwrap().leak();
    redlock.release("k", &token).await.unwrap();
    redlock.release("k", &token).await.unwrap();
    assert_eq!(calls(&nodes, Verb::Inspect), [0; 3]);
    let token = redlock.lock_with("k", &LockOptions::new().label("me")).await.unwrap().leak();
    redlock.release("k", &token).await.unwrap();
    assert_eq!(calls(&nodes, Verb::Inspect), [1; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_release_by_token_goes_on_when_its_caller_left_and_is_tried_again() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let token = redlock.lock_with("k", &LockOptions::new().label("me")).await.unwrap().leak();
    nodes.iter().for_each(|node| {
        node.always(Misbehaviour::SlowReply(ms(20)));
        node.on(Verb::Inspect).next(1, Misbehaviour::LostRequest);
    });
    assert!(poll_and_drop(redlock.release("k", &token), 2).await.is_none());
    pass(Duration::from_secs(3)).await;
    assert_eq!(standing(&nodes, "k"), 0);
}
