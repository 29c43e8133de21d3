//! So many at a time.

use redlock_core::{LockError, Redlock};

/// At most two at once, over all processes, each with a number of its own.
pub async fn export(redlock: &Redlock, render: impl AsyncFnOnce(u16)) -> Result<(), LockError> {
    let exports = redlock.semaphore("exports", 2)?; // the same number everywhere
    let permit = exports.acquire().await?; // waits while two are at it
    permit.lease().run(render(permit.slot())).await?; // 0 or 1, and nobody else's meanwhile
    permit.release().await?;
    Ok(())
}

#[cfg(test)]
mod runs {
    use std::sync::Mutex;
    use std::time::Duration;

    use integration_tests::Servers;
    use tokio::time::timeout;

    use super::export;
    use crate::handle;

    #[tokio::test]
    async fn two_of_five_render_at_a_time_and_never_under_one_number() {
        let servers = Servers::start(3).await;
        let at_work = Mutex::new(Vec::new());
        let most = Mutex::new(0);
        let one = async || {
            let redlock = handle(&servers);
            let render = async |slot| {
                {
                    let mut at_work = at_work.lock().unwrap();
                    assert!(!at_work.contains(&slot), "{slot} twice");
                    at_work.push(slot);
                    let mut most = most.lock().unwrap();
                    *most = at_work.len().max(*most);
                }
                let second = async {
                    while *most.lock().unwrap() < 2 {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                };
                timeout(Duration::from_secs(60), second).await.expect("never two at a time");
                tokio::time::sleep(Duration::from_millis(100)).await;
                at_work.lock().unwrap().retain(|other| *other != slot);
            };
            export(&redlock, render).await.unwrap();
        };
        tokio::join!(one(), one(), one(), one(), one());
        assert_eq!(most.into_inner().unwrap(), 2);
    }
}
