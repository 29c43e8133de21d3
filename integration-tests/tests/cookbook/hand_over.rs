//! From an API to a worker.

use redlock_core::{Handover, LockError, LockOptions, Redlock, Renewal};

/// The API: takes the order, and gives it away with its lock.
pub async fn accept(redlock: &Redlock, order: u64) -> Result<String, LockError> {
    let fenced = LockOptions::new().fencing(true); // which is what tells `continued`
    let guard = redlock.try_lock_with(format!("order:{order}"), &fenced).await?;
    Ok(guard.hand_over().expose()) // to a queue that others cannot read: it is a secret
}

/// The worker: goes on under the same lock, with a later fence.
pub async fn ship(
    redlock: &Redlock,
    text: &str,
    work: impl AsyncFnOnce(bool),
) -> Result<(), LockError> {
    let handover = Handover::parse(text)?;
    let renewed = LockOptions::new().renewal(Renewal::Auto).fencing(true);
    let guard = redlock.take_over_with(&handover, &renewed).await?;
    guard.lease().run(work(guard.continued())).await?; // false: somebody may have been in between
    guard.release().await?;
    Ok(())
}

#[cfg(test)]
mod runs {
    use integration_tests::Servers;

    use super::{accept, ship};
    use crate::handle;

    #[tokio::test]
    async fn nobody_is_in_between_and_a_message_that_came_twice_is_refused() {
        let servers = Servers::start(3).await;
        let (api, worker) = (handle(&servers), handle(&servers));
        let text = accept(&api, 42).await.unwrap();
        assert!(accept(&api, 42).await.unwrap_err().is_contended(), "it is held on its way");
        let mut went_on = None;
        let work = async |continued| {
            went_on = Some(continued);
            let twice = ship(&api, &text, async |_| panic!("at once with another")).await;
            assert!(twice.unwrap_err().is_contended());
        };
        ship(&worker, &text, work).await.unwrap();
        assert_eq!(went_on, Some(true));
        assert!(accept(&api, 42).await.is_ok());
    }
}
