//! Ways in which a handler ends.

use crate::backend::Backend;
use crate::client::Request;
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    the_answer_to_head_frees_the_lock_before_the_client_has_it
    a_panic_frees_the_lock
    an_error_status_frees_the_lock_before_the_client_has_it
    an_extractor_that_rejects_frees_the_lock_before_the_client_has_it
    a_timeout_outside_of_the_lock_drops_the_handler_and_frees_the_lock
}

async fn expect_free(site: &Site, backend: &Backend) {
    backend.until_nothing_is_left().await;
    site.send(Request::new("/orders/1", Does::Text)).await.expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn the_answer_to_head_frees_the_lock_before_the_client_has_it(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let mut client = site.connect().await;
    for _ in 0..5 {
        for does in [Does::Text, Does::Stream, Does::Empty] {
            client.send(Request::new("/looks/1", does).method("HEAD")).await.unwrap();
            assert_eq!(client.head().await.unwrap().status, 200, "{does:?}");
        }
    }
    backend.until_nothing_is_left().await;
    // The lock is the one of GET.
    let inside = site.sending(Request::new("/looks/1", Does::Gate).method("GET"));
    site.probe.until_begun(16).await;
    client.send(Request::new("/looks/1", Does::Text).method("HEAD")).await.unwrap();
    assert_eq!(client.head().await.unwrap().status, 409);
    site.probe.open(1);
    inside.await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn a_panic_frees_the_lock(stack: Stack) {
    for run_to_completion in [false, true] {
        let backend = Backend::new();
        let policy = backend.policy().run_to_completion(run_to_completion);
        let site = Site::start(stack, &backend, policy).await;
        let mut client = site.connect().await;
        let answer = client.ask(Request::new("/orders/1", Does::Panic)).await;
        assert!(answer.as_ref().map_or(true, |answer| answer.status() == 500), "{answer:?}");
        assert_eq!(site.probe.counts().dropped, 1);
        expect_free(&site, &backend).await;
    }
}

async fn an_error_status_frees_the_lock_before_the_client_has_it(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let mut client = site.connect().await;
    for _ in 0..5 {
        client.ask(Request::new("/orders/1", Does::Fail)).await.unwrap().expect(500, "");
    }
    expect_free(&site, &backend).await;
}

async fn an_extractor_that_rejects_frees_the_lock_before_the_client_has_it(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let mut client = site.connect().await;
    for _ in 0..5 {
        let answer = client.ask(Request::new("/strict/1", Does::Text)).await.unwrap();
        assert_eq!(answer.status(), 422, "{answer:?}");
    }
    assert_eq!(site.probe.counts().begun, 0);
    expect_free(&site, &backend).await;
}

async fn a_timeout_outside_of_the_lock_drops_the_handler_and_frees_the_lock(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let slow = site.send(Request::new("/impatient/1", Does::Gate)).await;
    assert_eq!(slow.status(), 504, "{slow:?}");
    let counts = site.probe.counts();
    assert_eq!((counts.begun, counts.finished, counts.dropped), (1, 0, 1));
    expect_free(&site, &backend).await;
}
