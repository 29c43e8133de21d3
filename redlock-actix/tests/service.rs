//! The service: what becomes of a handler that does not end well, and what the middleware can be told.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body, try_call_service};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, error, web};
use common::*;
use redlock_actix::{LockMiddleware, LockRejection, Locked};
use redlock_core::LockKey;
use redlock_core::route::{
    HeldLocks, IntoRouteKey, KeyError, LockPolicy, Rejection, RejectionKind,
};
use tokio::time::{sleep, timeout};

fn lock(nodes: &Nodes, key: &str) -> LockMiddleware {
    LockMiddleware::new(&nodes.redlock, key, LockPolicy::new()).unwrap()
}

/// Answers with the keys that it runs under.
async fn keys(request: HttpRequest) -> String {
    let held = request.extensions().get::<HeldLocks>().cloned().unwrap_or_default();
    held.leases().map(|lease| lease.key().to_string()).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_error_of_the_handler_is_passed_on_after_the_release() {
    run(async {
        let nodes = nodes();
        let failing = || async { Err::<String, _>(error::ErrorBadGateway("disk")) };
        let route = web::post().to(failing).wrap(lock(&nodes, "all"));
        let app = init_service(App::new().route("/", route)).await;
        let response = call_service(&app, TestRequest::post().to_request()).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(nodes.holding(), 0);
    });
}

#[test]
fn a_panic_passes_through_and_releases() {
    run(async {
        for completes in [false, true] {
            let nodes = nodes();
            let policy = LockPolicy::new().run_to_completion(completes);
            let lock = LockMiddleware::new(&nodes.redlock, "all", policy).unwrap();
            let panicking = || async {
                sleep(Duration::from_secs(1)).await;
                if true {
                    panic!("out of paper");
                }
                "paid"
            };
            let route = web::post().to(panicking).wrap(lock);
            let app = init_service(App::new().route("/", route)).await;
            let answer = app.call(TestRequest::post().to_request());
            let ended = tokio::task::spawn_local(async move { drop(answer.await) }).await;
            let panic = ended.unwrap_err().into_panic();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of paper"));
            nodes.assert_clean().await;
        }
    });
}

#[test]
fn a_client_that_leaves_drops_the_handler_unless_it_runs_to_completion() {
    run(async {
        for completes in [false, true] {
            let nodes = nodes();
            let policy = LockPolicy::new().run_to_completion(completes);
            let lock = LockMiddleware::new(&nodes.redlock, "all", policy).unwrap();
            let finished = Rc::new(Cell::new(false));
            let handler = {
                let finished = finished.clone();
                move || {
                    let finished = finished.clone();
                    async move {
                        sleep(Duration::from_secs(10)).await;
                        finished.set(true);
                        "done"
                    }
                }
            };
            let route = web::post().to(handler).wrap(lock);
            let app = init_service(App::new().route("/", route)).await;
            let request = || TestRequest::post().to_request();
            assert!(timeout(Duration::from_secs(5), app.call(request())).await.is_err());
            nodes.settle().await;
            assert_eq!(nodes.holding(), if completes { 3 } else { 0 });
            if completes {
                assert_eq!(call_service(&app, request()).await.status(), StatusCode::CONFLICT);
            }
            sleep(Duration::from_secs(6)).await;
            assert_eq!(finished.get(), completes);
            nodes.assert_clean().await;
        }
    });
}

#[test]
fn two_of_them_with_one_key_are_one_lock_and_with_two_keys_two() {
    run(async {
        let nodes = nodes();
        let route = web::post().to(keys).wrap(lock(&nodes, "a")).wrap(lock(&nodes, "b"));
        let scope = web::scope("/s").route("/", route).wrap(lock(&nodes, "a"));
        let app = init_service(App::new().service(scope).wrap(lock(&nodes, "b"))).await;
        let response = call_service(&app, TestRequest::post().uri("/s/").to_request()).await;
        assert_eq!(read_body(response).await, "b; a");
        nodes.assert_clean().await;
    });
}

#[test]
fn in_scopes_the_route_is_the_whole_pattern() {
    run(async {
        let nodes = nodes();
        let template = "{route} for {tenant}";
        let route = web::post().to(keys).wrap(lock(&nodes, template));
        let scope =
            web::scope("/api").service(web::scope("/{tenant}").route("/orders/{id}", route));
        let app = init_service(App::new().service(scope)).await;
        let request = TestRequest::post().uri("/api/acme/orders/42");
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(read_body(response).await, "/api/{tenant}/orders/{id} for acme");
    });
}

#[test]
fn a_closure_names_locks_passes_or_rejects() {
    async fn served<K: IntoRouteKey + 'static>(key: fn(&ServiceRequest) -> K) -> (u16, String) {
        let nodes = nodes();
        let lock = LockMiddleware::with_key(&nodes.redlock, key, LockPolicy::new()).unwrap();
        let app = init_service(App::new().route("/", web::post().to(keys).wrap(lock))).await;
        let response = call_service(&app, TestRequest::post().to_request()).await;
        let status = response.status().as_u16();
        let kind = response.response().extensions().get::<Rejection>().map(Rejection::kind);
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        nodes.assert_clean().await;
        (status, kind.map_or(body, |kind| kind.as_str().to_owned()))
    }
    run(async {
        let two = served(|_| LockKey::all(["b", "a"]).unwrap()).await;
        assert_eq!(two, (200, "a, b".to_owned()));
        assert_eq!(served(|request| request.path().to_owned()).await, (200, "/".to_owned()));
        assert_eq!(served(|_| None::<String>).await, (200, String::new()));
        let bad = (400, "bad_request".to_owned());
        assert_eq!(served(|_| Err::<String, _>(KeyError::missing("id"))).await, bad);
        assert_eq!(served(|_| "").await, bad);
    });
}

#[test]
fn a_rejection_may_look_different_and_is_in_the_extensions_all_the_same() {
    run(async {
        let nodes = nodes();
        let _holder = nodes.redlock.lock("all").await.unwrap();
        let lock = lock(&nodes, "all")
            .reject_with(|rejection| HttpResponse::ImATeapot().body(format!("{rejection}")));
        let app = init_service(App::new().route("/", web::post().to(keys).wrap(lock))).await;
        let response = call_service(&app, TestRequest::post().to_request()).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        let kind = response.response().extensions().get::<Rejection>().unwrap().kind();
        assert_eq!(kind, RejectionKind::Contended);
        assert!(read_body(response).await.starts_with(b"held by another"));
    });
}

#[test]
fn the_lease_is_extracted_where_there_is_one() {
    run(async {
        let nodes = nodes();
        async fn strict(Locked(lease): Locked) -> String {
            lease.key().to_string()
        }
        async fn lenient(locked: Option<Locked>) -> String {
            locked.is_some().to_string()
        }
        let app = App::new()
            .route("/locked", web::post().to(strict).wrap(lock(&nodes, "all")))
            .route("/strict", web::post().to(strict))
            .route("/lenient", web::post().to(lenient));
        let app = init_service(app).await;
        let ask = async |path: &str| {
            let response = call_service(&app, TestRequest::post().uri(path).to_request()).await;
            (response.status().as_u16(), read_body(response).await)
        };
        assert_eq!(ask("/locked").await, (200, "all".into()));
        assert_eq!(ask("/lenient").await, (200, "false".into()));
        assert_eq!(ask("/strict").await, (500, "the request has no lock".into()));
    });
}

#[test]
fn a_handler_may_return_a_rejection_of_its_own() {
    run(async {
        let nodes = nodes();
        let redlock = nodes.redlock.clone();
        let _holder = redlock.lock("inner").await.unwrap();
        let handler = move || {
            let redlock = redlock.clone();
            async move {
                let guard = redlock.try_lock("inner").await?;
                Ok::<_, LockRejection>(guard.key().to_string())
            }
        };
        let app = init_service(App::new().route("/", web::post().to(handler))).await;
        let answer = try_call_service(&app, TestRequest::post().to_request()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert_eq!(answer.headers().get("retry-after").unwrap(), "3");
        assert!(answer.response().extensions().get::<Rejection>().is_some());
        assert!(!read_body(answer).await.windows(5).any(|bytes| bytes == b"inner"));
    });
}

#[test]
fn what_is_wrong_is_found_when_it_is_made_and_clones_go_to_all_workers() {
    let nodes = nodes();
    let new = |key, policy| LockMiddleware::new(&nodes.redlock, key, policy);
    assert_eq!(new("{id", LockPolicy::new()).unwrap_err().field(), "key template");
    let short = LockPolicy::new().max_hold(Duration::from_secs(1));
    assert_eq!(new("all", short).unwrap_err().field(), "max_hold");
    fn shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    shared(&lock(&nodes, "all"));
}
