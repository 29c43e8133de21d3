//! A handler that takes its lock itself: what it meets is answered as a layer answers it.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::routing::post;
use common::*;
use http::{Request, StatusCode};
use redlock_core::route::{ContendedStatus, KeyTemplate, LockPolicy, Rejection};
use redlock_core::{InMemoryNode, LockOptions, Redlock};
use redlock_tower::{LockLayer, LockRejection};
use tower::ServiceExt;

struct Answer {
    status: u16,
    retry_after: Option<String>,
    kind: Option<&'static str>,
    body: String,
}

async fn ask(app: Router<Redlock>, redlock: &Redlock) -> Answer {
    let app = app.with_state(redlock.clone());
    let response = app.oneshot(Request::post("/").body(Body::empty()).unwrap()).await.unwrap();
    let header =
        response.headers().get("retry-after").map(|text| text.to_str().unwrap().to_owned());
    let kind = response.extensions().get::<Rejection>().map(|told| told.kind().as_str());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status, retry_after: header, kind, body }
}

#[tokio::test(start_paused = true)]
async fn the_holder_is_named_only_where_that_is_asked_for() {
    async fn silent(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        drop(redlock.try_lock("orders").await?);
        Ok(())
    }
    async fn telling(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        let policy = LockPolicy::new().contended_status(ContendedStatus::Locked).names_holder(true);
        drop(redlock.try_lock("orders").await.map_err(|error| LockRejection::of(error, &policy))?);
        Ok(())
    }
    let builder = Redlock::builder().nodes(["a", "b", "c"].map(InMemoryNode::new));
    let redlock = builder.ttl(Duration::from_secs(3)).label("orders@pod-7").build().unwrap();
    let _holder = redlock.lock("orders").await.unwrap();
    let answer = ask(Router::new().route("/", post(silent)), &redlock).await;
    assert_eq!((answer.status, answer.kind), (409, Some("contended")));
    assert_eq!(answer.retry_after.as_deref(), Some("3"));
    assert!(!answer.body.contains("pod-7") && !answer.body.contains("holder"), "{}", answer.body);
    let answer = ask(Router::new().route("/", post(telling)), &redlock).await;
    assert_eq!(answer.status, 423);
    assert!(answer.body.ends_with(r#""holder":"orders@pod-7"}"#), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn every_error_on_the_way_is_taken_by_one_question_mark() {
    const TTL: Duration = Duration::from_secs(3);
    async fn bad_key(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        drop(redlock.try_lock("").await?);
        Ok(())
    }
    async fn bad_value(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        let order = KeyTemplate::parse("order:{int:id}")?;
        drop(redlock.try_lock(order.render([("id", "4x2")])?).await?);
        Ok(())
    }
    async fn bad_name(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        let order = KeyTemplate::parse("order:{int:id}")?;
        drop(redlock.try_lock(order.render([("di", "42")])?).await?);
        Ok(())
    }
    async fn bad_option(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        drop(redlock.try_lock_with("orders", &LockOptions::new().ttl(Duration::ZERO)).await?);
        Ok(())
    }
    async fn lost(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        let guard = redlock.try_lock("orders").await?;
        guard.lease().run(tokio::time::sleep(TTL)).await?;
        Ok(())
    }
    async fn not_extended(State(redlock): State<Redlock>) -> Result<(), LockRejection> {
        let guard = redlock.try_lock("orders").await?;
        tokio::time::sleep(TTL).await;
        guard.extend(TTL).await?;
        Ok(())
    }
    let nodes = nodes();
    for (name, app, status, kind) in [
        ("key", post(bad_key), 400, "bad_request"),
        ("value", post(bad_value), 400, "bad_request"),
        ("name", post(bad_name), 500, "misconfigured"),
        ("option", post(bad_option), 500, "misconfigured"),
        ("lost", post(lost), 503, "lost"),
        ("extension", post(not_extended), 503, "lost"),
    ] {
        let answer = ask(Router::new().route("/", app), &nodes.redlock).await;
        assert_eq!((answer.status, answer.kind), (status, Some(kind)), "{name}");
        assert_eq!(answer.retry_after, None, "{name}");
        assert!(answer.body.contains(&format!(r#""reason":"{kind}""#)), "{name}: {}", answer.body);
        assert!(!answer.body.contains("order") && !answer.body.contains("4x2"), "{}", answer.body);
        nodes.settle().await;
    }
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_renders_a_routes_template_excludes_the_route() {
    let nodes = nodes();
    let order = KeyTemplate::parse("order:{int:id}").unwrap();
    let lock = LockLayer::new(&nodes.redlock, &order, LockPolicy::new()).unwrap();
    let app: Router = Router::new().route("/orders/{id}/pay", post(async || "paid").layer(lock));
    let pay = async |path: &str| {
        let request = Request::post(path).body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    let worker = nodes.redlock.lock(order.render([("id", 42)]).unwrap()).await.unwrap();
    assert_eq!(pay("/orders/042/pay").await, StatusCode::CONFLICT);
    assert_eq!(pay("/orders/43/pay").await, StatusCode::OK);
    worker.release().await.unwrap();
    assert_eq!(pay("/orders/42/pay").await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_request_may_be_answered_with_whatever_axum_calls_a_response() {
    use axum::Json;
    use axum::response::{Html, Redirect};
    let nodes = nodes();
    let _holder = nodes.redlock.lock("all").await.unwrap();
    let lock = || LockLayer::new(&nodes.redlock, "all", LockPolicy::new()).unwrap();
    let served = || post(async || "served");
    let routes = [
        served().layer(lock().reject_with(|told| (StatusCode::LOCKED, told.kind().as_str()))),
        served().layer(lock().reject_with(|told| Json(told.retry_after_seconds()))),
        served().layer(lock().reject_with(|_| Html("<p>busy"))),
        served().layer(lock().reject_with(|_| Redirect::to("/busy"))),
        served().layer(lock().reject_with(|told| LockRejection(told.clone()))),
    ];
    let mut answers = Vec::new();
    for route in routes {
        let answer = ask(Router::new().route("/", route), &nodes.redlock).await;
        assert_eq!(answer.kind, Some("contended"), "in the extensions all the same");
        answers.push((answer.status, answer.body));
    }
    let problem = answers.pop().unwrap();
    assert!(problem.0 == 409 && problem.1.contains(r#""reason":"contended""#), "{problem:?}");
    let text = |status, body: &str| (status, body.to_owned());
    assert_eq!(
        answers,
        [text(423, "contended"), text(200, "3"), text(200, "<p>busy"), text(303, "")]
    );
}
