//! A webhook, and the key in its body.

use axum::extract::State;
use axum::{Json, Router, routing::post};
use redlock_core::Redlock;
use redlock_tower::LockRejection;

#[derive(serde::Deserialize)]
pub struct Event {
    order: u64,
    cents: i64,
}

/// 409 while another request has the order, 503 without a majority of nodes: the sender tries again.
async fn paid(
    State(redlock): State<Redlock>,
    Json(event): Json<Event>,
) -> Result<String, LockRejection> {
    let guard = redlock.try_lock(format!("order:{}", event.order)).await?;
    let booked = guard.lease().run(book(event)).await?; // 503 when the lock is lost on the way
    guard.release().await?;
    Ok(booked)
}

async fn book(event: Event) -> String {
    format!("order {}: {} cents", event.order, event.cents)
}

pub fn service(redlock: Redlock) -> Router {
    Router::new().route("/webhooks/paid", post(paid)).with_state(redlock)
}

#[cfg(test)]
mod runs {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use integration_tests::Servers;
    use tower::ServiceExt;

    use super::service;
    use crate::handle;

    #[tokio::test]
    async fn an_order_that_another_has_is_refused_and_others_are_not() {
        let servers = Servers::start(3).await;
        let (redlock, other) = (handle(&servers), handle(&servers));
        let app = service(redlock);
        let send = async |order: u64| {
            let body = format!(r#"{{"order": {order}, "cents": 500}}"#);
            let request =
                Request::post("/webhooks/paid").header("content-type", "application/json");
            let response =
                app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        let guard = other.lock("order:42").await.unwrap();
        let (status, problem) = send(42).await;
        assert!(status == 409 && problem.contains("contended"), "{status} {problem}");
        assert_eq!(send(43).await, (200, "order 43: 500 cents".to_owned()));
        guard.release().await.unwrap();
        assert_eq!(send(42).await.0, 200);
        for server in &servers[..2] {
            server.kill().await;
        }
        assert_eq!(send(44).await.0, 503);
    }
}
