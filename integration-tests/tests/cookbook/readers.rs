//! Readers and writers.

use redlock_core::{LockError, Redlock};

/// Beside other readers, and beside no writer.
pub async fn read<T>(redlock: &Redlock, look: impl AsyncFnOnce() -> T) -> Result<T, LockError> {
    redlock.with_read("catalog", async |_lease| look().await).await
}

/// Beside nobody; and then beside readers, with no other writer in between.
pub async fn rebuild(
    redlock: &Redlock,
    write: impl AsyncFnOnce(),
    check: impl AsyncFnOnce(),
) -> Result<(), LockError> {
    let writer = redlock.lock("catalog").await?;
    writer.lease().run(write()).await?;
    let reader = writer.downgrade();
    reader.lease().run(check()).await?;
    reader.release().await?;
    Ok(())
}

#[cfg(test)]
mod runs {
    use integration_tests::Servers;

    use super::{read, rebuild};
    use crate::handle;

    #[tokio::test]
    async fn readers_meet_readers_and_no_writer() {
        let servers = Servers::start(3).await;
        let [one, other] = [(); 2].map(|()| handle(&servers));
        let both = read(&one, async || read(&other, async || 7).await.unwrap()).await.unwrap();
        assert_eq!(both, 7);
        let beside = async || {
            let refused = other.try_lock("catalog").await.unwrap_err();
            assert!(refused.is_contended(), "{refused}");
        };
        read(&one, beside).await.unwrap();
        let write = async || {
            let refused = other.try_read("catalog").await.unwrap_err();
            assert!(refused.is_contended(), "{refused}");
        };
        let check = async || {
            beside().await;
            assert_eq!(read(&other, async || 8).await.unwrap(), 8);
        };
        rebuild(&one, write, check).await.unwrap();
    }
}
