//! What is refused: requests beyond the bounds, and policies that break a rule.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::*;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use redlock_core::route::{LockPolicy, Rejection, RejectionKind};
use redlock_core::{Redlock, Renewal};
use redlock_tower::LockLayer;
use tower::{Layer, ServiceExt};

#[tokio::test(start_paused = true)]
async fn waiters_and_holders_are_bounded_and_the_excess_is_answered_at_once() {
    let nodes = nodes();
    let service = |key: fn(&Parts) -> String, policy: LockPolicy| {
        let (_, handler) = slow();
        LockLayer::with_key(&nodes.redlock, key, policy).unwrap().layer(handler)
    };
    let path = |path: &str| Request::post(path).body(()).unwrap();
    let key = |parts: &Parts| parts.uri.path().to_owned();
    let waiting = LockPolicy::new().wait_up_to(Duration::from_secs(50));

    let hot = service(key, waiting.clone().waiters_per_key(2).waiters(3));
    let holder = nodes.redlock.lock("/hot").await.unwrap();
    let waiter = || {
        let response = hot.clone().oneshot(path("/hot"));
        tokio::spawn(async move {
            let response = response.await.unwrap();
            let status = response.status();
            response.into_body().collect().await.unwrap();
            status
        })
    };
    let waiters = [waiter(), waiter()];
    nodes.settle().await;
    let refused = hot.clone().oneshot(path("/hot")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(refused.headers()["retry-after"], "1");
    let other = tokio::spawn({
        let hot = hot.clone();
        let holder = nodes.redlock.lock("/other").await.unwrap();
        async move {
            let response = hot.oneshot(path("/other")).await;
            drop(holder);
            response
        }
    });
    nodes.settle().await;
    let refused = hot.clone().oneshot(path("/third")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let kind = refused.extensions().get::<Rejection>().unwrap().kind();
    assert_eq!(kind, RejectionKind::Overloaded);
    other.abort();
    holder.release().await.unwrap();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), StatusCode::OK);
    }
    // Whoever left or was served makes room again.
    assert_eq!(hot.oneshot(path("/third")).await.unwrap().status(), StatusCode::OK);

    let few = service(key, LockPolicy::new().held(1));
    let first = tokio::spawn(few.clone().oneshot(path("/1")));
    nodes.settle().await;
    let second = few.clone().oneshot(path("/2")).await.unwrap();
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    first.await.unwrap().unwrap();
    assert_eq!(few.oneshot(path("/2")).await.unwrap().status(), StatusCode::OK);
    nodes.settle().await;
}

#[test]
fn a_policy_that_breaks_a_rule_is_an_error_when_the_layer_is_made() {
    let nodes = nodes();
    let secs = Duration::from_secs;
    let new = LockPolicy::new;
    for (policy, field, value) in [
        (new().ttl(secs(0)), "ttl", "0ns"),
        (new().max_hold(secs(9)), "max_hold", "9s"),
        (new().wait_up_to(secs(0)), "wait_up_to", "0ns"),
        (new().ttl(Duration::from_millis(500)), "node_timeout", "150ms"),
        (new().methods([""; 0]), "methods", "none"),
        (new().methods(["POST", "put"]), "methods", "put"),
        (new().shared_methods([""; 0]), "shared_methods", "none"),
        (new().shared_methods(["GET", "head"]), "shared_methods", "head"),
        (new().shared_methods(["GTE"]), "shared_methods", "GTE"),
        (new().shared_methods([""]), "shared_methods", ""),
        (new().permits(0), "permits", "0"),
        (new().permits(65), "permits", "65"),
        (new().permits(2).shared_methods(["GET"]), "permits", "2"),
        (new().waiters(0), "waiters", "0"),
        (new().waiters_per_key(0), "waiters_per_key", "0"),
        (new().waiters_per_key(9).waiters(8), "waiters_per_key", "9"),
        (new().held(0), "held", "0"),
        (new().retry_after(secs(0)), "retry_after", "0ns"),
        (new().retry_after(secs(3601)), "retry_after", "3601s"),
        (new().retry_after(Duration::MAX), "retry_after", "18446744073709551615.999999999s"),
        (new().waiters_per_key(6000).waiters(6000), "waiters_per_key", "6000"),
        (new().renewal(Renewal::Off).max_hold(secs(11)), "max_hold", "11s"),
    ] {
        let nodes = Redlock::builder()
            .node(redlock_core::InMemoryNode::new("a"))
            .ttl(secs(3))
            .node_timeout(Duration::from_millis(150))
            .build()
            .unwrap();
        let error = LockLayer::new(&nodes, "all", policy).unwrap_err();
        assert_eq!((error.field(), error.value()), (field, value), "{error}");
    }
    let error = LockLayer::new(&nodes.redlock, "{id", new()).unwrap_err();
    assert_eq!(error.field(), "key template");
}

#[test]
fn what_the_handle_says_must_not_be_lost_in_silence() {
    let secs = Duration::from_secs;
    let builder = || Redlock::builder().node(redlock_core::InMemoryNode::new("a")).ttl(secs(3));
    let layer = |redlock: &Redlock, policy| LockLayer::new(redlock, "all", policy);
    let new = LockPolicy::new;

    let fenced = builder().fencing(true).build().unwrap();
    let error = layer(&fenced, new()).unwrap_err();
    assert_eq!((error.field(), error.value()), ("fencing", "unset"), "{error}");
    for said in [false, true] {
        assert!(layer(&fenced, new().fencing(said)).is_ok());
    }
    assert!(layer(&builder().fencing(false).build().unwrap(), new()).is_ok());

    let few = builder().max_waiters(9).build().unwrap();
    let error = layer(&few, new().waiters_per_key(10)).unwrap_err();
    assert_eq!((error.field(), error.value()), ("waiters_per_key", "10"));
    assert_eq!(error.rule(), "must be at most the handle's `max_waiters`, 9");
    assert!(layer(&few, new().waiters_per_key(9)).is_ok());
    assert!(layer(&few, new()).is_ok(), "a default fits what it is the default for");
    assert!(layer(&few, new().waiters(8)).is_ok());
    assert!(layer(&builder().max_waiters(0).build().unwrap(), new()).is_ok());

    let brief = builder().max_hold(secs(5)).build().unwrap();
    let error = layer(&brief, new()).unwrap_err();
    assert_eq!((error.field(), error.value()), ("max_hold", "5s"));
    assert!(layer(&brief, new().max_hold(secs(60))).is_ok());
    assert!(layer(&few, new().ttl(secs(90)).renewal(Renewal::Off)).is_ok());
    assert!(layer(&few, new().renewal(Renewal::Off).max_hold(secs(10))).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_longest_hold_of_the_handle_is_that_of_its_routes() {
    let builder = Redlock::builder().node(redlock_core::InMemoryNode::new("a"));
    let secs = Duration::from_secs;
    let redlock = builder.ttl(secs(3)).max_hold(secs(5)).build().unwrap();
    let (_, handler) = slow();
    let layer = LockLayer::new(&redlock, "all", LockPolicy::new().ttl(secs(3))).unwrap();
    let request = Request::post("/").body(()).unwrap();
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
    assert_eq!(kind, Some(RejectionKind::Lost));
}
