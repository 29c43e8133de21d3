//! What there is to be seen: an example service that people use, and a worker whose nodes fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, routing::get};
use integration_tests::Servers;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use redlock_core::{Handover, LockOptions, Redlock, Renewal};
use redlock_redis::RedisNode;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::replica::ask;

const TTL: Duration = Duration::from_secs(2);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// People who pay, read and export, again and again, at some orders and one tenant.
pub(crate) fn use_orders(addr: SocketAddr, load: &mut JoinSet<()>) {
    let requests = [
        ("POST", "/orders/1/pay"),
        ("POST", "/orders/1/refund"),
        ("GET", "/orders/1/invoice"),
        ("GET", "/orders/2/invoice"),
        ("POST", "/orders/2/refund"),
        ("POST", "/orders/3/pay"),
        ("POST", "/tenants/acme/exports"),
    ];
    for (number, (method, path)) in requests.into_iter().cycle().take(14).enumerate() {
        load.spawn(async move {
            sleep(ms(number as u64 * 70)).await;
            loop {
                ask(addr, method, path).await;
                sleep(ms(150)).await;
            }
        });
    }
}

/// Installs the recorder, and gives where it is asked.
pub(crate) async fn metrics(load: &mut JoinSet<()>) -> SocketAddr {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, redlock_core::telemetry::SECONDS_BUCKETS)
        .unwrap()
        .install_recorder()
        .unwrap();
    let app = Router::new().route("/metrics", get(async move || prometheus.render()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    load.spawn(async move { axum::serve(listener, app).await.unwrap() });
    addr
}

fn handle(servers: &Servers) -> Redlock {
    let builder = Redlock::builder().nodes(RedisNode::connect_all(servers.urls()).unwrap());
    let builder = builder.ttl(TTL).fencing(true).restart_guard(TTL).wait_for(TTL);
    builder.build().unwrap()
}

/// Jobs that wait for one another, between two handles; locks that are renewed and lost, or handed over; a node that restarts.
pub(crate) fn work(servers: Servers, load: &mut JoinSet<()>) {
    let servers = Arc::new(servers);
    let handles = [handle(&servers), handle(&servers)];
    for number in 0..8_usize {
        let (redlock, key) = (handles[number % 2].clone(), format!("job:{}", number % 3));
        load.spawn(async move {
            loop {
                if let Ok(guard) = redlock.lock(&key).await {
                    sleep(ms(5 + 15 * number as u64)).await;
                    let _ = guard.release().await;
                }
                sleep(ms(40)).await;
            }
        });
    }
    let renewed = LockOptions::new().renewal(Renewal::Auto);
    let [redlock, other] = handles;
    let (robbed, options) = (Arc::clone(&servers), renewed.clone());
    let owner = redlock.clone();
    load.spawn(async move {
        loop {
            if let Ok(guard) = owner.lock_with("report", &options).await {
                sleep(TTL * 2).await;
                for server in robbed.iter() {
                    // One of them may be away.
                    let _ = server.command(&["DEL", "report"]).await;
                }
                guard.lease().lost().await;
            }
        }
    });
    load.spawn(async move {
        loop {
            if let Ok(guard) = redlock.lock("order").await {
                let text = guard.hand_over().expose();
                let handover = Handover::parse(&text).unwrap();
                if let Ok(guard) = other.take_over_with(&handover, &renewed).await {
                    sleep(ms(300)).await;
                    let _ = guard.release().await;
                }
            }
            sleep(ms(100)).await;
        }
    });
    load.spawn(async move {
        loop {
            sleep(TTL * 3).await;
            servers[2].kill().await;
            sleep(TTL).await;
            servers[2].start_again().await;
        }
    });
}
