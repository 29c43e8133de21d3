//! What a process does with what it holds, alike for a lock, a share and a permit.

use std::time::Duration;

use redlock_core::{ExtendError, LockGuard, LockOptions, Permit, ReadGuard};
use tokio::time::sleep;

use super::client::Client;
use super::invariants::Event;
use super::process::Behaviour;
use super::world::ms;

/// What all guards can do.
pub(crate) trait Guard {
    fn extend(&self, by: Duration) -> impl Future<Output = Result<(), ExtendError>>;
    fn remaining(&self) -> Duration;
    fn release(self) -> impl Future<Output = ()>;
}

macro_rules! guards {
    ($($guard:ty),*) => {$(
        impl Guard for $guard {
            async fn extend(&self, by: Duration) -> Result<(), ExtendError> {
                self.extend(by).await
            }

            fn remaining(&self) -> Duration {
                self.remaining()
            }

            async fn release(self) {
                let _ = self.release().await;
            }
        }
    )*};
}

guards!(LockGuard, ReadGuard, Permit);

impl Client {
    /// Takes a lock, or is refused.
    pub(crate) async fn lock(
        &mut self,
        names: Vec<String>,
        wait: u64,
        options: LockOptions,
        how: Behaviour,
    ) -> Option<LockGuard> {
        let (redlock, options) = (self.process.redlock.clone(), options.wait_for(ms(wait)));
        // To meet the nodes, the round, the second round.
        let result = if self.rng.bool() {
            self.call("lock", 3, wait, how, redlock.lock_with(names, &options)).await
        } else {
            self.call("try_lock", 3, 0, how, redlock.try_lock_with(names, &options)).await
        };
        result?.inspect_err(|error| self.refused(error)).ok()
    }

    /// Works, and extends now and then, in fewer than `steps` steps; by other times than the usual where they are `mixed`.
    pub(crate) async fn works(&mut self, guard: &impl Guard, id: usize, steps: u32, mixed: bool) {
        let (ttl, extend) = (self.world.setup.ttl, self.world.setup.extend);
        self.world.write(id);
        for _ in 0..self.rng.u32(0..steps) {
            if self.chance(extend) {
                let how = self.behaviour();
                let by = if mixed { self.rng.u64(ttl / 2..=ttl * 2) } else { ttl };
                let extended = self.call("extend", 1, 0, how, guard.extend(ms(by))).await;
                if matches!(extended, Some(Ok(()))) {
                    self.world.count(|counts| counts.extensions += 1);
                }
            } else {
                sleep(ms(self.rng.u64(0..=ttl / 2))).await;
            }
            self.world.tell(&Event::Looked(id));
        }
    }

    /// Stays to the end of its time, and looks whether it was told.
    pub(crate) async fn stays(&self, guard: &impl Guard, id: usize) {
        sleep(guard.remaining()).await;
        self.world.tell(&Event::Looked(id));
    }

    /// Releases or drops.
    pub(crate) async fn ends(&mut self, guard: impl Guard, id: usize) {
        if self.rng.bool() {
            let how = self.behaviour();
            self.world.ended(id, "release");
            let _ = self.call("release", 2, 0, how, guard.release()).await;
        } else {
            self.world.ended(id, "drop");
            drop(guard);
        }
    }
}
