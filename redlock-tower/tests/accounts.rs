//! The example with a key out of the body and a fenced write.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

// Its `main` is for those who run it.
#[allow(dead_code)]
#[path = "../examples/accounts-axum.rs"]
mod accounts;

use std::time::Duration;

use accounts::{Bank, Table, service};
use axum::Router;
use axum::body::{Body, to_bytes};
use http::Request;
use redlock_core::route::KeyTemplate;
use redlock_core::{InMemoryNode, Redlock};
use tower::ServiceExt;

async fn deposit(app: &Router, body: &'static str) -> (u16, String) {
    let request = Request::post("/deposits").header("content-type", "application/json");
    let response = app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn one_deposit_at_a_time_is_made_to_an_account_and_a_late_write_is_refused() {
    let builder = Redlock::builder().nodes(["a", "b", "c"].map(InMemoryNode::new));
    let redlock = builder.ttl(Duration::from_secs(10)).fencing(true).build().unwrap();
    let account = KeyTemplate::parse("account:{int:id}").unwrap();
    let bank = Bank { redlock: redlock.clone(), account, table: Table::default() };
    let (table, app) = (bank.table.clone(), service(bank));
    let seven = r#"{"account": 7, "cents": 100}"#;
    assert_eq!(deposit(&app, seven).await, (200, "100 cents\n".to_owned()));

    let guard = redlock.lock("account:7").await.unwrap();
    let (status, problem) = deposit(&app, seven).await;
    assert!(status == 409 && problem.contains(r#""reason":"contended""#), "{problem}");
    let other = deposit(&app, r#"{"account": 8, "cents": 5}"#).await;
    assert_eq!(other, (200, "5 cents\n".to_owned()), "another account is free");
    guard.release().await.unwrap();
    assert_eq!(deposit(&app, seven).await, (200, "200 cents\n".to_owned()));

    // A later holder wrote while this one was paused.
    let far = i64::try_from(redlock_core::backend::LARGEST).unwrap();
    assert_eq!(table.update(7, 1_000, Some(far)), 1);
    assert_eq!(deposit(&app, seven).await.0, 409);
    assert_eq!(table.balance(7), 1_000);
    assert_eq!(table.update(7, 0, None), 0, "and without a fence nothing is written");
}
