//! Requests that wait for each other.

use tokio::sync::mpsc;

use crate::backend::{Backend, PATIENCE, patiently};
use crate::client::{Client, Request};
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    requests_that_wait_are_served_one_after_the_other
    more_requests_than_may_wait_are_refused_while_the_others_wait
}

async fn requests_that_wait_are_served_one_after_the_other(stack: Stack) {
    let backend = Backend::new();
    let site = Site::start(stack, &backend, backend.policy().wait_up_to(PATIENCE)).await;
    let requests: Vec<_> =
        (0..6).map(|_| site.sending(Request::new("/orders/1", Does::Text))).collect();
    for request in requests {
        request.await.unwrap().expect(200, "locked");
    }
    let counts = site.probe.counts();
    assert_eq!((counts.overlap, counts.finished), (1, 6));
    backend.until_nothing_is_left().await;
}

async fn more_requests_than_may_wait_are_refused_while_the_others_wait(stack: Stack) {
    let backend = Backend::new();
    let policy = backend.policy().wait_up_to(PATIENCE).waiters_per_key(4);
    let site = Site::start(stack, &backend, policy).await;
    let holder = site.sending(Request::new("/orders/1", Does::Gate));
    site.probe.until_begun(1).await;
    let (answered, mut answers) = mpsc::unbounded_channel();
    for _ in 0..20 {
        let (addr, answered) = (site.addr, answered.clone());
        tokio::spawn(async move {
            let mut client = Client::connect(addr).await;
            let answer = client.ask(Request::new("/orders/1", Does::Gate)).await.unwrap();
            answered.send(answer).unwrap();
        });
    }
    for _ in 0..16 {
        let answer = patiently("a refusal", answers.recv()).await.unwrap();
        answer.expect_contended();
        // Who waits in vain is told of the holder's hour.
        assert_eq!(answer.problem().1, Some(1), "it waited: {answer:?}");
    }
    assert_eq!(site.probe.counts().begun, 1);
    // Another key has room of its own.
    let other = site.sending(Request::new("/orders/2", Does::Text));
    other.await.unwrap().expect(200, "locked");
    site.probe.open(5);
    holder.await.unwrap().expect(200, "locked");
    for _ in 0..4 {
        patiently("a waiter's answer", answers.recv()).await.unwrap().expect(200, "locked");
    }
    let counts = site.probe.counts();
    assert_eq!((counts.overlap, counts.finished), (1, 6));
    backend.until_nothing_is_left().await;
}
