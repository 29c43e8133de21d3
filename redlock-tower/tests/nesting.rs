//! Layers around layers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use redlock_core::LockKey;
use redlock_core::route::{HeldLocks, LockPolicy, MissingPart, OnLost, Rejection, RejectionKind};
use redlock_tower::LockLayer;
use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt, service_fn};

fn post() -> Request<()> {
    Request::post("/").body(()).unwrap()
}

fn lock(nodes: &Nodes, template: &str, policy: LockPolicy) -> LockLayer {
    LockLayer::new(&nodes.redlock, template, policy).unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Tells what the handler takes for its own lock.
fn own() -> (Arc<Mutex<Option<String>>>, impl Handler<Response = Response<Empty<Bytes>>>) {
    let own = Arc::new(Mutex::new(None));
    let told = own.clone();
    let handler = service_fn(move |request: Request<()>| {
        let held = request.extensions().get::<HeldLocks>().cloned().unwrap_or_default();
        *told.lock().unwrap() = held.lease().map(|lease| lease.key().to_string());
        async { Ok::<_, Infallible>(Response::new(Empty::new())) }
    });
    (own, handler)
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_runs_to_completion_keeps_the_locks_of_the_layers_around_it() {
    let nodes = nodes();
    let ([begun, finished], handler) = slow();
    let completing = lock(&nodes, "b", LockPolicy::new().run_to_completion(true));
    let outer = lock(&nodes, "a", LockPolicy::new());
    let service = outer.layer(completing.layer(handler));
    assert!(timeout(secs(5), service.clone().oneshot(post())).await.is_err(), "the client left");
    for _ in 0..4 {
        nodes.settle().await;
        assert_eq!(nodes.keys(), ["a", "b"], "the handler is at work");
        assert_eq!(service.clone().oneshot(post()).await.unwrap().status(), StatusCode::CONFLICT);
        sleep(secs(1)).await;
    }
    sleep(secs(2)).await;
    assert_eq!((begun.load(Ordering::SeqCst), finished.load(Ordering::SeqCst)), (1, 1));
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_runs_to_completion_is_stopped_when_a_lock_around_it_is_lost() {
    let nodes = nodes();
    let ([begun, finished], handler) = slow();
    let policy = LockPolicy::new().run_to_completion(true).on_lost(OnLost::Finish);
    let outer = lock(&nodes, "a", LockPolicy::new());
    let service = outer.layer(lock(&nodes, "b", policy).layer(handler));
    assert!(timeout(secs(2), service.oneshot(post())).await.is_err(), "the client left");
    nodes.remove("a");
    sleep(secs(20)).await;
    assert_eq!((begun.load(Ordering::SeqCst), finished.load(Ordering::SeqCst)), (1, 0));
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_handler_that_runs_to_completion() {
    let nodes = nodes();
    let ([_, finished], handler) = slow();
    let policy = LockPolicy::new().run_to_completion(true);
    let service = lock(&nodes, "all", policy).layer(handler);
    assert!(timeout(secs(5), service.oneshot(post())).await.is_err(), "the client left");
    nodes.redlock.close().await;
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    assert_eq!(nodes.holding(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_within_the_key_of_a_layer_around_is_that_layers_lock() {
    let nodes = nodes();
    let both = |_: &Parts| LockKey::all(["a", "b"]).unwrap();
    let outer = LockLayer::with_key(&nodes.redlock, both, LockPolicy::new()).unwrap();
    let (own, handler) = own();
    let service = outer.layer(lock(&nodes, "a", LockPolicy::new()).layer(handler));
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(own.lock().unwrap().as_deref(), Some("a, b"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_layer_around_holds_in_part_is_a_misuse_and_no_endless_wait() {
    let nodes = nodes();
    let pair = |one, other| {
        let key = LockKey::all([one, other]).unwrap();
        LockLayer::with_key(&nodes.redlock, move |_: &Parts| key.clone(), LockPolicy::new())
            .unwrap()
    };
    let (_, handler) = own();
    let service = pair("a", "b").layer(pair("b", "c").layer(handler));
    let response = service.oneshot(post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
    assert_eq!(kind, Some(RejectionKind::Misconfigured));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_lost_around_does_not_let_a_request_in() {
    let nodes = nodes();
    let (own, handler) = own();
    let lost = Arc::new(Mutex::new(true));
    let told = lost.clone();
    let handler = service_fn(move |request: Request<()>| {
        let held = request.extensions().get::<HeldLocks>().unwrap();
        *told.lock().unwrap() = held.lease().unwrap().is_lost();
        handler.clone().oneshot(request)
    });
    let inner = lock(&nodes, "a", LockPolicy::new()).layer(handler);
    // Loses its lock on the way, and lets the request go on.
    let between = service_fn(move |request: Request<()>| {
        let inner = inner.clone();
        async move {
            sleep(secs(20)).await;
            inner.oneshot(request).await
        }
    });
    let outer = lock(&nodes, "a", LockPolicy::new().on_lost(OnLost::Finish).max_hold(secs(15)));
    assert_eq!(outer.layer(between).oneshot(post()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(own.lock().unwrap().as_deref(), Some("a"));
    assert!(!*lost.lock().unwrap(), "it began under the lock that was lost");
}

#[tokio::test(start_paused = true)]
async fn the_handlers_own_lock_is_the_innermost_layers() {
    let nodes = nodes();
    let (own, handler) = own();
    let layer = |template| lock(&nodes, template, LockPolicy::new());
    let service = layer("a").layer(layer("b").layer(layer("a").layer(handler)));
    service.oneshot(post()).await.unwrap();
    assert_eq!(own.lock().unwrap().as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_lets_pass_does_not_show_another_layers_lock_for_its_own() {
    let nodes = nodes();
    let (own, handler) = own();
    let passing = LockPolicy::new().missing_part(MissingPart::Pass);
    let inner = lock(&nodes, "t:{header:x-t}", passing).layer(handler);
    let service = lock(&nodes, "a", LockPolicy::new()).layer(inner);
    service.oneshot(post()).await.unwrap();
    assert_eq!(*own.lock().unwrap(), None);
}
