//! Locks that are lost under a handler.

use redlock_core::faults::Misbehaviour;
use redlock_core::route::OnLost;

use crate::backend::Backend;
use crate::client::Request;
use crate::handler::Does;
use crate::site::{Site, Stack};

on_both_stacks! {
    a_lost_lock_stops_its_handler
    a_lost_lock_breaks_off_the_body_that_streams
    a_handler_that_may_finish_is_told_of_the_loss
    a_body_that_may_finish_is_sent_to_its_end
}

/// How a lock comes to be lost.
#[derive(Debug, Clone, Copy)]
enum Way {
    Cleared,
    Refused,
    Hung,
}

impl Way {
    fn befall(self, backend: &Backend) {
        match self {
            Self::Cleared => backend.clear(),
            Self::Refused => {
                backend.nodes[..3].iter().for_each(|node| node.always(Misbehaviour::Refused));
            }
            Self::Hung => backend.nodes[..3].iter().for_each(|node| node.hang()),
        }
    }
}

/// One after the other would take three times as long, which is mostly waiting.
async fn in_every_way(check: impl AsyncFn(Way)) {
    tokio::join!(check(Way::Cleared), check(Way::Refused), check(Way::Hung));
}

async fn start(stack: Stack, on_lost: OnLost) -> (Backend, Site) {
    let backend = Backend::short_lived();
    let site = Site::start(stack, &backend, backend.policy().on_lost(on_lost)).await;
    (backend, site)
}

async fn expect_free(backend: &Backend, site: &Site) {
    backend.heal();
    backend.until_nothing_is_left().await;
    assert_eq!(site.send(Request::new("/orders/1", Does::Empty)).await.status(), 200);
    backend.until_nothing_is_left().await;
}

async fn a_lost_lock_stops_its_handler(stack: Stack) {
    in_every_way(async |way| {
        let (backend, site) = start(stack, OnLost::Cancel).await;
        let request = site.sending(Request::new("/orders/1", Does::Gate));
        site.probe.until_begun(1).await;
        way.befall(&backend);
        let answer = request.await.unwrap();
        assert_eq!(answer.status(), 503, "{way:?}: {answer:?}");
        assert_eq!(answer.problem(), ("lost", None), "{way:?}");
        let counts = site.probe.counts();
        assert_eq!((counts.finished, counts.dropped), (0, 1), "{way:?}");
        expect_free(&backend, &site).await;
    })
    .await;
}

async fn a_lost_lock_breaks_off_the_body_that_streams(stack: Stack) {
    in_every_way(async |way| {
        let (backend, site) = start(stack, OnLost::Cancel).await;
        let mut client = site.connect().await;
        client.send(Request::new("/orders/1", Does::GatedStream)).await.unwrap();
        assert_eq!(client.head().await.unwrap().status, 200);
        site.probe.open(1);
        assert_eq!(client.chunk().await.unwrap().unwrap(), b"locked");
        way.befall(&backend);
        let rest = client.chunk().await;
        assert!(rest.is_err(), "{way:?}: the client takes the body for whole: {rest:?}");
        site.probe.until_dropped(1).await;
        expect_free(&backend, &site).await;
    })
    .await;
}

async fn a_handler_that_may_finish_is_told_of_the_loss(stack: Stack) {
    in_every_way(async |way| {
        let (backend, site) = start(stack, OnLost::Finish).await;
        let request = site.sending(Request::new("/orders/1", Does::UntilLost));
        site.probe.until_begun(1).await;
        way.befall(&backend);
        request.await.unwrap().expect(200, "lost");
        let counts = site.probe.counts();
        assert_eq!((counts.finished, counts.dropped), (1, 0), "{way:?}");
        expect_free(&backend, &site).await;
    })
    .await;
}

async fn a_body_that_may_finish_is_sent_to_its_end(stack: Stack) {
    in_every_way(async |way| {
        let (backend, site) = start(stack, OnLost::Finish).await;
        let mut client = site.connect().await;
        client.send(Request::new("/orders/1", Does::StreamUntilLost)).await.unwrap();
        assert_eq!(client.head().await.unwrap().status, 200);
        assert_eq!(client.chunk().await.unwrap().unwrap(), b"locked");
        way.befall(&backend);
        assert_eq!(client.chunk().await.unwrap().unwrap(), b"lost", "{way:?}");
        assert_eq!(client.chunk().await.unwrap(), None, "{way:?}");
        site.probe.until_finished(1).await;
        expect_free(&backend, &site).await;
    })
    .await;
}
