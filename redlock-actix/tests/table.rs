//! The table of cases that every middleware is tested against, through actix-web.

#![allow(clippy::unwrap_used)]

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpMessage, HttpRequest, web};
use redlock_actix::{LockMiddleware, LockRejection};
use redlock_core::route::{HeldLocks, KeyTemplate, LockPolicy, LostDuringRequest, Rejection};
use redlock_core::route_cases as cases;
use redlock_core::{InMemoryNode, Redlock};
use tokio::task::LocalSet;

/// The service's answer, its error's answer included, as the server would send it.
async fn answer<B: MessageBody + 'static>(
    result: Result<ServiceResponse<B>, actix_web::Error>,
) -> (ServiceResponse, String) {
    let response = match result {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => {
            ServiceResponse::new(TestRequest::default().to_http_request(), error.error_response())
        }
    };
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body).await.unwrap().to_vec()).unwrap();
    (ServiceResponse::new(request, response.map_into_boxed_body()), body)
}

#[tokio::test(start_paused = true)]
async fn every_request_of_the_table_has_its_key() {
    LocalSet::new()
        .run_until(async {
            for case in cases::KEYS {
                let builder = Redlock::builder().node(InMemoryNode::new("a"));
                let redlock = builder.ttl(std::time::Duration::from_secs(3)).build().unwrap();
                let lock = LockMiddleware::new(&redlock, case.template, LockPolicy::new()).unwrap();
                let handler = |request: HttpRequest| async move {
                    cases::key_of(request.extensions().get::<HeldLocks>())
                };
                let route = web::post().to(handler).wrap(lock);
                let app = init_service(App::new().route(case.route, route)).await;
                let mut request = TestRequest::post().uri(case.target);
                for header in case.headers {
                    request = request.append_header(*header);
                }
                let (response, body) = answer(app.call(request.to_request()).await).await;
                case.check(response.status().as_u16(), &body);
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn every_policy_of_the_table_answers_as_it_says() {
    LocalSet::new()
        .run_until(async {
            for case in cases::policies() {
                let stage = case.stage().await;
                let policy = case.policy.clone();
                let lock = LockMiddleware::new(stage.redlock(), cases::TEMPLATE, policy).unwrap();
                let actor = stage.clone();
                let handler = move |request: HttpRequest| {
                    let actor = actor.clone();
                    async move {
                        let held = request.extensions().get::<HeldLocks>().cloned();
                        actor.handle(held).await
                    }
                };
                let route = web::route().to(handler).wrap(lock);
                let app = init_service(App::new().route("/orders/{id}/pay", route)).await;
                let method = case.method.parse().unwrap();
                let request = TestRequest::with_uri("/orders/42/pay").method(method);
                let (response, body) = answer(app.call(request.to_request()).await).await;

                let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap());
                let (flagged, kind) = {
                    let extensions = response.response().extensions();
                    let kind = extensions.get::<Rejection>().map(|told| told.kind().as_str());
                    (extensions.get::<LostDuringRequest>().is_some(), kind)
                };
                assert_eq!(kind, case.reason, "{}", case.name);
                let status = response.status().as_u16();
                stage
                    .check(status, header("retry-after"), header("content-type"), &body, flagged)
                    .await;
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_meets_that_takes_its_lock_itself_is_answered_as_by_the_middleware() {
    LocalSet::new()
        .run_until(async {
            let order = KeyTemplate::parse(cases::TEMPLATE).unwrap();
            let refusals: Vec<_> =
                cases::policies().into_iter().filter(cases::PolicyCase::is_plain_refusal).collect();
            assert!(refusals.len() > 5, "{refusals:?}");
            for case in refusals {
                let stage = case.stage().await;
                let (redlock, order) = (stage.redlock().clone(), order.clone());
                let handler = move || {
                    let (redlock, order) = (redlock.clone(), order.clone());
                    async move {
                        let guard = redlock.try_lock(order.render([("id", 42)])?).await?;
                        Ok::<_, LockRejection>(guard.key().to_string())
                    }
                };
                let app = init_service(App::new().route("/", web::post().to(handler))).await;
                let (response, body) =
                    answer(app.call(TestRequest::post().to_request()).await).await;

                let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap());
                let kind = {
                    let extensions = response.response().extensions();
                    extensions.get::<Rejection>().map(|told| told.kind().as_str())
                };
                assert_eq!(kind, case.reason, "{}", case.name);
                let status = response.status().as_u16();
                stage
                    .check(status, header("retry-after"), header("content-type"), &body, false)
                    .await;
            }
        })
        .await;
}
