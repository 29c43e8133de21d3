//! An idempotency key, and what was answered.

use std::error::Error;

use redlock_core::Redlock;
use redlock_redis::redis::{self, aio::MultiplexedConnection};

/// Does the work for the first request of a key, and answers the others as it answered that one.
pub async fn once(
    redlock: &Redlock,
    cache: &mut MultiplexedConnection, // of the service's own database
    key: &str,
    work: impl AsyncFnOnce() -> String,
) -> Result<String, Box<dyn Error>> {
    let guard = redlock.lock(format!("idempotency:{key}")).await?; // waits while the first is at it
    let row = format!("answer:{key}");
    let known: Option<String> = redis::cmd("GET").arg(&row).query_async(cache).await?;
    let answer = match known {
        Some(answer) => answer,
        None => {
            let answer = guard.lease().run(work()).await?;
            let mut keep = redis::cmd("SET"); // for a day, and before the lock is free
            keep.arg(&row).arg(&answer).arg("EX").arg(86_400).exec_async(cache).await?;
            answer
        }
    };
    guard.release().await?;
    Ok(answer)
}

#[cfg(test)]
mod runs {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use integration_tests::Servers;
    use redlock_redis::redis::Client;

    use super::once;
    use crate::handle;

    #[tokio::test]
    async fn of_two_requests_at_once_one_works_and_both_have_its_answer() {
        let (servers, database) = (Servers::start(3).await, Servers::start(1).await);
        let client = Client::open(database.urls().remove(0)).unwrap();
        let works = AtomicU32::new(0);
        let request = async || {
            let redlock = handle(&servers);
            let mut cache = client.get_multiplexed_async_connection().await.unwrap();
            let work = async || {
                tokio::time::sleep(Duration::from_millis(50)).await;
                format!("receipt {}", works.fetch_add(1, Ordering::Relaxed))
            };
            once(&redlock, &mut cache, "7f3c", work).await.unwrap()
        };
        let (one, other) = tokio::join!(request(), request());
        assert_eq!((one.as_str(), other.as_str()), ("receipt 0", "receipt 0"));
        assert_eq!(request().await, "receipt 0", "and whoever comes later");
        let left: u32 = database[0].exec(&["TTL", "answer:7f3c"]).await.parse().unwrap();
        assert!((86_000..=86_400).contains(&left), "{left}");
    }
}
