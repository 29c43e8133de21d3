//! When a lock is released, seen from the response's body.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody, SizedStream};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse};
use common::*;
use futures_util::stream::unfold;
use redlock_actix::LockMiddleware;
use redlock_core::route::{HoldUntil, LockPolicy, OnLost, Rejection, RejectionKind};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Piece = Result<Bytes, std::io::Error>;

fn fed() -> (UnboundedSender<Piece>, impl futures_util::Stream<Item = Piece> + 'static) {
    let (feed, pieces) = unbounded_channel::<Piece>();
    let stream = unfold(pieces, |mut pieces: UnboundedReceiver<Piece>| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    (feed, Box::pin(stream))
}

fn line() -> Piece {
    Ok(Bytes::from_static(b"a line"))
}

/// The body of a handler's response that came through the middleware.
struct Body(Pin<Box<dyn MessageBody<Error = Box<dyn std::error::Error>>>>);

impl Body {
    async fn next(&mut self) -> Option<Result<Bytes, Box<dyn std::error::Error>>> {
        poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

async fn respond_to(
    request: TestRequest,
    nodes: &Nodes,
    policy: LockPolicy,
    response: impl Fn() -> HttpResponse<BoxBody> + Clone + 'static,
) -> (ServiceResponse<()>, Body) {
    let lock = LockMiddleware::new(&nodes.redlock, "all", policy).unwrap();
    let handler = move || {
        let response = response();
        async move { response }
    };
    let app = init_service(App::new().route("/", web::route().to(handler).wrap(lock))).await;
    let response = app.call(request.to_request()).await.unwrap();
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    (ServiceResponse::new(request, response.set_body(())), Body(Box::pin(body)))
}

async fn respond(
    nodes: &Nodes,
    policy: LockPolicy,
    response: impl Fn() -> HttpResponse<BoxBody> + Clone + 'static,
) -> Body {
    respond_to(TestRequest::post(), nodes, policy, response).await.1
}

/// Answers with a stream, once.
fn streaming(
    stream: impl futures_util::Stream<Item = Piece> + 'static,
    size: Option<u64>,
) -> impl Fn() -> HttpResponse<BoxBody> + Clone + 'static {
    let stream = std::rc::Rc::new(std::cell::RefCell::new(Some(stream)));
    move || {
        let stream = stream.borrow_mut().take().unwrap();
        match size {
            Some(size) => HttpResponse::Ok().body(SizedStream::new(size, stream)),
            None => HttpResponse::Ok().body(BodyStream::new(stream)),
        }
    }
}

#[test]
fn a_body_that_is_all_there_is_released_before_the_head_and_passed_on_as_it_is() {
    run(async {
        let nodes = nodes();
        nodes.slow_release(Duration::from_millis(40));
        for policy in [LockPolicy::new(), LockPolicy::new().hold_until(HoldUntil::ResponseHead)] {
            let mut body = respond(&nodes, policy, || HttpResponse::Ok().body("paid")).await;
            assert_eq!(nodes.holding(), 0);
            assert_eq!(body.0.size(), BodySize::Sized(4));
            assert_eq!(body.next().await.unwrap().unwrap(), "paid");
            assert!(body.next().await.is_none());
        }
    });
}

#[test]
fn an_answer_without_a_body_is_released_with_the_head() {
    run(async {
        let nodes = nodes();
        respond(&nodes, LockPolicy::new(), || HttpResponse::NoContent().finish()).await;
        assert_eq!(nodes.holding(), 0);
        let (feed, stream) = fed();
        let policy = LockPolicy::new().all_methods();
        let head = TestRequest::default().method(actix_web::http::Method::HEAD);
        let _answer = respond_to(head, &nodes, policy, streaming(stream, None)).await;
        assert_eq!(nodes.holding(), 0);
        drop(feed);
    });
}

#[test]
fn the_last_byte_of_a_sized_stream_waits_for_a_release_that_takes_its_time() {
    run(async {
        let nodes = nodes();
        nodes.slow_release(Duration::from_millis(40));
        let (feed, stream) = fed();
        feed.send(line()).unwrap();
        let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, Some(12))).await;
        assert_eq!(body.0.size(), BodySize::Sized(12));
        assert!(body.next().await.unwrap().is_ok());
        assert_eq!(nodes.holding(), 3);
        feed.send(line()).unwrap();
        assert!(body.next().await.unwrap().is_ok());
        assert_eq!(nodes.holding(), 0, "the last byte came before the release");
    });
}

#[test]
fn the_end_of_a_stream_waits_for_the_release() {
    run(async {
        let nodes = nodes();
        nodes.slow_release(Duration::from_millis(40));
        let (feed, stream) = fed();
        let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, None)).await;
        for _ in 0..3 {
            feed.send(line()).unwrap();
            assert!(body.next().await.unwrap().is_ok());
            // Renewed for longer than its time to live.
            tokio::time::sleep(Duration::from_secs(8)).await;
            assert_eq!(nodes.holding(), 3);
        }
        drop(feed);
        assert!(body.next().await.is_none());
        assert_eq!(nodes.holding(), 0);
    });
}

#[test]
fn a_body_dropped_half_read_releases() {
    run(async {
        let nodes = nodes();
        let (feed, stream) = fed();
        let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, None)).await;
        feed.send(line()).unwrap();
        assert!(body.next().await.unwrap().is_ok());
        assert_eq!(nodes.holding(), 3);
        drop(body);
        nodes.assert_clean().await;
    });
}

#[test]
fn an_error_of_the_body_is_passed_on_after_the_release() {
    run(async {
        let nodes = nodes();
        let (feed, stream) = fed();
        let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, None)).await;
        feed.send(Err(std::io::Error::other("disk"))).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap_err().to_string(), "disk");
        assert_eq!(nodes.holding(), 0);
    });
}

#[test]
fn held_until_the_head_a_stream_is_not_under_the_lock() {
    run(async {
        let nodes = nodes();
        let (feed, stream) = fed();
        let policy = LockPolicy::new().hold_until(HoldUntil::ResponseHead);
        let mut body = respond(&nodes, policy, streaming(stream, None)).await;
        assert_eq!(nodes.holding(), 0);
        feed.send(line()).unwrap();
        assert!(body.next().await.unwrap().is_ok());
    });
}

#[test]
fn a_lock_lost_under_a_stream_breaks_it_off_or_lets_it_finish() {
    run(async {
        for (policy, finishes) in
            [(LockPolicy::new(), false), (LockPolicy::new().on_lost(OnLost::Finish), true)]
        {
            let nodes = nodes();
            let (feed, stream) = fed();
            let mut body = respond(&nodes, policy, streaming(stream, None)).await;
            nodes.clear();
            tokio::time::sleep(Duration::from_secs(11)).await;
            feed.send(line()).unwrap();
            let piece = body.next().await.unwrap();
            if finishes {
                assert!(piece.is_ok());
                drop(feed);
            } else {
                let error = piece.unwrap_err();
                let rejection = error.downcast_ref::<Rejection>().unwrap();
                assert_eq!(rejection.kind(), RejectionKind::Lost);
                assert!(feed.is_closed(), "the handler's stream goes with it");
            }
            assert!(body.next().await.is_none());
            nodes.assert_clean().await;
        }
    });
}

#[test]
fn a_body_that_has_ended_is_not_asked_again() {
    run(async {
        let nodes = nodes();
        for ended_at_once in [false, true] {
            let (feed, stream) = fed();
            let mut feed = Some(feed).filter(|_| !ended_at_once);
            let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, None)).await;
            if let Some(feed) = feed.take() {
                feed.send(line()).unwrap();
                assert!(body.next().await.unwrap().is_ok());
            }
            for _ in 0..3 {
                // The stream would panic.
                assert!(body.next().await.is_none());
            }
            nodes.assert_clean().await;
        }
    });
}

#[test]
fn a_piece_that_was_read_ahead_is_not_given_out_after_the_loss() {
    run(async {
        let nodes = nodes();
        let (feed, stream) = fed();
        feed.send(line()).unwrap();
        let mut body = respond(&nodes, LockPolicy::new(), streaming(stream, None)).await;
        assert_eq!(nodes.holding(), 3);
        nodes.clear();
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
        nodes.assert_clean().await;
    });
}
