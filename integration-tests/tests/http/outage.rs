//! Too few nodes answer.

use redlock_core::route::NoQuorum;

use crate::backend::Backend;
use crate::client::Request;
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    without_a_quorum_no_handler_runs_until_the_nodes_are_back
    a_route_that_allows_it_runs_without_a_lock_when_there_is_no_quorum
    two_nodes_of_five_that_are_down_are_not_noticed
}

fn request() -> Request {
    Request::new("/orders/1", Does::Text)
}

async fn without_a_quorum_no_handler_runs_until_the_nodes_are_back(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let mut client = site.connect().await;
    backend.refuse(3);
    for _ in 0..3 {
        let answer = client.ask(request()).await.unwrap();
        assert_eq!(answer.status(), 503, "{answer:?}");
        assert_eq!(answer.problem(), ("no_quorum", Some(1)));
    }
    assert_eq!(site.probe.counts().begun, 0);
    backend.heal();
    backend.until_nothing_is_left().await;
    client.ask(request()).await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn a_route_that_allows_it_runs_without_a_lock_when_there_is_no_quorum(stack: Stack) {
    let backend = Backend::new();
    let policy = backend.policy().no_quorum(NoQuorum::Allow);
    let site = Site::start(stack, &backend, policy).await;
    backend.refuse(3);
    site.send(request()).await.expect(200, "not locked");
    backend.heal();
    backend.until_nothing_is_left().await;
    site.send(request()).await.expect(200, "locked");
    backend.until_nothing_is_left().await;
}

async fn two_nodes_of_five_that_are_down_are_not_noticed(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    backend.refuse(2);
    let mut client = site.connect().await;
    for _ in 0..5 {
        client.ask(request()).await.unwrap().expect(200, "locked");
    }
    backend.heal();
    backend.until_nothing_is_left().await;
}
