//! The lock outside and inside of the layers of tower-http, in axum: every order that the docs name, compiled and run.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../redlock-tower/tests/common/mod.rs"]
mod common;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::routing::{any, post};
use common::*;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::{Request, Response, StatusCode};
use redlock_core::route::{LockPolicy, Rejection, RejectionKind};
use redlock_tower::LockLayer;
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{OnResponse, TraceLayer};

const ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn lock(nodes: &Nodes, policy: LockPolicy) -> LockLayer {
    LockLayer::new(&nodes.redlock, "order:{id}", policy).unwrap()
}

fn five_seconds() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, secs(5))
}

fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods(Any)
}

/// A router whose route has `layer` outside and inside of the lock.
macro_rules! outside_and_inside {
    ($lock:expr, $layer:expr, $handler:expr) => {{
        let outside = ServiceBuilder::new().layer($layer).layer($lock);
        let inside = ServiceBuilder::new().layer($lock).layer($layer);
        let route = |handler| Router::<()>::new().route("/orders/{id}", handler);
        [route(any($handler).layer(outside)), route(any($handler).layer(inside))]
    }};
}

async fn send(app: &Router, method: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri("/orders/7");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn read(response: Response<Body>) -> Bytes {
    to_bytes(response.into_body(), usize::MAX).await.unwrap()
}

/// A handler of ten seconds, and how often it came to its end.
fn ten_seconds() -> (Arc<AtomicUsize>, impl axum::handler::Handler<((),), ()>) {
    let finished = Arc::new(AtomicUsize::new(0));
    let told = finished.clone();
    let handler = move || {
        let told = told.clone();
        async move {
            sleep(secs(10)).await;
            told.fetch_add(1, Ordering::SeqCst);
            "paid"
        }
    };
    (finished, handler)
}

#[tokio::test(start_paused = true)]
async fn each_layer_stands_outside_and_inside_on_a_route_a_router_and_a_nested_one() {
    async fn paid() -> &'static str {
        "paid"
    }
    macro_rules! all_orders {
        ($($layer:expr),* $(,)?) => {{
            let nodes = nodes();
            let lock = || lock(&nodes, LockPolicy::new());
            let mut apps = Vec::new();
            $(
                apps.extend(outside_and_inside!(lock(), $layer, paid));
                let route = || Router::new().route("/orders/{id}", post(paid));
                // On a method router only `route_layer` leaves the error's type as it is.
                let chained = post(paid).route_layer(lock()).layer($layer);
                apps.push(Router::new().route("/orders/{id}", chained));
                let chained = post(paid).route_layer($layer).layer(lock());
                apps.push(Router::new().route("/orders/{id}", chained));
                apps.push(route().layer(lock()).layer($layer));
                apps.push(route().layer($layer).layer(lock()));
                apps.push(route().route_layer(lock()).route_layer($layer));
                apps.push(Router::new().nest("/orders", Router::new().route("/{id}",
                    post(paid).route_layer(lock()))).layer($layer));
                apps.push(Router::new().merge(route().layer(lock())).layer($layer));
            )*
            (nodes, apps)
        }};
    }
    let (nodes, apps) = all_orders!(
        five_seconds(),
        cors(),
        TraceLayer::new_for_http(),
        CompressionLayer::new(),
        CatchPanicLayer::new(),
        SetRequestIdLayer::new(ID, MakeRequestUuid),
        PropagateRequestIdLayer::new(ID),
    );
    for app in &apps {
        let response = send(app, "POST", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(read(response).await, "paid");
        nodes.assert_clean().await;
    }
    let _holder = nodes.redlock.lock("order:7").await.unwrap();
    for app in &apps {
        assert_eq!(send(app, "POST", &[]).await.status(), StatusCode::CONFLICT);
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_stack_in_the_order_that_the_docs_name() {
    let nodes = nodes();
    let stack = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(ID, MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::new(ID))
        .layer(cors())
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(five_seconds())
        .layer(lock(&nodes, LockPolicy::new()));
    let (finished, handler) = ten_seconds();
    let app = Router::new().route("/orders/{id}", post(handler).layer(stack));
    let late = send(&app, "POST", &[("origin", "https://shop.example")]).await;
    assert_eq!(late.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(late.headers().contains_key(ID));
    assert!(late.headers().contains_key("access-control-allow-origin"));
    nodes.assert_clean().await;
    assert_eq!(finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_drops_the_handler_and_the_lock_is_released_either_way_round() {
    let nodes = nodes();
    let (finished, handler) = ten_seconds();
    let lock = lock(&nodes, LockPolicy::new());
    let [outside, inside] = outside_and_inside!(lock.clone(), five_seconds(), handler.clone());
    nodes.slow_release(Duration::from_millis(40));
    assert_eq!(send(&outside, "POST", &[]).await.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(nodes.holding(), 3, "told at once, the release is under way");
    sleep(secs(1)).await;
    assert_eq!(nodes.holding(), 0);
    assert_eq!(send(&inside, "POST", &[]).await.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(nodes.holding(), 0, "told when the lock is free");
    assert_eq!(finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_leaves_a_handler_that_runs_to_completion_and_its_lock() {
    let nodes = nodes();
    let (finished, handler) = ten_seconds();
    let lock = lock(&nodes, LockPolicy::new().run_to_completion(true));
    let [outside, inside] = outside_and_inside!(lock.clone(), five_seconds(), handler.clone());
    assert_eq!(send(&outside, "POST", &[]).await.status(), StatusCode::REQUEST_TIMEOUT);
    nodes.settle().await;
    assert_eq!(nodes.holding(), 3);
    assert_eq!(send(&outside, "POST", &[]).await.status(), StatusCode::CONFLICT);
    sleep(secs(6)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    nodes.assert_clean().await;
    // Inside, the timeout is part of what runs to completion.
    assert_eq!(send(&inside, "POST", &[]).await.status(), StatusCode::REQUEST_TIMEOUT);
    sleep(secs(6)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_counts_the_wait_for_the_lock_outside_and_not_inside() {
    let nodes = nodes();
    let paid = || async { "paid" };
    let lock = lock(&nodes, LockPolicy::new().wait_up_to(secs(50)));
    let [outside, inside] = outside_and_inside!(lock.clone(), five_seconds(), paid);
    for (app, status) in [(outside, StatusCode::REQUEST_TIMEOUT), (inside, StatusCode::OK)] {
        let holder = nodes.redlock.lock("order:7").await.unwrap();
        let holder = tokio::spawn(async move {
            for _ in 0..4 {
                sleep(secs(2)).await;
                holder.extend(secs(3)).await.unwrap();
            }
            holder.release().await.unwrap();
        });
        assert_eq!(send(&app, "POST", &[]).await.status(), status);
        holder.await.unwrap();
        nodes.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_preflight_is_answered_without_the_lock_outside_and_a_script_can_read_a_refusal() {
    let nodes = nodes();
    let paid = || async { "paid" };
    let every = lock(&nodes, LockPolicy::new().all_methods());
    let [outside, inside] = outside_and_inside!(every.clone(), cors(), paid);
    let unsafe_only = lock(&nodes, LockPolicy::new());
    let [_, inside_unsafe] = outside_and_inside!(unsafe_only.clone(), cors(), paid);
    let _holder = nodes.redlock.lock("order:7").await.unwrap();
    let origin = ("origin", "https://shop.example");
    let preflight = [origin, ("access-control-request-method", "POST")];
    for (app, status, readable) in [
        (&outside, StatusCode::OK, true),
        (&inside_unsafe, StatusCode::OK, false),
        (&inside, StatusCode::CONFLICT, false),
    ] {
        let answer = send(app, "OPTIONS", &preflight).await;
        assert_eq!(answer.status(), status);
        let allowed = answer.headers().contains_key("access-control-allow-methods");
        assert_eq!(allowed, status == StatusCode::OK);
        let refused = send(app, "POST", &[origin]).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert_eq!(refused.headers().contains_key("access-control-allow-origin"), readable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_caught_outside_and_inside_and_releases() {
    for completes in [false, true] {
        let nodes = nodes();
        let panicking = || async {
            sleep(secs(1)).await;
            if true {
                panic!("out of paper");
            }
            "paid"
        };
        let lock = lock(&nodes, LockPolicy::new().run_to_completion(completes));
        let apps = outside_and_inside!(lock.clone(), CatchPanicLayer::new(), panicking);
        for (app, inside) in apps.iter().zip([false, true]) {
            let response = send(app, "POST", &[]).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            if inside {
                assert_eq!(nodes.holding(), 0, "a caught panic is an answer as others are");
            }
            nodes.assert_clean().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn compressed_outside_and_inside_the_end_comes_after_the_release() {
    const ACCEPT: &[(&str, &str)] = &[("accept-encoding", "gzip")];
    let nodes = nodes();
    nodes.slow_release(Duration::from_millis(40));
    // Fused, because inside of the lock `CompressionLayer` asks the stream itself once more after its end.
    let streaming = || async {
        Body::from_stream(
            unfold(0, |given| async move {
                sleep(secs(2)).await;
                let line = Ok::<_, Infallible>(Bytes::from(format!("line {given}\n").repeat(100)));
                (given < 5).then_some((line, given + 1))
            })
            .fuse(),
        )
    };
    let whole = || async { "a line\n".repeat(100) };
    let lock = lock(&nodes, LockPolicy::new());
    let streams = outside_and_inside!(lock.clone(), CompressionLayer::new(), streaming);
    let wholes = outside_and_inside!(lock.clone(), CompressionLayer::new(), whole);
    for (app, streams) in
        streams.iter().map(|app| (app, true)).chain(wholes.iter().map(|app| (app, false)))
    {
        let response = send(app, "POST", ACCEPT).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert!(!streams || nodes.holding() == 3, "nothing of the stream was made yet");
        let bytes = read(response).await;
        assert_eq!(nodes.holding(), 0, "the end came before the release");
        assert_eq!(bytes[..2], [0x1f, 0x8b]);
    }
}

type Seen = Arc<Mutex<Vec<(&'static str, StatusCode, Option<RejectionKind>)>>>;

#[derive(Clone)]
struct Recorder(&'static str, Seen);

impl<B> OnResponse<B> for Recorder {
    fn on_response(self, response: &Response<B>, _: Duration, _: &tracing::Span) {
        let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
        self.1.lock().unwrap().push((self.0, response.status(), kind));
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_outside_sees_refusals_and_inside_only_what_has_its_lock() {
    let nodes = nodes();
    let _holder = nodes.redlock.lock("order:7").await.unwrap();
    let seen = Seen::default();
    let trace = |name| TraceLayer::new_for_http().on_response(Recorder(name, seen.clone()));
    let paid = || async { "paid" };
    let lock = lock(&nodes, LockPolicy::new());
    let stack = ServiceBuilder::new().layer(trace("outside")).layer(lock).layer(trace("inside"));
    let app = Router::new().route("/orders/{id}", any(paid).layer(stack));
    send(&app, "POST", &[]).await;
    let refused = ("outside", StatusCode::CONFLICT, Some(RejectionKind::Contended));
    assert_eq!(seen.lock().unwrap().drain(..).collect::<Vec<_>>(), [refused]);
    send(&app, "GET", &[]).await;
    let served = |name| (name, StatusCode::OK, None);
    assert_eq!(*seen.lock().unwrap(), [served("inside"), served("outside")]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_the_requests_id_if_that_is_set_outside() {
    let nodes = nodes();
    let _holder = nodes.redlock.lock("order:7").await.unwrap();
    let paid = || async { "paid" };
    let lock = lock(&nodes, LockPolicy::new());
    let apps = outside_and_inside!(lock.clone(), PropagateRequestIdLayer::new(ID), paid);
    for (app, named) in apps.iter().zip([true, false]) {
        let refused = send(app, "POST", &[("x-request-id", "r-1")]).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert_eq!(refused.headers().contains_key(ID), named);
    }
}
