//! The service: who is called, when, and what becomes of a handler that does not end well.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use redlock_core::route::{
    HeldLocks, IntoRouteKey, KeyError, KeyTemplate, LockPolicy, MissingPart, NoQuorum, Rejection,
    RejectionKind, Unlocked,
};
use redlock_core::{InMemoryNode, LockKey, Redlock};
use redlock_tower::LockLayer;
use tokio::time::{sleep, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

fn post() -> Request<()> {
    Request::post("/").body(()).unwrap()
}

async fn ok(_: Request<()>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn layer(nodes: &Nodes) -> LockLayer {
    LockLayer::new(&nodes.redlock, "all", LockPolicy::new()).unwrap()
}

/// A service that may be called once per readiness, as tower's contract has it.
#[derive(Default)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        std::future::ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_that_was_polled_ready_is_the_one_that_is_called() {
    let nodes = nodes();
    let mut service = layer(&nodes).layer(Strict::default());
    for method in ["POST", "GET", "POST"] {
        let request = Request::builder().method(method).body(()).unwrap();
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn being_ready_asks_for_no_lock_and_neither_does_a_future_that_is_not_polled() {
    let nodes = nodes();
    let mut service = layer(&nodes).layer(service_fn(ok));
    let future = service.ready().await.unwrap().call(post());
    nodes.settle().await;
    assert_eq!(nodes.holding(), 0);
    drop(future);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_handler_is_passed_on_after_the_release() {
    let nodes = nodes();
    let failing = service_fn(|_: Request<()>| async {
        Err::<Response<Empty<Bytes>>, _>(std::io::Error::other("disk"))
    });
    let error = layer(&nodes).layer(failing).oneshot(post()).await.unwrap_err();
    assert_eq!(error.to_string(), "disk");
    assert_eq!(nodes.holding(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_passes_through_and_releases() {
    for completes in [false, true] {
        let nodes = nodes();
        let policy = LockPolicy::new().run_to_completion(completes);
        let panicking = service_fn(|_: Request<()>| async {
            sleep(Duration::from_secs(1)).await;
            if true {
                panic!("out of paper");
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let service = LockLayer::new(&nodes.redlock, "all", policy).unwrap().layer(panicking);
        let panic = tokio::spawn(service.oneshot(post())).await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of paper"));
        nodes.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_drops_the_handler_and_frees_the_lock() {
    let nodes = nodes();
    let ([begun, finished], handler) = slow();
    let service = layer(&nodes).layer(handler);
    assert!(timeout(Duration::from_secs(5), service.oneshot(post())).await.is_err());
    nodes.assert_clean().await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!((begun.load(Ordering::SeqCst), finished.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn run_to_completion_finishes_the_handler_under_its_lock_without_a_client() {
    let nodes = nodes();
    let ([_, finished], handler) = slow();
    let policy = LockPolicy::new().run_to_completion(true);
    let service = LockLayer::new(&nodes.redlock, "all", policy).unwrap().layer(handler);
    assert!(timeout(Duration::from_secs(5), service.clone().oneshot(post())).await.is_err());
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::CONFLICT);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(nodes.holding(), 3);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_waiting_is_not_run() {
    let nodes = nodes();
    let ([begun, _], handler) = slow();
    let policy = LockPolicy::new().wait_up_to(Duration::from_secs(60)).run_to_completion(true);
    let service = LockLayer::new(&nodes.redlock, "all", policy).unwrap().layer(handler);
    let holder = nodes.redlock.lock("all").await.unwrap();
    assert!(timeout(Duration::from_secs(2), service.oneshot(post())).await.is_err());
    holder.release().await.unwrap();
    nodes.assert_clean().await;
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

/// Tells which locks a handler ran under.
fn seen() -> (Arc<Mutex<Vec<String>>>, impl Handler<Response = Response<Empty<Bytes>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let handler = service_fn(move |request: Request<()>| {
        let held = request.extensions().get::<HeldLocks>().cloned().unwrap_or_default();
        *told.lock().unwrap() = held.leases().map(|lease| lease.key().to_string()).collect();
        ok(request)
    });
    (seen, handler)
}

#[tokio::test(start_paused = true)]
async fn two_layers_with_one_key_are_one_lock_and_with_two_keys_two() {
    let nodes = nodes();
    let lock = |key| LockLayer::new(&nodes.redlock, key, LockPolicy::new()).unwrap();
    let (seen, handler) = seen();
    let service = lock("a").layer(lock("b").layer(lock("a").layer(handler)));
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(*seen.lock().unwrap(), ["a", "b"]);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn another_handles_lock_of_the_same_key_is_another_lock() {
    let (one, other) = (nodes(), nodes());
    let (seen, handler) = seen();
    let service = layer(&one).layer(layer(&other).layer(handler));
    service.oneshot(post()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["all", "all"]);
}

#[tokio::test(start_paused = true)]
async fn a_closure_names_locks_passes_or_rejects() {
    async fn served<K: IntoRouteKey + 'static>(
        key: fn(&Parts) -> K,
    ) -> (StatusCode, Vec<String>, Option<RejectionKind>) {
        let nodes = nodes();
        let (seen, handler) = seen();
        let lock = LockLayer::with_key(&nodes.redlock, key, LockPolicy::new()).unwrap();
        let response = lock.layer(handler).oneshot(post()).await.unwrap();
        let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
        let seen = seen.lock().unwrap().clone();
        nodes.assert_clean().await;
        (response.status(), seen, kind)
    }
    let bad = (StatusCode::BAD_REQUEST, vec![], Some(RejectionKind::BadRequest));
    let two = served(|_| LockKey::all(["b", "a"]).unwrap()).await;
    assert_eq!(two, (StatusCode::OK, vec!["a, b".to_owned()], None));
    let path = served(|parts| parts.uri.path().to_owned()).await;
    assert_eq!(path, (StatusCode::OK, vec!["/".to_owned()], None));
    assert_eq!(served(|_| None::<String>).await, (StatusCode::OK, vec![], None));
    assert_eq!(served(|_| Err::<String, _>(KeyError::missing("id"))).await, bad);
    assert_eq!(served(|_| "").await, bad);
    assert_eq!(served(|_| "x".repeat(513)).await, bad);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_may_be_missing_lets_pass_and_a_repeated_one_does_not() {
    let nodes = nodes();
    let policy = LockPolicy::new().missing_part(MissingPart::Pass);
    let lock = LockLayer::new(&nodes.redlock, "t:{header:x-t}", policy).unwrap();
    for (values, status, locks) in [(0, 200, 0), (1, 200, 1), (2, 400, 0)] {
        let (seen, handler) = seen();
        let mut request = post();
        for _ in 0..values {
            request.headers_mut().append("x-t", "a".parse().unwrap());
        }
        let response = lock.layer(handler).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), seen.lock().unwrap().len()), (status, locks));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_router_a_path_parameter_is_a_misuse_and_not_the_clients_fault() {
    let nodes = nodes();
    let template = KeyTemplate::parse("order:{id}").unwrap();
    let lock = LockLayer::with_extractor(&nodes.redlock, template, LockPolicy::new()).unwrap();
    let response = lock.layer(service_fn(ok)).oneshot(post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert!(rejection.to_string().contains("put the layer behind the router"), "{rejection}");
}

#[test]
fn what_can_be_known_of_a_misuse_is_an_error_at_construction() {
    let nodes = nodes();
    let new = |template| LockLayer::new(&nodes.redlock, template, LockPolicy::new());
    assert_eq!(new("order:{id}").is_ok(), cfg!(feature = "axum"));
    assert_eq!(new("{method} {route}").is_ok(), cfg!(any(feature = "axum", feature = "tonic")));
    let long = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(3));
    let long = long.key_prefix("x".repeat(313)).build().unwrap();
    let error = LockLayer::new(&long, "all", LockPolicy::new()).unwrap_err();
    assert_eq!((error.field(), error.value()), ("key_prefix", "313 bytes"));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_may_look_different_and_is_in_the_extensions_all_the_same() {
    let nodes = nodes();
    let _holder = nodes.redlock.lock("all").await.unwrap();
    let service = layer(&nodes)
        .reject_with(|rejection| {
            let body = format!("{:?}", rejection.retry_after_seconds());
            Response::builder().status(StatusCode::IM_A_TEAPOT).body(body).unwrap()
        })
        .layer(service_fn(ok));
    let response = service.oneshot(post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert!(rejection.lock_error().unwrap().to_string().contains("held for"), "{rejection}");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "Some(3)");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_allowed_without_a_quorum_is_marked() {
    use redlock_core::faults::{Faulty, Misbehaviour};
    let node = Faulty::new(Arc::new(InMemoryNode::new("a")));
    node.always(Misbehaviour::Refused);
    let builder = Redlock::builder().node(node).ttl(Duration::from_secs(3));
    let policy = LockPolicy::new().no_quorum(NoQuorum::Allow);
    let handler = service_fn(|request: Request<()>| {
        let unlocked = request.extensions().get::<Unlocked>().unwrap();
        assert_eq!(unlocked.rejection().kind(), RejectionKind::NoQuorum);
        assert_eq!(request.extensions().get::<HeldLocks>().unwrap().leases().len(), 0);
        ok(request)
    });
    let service = LockLayer::new(&builder.build().unwrap(), "all", policy).unwrap().layer(handler);
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
}

#[test]
fn layer_service_and_future_can_be_sent_and_the_layer_shared() {
    fn send<T: Send>(_: &T) {}
    fn shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    let nodes = nodes();
    let layer = layer(&nodes);
    shared(&layer);
    let mut service = layer.layer(service_fn(ok));
    shared_service(&service);
    send(&service.call(post()));
    fn shared_service<T: Clone + Send + Sync + 'static>(_: &T) {}
}
