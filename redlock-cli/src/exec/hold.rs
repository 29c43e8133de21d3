//! What the command runs under: how it is taken, what the command is told of it, and how it ends.

use std::future::Future;
use std::time::{Duration, SystemTime};

use redlock_core::node::Expiry;
use redlock_core::{
    Inspection, Lease, LockError, LockErrorKind, LockGuard, LockKey, LockOptions, LockState,
    NodeView, Permit, ReadGuard, Redlock, Release,
};
use tokio::time::Instant;

use super::refusal::Refusal;
use super::request::{Mode, Request};

/// How long it may take until one of several that began in one moment has the lock.
const SETTLING: Duration = Duration::from_secs(3);

/// The longest pause of one of them.
const PAUSE: Duration = Duration::from_millis(100);

/// What was taken.
#[derive(Debug)]
pub(super) enum Hold {
    Lock(LockGuard),
    Share(ReadGuard),
    Permit(Permit),
}

impl Hold {
    pub(super) fn lease(&self) -> Lease {
        match self {
            Self::Lock(guard) => guard.lease(),
            Self::Share(guard) => guard.lease(),
            Self::Permit(permit) => permit.lease(),
        }
    }

    pub(super) async fn release(self) -> Result<Release, LockError> {
        match self {
            Self::Lock(guard) => guard.release().await,
            Self::Share(guard) => guard.release().await,
            Self::Permit(permit) => permit.release().await,
        }
    }

    /// The same of what is kept for a time at the least: all of it, for a job that did not run.
    pub(super) async fn give_back(
        self,
        redlock: &Redlock,
        keys: &[String],
    ) -> Result<Release, LockError> {
        match self {
            Self::Lock(guard) => redlock.release(LockKey::all(keys)?, &guard.leak()).await,
            Self::Permit(permit) => {
                let name = keys.first().map_or("", String::as_str);
                let slot = format!("{name}/{}", permit.slot());
                redlock.release(slot, &permit.leak()).await
            }
            Self::Share(guard) => guard.release().await,
        }
    }

    /// What the command finds in its environment.
    pub(super) fn environment(&self, keys: &[String]) -> Vec<(&'static str, String)> {
        let lease = self.lease();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let until = now + lease.remaining();
        let mut variables = vec![
            // One a line: a key may hold any character, and a space is a likely one.
            ("REDLOCK_KEY", keys.join("\n")),
            ("REDLOCK_VALID_UNTIL", format!("{}.{:03}", until.as_secs(), until.subsec_millis())),
        ];
        if let Self::Permit(permit) = self {
            variables.push(("REDLOCK_SLOT", permit.slot().to_string()));
        }
        variables.extend(lease.fence().map(|fence| ("REDLOCK_FENCE", fence.to_string())));
        variables
    }
}

/// Takes what was asked for, waiting for it unless told not to.
pub(super) async fn take(redlock: &Redlock, request: &Request) -> Result<Hold, Refusal> {
    if let Mode::Permits(permits) = request.mode {
        return permit(redlock, request, permits).await.map(Hold::Permit);
    }
    let key = LockKey::all(&request.keys).map_err(LockError::from)?;
    if let Some(at_least) = request.at_least {
        let options = LockOptions::new().at_least(at_least);
        let had = once(
            || redlock.try_lock_with(key.clone(), &options),
            async || Ok(redlock.inspect(key.clone()).await?.state),
        );
        return had.await.map(Hold::Lock);
    }
    Ok(match (request.mode, request.tries_once()) {
        (Mode::Shared, true) => Hold::Share(redlock.try_read(key).await?),
        (Mode::Shared, false) => Hold::Share(redlock.read(key).await?),
        (_, true) => Hold::Lock(redlock.try_lock(key).await?),
        (_, false) => Hold::Lock(redlock.lock(key).await?),
    })
}

async fn permit(redlock: &Redlock, request: &Request, permits: u16) -> Result<Permit, Refusal> {
    let name = request.keys.first().map_or("", String::as_str);
    let semaphore = redlock.semaphore(name, permits).map_err(LockError::from)?;
    if let Some(at_least) = request.at_least {
        let options = LockOptions::new().at_least(at_least);
        let seen = async || seen(redlock, name, permits).await;
        once(|| semaphore.try_acquire_with(&options), seen).await
    } else if request.tries_once() {
        Ok(semaphore.try_acquire().await?)
    } else {
        Ok(semaphore.acquire().await?)
    }
}

/// How the permit that is free first is had; that somebody has it, where somebody has each of them.
async fn seen(redlock: &Redlock, name: &str, permits: u16) -> Result<LockState, LockError> {
    let slots: Vec<_> = (0..permits).map(|slot| format!("{name}/{slot}")).collect();
    let views = redlock.inspect(&slots[..]).await?.nodes;
    let of_slot = |slot: usize| {
        let view = |view: &NodeView| {
            let one = |all: &Vec<_>| vec![all.get(slot).cloned().flatten()];
            NodeView::new(view.name.clone(), view.holdings.as_ref().map(one).map_err(Clone::clone))
        };
        Inspection::of(views.iter().map(view).collect(), 1).state
    };
    let first = (0..slots.len()).map(of_slot).min_by_key(free_in);
    Ok(first.unwrap_or(LockState::Unknown))
}

/// Who is had by nobody, or is not known to be had, comes first.
fn free_in(state: &LockState) -> Option<Duration> {
    match state {
        LockState::Held { expiry, .. }
        | LockState::Shared { expiry, .. }
        | LockState::Kept { expiry, .. } => Some(match expiry {
            Expiry::In(left) => *left,
            _ => Duration::MAX,
        }),
        _ => None,
    }
}

/// What is had for a job that is due once, unless another has it or had it.
///
/// Of several that begin in one moment each may be given a part of the nodes, and all be refused though nobody has it: who
/// is refused looks, and tries again unless a majority of nodes has one holder.
async fn once<T, F: Future<Output = Result<T, LockError>>>(
    try_it: impl Fn() -> F,
    look: impl AsyncFn() -> Result<LockState, LockError>,
) -> Result<T, Refusal> {
    let began = Instant::now();
    loop {
        let error = match try_it().await {
            Err(error) if error.kind() == LockErrorKind::Contended => error,
            ended => return Ok(ended?),
        };
        let seen = look().await?;
        if free_in(&seen).is_some() || began.elapsed() >= SETTLING {
            return Err(Refusal { error, seen: Some(seen) });
        }
        // Processes do not come here in the same microsecond.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        tokio::time::sleep(PAUSE * (now.subsec_micros() % 1_000) / 1_000).await;
    }
}

#[cfg(test)]
mod tests {
    use redlock_config::Surroundings;

    use super::super::settings::handle;
    use super::*;
    use crate::args::{Order, parsed};
    use crate::config::Config;

    fn args(flags: &[&str]) -> Request {
        let words = ["redlock", "exec", "k"].iter().chain(flags).chain(&["--", "true"]);
        match parsed(words).unwrap() {
            Order::Exec(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_command_is_told_its_keys_its_number_and_until_when() {
        let keys = ["b c".to_owned(), "a".to_owned()];
        let dir = std::env::temp_dir().join(format!("redlock-settings-{}", std::process::id()));
        let node = format!("file:{}", dir.display());
        let config = |args: &Request| {
            Config::resolve(&args.flags, Surroundings::new(|_| None, |_| Ok(None))).unwrap()
        };
        let with_fence = args(&["--node", &node]);
        let redlock = handle(&with_fence, &config(&with_fence)).unwrap();
        let hold = Hold::Lock(redlock.try_lock(&keys[..]).await.unwrap());
        let told = hold.environment(&keys);
        assert_eq!(told[0], ("REDLOCK_KEY", "b c\na".to_owned()));
        assert_eq!(told[2], ("REDLOCK_FENCE", hold.lease().fence().unwrap().to_string()));
        let (whole, millis) = told[1].1.split_once('.').unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!((now + 20..=now + 30).contains(&whole.parse().unwrap()), "{told:?}");
        assert_eq!(millis.len(), 3);
        let without = args(&["--no-fence", "--node", &node]);
        let plain = handle(&without, &config(&without)).unwrap();
        let hold = Hold::Lock(plain.try_lock("k").await.unwrap());
        assert_eq!(hold.environment(&keys).len(), 2);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
