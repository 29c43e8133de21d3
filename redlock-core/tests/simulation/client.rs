//! What one process does: it takes locks, works under them, extends, and lets go in one way or another.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use redlock_core::{Lease, LockError, LockErrorKind, LockGuard, LockOptions, Renewal};
use tokio::time::sleep;

use super::invariants::Event;
use super::ledger::{Hold, Passed};
use super::process::{Behaviour, behave};
use super::start::Process;
use super::timeline::What;
use super::world::{FOREIGN, FOREIGN_BIT, World, ms};

pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) process: Arc<Process>,
    pub(crate) number: usize,
    pub(crate) rng: Rng,
    /// Of its own, so that the other draws of a seed stay what they are.
    pub(crate) keeps: Rng,
    pub(crate) reading: Rng,
    pub(crate) permitting: Rng,
}

impl Client {
    pub(crate) async fn run(mut self) {
        for round in 0..self.world.setup.rounds {
            if self.world.setup.rest && self.number == 0 && round == 1 {
                sleep(Duration::from_secs(1_300)).await;
            }
            sleep(ms(self.rng.u64(0..=self.world.setup.think))).await;
            let lead = self.world.setup.lead;
            if lead > 0 && self.chance(lead) {
                self.lead().await;
                continue;
            }
            if self.reads().await || self.permits().await {
                continue;
            }
            let taken = match self.take_over().await {
                None => self.take().await,
                taken => taken,
            };
            if let Some((guard, id)) = taken {
                self.work(&guard, id).await;
                self.let_go(guard, id).await;
            }
            self.release_leaked().await;
        }
    }

    pub(super) fn chance(&mut self, per_thousand: u64) -> bool {
        self.rng.u64(..1_000) < per_thousand
    }

    pub(crate) fn behaviour(&mut self) -> Behaviour {
        let setup = &self.world.setup;
        let (pause, drop, ttl) = (setup.pause, setup.drop, setup.ttl);
        if self.chance(pause) {
            Behaviour::Pause(self.rng.u32(0..6), ms(self.rng.u64(1..=ttl * 3 / 2)))
        } else if self.chance(drop) {
            Behaviour::Leave(self.rng.u32(0..8))
        } else {
            Behaviour::Plain
        }
    }

    pub(super) fn keys(&mut self) -> (Vec<String>, u8) {
        let (count, several) = (self.world.setup.keys, self.world.setup.several);
        let first = self.rng.usize(..count);
        let mut mask = 1_u8 << first;
        if self.chance(several) {
            mask |= 1 << self.rng.usize(..count);
        }
        let mut names: Vec<_> =
            (0..count).filter(|key| mask & (1 << key) != 0).map(|key| format!("k{key}")).collect();
        if self.world.setup.foreign && self.chance(40) {
            names.push(FOREIGN.into());
            mask |= FOREIGN_BIT;
        }
        (names, mask)
    }

    /// Runs a call, and holds it to its bound unless the caller or the process stood still.
    pub(crate) async fn call<T>(
        &mut self,
        what: &'static str,
        timeouts: u64,
        wait: u64,
        how: Behaviour,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let began = self.world.at();
        let (world, lane) = (Arc::clone(&self.world), self.number);
        let told = |lasts: Duration| {
            let (at, what) = (world.at(), format!("{what} not polled"));
            let until = at + lasts.as_micros() as u64;
            world.mark(at, || What::Trouble { lane, what, until, whole: false });
        };
        let result = behave(future, how, told).await;
        let frozen = self.process.gate.thaw() >= self.world.start + Duration::from_micros(began);
        if !frozen && !matches!(how, Behaviour::Pause(..)) {
            // Every timer of the path may round up to the next millisecond.
            let bound = (wait + self.world.setup.node_timeout * timeouts + 8) * 1_000;
            let took = self.world.at() - began;
            self.world.tell(&Event::Called { what, took, bound });
        }
        if result.is_none() {
            self.world.count(|counts| counts.left += 1);
        }
        result
    }

    async fn take(&mut self) -> Option<(LockGuard, usize)> {
        let (names, keys) = self.keys();
        let how = self.behaviour();
        let (ttl, mixed, renew) =
            (self.world.setup.ttl, self.world.setup.mixed, self.world.setup.renew);
        let mut options = LockOptions::new();
        let lasts = if mixed { self.rng.u64(ttl..=ttl * 2) } else { ttl };
        if mixed {
            options = options.ttl(ms(lasts));
        }
        if self.chance(renew) {
            options = options.renewal(Renewal::Auto);
        }
        // The drift allowance, rounded up.
        let valid = lasts - lasts / 100 - 3;
        let keep =
            (self.keeps.u64(..1_000) < self.world.setup.keep).then(|| self.keeps.u64(1..=valid));
        if let Some(keep) = keep {
            options = options.at_least(ms(keep));
        }
        let wait = self.rng.u64(1..=ttl * 2).max(self.world.setup.node_timeout);
        let called = self.world.step();
        let guard = self.lock(names, wait, options, how).await?;
        let id = self.enter(&guard, keys, called);
        if let Some(keep) = keep {
            self.world.keeps(id, guard.valid_until(), ms(lasts), ms(keep));
        }
        Some((guard, id))
    }

    pub(crate) fn refused(&self, error: &LockError) {
        self.world.note(&[7, error.kind() as u64], format_args!("refused: {:?}", error.kind()));
        let kind = error.kind();
        if matches!(kind, LockErrorKind::Contended | LockErrorKind::TimedOut) {
            return self.world.count(|counts| counts.refusals += 1);
        }
        let (lane, what) = (self.number, || format!("fails: {kind:?}"));
        self.world.mark(self.world.at(), || What::Happened { lane, what: what() });
        self.world.count(|counts| counts.failures += 1);
    }

    pub(crate) fn enter(&self, guard: &LockGuard, keys: u8, called: u64) -> usize {
        self.enter_as(&guard.lease(), keys, called, None, false)
    }

    pub(crate) fn enter_as(
        &self,
        lease: &Lease,
        keys: u8,
        called: u64,
        passed: Option<Passed>,
        leads: bool,
    ) -> usize {
        let hold = self.hold(lease, keys, called);
        self.enter_hold(lease, Hold { passed, leads, ..hold })
    }

    /// A share, or what was made one of the hold `of`.
    pub(crate) fn enter_shared(
        &self,
        lease: &Lease,
        keys: u8,
        called: u64,
        of: Option<usize>,
    ) -> usize {
        let hold = self.hold(lease, keys, called);
        self.enter_hold(lease, Hold { shared: true, of, ..hold })
    }

    /// One of so many permits, as this process has it.
    pub(crate) fn enter_permit(&self, lease: &Lease, keys: u8, called: u64, permits: u16) -> usize {
        let hold = self.hold(lease, keys, called);
        self.enter_hold(lease, Hold { permits: Some(permits), ..hold })
    }

    fn hold(&self, lease: &Lease, keys: u8, called: u64) -> Hold {
        Hold {
            process: self.number,
            keys,
            called,
            granted: 0,
            lease: Some(lease.clone()),
            fence: lease.fence().map(|fence| fence.get()),
            not_before: None,
            ended: None,
            announced: false,
            passed: None,
            leads: false,
            stepping_down: false,
            shared: false,
            permits: None,
            of: None,
        }
    }

    fn enter_hold(&self, lease: &Lease, hold: Hold) -> usize {
        let (lease, id) = (lease.clone(), self.world.granted(hold));
        let world = Arc::clone(&self.world);
        tokio::spawn(self.process.gate.wrap(Box::pin(async move {
            lease.lost().await;
            world.announced(id);
        })));
        id
    }

    async fn work(&mut self, guard: &LockGuard, id: usize) {
        let (mixed, full) = (self.world.setup.mixed, self.world.setup.full);
        self.works(guard, id, 4, mixed).await;
        if full {
            self.stays(guard, id).await;
        }
        // It does not look whether it still holds.
        self.world.write(id);
    }

    async fn let_go(&mut self, guard: LockGuard, id: usize) {
        let leak = self.world.setup.leak;
        if self.chance(leak) {
            let token = guard.leak();
            self.world.leaked.lock().unwrap().push((id, token));
            return;
        }
        let Some(guard) = self.downgrades(guard, id).await else { return };
        let hand = self.world.setup.hand;
        if hand > 0 && self.chance(hand) {
            self.hand_over(guard, id);
            return;
        }
        let late = self.world.setup.full || self.chance(100);
        if late {
            sleep(guard.remaining() + ms(self.rng.u64(0..=self.world.setup.ttl))).await;
            self.world.write(id);
        }
        self.ends(guard, id).await;
    }

    /// Releases what some process gave away.
    async fn release_leaked(&mut self) {
        if !self.rng.bool() {
            return;
        }
        let Some((id, token)) = self.world.leaked.lock().unwrap().pop() else { return };
        let key = {
            let ledger = self.world.ledger.lock().unwrap();
            ledger.holds[id].lease.as_ref().map(|lease| lease.key().clone())
        };
        let Some(key) = key else { return };
        self.world.ended(id, "released by its token");
        // Who gave the token away is not asked when it is used.
        {
            let hold = &mut self.world.ledger.lock().unwrap().holds[id];
            // And its token frees what it wanted to keep.
            (hold.announced, hold.not_before) = (true, None);
        }
        let redlock = self.process.redlock.clone();
        let _ = self.call("release", 2, 0, Behaviour::Plain, redlock.release(key, &token)).await;
    }
}
