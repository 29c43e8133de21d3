//! Which requests share a lock, and layers that share a route.

use redlock_core::route::MAX_PLAIN_KEY_BYTES;

use crate::backend::Backend;
use crate::client::{Answer, Request};
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    two_layers_with_one_key_take_one_lock
    two_layers_with_two_keys_hold_both_while_the_handler_runs
    the_route_in_a_key_is_the_whole_pattern_of_nested_routes
    one_resource_under_two_spellings_of_its_path_has_one_key
    one_number_under_several_spellings_has_one_key
    different_ids_are_served_at_the_same_time
    a_header_that_is_missing_or_given_twice_is_a_bad_request
    a_long_header_makes_a_short_key
    a_method_that_is_not_routed_takes_no_lock
}

/// Sends a request, and gives the keys that stand while its handler runs.
async fn keys_inside(stack: Stack, backend: &Backend, request: Request) -> (Vec<String>, Answer) {
    let site = Site::start(stack, backend, backend.policy()).await;
    let answer = site.sending(request);
    site.probe.until_begun(1).await;
    let keys = backend.keys();
    site.probe.open(1);
    let answer = answer.await.unwrap();
    backend.until_nothing_is_left().await;
    (keys, answer)
}

async fn two_layers_with_one_key_take_one_lock(stack: Stack) {
    let backend = Backend::new();
    let request = Request::new("/twice/1", Does::Gate);
    let (keys, answer) = keys_inside(stack, &backend, request).await;
    assert_eq!(keys, ["order:1"]);
    answer.expect(200, "locked");
}

async fn two_layers_with_two_keys_hold_both_while_the_handler_runs(stack: Stack) {
    let backend = Backend::new();
    let request = Request::new("/both/1", Does::Gate);
    let (keys, answer) = keys_inside(stack, &backend, request).await;
    assert_eq!(keys, ["invoice:1", "order:1"]);
    answer.expect(200, "locked");
}

async fn the_route_in_a_key_is_the_whole_pattern_of_nested_routes(stack: Stack) {
    let backend = Backend::new();
    let request = Request::new("/api/v1/things/42", Does::Gate);
    let (keys, answer) = keys_inside(stack, &backend, request).await;
    assert_eq!(keys, ["POST /api/v1/things/{id}:42"]);
    answer.expect(200, "locked");
}

async fn one_resource_under_two_spellings_of_its_path_has_one_key(stack: Stack) {
    for (path, key, others) in [
        ("/orders/42", "order:42", ["/orders/%34%32", "/orders/4%32", "/orders/42?again=yes"]),
        ("/orders/a+b", "order:a%2Bb", ["/orders/a%2Bb", "/orders/a%2bb", "/orders/%61+%62"]),
    ] {
        let backend = Backend::new();
        let site = Site::start(stack, &backend, backend.policy()).await;
        let inside = site.sending(Request::new(path, Does::Gate));
        site.probe.until_begun(1).await;
        for other in others {
            site.send(Request::new(other, Does::Text)).await.expect_contended();
        }
        assert_eq!(backend.keys(), [key]);
        site.probe.open(1);
        inside.await.unwrap().expect(200, "locked");
        for other in others {
            site.send(Request::new(other, Does::Text)).await.expect(200, "locked");
        }
        backend.until_nothing_is_left().await;
    }
}

async fn one_number_under_several_spellings_has_one_key(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let inside = site.sending(Request::new("/numbers/42", Does::Gate));
    site.probe.until_begun(1).await;
    for other in ["/numbers/042", "/numbers/+42", "/numbers/%2B42", "/numbers/%30%34%32"] {
        site.send(Request::new(other, Does::Text)).await.expect_contended();
    }
    let answer = site.send(Request::new("/numbers/forty-two", Does::Text)).await;
    assert_eq!((answer.status(), answer.problem()), (400, ("bad_request", None)));
    assert_eq!(backend.keys(), ["number:42"]);
    site.probe.open(1);
    inside.await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn different_ids_are_served_at_the_same_time(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let answers = ["/orders/1", "/orders/2", "/orders/3%2F1", "/orders/3%252F1"]
        .map(|path| site.sending(Request::new(path, Does::Gate)));
    site.probe.until_begun(4).await;
    assert_eq!(backend.keys(), ["order:1", "order:2", "order:3%252F1", "order:3%2F1"]);
    site.probe.open(4);
    for answer in answers {
        answer.await.unwrap().expect(200, "locked");
    }
    backend.until_nothing_is_left().await;
}

async fn a_header_that_is_missing_or_given_twice_is_a_bad_request(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let request = || Request::new("/tenants", Does::Text);
    let twice = request().header("x-tenant", "a").header("X-Tenant", "a");
    for bad in [request(), twice, request().header("x-tenant", "")] {
        let answer = site.send(bad).await;
        assert_eq!(answer.status(), 400, "{answer:?}");
        assert_eq!(answer.problem(), ("bad_request", None));
    }
    assert_eq!(site.probe.counts().begun, 0);
    site.send(request().header("x-tenant", "a")).await.expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn a_long_header_makes_a_short_key(stack: Stack) {
    let backend = Backend::new();
    let long = "ten bytes ".repeat(1024);
    let request = Request::new("/tenants", Does::Gate).header("x-tenant", long.trim());
    let (keys, answer) = keys_inside(stack, &backend, request).await;
    answer.expect(200, "locked");
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(key.starts_with("tenant:#sha256="), "{key}");
    assert!(key.len() <= MAX_PLAIN_KEY_BYTES, "{key}");
}

async fn a_method_that_is_not_routed_takes_no_lock(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let inside = site.sending(Request::new("/orders/1", Does::Gate));
    site.probe.until_begun(1).await;
    let answer = site.send(Request::new("/routed/1", Does::Text).method("DELETE")).await;
    // A `Route` of actix-web is found by path and method together.
    let unknown = if stack == Stack::Axum { 405 } else { 404 };
    assert_eq!(answer.status(), unknown, "{answer:?}");
    site.send(Request::new("/routed/1", Does::Text)).await.expect_contended();
    site.probe.open(1);
    inside.await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
}
