//! Many clients, of which a good part leaves at a bad moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::timeout;

use crate::backend::{Backend, PATIENCE};
use crate::client::{Client, Request};
use crate::handler::Does;
use crate::probe::Probe;
use crate::site::{Site, Stack};

on_both_stacks! {
    a_storm_of_clients_that_leave_lets_no_two_handlers_in_and_leaves_no_key
}

const CLIENTS: u64 = 12;
const REQUESTS: u64 = 50;

#[derive(Debug, Default)]
struct Seen {
    served: usize,
    refused: usize,
    left: usize,
}

async fn a_storm_of_clients_that_leave_lets_no_two_handlers_in_and_leaves_no_key(stack: Stack) {
    let (backend, probe) = (Backend::new(), Probe::new());
    let waiting = backend.policy().wait_up_to(PATIENCE);
    let completing = backend.policy().run_to_completion(true);
    let noticing = if stack == Stack::Axum { stack } else { Stack::ActixNoticing };
    let sites = [
        Site::with_probe(stack, &backend, waiting, Arc::clone(&probe)).await,
        Site::with_probe(noticing, &backend, backend.policy(), Arc::clone(&probe)).await,
        Site::with_probe(noticing, &backend, completing, Arc::clone(&probe)).await,
    ];
    let addrs: Vec<_> = sites.iter().map(|site| site.addr).collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(requests(client, addrs[client as usize % addrs.len()])))
        .collect();
    let mut all = Seen::default();
    for client in clients {
        let seen = client.await.unwrap();
        all.served += seen.served;
        all.refused += seen.refused;
        all.left += seen.left;
    }
    backend.until_nothing_is_left().await;
    let counts = probe.counts();
    println!(
        "{stack:?}: {all:?}; handlers: {} finished, {} dropped",
        counts.finished, counts.dropped
    );
    assert_eq!(counts.overlap, 1);
    assert_eq!(counts.begun, counts.finished + counts.dropped, "a handler is still inside");
    assert!(all.served >= 50 && all.left >= 100, "there was no storm: {all:?}");
    for id in 0..3 {
        let request = Request::new(&format!("/orders/{id}"), Does::Text);
        sites[1].send(request).await.expect(200, "locked");
    }
    backend.until_nothing_is_left().await;
}

async fn requests(client: u64, addr: SocketAddr) -> Seen {
    let mut rng = Rng::with_seed(client);
    let mut seen = Seen::default();
    let mut connection = Client::connect(addr).await;
    for _ in 0..REQUESTS {
        let path = format!("/orders/{}", rng.u8(..3));
        let does = [Does::Text, Does::Stream, Does::Empty][rng.usize(..3)];
        let request = Request::new(&path, does);
        if rng.u8(..100) >= 30 {
            let answer = connection.ask(request).await.unwrap();
            match answer.status() {
                200 => seen.served += 1,
                _ => {
                    answer.expect_contended();
                    seen.refused += 1;
                }
            }
            continue;
        }
        let announced = [0, 100][rng.usize(..2)];
        let patience = Duration::from_micros(rng.u64(..8000));
        drop(timeout(patience, connection.ask(request.announcing(announced))).await);
        connection = Client::connect(addr).await;
        seen.left += 1;
    }
    seen
}
