//! A small shop over actix-web: no two replicas ever work on the same order at the same time.
//!
//! It listens on `PORT` (default 3000) and locks on the nodes that `REDLOCK_NODES=redis://…,redis://…` or `redlock.toml` names,
//! through `REDLOCK_CLIENT=redis` (the default) or `fred`; where none is named, in its own memory alone, which its first line
//! says. Ctrl-C or SIGTERM lets the requests in flight finish for up to ten seconds, and releases what is held.

#![allow(clippy::print_stdout, missing_docs)]

#[path = "../../redlock-tower/examples/shop/mod.rs"]
mod shop;

use std::error::Error;
use std::time::Duration;

use actix_web::web::{self, Data, Path};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use metrics_exporter_prometheus::PrometheusHandle;
use redlock_actix::{Held, LockMiddleware, Locked};
use redlock_core::Redlock;
use redlock_core::route::{ContendedStatus, LockPolicy};
use shop::Shop;

async fn pay(shop: Data<Shop>, id: Path<u64>, Locked(lease): Locked) -> String {
    shop.book(*id, "payment", 1000, &lease).await
}

async fn refund(shop: Data<Shop>, id: Path<u64>, Locked(lease): Locked) -> String {
    shop.book(*id, "refund", -1000, &lease).await
}

async fn invoice(shop: Data<Shop>, id: Path<u64>) -> String {
    shop.invoice(*id).await
}

async fn show(shop: Data<Shop>, id: Path<u64>) -> String {
    shop.show(*id)
}

async fn metrics(prometheus: Data<PrometheusHandle>) -> String {
    prometheus.render()
}

async fn ready(redlock: Data<Redlock>) -> impl Responder {
    let (ready, kind, text) = shop::ready(&redlock).await;
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.content_type(kind).body(text)
}

async fn export_all(shop: Data<Shop>, tenant: Path<String>, Held(held): Held) -> String {
    shop.export_all(&tenant, held).await
}

async fn export(shop: Data<Shop>, id: Path<u64>) -> impl Responder {
    use futures_util::TryStreamExt;
    HttpResponse::Ok().streaming(shop.export(*id).map_ok(web::Bytes::from))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shop::log();
    let prometheus = Data::new(shop::metrics()?);
    let port = shop::port()?;
    let redlock = shop::redlock().await?;
    // These routes have one key: a payment excludes a refund of the same order. `int`, because for the handlers `042` is 42.
    let at_once = LockMiddleware::new(&redlock, "order:{int:id}", LockPolicy::new())?;
    // Invoices are read beside one another, and beside no payment and no refund.
    let waiting = LockPolicy::new().shared_methods(["GET"]).wait_up_to(Duration::from_secs(5));
    let waiting = LockMiddleware::new(&redlock, "order:{int:id}", waiting)?;
    let exports =
        LockMiddleware::new(&redlock, "export:{int:id}", LockPolicy::new().methods(["GET"]))?;
    // Two exports of a tenant at a time, over all replicas; the third is told what clients know limits by.
    let two = LockPolicy::new().permits(2).contended_status(ContendedStatus::TooManyRequests);
    let two = LockMiddleware::new(&redlock, "exports:{tenant}", two)?;
    let orders = Data::new(Shop::default());
    let locks = Data::new(redlock.clone());
    // Made once, outside of the factory: the bounds on waiters then count for all workers together.
    let server = HttpServer::new(move || {
        App::new()
            .app_data(orders.clone())
            .app_data(prometheus.clone())
            .app_data(locks.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/ready", web::get().to(ready))
            .route("/orders/{id}", web::get().to(show))
            .route("/orders/{id}/pay", web::post().to(pay).wrap(at_once.clone()))
            .route("/orders/{id}/refund", web::post().to(refund).wrap(waiting.clone()))
            .route("/orders/{id}/invoice", web::get().to(invoice).wrap(waiting.clone()))
            .route("/tenants/{tenant}/exports", web::post().to(export_all).wrap(two.clone()))
            .route("/orders/{id}/export", web::get().to(export).wrap(exports.clone()))
    })
    // A client that hangs up stops its request, as in most frameworks; by default actix-web lets it run on.
    .h1_allow_half_closed(false)
    .shutdown_timeout(10)
    .bind(("127.0.0.1", port))
    .map_err(|error| shop::cannot_listen(port, &error))?;
    let address = server.addrs().first().copied().ok_or("no address")?;
    shop::welcome("actix-web", address);
    server.run().await?;
    redlock.close().await;
    // After ten seconds requests in flight are cut off: their handlers are dropped, which releases too.
    shop::say!("{}", shop::farewell(true));
    Ok(())
}
