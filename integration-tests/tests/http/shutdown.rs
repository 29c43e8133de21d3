//! A server that stops.

use std::time::Duration;

use redlock_core::faults::{Misbehaviour, Verb};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::backend::Backend;
use crate::client::{Client, Request};
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    a_release_that_nobody_waits_for_outlives_the_server
    a_graceful_stop_finishes_what_is_under_way_and_closing_leaves_no_key
    a_closed_handle_refuses_new_requests_while_the_server_still_runs
}

const SLOW: Duration = Duration::from_millis(400);

async fn a_graceful_stop_finishes_what_is_under_way_and_closing_leaves_no_key(stack: Stack) {
    for does in [Does::Gate, Does::GatedStream] {
        let backend = Backend::new();
        // A majority confirms the release, the others are told in the background, which outlives the server's workers.
        for node in &backend.nodes[3..] {
            node.on(Verb::Release).always(Misbehaviour::SlowRequest(SLOW));
        }
        let mut site = Site::start(stack, &backend, backend.policy()).await;
        site.redlock.inspect("k").await.unwrap();
        let mut client = site.connect().await;
        client.send(Request::new("/orders/1", does)).await.unwrap();
        site.probe.until_begun(1).await;
        site.begin_to_stop();
        until_nobody_listens(&site).await;
        site.probe.open(10_000);
        assert_eq!(client.answer().await.unwrap().status(), 200);
        site.until_stopped().await;
        site.redlock.close().await;
        assert_eq!(backend.keys(), [""; 0], "{does:?}");
        assert_eq!(site.probe.counts().finished, 1);
    }
}

async fn a_release_that_nobody_waits_for_outlives_the_server(stack: Stack) {
    let backend = Backend::new();
    for node in &backend.nodes {
        node.on(Verb::Release).always(Misbehaviour::SlowRequest(SLOW));
    }
    let noticing = if stack == Stack::Axum { stack } else { Stack::ActixNoticing };
    let mut site = Site::start(noticing, &backend, backend.policy()).await;
    // The ways to the nodes are laid on this runtime: on a worker's they would end with it, and what is on its way with them.
    site.redlock.inspect("k").await.unwrap();
    let mut client = site.connect().await;
    client.send(Request::new("/orders/1", Does::Gate)).await.unwrap();
    site.probe.until_begun(1).await;
    drop(client);
    site.probe.until_dropped(1).await;
    site.begin_to_stop();
    site.until_stopped().await;
    site.redlock.close().await;
    assert_eq!(backend.keys(), [""; 0]);
}

async fn until_nobody_listens(site: &Site) {
    while let Ok(stream) = TcpStream::connect(site.addr).await {
        drop(stream);
        sleep(Duration::from_millis(3)).await;
    }
}

async fn a_closed_handle_refuses_new_requests_while_the_server_still_runs(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let under_way = site.sending(Request::new("/orders/1", Does::Gate));
    site.probe.until_begun(1).await;
    site.redlock.close().await;
    let mut client = Client::connect(site.addr).await;
    let answer = client.ask(Request::new("/orders/2", Does::Text)).await.unwrap();
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert_eq!(answer.problem(), ("closed", Some(1)));
    site.probe.open(1);
    under_way.await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
}
