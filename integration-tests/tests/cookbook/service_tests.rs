//! Tests of one's own service.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour};
use redlock_core::{InMemoryNode, LockError, LockErrorKind, Redlock, Renewal};
use tokio::time::sleep;

/// The service: a minute of work under a lock that is renewed.
async fn ship(redlock: &Redlock) -> Result<(), LockError> {
    redlock.with_lock("order:42", async |_lease| sleep(Duration::from_secs(60)).await).await
}

type Nodes = [Arc<Faulty<InMemoryNode>>; 3];

fn nodes() -> Nodes {
    ["a", "b", "c"].map(|name| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(name)))))
}

fn replica(nodes: &Nodes) -> Redlock {
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10));
    builder.renewal(Renewal::Auto).build().unwrap()
}

#[tokio::test(start_paused = true)] // a minute takes no time
async fn an_order_that_another_replica_ships_is_refused() {
    let nodes = nodes();
    let _guard = replica(&nodes).lock("order:42").await.unwrap();
    let error = ship(&replica(&nodes)).await.unwrap_err();
    assert!(error.is_contended(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_node_that_hangs_keeps_nothing_from_being_shipped() {
    let nodes = nodes();
    nodes[0].hang();
    ship(&replica(&nodes)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_it_can_no_longer_renew() {
    let nodes = nodes();
    let redlock = replica(&nodes);
    let outage = async {
        sleep(Duration::from_secs(20)).await;
        nodes[..2].iter().for_each(|node| node.always(Misbehaviour::Refused));
    };
    let (shipped, ()) = tokio::join!(ship(&redlock), outage);
    assert_eq!(shipped.unwrap_err().kind(), LockErrorKind::Lost);
    nodes.iter().for_each(|node| node.heal());
    ship(&redlock).await.unwrap();
}
