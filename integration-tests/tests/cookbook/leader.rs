//! One leader.

use redlock_core::{Leader, LockError, Redlock};

/// Leads whenever it can, until the handle is closed.
pub async fn lead(
    redlock: &Redlock,
    address: &str,
    schedule: impl AsyncFn(i64),
) -> Result<(), LockError> {
    let election = redlock.election("scheduler")?.label(address);
    let turn = async |leader: Leader| {
        let term = leader.term().as_i64(); // goes along with every write
        tokio::select! {
            () = leader.stepping_down() => {} // a tenth of the time to live before another may lead
            () = schedule(term) => {}
        }
    };
    election.run(turn).await
}

#[cfg(test)]
mod runs {
    use std::time::Duration;

    use integration_tests::Servers;
    use redlock_core::{LeaderState, Redlock};
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::timeout;

    use super::lead;
    use crate::handle;

    #[tokio::test]
    async fn one_leads_and_another_follows_at_once_when_it_resigns() {
        let servers = Servers::start(3).await;
        let [first, second] = [(); 2].map(|()| handle(&servers));
        let (begins, mut begun) = unbounded_channel();
        let schedule = |name| {
            let begins = begins.clone();
            async move |term| {
                begins.send((name, term)).unwrap();
                std::future::pending::<()>().await;
            }
        };
        let told = async |redlock: &Redlock, name: &str| {
            let mut observer = redlock.election("scheduler").unwrap().observe();
            loop {
                match observer.next().await.unwrap() {
                    LeaderState::Known { label: Some(label), .. } if label.as_str() == name => {
                        break;
                    }
                    _ => {}
                }
            }
        };
        let play = async {
            let rest = async {
                let (name, one) = begun.recv().await.unwrap();
                assert_eq!(name, "first");
                told(&second, "first").await;
                let story = async {
                    first.close().await;
                    let (name, other) = begun.recv().await.unwrap();
                    assert_eq!(name, "second");
                    told(&second, "second").await;
                    second.close().await;
                    assert!(one < other, "{one}, {other}");
                };
                tokio::join!(lead(&second, "second", schedule("second")), story).0
            };
            let (one, other) = tokio::join!(lead(&first, "first", schedule("first")), rest);
            one.and(other).unwrap();
        };
        timeout(Duration::from_secs(60), play).await.unwrap();
    }
}
