//! An axum service that locks by a key out of the JSON body, and writes with a fence.
//!
//! ```text
//! REDLOCK_NODES=redis://127.0.0.1:6379,redis://… cargo run -p redlock-tower --features axum --example accounts-axum
//! curl -i http://127.0.0.1:3000/deposits --json '{"account": 7, "cents": 100}'
//! ```

#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use redlock_tower::LockRejection;
use redlock_tower::redlock_core::route::KeyTemplate;
use redlock_tower::redlock_core::{Redlock, Renewal};

#[derive(serde::Deserialize)]
struct Deposit {
    account: u64,
    cents: i64,
}

#[derive(Clone)]
pub(crate) struct Bank {
    pub(crate) redlock: Redlock,
    pub(crate) account: KeyTemplate,
    pub(crate) table: Table,
}

async fn deposit(
    State(Bank { redlock, account, table }): State<Bank>,
    Json(Deposit { account: id, cents }): Json<Deposit>,
) -> Result<(StatusCode, String), LockRejection> {
    let guard = redlock.try_lock(account.render([("id", id)])?).await?; // or 409, 503, …
    let balance = table.balance(id) + cents;
    let rows = table.update(id, balance, guard.fence().map(i64::from));
    guard.release().await?;
    Ok(match rows {
        0 => (StatusCode::CONFLICT, "too late: another holder has written\n".to_owned()),
        _ => (StatusCode::OK, format!("{balance} cents\n")),
    })
}

pub(crate) fn service(bank: Bank) -> Router {
    Router::new().route("/deposits", post(deposit)).with_state(bank)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redlock = redlock_config::builder_from_env()
        .await?
        .ttl(Duration::from_secs(10))
        .renewal(Renewal::Auto)
        .fencing(true)
        .build()?;
    let account = KeyTemplate::parse("account:{int:id}")?; // for routes with the account in the path, too
    let bank = Bank { redlock: redlock.clone(), account, table: Table::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("accounts on http://{}/deposits", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, service(bank)).with_graceful_shutdown(stop).await?;
    redlock.close().await;
    Ok(())
}

/// In place of a database: `accounts (id bigint PRIMARY KEY, balance bigint, fence bigint NOT NULL DEFAULT 0)`.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<HashMap<u64, (i64, i64)>>>);

impl Table {
    /// `SELECT balance FROM accounts WHERE id = $1`
    pub(crate) fn balance(&self, id: u64) -> i64 {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&id).map_or(0, |(balance, _)| *balance)
    }

    /// `UPDATE accounts SET balance = $2, fence = $3 WHERE id = $1 AND fence <= $3`; how many rows that changed.
    pub(crate) fn update(&self, id: u64, balance: i64, fence: Option<i64>) -> u64 {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(id).or_default();
        let Some(fence) = fence.filter(|fence| row.1 <= *fence) else { return 0 };
        *row = (balance, fence);
        1
    }
}
