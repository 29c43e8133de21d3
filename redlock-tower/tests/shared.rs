//! Requests that share.

#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use redlock_core::faults::Verb;
use redlock_core::route::{HeldAs, HeldLocks, LockPolicy, Rejection, RejectionKind};
use redlock_tower::LockLayer;
use tower::{Layer, ServiceExt, service_fn};

fn by(method: Method) -> Request<()> {
    Request::builder().method(method).uri("/").body(()).unwrap()
}

fn lock(nodes: &Nodes, policy: LockPolicy) -> LockLayer {
    LockLayer::new(&nodes.redlock, "all", policy).unwrap()
}

fn sharing() -> LockPolicy {
    LockPolicy::new().shared_methods(["GET"])
}

#[tokio::test(start_paused = true)]
async fn any_number_reads_at_once_and_is_in_nobody_s_way_who_asks() {
    let nodes = nodes();
    // The first call meets the nodes.
    nodes.redlock.try_lock("other").await.unwrap().release().await.unwrap();
    nodes.slow(Verb::Acquire, Duration::from_millis(20));
    let ([begun, finished], handler) = slow();
    let service = lock(&nodes, sharing()).layer(handler);
    let request = |method| {
        let response = service.clone().oneshot(by(method));
        tokio::spawn(async move {
            let response = response.await.unwrap();
            let told = response.extensions().get::<Rejection>().cloned();
            let status = response.status();
            response.into_body().collect().await.unwrap();
            (status, told)
        })
    };
    let readers: Vec<_> = (0..100).map(|_| request(Method::GET)).collect();
    let writer = request(Method::POST);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(begun.load(Ordering::SeqCst), 100, "all at once");
    let (status, told) = writer.await.unwrap();
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(told.unwrap().lock_error().is_some(), "it was the nodes that were asked");
    for reader in readers {
        assert_eq!(reader.await.unwrap().0, StatusCode::OK);
    }
    assert_eq!(finished.load(Ordering::SeqCst), 100);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_is_said_is_that_of_those_who_share_too() {
    let nodes = nodes();
    nodes.redlock.try_lock("other").await.unwrap().release().await.unwrap();
    nodes.slow(Verb::Acquire, Duration::from_millis(20));
    let (_, handler) = slow();
    let service = lock(&nodes, sharing().waiters_per_key(2)).layer(handler);
    let readers: Vec<_> =
        (0..3).map(|_| tokio::spawn(service.clone().oneshot(by(Method::GET)))).collect();
    let mut answers = Vec::new();
    for reader in readers {
        answers.push(reader.await.unwrap().unwrap().status().as_u16());
    }
    assert_eq!(answers, [200, 200, 409]);
    nodes.assert_clean().await;
}

/// Tells how the handler takes its own lock to be held.
fn own() -> (Arc<Mutex<Option<HeldAs>>>, impl Handler<Response = Response<Empty<Bytes>>>) {
    let own = Arc::new(Mutex::new(None));
    let told = own.clone();
    let handler = service_fn(move |request: Request<()>| {
        *told.lock().unwrap() = request.extensions().get().and_then(HeldLocks::held_as);
        async { Ok::<_, Infallible>(Response::new(Empty::new())) }
    });
    (own, handler)
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_around_has_alone_or_shares_is_shared_within() {
    let nodes = nodes();
    for (outer, held) in
        [(LockPolicy::new().all_methods(), HeldAs::Lock), (sharing(), HeldAs::Share)]
    {
        let (own, handler) = own();
        let service = lock(&nodes, outer).layer(lock(&nodes, sharing()).layer(handler));
        let response = service.oneshot(by(Method::GET)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(*own.lock().unwrap(), Some(held));
        nodes.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn to_lock_what_a_layer_around_shares_is_a_misuse_and_no_endless_wait() {
    let nodes = nodes();
    let (own, handler) = own();
    let waiting = LockPolicy::new().methods(["GET"]).wait_up_to(Duration::from_secs(50));
    let service = lock(&nodes, sharing()).layer(lock(&nodes, waiting).layer(handler));
    let began = tokio::time::Instant::now();
    let response = service.oneshot(by(Method::GET)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
    assert!(rejection.to_string().contains("shares what the inner one is to lock"), "{rejection}");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(*own.lock().unwrap(), None);
    drop(response);
    nodes.assert_clean().await;
}
