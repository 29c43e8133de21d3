//! When a lock is released, seen from the response's body.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use redlock_core::route::{HoldUntil, LockPolicy, OnLost, Rejection, RejectionKind};
use redlock_tower::{LockLayer, LockedBody};
use tower::{Layer, ServiceExt, service_fn};

/// The response of a handler that answers with `body`.
async fn respond<B>(nodes: &Nodes, policy: LockPolicy, body: B) -> Response<LockedBody<B>>
where
    B: Body<Data = Bytes, Error: Into<redlock_tower::BoxError>> + Send + 'static,
{
    pass_on(nodes, policy, Method::POST, Response::new(body)).await
}

/// What the layer makes of a handler's response.
async fn pass_on<B>(
    nodes: &Nodes,
    policy: LockPolicy,
    method: Method,
    response: Response<B>,
) -> Response<LockedBody<B>>
where
    B: Body<Data = Bytes, Error: Into<redlock_tower::BoxError>> + Send + 'static,
{
    let response = Arc::new(Mutex::new(Some(response)));
    let handler = service_fn(move |_: Request<()>| {
        let response = response.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    let service = LockLayer::new(&nodes.redlock, "all", policy).unwrap().layer(handler);
    service.oneshot(Request::builder().method(method).uri("/").body(()).unwrap()).await.unwrap()
}

fn exact(bytes: u64) -> SizeHint {
    SizeHint::with_exact(bytes)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_all_there_is_released_before_the_head_and_passed_on_as_it_is() {
    let nodes = nodes();
    let mut response = respond(&nodes, LockPolicy::new(), Full::from("paid")).await;
    assert_eq!(nodes.holding(), 0);
    assert_eq!(response.body().size_hint().exact(), Some(4));
    assert!(!response.body().is_end_stream());
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "paid");
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert!(response.body().is_end_stream());
    assert!(response.body_mut().frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_last_byte_waits_for_a_release_that_takes_its_time() {
    let nodes = nodes();
    nodes.slow_release(Duration::from_millis(40));
    for policy in [LockPolicy::new(), LockPolicy::new().hold_until(HoldUntil::ResponseHead)] {
        let mut response = respond(&nodes, policy, Full::from("paid")).await;
        assert_eq!(
            response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(),
            "paid"
        );
        assert_eq!(nodes.holding(), 0, "the last byte came before the release");
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_holds_until_its_end_with_its_trailers() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    for _ in 0..3 {
        feed.send(data("a line")).unwrap();
        assert!(response.body_mut().frame().await.unwrap().unwrap().is_data());
        // Renewed for longer than its time to live.
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert_eq!(nodes.holding(), 3);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "3".parse().unwrap());
    feed.send(Ok(Frame::trailers(trailers.clone()))).unwrap();
    drop(feed);
    let last = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(last.into_trailers().unwrap(), trailers);
    assert_eq!(nodes.holding(), 0);
    assert!(response.body_mut().frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_first_piece_that_is_there_already_is_given_out_first() {
    let nodes = nodes();
    let (feed, body) = fed(exact(12));
    feed.send(data("a line")).unwrap();
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    assert_eq!(nodes.holding(), 3);
    // 6 bytes were read ahead, and count all the same.
    assert_eq!(response.body().size_hint().exact(), Some(12));
    assert!(!response.body().is_end_stream());
    feed.send(data("a lime")).unwrap();
    drop(feed);
    for line in ["a line", "a lime"] {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), line);
    }
    assert_eq!(nodes.holding(), 0, "the last byte came before the release");
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert!(response.body().is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_notice_holds_until_its_end() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    feed.send(data("a line")).unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    assert_eq!(nodes.holding(), 3);
    drop(feed);
    assert!(!response.body().is_end_stream(), "nobody would poll it for its release");
    assert!(response.body_mut().frame().await.is_none());
    assert_eq!(nodes.holding(), 0);
    assert!(response.body().is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_body_of_announced_length_is_released_before_its_last_byte_and_keeps_its_trailers() {
    for header in [false, true] {
        let nodes = nodes();
        let (feed, body) = fed(if header { SizeHint::default() } else { exact(12) });
        let mut response = Response::new(body);
        if header {
            response.headers_mut().insert(CONTENT_LENGTH, 12.into());
        }
        let mut response = pass_on(&nodes, LockPolicy::new(), Method::POST, response).await;
        for (line, holding) in [("a line", 3), ("a lime", 0)] {
            feed.send(data(line)).unwrap();
            let frame = response.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), line);
            // A server that has sent so many bytes reads no further.
            assert_eq!(nodes.holding(), holding, "{line}, by header: {header}");
        }
        feed.send(Ok(Frame::trailers(HeaderMap::new()))).unwrap();
        assert!(response.body_mut().frame().await.unwrap().unwrap().is_trailers());
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_announces_absurd_sizes_does_no_harm() {
    let nodes = nodes();
    let (feed, body) = fed(exact(u64::MAX));
    feed.send(data("a line")).unwrap();
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    assert_eq!(response.body().size_hint().exact(), Some(u64::MAX));
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    drop(response);
    nodes.settle().await;
    let mut hint = SizeHint::new();
    hint.set_lower(u64::MAX);
    let (feed, body) = fed(hint);
    feed.send(data("a line")).unwrap();
    let response = respond(&nodes, LockPolicy::new(), body).await;
    assert_eq!(response.body().size_hint().lower(), u64::MAX);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_and_the_answer_to_head_release_with_the_head() {
    for (method, status) in [(Method::GET, 101), (Method::HEAD, 200)] {
        let nodes = nodes();
        let (_feed, body) = fed(SizeHint::default());
        let response = Response::builder().status(status).body(body).unwrap();
        let policy = LockPolicy::new().all_methods();
        let _response = pass_on(&nodes, policy, method, response).await;
        assert_eq!(nodes.holding(), 0, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_half_read_releases() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    feed.send(data("a line")).unwrap();
    assert!(response.body_mut().frame().await.is_some());
    assert_eq!(nodes.holding(), 3);
    drop(response);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_release_is_awaited_can_be_dropped() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    drop(feed);
    // Polled once: the release is sent and its answer not there yet.
    let _ = tokio::time::timeout(Duration::ZERO, response.body_mut().frame()).await;
    drop(response);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_body_is_passed_on_after_the_release() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    feed.send(Err(std::io::Error::other("disk"))).unwrap();
    let error = response.body_mut().frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "disk");
    assert_eq!(nodes.holding(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_ended_is_not_asked_again() {
    let nodes = nodes();
    let once = |pending: u64| {
        let pieces = futures_util::stream::unfold(Some(()), move |first| async move {
            tokio::time::sleep(Duration::from_secs(pending)).await;
            first.map(|()| (data("a line"), None))
        });
        http_body_util::StreamBody::new(Box::pin(pieces))
    };
    for pending in [0, 1] {
        let mut response = respond(&nodes, LockPolicy::new(), once(pending)).await;
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        for _ in 0..3 {
            // The stream would panic.
            assert!(response.body_mut().frame().await.is_none());
            assert!(response.body().is_end_stream());
        }
        nodes.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_released_with_the_head() {
    let nodes = nodes();
    let response = respond(&nodes, LockPolicy::new(), Empty::new()).await;
    assert_eq!(nodes.holding(), 0);
    assert!(response.body().is_end_stream());
    assert_eq!(response.body().size_hint().exact(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_released_with_the_head_and_keeps_its_extensions() {
    let nodes = nodes();
    #[derive(Clone, PartialEq, Debug)]
    struct OnUpgrade(u32);
    let handler = service_fn(|_: Request<()>| async {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", "websocket".parse().unwrap());
        response.extensions_mut().insert(OnUpgrade(7));
        Ok::<_, Infallible>(response)
    });
    let policy = LockPolicy::new().methods(["GET"]);
    let service = LockLayer::new(&nodes.redlock, "all", policy).unwrap().layer(handler);
    let response = service.oneshot(Request::get("/").body(()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(response.extensions().get::<OnUpgrade>(), Some(&OnUpgrade(7)));
    assert_eq!(nodes.holding(), 0);
}

#[tokio::test(start_paused = true)]
async fn held_until_the_head_a_stream_is_not_under_the_lock() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let policy = LockPolicy::new().hold_until(HoldUntil::ResponseHead);
    let mut response = respond(&nodes, policy, body).await;
    assert_eq!(nodes.holding(), 0);
    feed.send(data("a line")).unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_default_body_is_empty_and_holds_nothing() {
    let mut body = LockedBody::<Full<Bytes>>::default();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_piece_that_was_read_ahead_is_not_given_out_after_the_loss() {
    let nodes = nodes();
    let (feed, body) = fed(exact(12));
    feed.send(data("a line")).unwrap();
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    nodes.clear();
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(response.body_mut().frame().await.unwrap().is_err());
    assert!(response.body_mut().frame().await.is_none());
    assert!(response.body().is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_lock_lost_under_a_stream_breaks_it_off() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    nodes.clear();
    let error = response.body_mut().frame().await.unwrap().unwrap_err();
    let rejection = error.downcast_ref::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Lost);
    assert!(rejection.lost_reason().is_some());
    assert!(feed.is_closed(), "the handler's body goes with it");
    assert!(response.body_mut().frame().await.is_none());
    assert!(response.body().is_end_stream());
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_lost_lock_and_a_ready_piece_the_loss_counts() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let mut response = respond(&nodes, LockPolicy::new(), body).await;
    nodes.clear();
    tokio::time::sleep(Duration::from_secs(11)).await;
    feed.send(data("a line")).unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lock_lost_under_a_stream_that_may_finish_is_let_finish() {
    let nodes = nodes();
    let (feed, body) = fed(SizeHint::default());
    let policy = LockPolicy::new().on_lost(OnLost::Finish);
    let mut response = respond(&nodes, policy, body).await;
    nodes.clear();
    tokio::time::sleep(Duration::from_secs(11)).await;
    feed.send(data("a line")).unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    drop(feed);
    assert!(response.body_mut().frame().await.is_none());
    nodes.assert_clean().await;
}
