//! Where the layer stands in axum's routers, and what reaches it there.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod common;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::{any, get, post};
use common::*;
use http::{Request, Response, StatusCode};
use redlock_core::route::{HeldLocks, LockPolicy, Rejection, RejectionKind};
use redlock_core::route_cases as cases;
use redlock_tower::LockLayer;
use tower::ServiceExt;

fn lock(nodes: &Nodes, template: &str) -> LockLayer {
    LockLayer::new(&nodes.redlock, template, LockPolicy::new()).unwrap()
}

async fn key(held: Option<Extension<HeldLocks>>) -> String {
    cases::key_of(held.map(|Extension(held)| held).as_ref())
}

async fn ask(app: &Router, method: &str, path: &str) -> (u16, String) {
    let response = send(app, method, path).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn send(app: &Router, method: &str, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_nested_routers_name_twice_is_a_misuse() {
    let nodes = nodes();
    for template in ["d:{id}", "d:{int:id}", "d:{other}:{param:id}"] {
        let inner = Router::new().route("/b/{id}/{other}", post(key).layer(lock(&nodes, template)));
        let app = Router::new().nest("/a/{id}", inner);
        let response = send(&app, "POST", "/a/1/b/2/3").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{template}");
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
        assert_eq!(rejection.to_string(), "the route has more than one parameter id");
        let error = lock(&nodes, template).for_route("/a/{id}/b/{id}/{other}").unwrap_err();
        assert!(
            error.rule().starts_with("must name parameters that the route has once"),
            "{error}"
        );
    }
    // What the template does not name may be there as often as it likes.
    let inner = Router::new().route("/b/{id}/{other}", post(key).layer(lock(&nodes, "d:{other}")));
    let app = Router::new().nest("/a/{id}", inner);
    assert_eq!(ask(&app, "POST", "/a/1/b/2/3").await, (200, "d:3".to_owned()));
    assert!(lock(&nodes, "d:{other}").for_route("/a/{id}/b/{id}/{other}").is_ok());
}

#[tokio::test(start_paused = true)]
async fn head_runs_the_handler_of_get_and_is_locked_as_get_is() {
    let nodes = nodes();
    let policy = LockPolicy::new().methods(["GET"]);
    let lock = LockLayer::new(&nodes.redlock, "page:{id}", policy).unwrap();
    let app = Router::new().route("/pages/{id}", get(key).layer(lock));
    let holder = nodes.redlock.lock("page:7").await.unwrap();
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(&app, method, "/pages/7").await.0, 409, "{method}");
    }
    holder.release().await.unwrap();
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(&app, method, "/pages/7").await.0, 200, "{method}");
        assert_eq!(nodes.holding(), 0, "{method}");
    }
    let _holder = nodes.redlock.lock("page:7").await.unwrap();
    // Nobody is locked out of asking what else there is.
    assert_eq!(ask(&app, "OPTIONS", "/pages/7").await.0, 405);
}

#[tokio::test(start_paused = true)]
async fn a_route_layer_leaves_other_paths_and_methods_to_the_router() {
    let nodes = nodes();
    let fallback = || async { (StatusCode::NOT_FOUND, "nothing here") };
    let routes = || Router::new().route("/orders/{id}", post(key)).fallback(fallback);
    let _holder = nodes.redlock.lock("order:7").await.unwrap();
    let app = routes().route_layer(lock(&nodes, "order:{id}"));
    assert_eq!(ask(&app, "POST", "/orders/7").await.0, 409);
    assert_eq!(ask(&app, "POST", "/nowhere").await, (404, "nothing here".to_owned()));
    assert_eq!(ask(&app, "POST", "/orders/7/").await, (404, "nothing here".to_owned()));
    assert_eq!(ask(&app, "PUT", "/orders/7").await.0, 409, "it is around the route's 405 too");
    // `layer` is around the fallback too, where no route is known.
    let app = routes().layer(lock(&nodes, "order:{id}"));
    assert_eq!(ask(&app, "POST", "/nowhere").await.0, 500);
    assert_eq!(ask(&app, "GET", "/nowhere").await, (404, "nothing here".to_owned()));
    // On a method router `route_layer` leaves 405 alone, and `layer` does not.
    let app = Router::new()
        .route("/inner/{id}", post(key).route_layer(lock(&nodes, "order:{id}")))
        .route("/outer/{id}", post(key).layer(lock(&nodes, "order:{id}")));
    assert_eq!(ask(&app, "PUT", "/inner/7").await.0, 405);
    assert_eq!(ask(&app, "PUT", "/outer/7").await.0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_merged_router_is_locked_alone_and_a_nested_one_by_its_whole_route() {
    let nodes = nodes();
    let locked = Router::new().route("/{id}", any(key)).route_layer(lock(&nodes, "{route}:{id}"));
    let app = Router::new()
        .nest("/orders", locked.clone())
        .nest("/{tenant}/invoices", locked)
        .merge(Router::new().route("/free/{id}", any(key)));
    for (path, body) in [
        ("/orders/7", "/orders/{id}:7"),
        ("/acme/invoices/7", "/{tenant}/invoices/{id}:7"),
        ("/acme/invoices/a%2Fb", "/{tenant}/invoices/{id}:a%2Fb"),
        ("/acme/invoices/%37", "/{tenant}/invoices/{id}:7"),
        ("/free/7", "-"),
    ] {
        assert_eq!(ask(&app, "POST", path).await, (200, body.to_owned()), "{path}");
    }
}
