//! Callers that block.

use std::error::Error;
use std::time::Duration;

use redlock_core::{Lease, LockError, Redlock, Renewal};
use redlock_redis::RedisNode;
use tokio::runtime::{Builder, Runtime};

/// Locks for threads that know no async; not to be called from async code.
pub struct Locks {
    runtime: Runtime, // with a thread of its own, which renews while a caller works
    redlock: Redlock,
}

impl Locks {
    pub fn over(urls: &[String]) -> Result<Self, Box<dyn Error>> {
        let redlock = Redlock::builder()
            .nodes(RedisNode::connect_all(urls)?)
            .ttl(Duration::from_secs(10))
            .renewal(Renewal::Auto)
            .build()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, redlock })
    }

    /// Blocks until it has the lock, works, and releases. Nothing can stop a thread: long work asks the lease now and then.
    pub fn with<T>(&self, key: &str, work: impl FnOnce(&Lease) -> T) -> Result<T, LockError> {
        let guard = self.runtime.block_on(self.redlock.lock(key))?;
        let _entered = self.runtime.enter(); // so that a panic of the work releases, too
        let result = work(&guard.lease());
        self.runtime.block_on(guard.release())?;
        Ok(result)
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        self.runtime.block_on(self.redlock.close()); // waits for what is released in the background
    }
}

#[cfg(test)]
mod runs {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

    use integration_tests::Servers;

    use super::Locks;

    #[test]
    fn threads_of_two_services_take_turns_and_a_panic_frees_the_lock() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let servers = runtime.block_on(Servers::start(3));
        let services = [(); 2].map(|()| Locks::over(&servers.urls()).unwrap());
        let (inside, turns) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for locks in services.iter().chain(&services) {
                scope.spawn(|| {
                    let work = |lease: &redlock_core::Lease| {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::sleep(Duration::from_millis(20));
                        turns.fetch_add(1, Ordering::SeqCst);
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        lease.is_lost()
                    };
                    assert!(!locks.with("orders:42", work).unwrap());
                });
            }
        });
        assert_eq!(turns.into_inner(), 4);
        let panics = || services[0].with("orders:42", |_| panic!("as a test"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        services[1].with("orders:42", |_| ()).unwrap();
        drop(services);
        for server in servers.iter() {
            assert_eq!(runtime.block_on(server.keys()), [""; 0]);
        }
    }
}
