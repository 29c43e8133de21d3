//! At most so many requests at once.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use redlock_core::route::{HeldAs, HeldLocks, LockPolicy, Rejection, RejectionKind};
use redlock_core::{LockKey, Redlock};
use redlock_tower::LockLayer;
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

fn post() -> Request<()> {
    Request::post("/").body(()).unwrap()
}

fn layer(redlock: &Redlock, policy: LockPolicy) -> LockLayer {
    LockLayer::new(redlock, "all", policy).unwrap()
}

/// How many are at work in each slot, and how many were at once in one and in all.
#[derive(Default)]
struct Seen {
    busy: BTreeMap<u16, u32>,
    most: [u32; 2],
}

/// Works for a second.
fn worker(seen: &Arc<Mutex<Seen>>) -> impl Handler<Response = Response<Empty<Bytes>>> {
    let seen = Arc::clone(seen);
    service_fn(move |request: Request<()>| {
        let held = request.extensions().get().and_then(HeldLocks::held_as);
        let seen = Arc::clone(&seen);
        async move {
            let Some(HeldAs::Permit { slot }) = held else { unreachable!("{held:?}") };
            {
                let mut seen = seen.lock().unwrap();
                *seen.busy.entry(slot).or_default() += 1;
                let now = [seen.busy[&slot], seen.busy.values().sum()];
                seen.most = [seen.most[0].max(now[0]), seen.most[1].max(now[1])];
            }
            sleep(Duration::from_secs(1)).await;
            *seen.lock().unwrap().busy.get_mut(&slot).unwrap() -= 1;
            Ok::<_, Infallible>(Response::new(Empty::new()))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn no_more_than_so_many_are_served_at_once_over_all_replicas() {
    let nodes = nodes();
    let seen = Arc::default();
    let policy = LockPolicy::new().permits(3).wait_up_to(Duration::from_secs(100));
    let replicas = [nodes.redlock.clone(), nodes.another()]
        .map(|redlock| layer(&redlock, policy.clone()).layer(worker(&seen)));
    let requests = (0..30).map(|i| tokio::spawn(replicas[i % 2].clone().oneshot(post())));
    for request in requests.collect::<Vec<_>>() {
        let response = request.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(seen.lock().unwrap().most, [1, 3], "in one slot, and in all");
    nodes.assert_clean().await;
}

/// Tells how the handler takes its own lock to be held, and what is held meanwhile.
type Told = Arc<Mutex<(Option<HeldAs>, Vec<String>)>>;

fn own(nodes: &Arc<Nodes>) -> (Told, impl Handler<Response = Response<Empty<Bytes>>>) {
    let own = Told::default();
    let (told, nodes) = (own.clone(), Arc::clone(nodes));
    let handler = service_fn(move |request: Request<()>| {
        let held = request.extensions().get().and_then(HeldLocks::held_as);
        *told.lock().unwrap() = (held, nodes.keys());
        async { Ok::<_, Infallible>(Response::new(Empty::new())) }
    });
    (own, handler)
}

#[tokio::test(start_paused = true)]
async fn a_permit_of_a_layer_around_is_one_within_if_it_is_one_of_as_many() {
    let nodes = Arc::new(nodes());
    let of = |permits| layer(&nodes.redlock, LockPolicy::new().permits(permits));
    let (others, mut locks) = (nodes.another(), Vec::new());
    for slot in 0..3 {
        locks.push(others.try_lock(format!("all/{slot}")).await.unwrap());
    }
    let (told, handler) = own(&nodes);
    let service = of(4).layer(of(4).layer(handler.clone()));
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    let last = Some(HeldAs::Permit { slot: 3 });
    assert_eq!(
        *told.lock().unwrap(),
        (last, ["all/0", "all/1", "all/2", "all/3"].map(str::to_owned).to_vec())
    );
    // The fourth is none of two, of which one has to be free.
    let service = of(4).layer(of(2).layer(handler));
    let refused = service.clone().oneshot(post()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    locks.remove(0).release().await.unwrap();
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(told.lock().unwrap().0, Some(HeldAs::Permit { slot: 0 }));
    drop(locks);
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_key_and_a_permit_of_it_are_two_things() {
    let nodes = Arc::new(nodes());
    let (told, handler) = own(&nodes);
    let one = || layer(&nodes.redlock, LockPolicy::new().permits(1));
    let lock = || layer(&nodes.redlock, LockPolicy::new());
    let service = lock().layer(one().layer(handler.clone()));
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    let both = ["all", "all/0"].map(str::to_owned).to_vec();
    let within = Some(HeldAs::Permit { slot: 0 });
    assert_eq!(*told.lock().unwrap(), (within, both.clone()));
    let service = one().layer(lock().layer(handler));
    assert_eq!(service.oneshot(post()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(*told.lock().unwrap(), (Some(HeldAs::Lock), both));
    nodes.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_of_several_resources_has_no_permits() {
    let nodes = Arc::new(nodes());
    let (told, handler) = own(&nodes);
    let both = |_: &Parts| LockKey::all(["a", "b"]).unwrap();
    let lock = LockLayer::with_key(&nodes.redlock, both, LockPolicy::new().permits(2)).unwrap();
    let response = lock.layer(handler).oneshot(post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
    assert_eq!(kind, Some(RejectionKind::Misconfigured));
    assert_eq!(told.lock().unwrap().0, None);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_leaves_no_room_for_its_slots_is_the_request_s_fault() {
    let nodes = Arc::new(nodes());
    for (bytes, status) in [(509, StatusCode::OK), (510, StatusCode::BAD_REQUEST)] {
        let (_, handler) = own(&nodes);
        let long = move |_: &Parts| "k".repeat(bytes);
        let lock = LockLayer::with_key(&nodes.redlock, long, LockPolicy::new().permits(2)).unwrap();
        assert_eq!(lock.layer(handler).oneshot(post()).await.unwrap().status(), status);
    }
}
