//! The table of cases that every middleware is tested against, through axum.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::any;
use http::{Request, Response};
use redlock_core::route::{HeldLocks, KeyTemplate, LockPolicy, LostDuringRequest, Rejection};
use redlock_core::route_cases as cases;
use redlock_core::{InMemoryNode, Redlock};
use redlock_tower::{LockLayer, LockRejection};
use tower::ServiceExt;

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_request_of_the_table_has_its_key() {
    for case in cases::KEYS {
        let builder = Redlock::builder().node(InMemoryNode::new("a"));
        let redlock = builder.ttl(std::time::Duration::from_secs(3)).build().unwrap();
        let lock = LockLayer::new(&redlock, case.template, LockPolicy::new()).unwrap();
        let handler = |held: Option<Extension<HeldLocks>>| async move {
            cases::key_of(held.map(|Extension(held)| held).as_ref())
        };
        let app: Router = Router::new().route(case.route, any(handler).layer(lock));
        let mut request = Request::post(case.target);
        for (name, value) in case.headers {
            request = request.header(*name, *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        case.check(response.status().as_u16(), &text(response).await);
    }
}

#[tokio::test(start_paused = true)]
async fn every_policy_of_the_table_answers_as_it_says() {
    for case in cases::policies() {
        let stage = case.stage().await;
        let lock = LockLayer::new(stage.redlock(), cases::TEMPLATE, case.policy.clone()).unwrap();
        let actor = stage.clone();
        let handler = |held: Option<Extension<HeldLocks>>| async move {
            actor.handle(held.map(|Extension(held)| held)).await
        };
        let app: Router = Router::new().route("/orders/{id}/pay", any(handler).layer(lock));
        let request = Request::builder().method(case.method).uri("/orders/42/pay");
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();

        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        let flagged = response.extensions().get::<LostDuringRequest>().is_some();
        let rejection = response.extensions().get::<Rejection>().map(|rejection| rejection.kind());
        assert_eq!(rejection.map(|kind| kind.as_str()), case.reason, "{}", case.name);
        let body = text(response).await;
        stage.check(status, header("retry-after"), header("content-type"), &body, flagged).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_meets_that_takes_its_lock_itself_is_answered_as_by_the_layer() {
    let order = KeyTemplate::parse(cases::TEMPLATE).unwrap();
    let refusals: Vec<_> =
        cases::policies().into_iter().filter(cases::PolicyCase::is_plain_refusal).collect();
    assert!(refusals.len() > 5, "{refusals:?}");
    for case in refusals {
        let stage = case.stage().await;
        let (redlock, order) = (stage.redlock().clone(), order.clone());
        let handler = async move || {
            let guard = redlock.try_lock(order.render([("id", 42)])?).await?;
            Ok::<_, LockRejection>(guard.key().to_string())
        };
        let app: Router = Router::new().route("/", any(handler));
        let request = Request::post("/").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();

        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        let rejection = response.extensions().get::<Rejection>().map(|rejection| rejection.kind());
        assert_eq!(rejection.map(|kind| kind.as_str()), case.reason, "{}", case.name);
        let body = text(response).await;
        stage.check(status, header("retry-after"), header("content-type"), &body, false).await;
    }
}
