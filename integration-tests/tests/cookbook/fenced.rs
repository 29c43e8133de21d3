//! A write that no stale holder makes.

use redlock_core::{LockError, LockOptions, Redlock};

/// Whether it was written; `update` runs the statement below and tells how many rows that changed.
pub async fn deposit(
    redlock: &Redlock,
    update: impl AsyncFnOnce(Option<i64>) -> u64,
) -> Result<bool, LockError> {
    let fenced = LockOptions::new().fencing(true);
    let guard = redlock.lock_with("account:7", &fenced).await?;
    // UPDATE accounts SET balance = $2, fence = $1 WHERE id = 7 AND fence <= $1
    let fence = guard.fence().map(|fence| fence.as_i64());
    let rows = guard.lease().run(update(fence)).await?;
    guard.release().await?;
    Ok(rows == 1) // none: a later holder has written, and this one came too late
}

#[cfg(test)]
mod runs {
    use std::cell::Cell;

    use integration_tests::Servers;

    use super::deposit;
    use crate::handle;

    #[tokio::test]
    async fn each_holder_writes_and_one_that_was_paused_does_not() {
        let servers = Servers::start(3).await;
        let redlock = handle(&servers);
        let row = Cell::new(0);
        let write = |fence: Option<i64>| match fence {
            Some(fence) if row.get() <= fence => {
                row.set(fence);
                1
            }
            _ => 0,
        };
        let mut first = None;
        let update = async |fence| {
            first = fence;
            write(fence)
        };
        assert!(deposit(&redlock, update).await.unwrap());
        assert!(deposit(&redlock, async |fence| write(fence)).await.unwrap());
        assert!(row.get() > first.unwrap());
        assert!(!deposit(&redlock, async |_| write(first)).await.unwrap(), "it was paused");
        assert_eq!(write(None), 0);
    }
}
