//! Where the middleware stands in actix-web's scopes and among its middlewares, and what reaches it there.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{
    Condition, DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Logger, NormalizePath, from_fn,
};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Error, HttpMessage, HttpRequest, HttpResponse, web};
use common::*;
use redlock_actix::LockMiddleware;
use redlock_core::route::{HeldLocks, LockPolicy, Rejection, RejectionKind};
use redlock_core::route_cases as cases;
use tokio::time::{sleep, timeout};

fn lock(nodes: &Nodes, key: &str) -> LockMiddleware {
    LockMiddleware::new(&nodes.redlock, key, LockPolicy::new()).unwrap()
}

async fn key(request: HttpRequest) -> String {
    cases::key_of(request.extensions().get::<HeldLocks>())
}

fn at(path: &str) -> TestRequest {
    TestRequest::post().uri(path)
}

#[test]
fn a_parameter_that_nested_scopes_name_twice_is_a_misuse() {
    run(async {
        let nodes = nodes();
        for template in ["d:{id}", "d:{int:id}", "d:{other}:{param:id}"] {
            let route = web::post().to(key).wrap(lock(&nodes, template));
            let scope = web::scope("/a/{id}").route("/b/{id}/{other}", route);
            let app = init_service(App::new().service(scope)).await;
            let response = call_service(&app, at("/a/1/b/2/3").to_request()).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{template}");
            let rejection = response.response().extensions().get::<Rejection>().cloned().unwrap();
            assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
            assert_eq!(rejection.to_string(), "the route has more than one parameter id");
            let error = lock(&nodes, template).for_route("/a/{id}/b/{id}/{other}").unwrap_err();
            assert!(
                error.rule().starts_with("must name parameters that the route has once"),
                "{error}"
            );
        }
        // What the template does not name may be there as often as it likes.
        let route = web::post().to(key).wrap(lock(&nodes, "d:{other}"));
        let scope = web::scope("/a/{id}").route("/b/{id}/{other}", route);
        let app = init_service(App::new().service(scope)).await;
        let response = call_service(&app, at("/a/1/b/2/3").to_request()).await;
        assert_eq!(read_body(response).await, "d:3");
    });
}

#[test]
fn head_is_locked_as_get_is_where_a_route_serves_both() {
    run(async {
        let nodes = nodes();
        let policy = LockPolicy::new().methods(["GET"]);
        let lock = LockMiddleware::new(&nodes.redlock, "page:{id}", policy).unwrap();
        let app = App::new()
            .route("/pages/{id}", web::route().to(key).wrap(lock.clone()))
            .route("/got/{id}", web::get().to(key).wrap(lock));
        let app = init_service(app).await;
        let ask = async |method: Method, path: &str| {
            let request = TestRequest::with_uri(path).method(method).to_request();
            call_service(&app, request).await.status().as_u16()
        };
        let _holder = nodes.redlock.lock("page:7").await.unwrap();
        assert_eq!(ask(Method::GET, "/pages/7").await, 409);
        assert_eq!(ask(Method::HEAD, "/pages/7").await, 409);
        assert_eq!(ask(Method::OPTIONS, "/pages/7").await, 200);
        // actix-web itself does not answer HEAD by a route of GET.
        assert_eq!(ask(Method::GET, "/got/7").await, 409);
        assert_eq!(ask(Method::HEAD, "/got/7").await, 404);
    });
}

#[test]
fn around_a_resource_it_locks_what_ends_in_405_and_around_a_route_it_does_not() {
    run(async {
        let nodes = nodes();
        let resource = web::resource("/around/{id}").route(web::post().to(key));
        let app = App::new()
            .service(resource.wrap(lock(&nodes, "order:{id}")))
            .route("/inside/{id}", web::post().to(key).wrap(lock(&nodes, "order:{id}")))
            .default_service(web::to(|| async { HttpResponse::NotFound().body("nothing here") }));
        let app = init_service(app).await;
        let _holder = nodes.redlock.lock("order:7").await.unwrap();
        for (method, path, status) in [
            (Method::POST, "/around/7", 409),
            (Method::PUT, "/around/7", 409),
            (Method::GET, "/around/7", 405),
            (Method::POST, "/inside/7", 409),
            (Method::PUT, "/inside/7", 404),
            (Method::POST, "/inside/7/", 404),
            (Method::POST, "/nowhere", 404),
        ] {
            let request = TestRequest::with_uri(path).method(method.clone()).to_request();
            assert_eq!(
                call_service(&app, request).await.status().as_u16(),
                status,
                "{method} {path}"
            );
        }
    });
}

async fn impatient(
    request: actix_web::dev::ServiceRequest,
    next: actix_web::middleware::Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = timeout(Duration::from_secs(5), next.call(request)).await;
    response.unwrap_or_else(|_| Err(actix_web::error::ErrorGatewayTimeout("too slow")))
}

/// Marks refusals.
fn handlers<B: 'static>() -> ErrorHandlers<B> {
    ErrorHandlers::new().handler(StatusCode::CONFLICT, |mut response: ServiceResponse<B>| {
        let named = header::HeaderValue::from_static("yes");
        response.headers_mut().insert(header::HeaderName::from_static("x-handled"), named);
        Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
    })
}

#[test]
fn each_middleware_stands_outside_and_inside() {
    run(async {
        let nodes = nodes();
        macro_rules! serve {
            ($resource:expr, $mark:expr, $outside:expr) => {{
                let app = init_service(App::new().service($resource)).await;
                let served = call_service(&app, at("/orders/7").to_request()).await;
                assert_eq!(read_body(served).await, "order:7");
                nodes.assert_clean().await;
                let holder = nodes.redlock.lock("order:7").await.unwrap();
                let refused = call_service(&app, at("/orders/7").to_request()).await;
                assert_eq!(refused.status(), StatusCode::CONFLICT);
                let mark: Option<&str> = $mark;
                if let Some(mark) = mark {
                    assert_eq!(refused.headers().contains_key(mark), $outside, "{mark}");
                }
                holder.release().await.unwrap();
            }};
        }
        let resource = || web::resource("/orders/{id}").route(web::post().to(key));
        macro_rules! outside_and_inside {
            ($($middleware:expr => $mark:expr),* $(,)?) => {$(
                serve!(resource().wrap(lock(&nodes, "order:{id}")).wrap($middleware), $mark, true);
                serve!(resource().wrap($middleware).wrap(lock(&nodes, "order:{id}")), $mark, false);
            )*};
        }
        outside_and_inside!(
            Logger::default() => None,
            NormalizePath::trim() => None,
            from_fn(impatient) => None,
            DefaultHeaders::new().add(("x-service", "shop")) => Some("x-service"),
            Condition::new(true, DefaultHeaders::new().add(("x-service", "shop"))) => Some("x-service"),
            handlers() => Some("x-handled"),
        );
    });
}

#[test]
fn a_timeout_drops_the_handler_and_the_lock_is_released_either_way_round() {
    run(async {
        let nodes = nodes();
        async fn slow() -> &'static str {
            sleep(Duration::from_secs(10)).await;
            "paid"
        }
        macro_rules! time_out {
            ($resource:expr) => {{
                let app = init_service(App::new().service($resource)).await;
                let late = app.call(at("/orders/7").to_request()).await;
                let late = late.map(|response| response.status());
                let status = late.unwrap_or_else(|error| error.as_response_error().status_code());
                assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
                nodes.assert_clean().await;
            }};
        }
        let resource = || web::resource("/orders/{id}").route(web::post().to(slow));
        let lock = || lock(&nodes, "order:{id}");
        time_out!(resource().wrap(lock()).wrap(from_fn(impatient)));
        time_out!(resource().wrap(from_fn(impatient)).wrap(lock()));
    });
}
