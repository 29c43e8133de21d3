//! Clients that leave.

use std::time::Duration;

use redlock_core::route::LockPolicy;
use tokio::time::sleep;

use crate::backend::{Backend, PATIENCE, until};
use crate::client::Request;
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    a_client_that_leaves_before_the_head_frees_the_lock_one_way_or_the_other
    a_server_that_notices_drops_the_handler_of_a_client_that_left
    a_handler_runs_to_completion_although_its_client_left
    a_client_that_leaves_in_the_middle_of_a_body_frees_the_lock
    a_client_that_leaves_with_its_body_unsent_frees_the_lock
    a_client_that_leaves_while_it_waits_leaves_nothing_behind
}

/// The stack with the setting that has it notice a client that leaves.
fn noticing(stack: Stack) -> Stack {
    match stack {
        Stack::Axum => Stack::Axum,
        Stack::Actix | Stack::ActixNoticing => Stack::ActixNoticing,
    }
}

/// Both settings where there is one.
fn settings(stack: Stack) -> &'static [Stack] {
    match stack {
        Stack::Axum => &[Stack::Axum],
        Stack::Actix | Stack::ActixNoticing => &[Stack::Actix, Stack::ActixNoticing],
    }
}

/// A site whose only client has left while its handler was at the gate.
async fn deserted(stack: Stack, backend: &Backend, policy: LockPolicy, request: Request) -> Site {
    let site = Site::start(stack, backend, policy).await;
    let mut client = site.connect().await;
    client.send(request).await.unwrap();
    site.probe.until_begun(1).await;
    assert_eq!(backend.keys(), ["order:1"]);
    drop(client);
    site
}

fn gate() -> Request {
    Request::new("/orders/1", Does::Gate)
}

/// Long enough for a server to notice, where a handler is expected to go on.
async fn time_to_notice() {
    sleep(Duration::from_millis(150)).await;
}

async fn a_client_that_leaves_before_the_head_frees_the_lock_one_way_or_the_other(stack: Stack) {
    let backend = Backend::new();
    let site = deserted(stack, &backend, backend.policy(), gate()).await;
    match stack {
        Stack::Axum => site.probe.until_dropped(1).await,
        // As actix-web comes, the handler knows nothing of it.
        Stack::Actix | Stack::ActixNoticing => {
            time_to_notice().await;
            assert_eq!(backend.keys(), ["order:1"], "the handler is at work");
            site.probe.open(1);
            site.probe.until_finished(1).await;
        }
    }
    backend.until_nothing_is_left().await;
    assert_eq!(site.send(Request::new("/orders/1", Does::Text)).await.status(), 200);
    backend.until_nothing_is_left().await;
}

async fn a_server_that_notices_drops_the_handler_of_a_client_that_left(stack: Stack) {
    let backend = Backend::new();
    let site = deserted(noticing(stack), &backend, backend.policy(), gate()).await;
    site.probe.until_dropped(1).await;
    backend.until_nothing_is_left().await;
}

async fn a_handler_runs_to_completion_although_its_client_left(stack: Stack) {
    let backend = Backend::new();
    let policy = backend.policy().run_to_completion(true);
    let site = deserted(noticing(stack), &backend, policy, gate()).await;
    time_to_notice().await;
    assert_eq!(backend.keys(), ["order:1"], "the handler is at work");
    let refused = site.send(Request::new("/orders/1", Does::Text)).await;
    refused.expect_contended();
    site.probe.open(1);
    site.probe.until_finished(1).await;
    backend.until_nothing_is_left().await;
    assert_eq!(site.probe.counts().dropped, 0);
}

async fn a_client_that_leaves_in_the_middle_of_a_body_frees_the_lock(stack: Stack) {
    for &stack in settings(stack) {
        for run_to_completion in [false, true] {
            let backend = Backend::new();
            let policy = backend.policy().run_to_completion(run_to_completion);
            let site = Site::start(stack, &backend, policy).await;
            let mut client = site.connect().await;
            client.send(Request::new("/orders/1", Does::GatedStream)).await.unwrap();
            assert_eq!(client.head().await.unwrap().status, 200);
            site.probe.open(1);
            assert_eq!(client.chunk().await.unwrap().unwrap(), b"locked");
            assert_eq!(backend.keys(), ["order:1"]);
            drop(client);
            until("the body is dropped", || {
                // A server that is content with half a connection learns of it when it writes.
                if stack == Stack::Actix {
                    site.probe.open(1);
                }
                site.probe.counts().dropped == 1
            })
            .await;
            backend.until_nothing_is_left().await;
        }
    }
}

async fn a_client_that_leaves_with_its_body_unsent_frees_the_lock(stack: Stack) {
    for &stack in settings(stack) {
        let backend = Backend::new();
        let request = gate().announcing(100_000);
        let site = deserted(stack, &backend, backend.policy(), request).await;
        time_to_notice().await;
        // Whether the server has noticed is its own affair.
        site.probe.open(1);
        until("the handler ends", || {
            let counts = site.probe.counts();
            counts.finished + counts.dropped == 1
        })
        .await;
        backend.until_nothing_is_left().await;
    }
}

async fn a_client_that_leaves_while_it_waits_leaves_nothing_behind(stack: Stack) {
    let backend = Backend::new();
    let policy = backend.policy().wait_up_to(PATIENCE).waiters_per_key(1);
    let site = Site::start(noticing(stack), &backend, policy).await;
    let holder = site.sending(gate());
    site.probe.until_begun(1).await;
    let mut waiter = site.connect().await;
    waiter.send(gate()).await.unwrap();
    time_to_notice().await;
    drop(waiter);
    // Here it has to have noticed.
    sleep(Duration::from_secs(3)).await;
    site.probe.open(1);
    holder.await.unwrap().expect(200, "locked");
    backend.until_nothing_is_left().await;
    // The one place for a waiter is free again.
    site.send(Request::new("/orders/1", Does::Text)).await.expect(200, "locked");
    backend.until_nothing_is_left().await;
    assert_eq!(site.probe.counts().begun, 2, "the handler of the waiter that left");
}
