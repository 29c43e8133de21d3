//! Rejections of the tower layer as gRPC statuses, and keys of gRPC requests.

#![allow(clippy::unwrap_used)]

#[path = "../../redlock-tower/tests/common/mod.rs"]
mod common;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use redlock_core::route::{HeldLocks, LockPolicy, Rejection};
use redlock_tower::{GrpcStatus, LockLayer};
use tonic::{Code, Status};
use tower::{Layer, ServiceExt, service_fn};

fn call() -> Request<()> {
    let request =
        Request::post("/shop.Orders/Pay").header("content-type", "application/grpc+proto");
    request.body(()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_contended_call_is_aborted_and_told_when_to_come_back() {
    let nodes = nodes();
    let lock = LockLayer::new(&nodes.redlock, "{route}", LockPolicy::new()).unwrap();
    let handler = service_fn(|request: Request<()>| async move {
        let held =
            request.extensions().get::<HeldLocks>().unwrap().lease().unwrap().key().to_string();
        assert_eq!(held, "/shop.Orders/Pay");
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = lock.on_reject(GrpcStatus).layer(handler);
    assert_eq!(service.clone().oneshot(call()).await.unwrap().status(), StatusCode::OK);

    let _holder = nodes.redlock.lock("/shop.Orders/Pay").await.unwrap();
    let response = service.oneshot(call()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(response.headers()["grpc-retry-pushback-ms"], "3000");
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "Another request is working on this resource.")
    );
    assert!(response.extensions().get::<Rejection>().is_some());
    assert!(http_body::Body::is_end_stream(response.body()));
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_lock_is_lost_ends_with_aborted_in_its_trailers() {
    let nodes = nodes();
    for read_ahead in [false, true] {
        let (feed, body) = fed(http_body::SizeHint::default());
        let response = std::sync::Arc::new(std::sync::Mutex::new(Some(Response::new(body))));
        let handler = service_fn(move |_: Request<()>| {
            let response = response.lock().unwrap().take().unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        if read_ahead {
            feed.send(data("a message")).unwrap();
        }
        let lock = LockLayer::new(&nodes.redlock, "{route}", LockPolicy::new()).unwrap();
        let mut service = lock.on_reject(GrpcStatus).layer(handler);
        let mut body = tower::Service::call(&mut service, call()).await.unwrap().into_body();
        nodes.clear();
        tokio::time::sleep(Duration::from_secs(11)).await;
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(status.code(), Code::Aborted);
        assert!(!trailers.contains_key("grpc-retry-pushback-ms"), "sent again it may do twice");
        assert!(http_body::Body::is_end_stream(&body));
        assert!(body.frame().await.is_none());
        nodes.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_to_come_back_between_a_millisecond_and_an_hour() {
    use redlock_core::route_cases::{self as cases, Situation};
    for (situation, millis) in
        [(Situation::HeldForAMonth, "3600000"), (Situation::HeldForEver, "1000")]
    {
        let case = cases::policies().into_iter().find(|case| case.situation == situation).unwrap();
        let stage = case.stage().await;
        let lock = LockLayer::new(stage.redlock(), "order:42", LockPolicy::new()).unwrap();
        let handler = service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let response = lock.on_reject(GrpcStatus).layer(handler).oneshot(call()).await.unwrap();
        assert_eq!(response.headers()["grpc-retry-pushback-ms"], millis, "{situation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_has_its_code() {
    use redlock_core::route_cases::{self as cases, Situation};
    for (situation, code) in [
        (Situation::NoQuorum, Code::Unavailable),
        (Situation::Closed, Code::Unavailable),
        (Situation::Misconfigured, Code::Internal),
    ] {
        let case = cases::policies().into_iter().find(|case| case.situation == situation).unwrap();
        let stage = case.stage().await;
        let lock = LockLayer::new(stage.redlock(), "all", LockPolicy::new()).unwrap();
        let handler = service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let response = lock.on_reject(GrpcStatus).layer(handler).oneshot(call()).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), code, "{situation:?}");
    }
}

#[tokio::test]
async fn a_real_client_of_a_real_server_is_told() {
    use tonic::transport::{Channel, Server, server::TcpIncoming};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let nodes = nodes();
    let policy = LockPolicy::new().ttl(Duration::from_secs(2));
    let lock = LockLayer::new(&nodes.redlock, "{route}", policy).unwrap();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().layer(lock.on_reject(GrpcStatus)).add_service(health);
    let server = tokio::spawn(server.serve_with_incoming(incoming));

    let channel = Channel::from_shared(at).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let question = || HealthCheckRequest { service: String::new() };
    for _ in 0..3 {
        let answer = client.check(question()).await.unwrap().into_inner();
        assert_eq!(answer.status(), tonic_health::ServingStatus::Serving.into());
        assert_eq!(nodes.holding(), 0, "the answer with its trailers came before the release");
    }
    let _holder = nodes.redlock.lock("/grpc.health.v1.Health/Check").await.unwrap();
    let refused = client.check(question()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused}");
    assert!(refused.metadata().get("grpc-retry-pushback-ms").is_some());

    // A stream whose lock is lost under it.
    let mut watched = client.watch(question()).await.unwrap().into_inner();
    assert!(watched.message().await.unwrap().is_some());
    assert!(nodes.keys().contains(&"/grpc.health.v1.Health/Watch".to_owned()));
    nodes.remove("/grpc.health.v1.Health/Watch");
    let lost = tokio::time::timeout(Duration::from_secs(60), watched.message()).await.unwrap();
    let lost = lost.unwrap_err();
    assert_eq!(
        (lost.code(), lost.message()),
        (Code::Aborted, "The request was stopped; what it did before stays done.")
    );
    server.abort();
}
