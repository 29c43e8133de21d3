//! A small shop over axum: no two replicas ever work on the same order at the same time.
//!
//! It listens on `PORT` (default 3000) and locks on the nodes that `REDLOCK_NODES=redis://…,redis://…` or `redlock.toml` names,
//! through `REDLOCK_CLIENT=redis` (the default) or `fred`; where none is named, in its own memory alone, which its first line
//! says. Ctrl-C or SIGTERM lets the requests in flight finish for up to ten seconds, and releases what is held.

#![allow(clippy::print_stdout, missing_docs)]

mod shop;

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use axum::{Router, response::IntoResponse};
use redlock_core::Redlock;
use redlock_core::route::{ContendedStatus, LockPolicy};
use redlock_tower::{Held, LockLayer, Locked};
use shop::Shop;

async fn pay(State(shop): State<Shop>, Path(id): Path<u64>, Locked(lease): Locked) -> String {
    shop.book(id, "payment", 1000, &lease).await
}

async fn refund(State(shop): State<Shop>, Path(id): Path<u64>, Locked(lease): Locked) -> String {
    shop.book(id, "refund", -1000, &lease).await
}

async fn invoice(State(shop): State<Shop>, Path(id): Path<u64>) -> String {
    shop.invoice(id).await
}

async fn show(State(shop): State<Shop>, Path(id): Path<u64>) -> String {
    shop.show(id)
}

async fn export_all(
    State(shop): State<Shop>,
    Path(tenant): Path<String>,
    Held(held): Held,
) -> String {
    shop.export_all(&tenant, held).await
}

async fn export(State(shop): State<Shop>, Path(id): Path<u64>) -> impl IntoResponse {
    Body::from_stream(shop.export(id))
}

async fn ready(redlock: Redlock) -> impl IntoResponse {
    let (ready, kind, text) = shop::ready(&redlock).await;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, kind)], text)
}

/// Until the system asks the service to end.
#[cfg(unix)]
fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        terminate.recv().await;
    })
}

/// Elsewhere Ctrl-C alone does.
#[cfg(not(unix))]
fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    Ok(std::future::pending())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shop::log();
    let prometheus = shop::metrics()?;
    let redlock = shop::redlock().await?;
    // These routes have one key: a payment excludes a refund of the same order. `int`, because for the handlers `042` is 42.
    let at_once = LockLayer::new(&redlock, "order:{int:id}", LockPolicy::new())?;
    // Invoices are read beside one another, and beside no payment and no refund.
    let waiting = LockPolicy::new().shared_methods(["GET"]).wait_up_to(Duration::from_secs(5));
    let waiting = LockLayer::new(&redlock, "order:{int:id}", waiting)?;
    let exports = LockLayer::new(&redlock, "export:{int:id}", LockPolicy::new().methods(["GET"]))?;
    // Two exports of a tenant at a time, over all replicas; the third is told what clients know limits by.
    let two = LockPolicy::new().permits(2).contended_status(ContendedStatus::TooManyRequests);
    let two = LockLayer::new(&redlock, "exports:{tenant}", two)?;
    let locks = redlock.clone();
    let app = Router::new()
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/pay", post(pay).layer(at_once))
        .route("/orders/{id}/refund", post(refund).layer(waiting.clone()))
        .route("/orders/{id}/invoice", get(invoice).layer(waiting))
        .route("/orders/{id}/export", get(export).layer(exports))
        .route("/tenants/{tenant}/exports", post(export_all).layer(two))
        .route("/metrics", get(async move || prometheus.render()))
        .route("/ready", get(move || ready(locks.clone())))
        .with_state(Shop::default());

    let port = shop::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let listener = listener.map_err(|error| shop::cannot_listen(port, &error))?;
    shop::welcome("axum", listener.local_addr()?);
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let terminate = terminated()?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminate => {}
        }
        shop::say!("stopping: requests in flight have ten seconds");
        stop.send_replace(true);
    });
    let mut late = stopped.clone();
    let serve = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let finished = tokio::select! {
        served = serve.into_future() => { served?; true },
        () = async {
            let _ = late.wait_for(|stop| *stop).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        } => false,
    };
    redlock.close().await;
    shop::say!("{}", shop::farewell(finished));
    Ok(())
}
