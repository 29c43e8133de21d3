//! Never two handlers of one id at once, and never a refusal without a holder.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::route::HoldUntil;

use crate::backend::Backend;
use crate::client::{Client, Request};
use crate::handler::Does;
use crate::probe::Probe;
use crate::site::{Site, Stack};

on_both_stacks! {
    no_two_handlers_of_one_id_run_at_once_on_two_servers_under_load
    a_request_after_an_answer_is_never_refused_when_held_until_the_bodys_end
    a_request_after_an_answer_is_never_refused_when_held_until_the_head
    requests_that_are_sent_without_awaiting_the_answers_are_all_served
}

async fn no_two_handlers_of_one_id_run_at_once_on_two_servers_under_load(stack: Stack) {
    let (backend, probe) = (Backend::new(), Probe::new());
    let mut sites = Vec::new();
    for _ in 0..2 {
        sites.push(Site::with_probe(stack, &backend, backend.policy(), Arc::clone(&probe)).await);
    }
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let addr = sites[client % 2].addr;
            tokio::spawn(async move {
                let mut connection = Client::connect(addr).await;
                let mut served = 0;
                for request in 0..40 {
                    let path = format!("/orders/{}", (client + request) % 3);
                    let does = [Does::Text, Does::Stream, Does::Empty][request % 3];
                    let answer = connection.ask(Request::new(&path, does)).await.unwrap();
                    match answer.status() {
                        200 => served += 1,
                        _ => answer.expect_contended(),
                    }
                }
                served
            })
        })
        .collect();
    let mut served = 0;
    for client in clients {
        served += client.await.unwrap();
    }
    println!("{stack:?}: {served} of 320 requests were served, the others refused");
    let counts = probe.counts();
    assert_eq!((counts.overlap, counts.dropped), (1, 0));
    assert_eq!((counts.begun, counts.finished), (served, served), "a refused request ran");
    assert!(served >= 40, "somebody gets each lock: {served}");
    backend.until_nothing_is_left().await;
}

async fn a_request_after_an_answer_is_never_refused_when_held_until_the_bodys_end(stack: Stack) {
    a_request_after_an_answer_is_never_refused(stack, HoldUntil::BodyEnd).await;
}

async fn a_request_after_an_answer_is_never_refused_when_held_until_the_head(stack: Stack) {
    a_request_after_an_answer_is_never_refused(stack, HoldUntil::ResponseHead).await;
}

/// A release that nobody waits for comes too late, behind the next request's acquire.
fn slow_to_release() -> Backend {
    let backend = Backend::new();
    for node in &backend.nodes {
        node.reordering(true);
        node.on(Verb::Release).always(Misbehaviour::SlowRequest(Duration::from_millis(10)));
    }
    backend
}

async fn a_request_after_an_answer_is_never_refused(stack: Stack, hold_until: HoldUntil) {
    let backend = slow_to_release();
    let site = Site::start(stack, &backend, backend.policy().hold_until(hold_until)).await;
    for (does, text) in
        [(Does::Empty, ""), (Does::Text, "locked"), (Does::Stream, "lockedlockedlocked")]
    {
        let mut client = site.connect().await;
        for _ in 0..15 {
            let answer = client.ask(Request::new("/orders/1", does)).await.unwrap();
            match hold_until {
                HoldUntil::ResponseHead if does == Does::Stream => {
                    assert_eq!(answer.status(), 200, "{does:?}: {answer:?}");
                }
                _ => answer.expect(200, text),
            }
        }
    }
    assert_eq!(site.probe.counts().finished, 45);
    backend.until_nothing_is_left().await;
}

async fn requests_that_are_sent_without_awaiting_the_answers_are_all_served(stack: Stack) {
    let backend = slow_to_release();
    let site = Site::start(stack, &backend, backend.policy()).await;
    let mut client = site.connect().await;
    let does = [Does::Text, Does::Stream, Does::Empty, Does::Text, Does::Stream];
    for does in does {
        client.send(Request::new("/orders/1", does)).await.unwrap();
    }
    for does in does {
        assert_eq!(client.answer().await.unwrap().status(), 200, "{does:?}");
    }
    backend.until_nothing_is_left().await;
}
