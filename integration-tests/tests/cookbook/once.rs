//! Once per period.

use std::time::Duration;

use redlock_core::{LockError, LockOptions, Redlock};

/// Whether it was this machine that made the report.
pub async fn nightly(redlock: &Redlock, report: impl AsyncFnOnce()) -> Result<bool, LockError> {
    let once = LockOptions::new()
        .at_least(Duration::from_secs(600)) // more than the machines' clocks are apart
        .ttl(Duration::from_secs(660)) // a little more; renewal does the rest
        .wait_for(Duration::from_secs(2)); // for starts in the same moment
    match redlock.lock_with("report:nightly", &once).await {
        Ok(guard) => {
            guard.lease().run(report()).await?;
            guard.release().await?; // kept from everybody until the ten minutes are over
            Ok(true)
        }
        Err(error) if error.is_contended() => Ok(false), // another makes it, or made it
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod runs {
    use integration_tests::Servers;
    use redlock_core::LockState;

    use super::nightly;
    use crate::handle;

    #[tokio::test]
    async fn of_two_machines_one_makes_the_report_and_who_comes_late_does_not() {
        let servers = Servers::start(3).await;
        let [first, second] = [(); 2].map(|()| handle(&servers));
        let mut made = 0;
        assert!(nightly(&first, async || made += 1).await.unwrap());
        assert!(!nightly(&second, async || made += 1).await.unwrap(), "it is done already");
        assert!(!nightly(&first, async || made += 1).await.unwrap());
        assert_eq!(made, 1);
        let state = second.inspect("report:nightly").await.unwrap().state;
        assert!(matches!(state, LockState::Kept { .. }), "{state:?}");
    }
}
