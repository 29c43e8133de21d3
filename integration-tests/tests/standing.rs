//! Connections that stand while what is behind them changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Servers};
use redlock_core::node::{Claim, Fault, LockNode, NodeError, Terms, Vote};
use redlock_core::{LockKey, Redlock, Token};
use tokio::task::JoinSet;

/// Never passes in a test that goes well.
const LONG: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(5);

async fn acquire(node: &Arc<dyn LockNode>) -> Result<Vote, NodeError> {
    let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
    let vote = Arc::clone(node).acquire(claim.clone(), Terms::new(LONG), LIMIT).await?;
    Arc::clone(node).release(claim, LIMIT).await?;
    Ok(vote)
}

/// Asks until the node grants.
async fn until_granted(node: &Arc<dyn LockNode>) {
    let granting = async {
        while acquire(node).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, granting).await.expect("never granted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_peer_reads_on_and_answers_nothing_comes_back() {
    let servers = Servers::start(3).await;
    let proxy = Arc::new(ChaosProxy::start_forgetful(servers[2].addr()).await);
    let urls = [servers[0].url(), servers[1].url(), proxy.url()];
    let nodes = Client::Redis.nodes(urls);
    let silent = Arc::clone(&nodes[2]);
    let redlock = Redlock::builder().nodes(nodes).ttl(LONG).node_timeout(LIMIT).build().unwrap();
    redlock.try_lock("warm up").await.unwrap().release().await.unwrap();
    let before = proxy.connections();
    proxy.mute_standing();
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let (redlock, proxy) = (redlock.clone(), Arc::clone(&proxy));
        tasks.spawn(async move {
            // Two nodes are a majority all the while.
            while proxy.connections() == before {
                redlock.lock(&format!("k{task}")).await.unwrap().release().await.unwrap();
            }
        });
    }
    let anew = async { while tasks.join_next().await.transpose().unwrap().is_some() {} };
    tokio::time::timeout(LONG, anew).await.expect("no new connection");
    until_granted(&silent).await;
    redlock.close().await;
}

#[tokio::test]
async fn a_node_whose_server_was_demoted_is_had_again_where_its_name_leads_next() {
    let servers = Servers::start(2).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let node = Client::Redis.node(&proxy.url());
    until_granted(&node).await;
    servers[0].exec(&["REPLICAOF", "127.0.0.1", "1"]).await;
    for _ in 0..50 {
        assert_eq!(acquire(&node).await.unwrap_err().fault(), Fault::Replica);
    }
    assert!((2..30).contains(&proxy.connections()), "{} connections", proxy.connections());
    // The name leads to the new master.
    proxy.lead_to(servers[1].addr());
    until_granted(&node).await;
    servers[1].exec(&["SET", "mark", "1"]).await;
    let connections = proxy.connections();
    until_granted(&node).await;
    assert_eq!(proxy.connections(), connections);
}

#[tokio::test]
async fn a_demoted_server_that_is_a_master_again_is_had_again() {
    let servers = Servers::start(1).await;
    let node = Client::Redis.node(&servers[0].url());
    until_granted(&node).await;
    servers[0].exec(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let redlock = Redlock::builder().nodes([Arc::clone(&node)]).ttl(LONG).build().unwrap();
    for _ in 0..5 {
        redlock.try_lock("k").await.unwrap_err();
    }
    servers[0].exec(&["REPLICAOF", "NO", "ONE"]).await;
    let again = async {
        while redlock.try_lock("k").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, again).await.expect("never granted");
    redlock.close().await;
}

/// What the restart guard and the run ids do not see: see A2.
#[tokio::test]
async fn another_master_behind_the_same_address_is_taken_for_the_node() {
    let servers = Servers::start(2).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let nodes = Client::Redis.nodes([proxy.url()]);
    let redlock = Redlock::builder().nodes(nodes).ttl(LONG).node_timeout(LIMIT).build().unwrap();
    let first = redlock.try_lock("k").await.unwrap();
    proxy.lead_to(servers[1].addr());
    proxy.cut_all();
    let second = async {
        loop {
            if let Ok(second) = redlock.try_lock("k").await {
                return second;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let second = tokio::time::timeout(LONG, second).await.expect("never granted");
    assert!(!first.lease().is_lost() && !second.lease().is_lost());
    redlock.close().await;
}
