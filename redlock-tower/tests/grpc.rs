//! Rejections as gRPC statuses, and keys of gRPC requests.

#![cfg(feature = "tonic")]
#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;

use bytes::Bytes;
use common::nodes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
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
    let service = lock.reject_with(GrpcStatus).layer(handler);
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
async fn every_kind_has_its_code() {
    use redlock_core::route::cases::{self, Situation};
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
        let response = lock.reject_with(GrpcStatus).layer(handler).oneshot(call()).await.unwrap();
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
    let lock = LockLayer::new(&nodes.redlock, "{route}", LockPolicy::new()).unwrap();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().layer(lock.reject_with(GrpcStatus)).add_service(health);
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
    server.abort();
}
