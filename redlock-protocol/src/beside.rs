//! What stands beside resources: counters and intents.

use redlock_core::LockKey;
use redlock_core::backend::LARGEST;
use redlock_core::key::COUNTER_PREFIX;
use redlock_core::node::{FenceTerms, millis};
use redlock_core::options::MAX_TTL;

/// The longest life of a counter or an intent that a server takes, in milliseconds.
pub(crate) const LONGEST_LIFE: u64 = MAX_TTL.as_millis() as u64;

/// Where the counters of a key's resources stand.
pub(crate) fn counters(key: &LockKey) -> Vec<Vec<u8>> {
    behind(COUNTER_PREFIX, key).collect()
}

/// The names of a key's resources behind a prefix.
pub(crate) fn behind(prefix: &str, key: &LockKey) -> impl Iterator<Item = Vec<u8>> {
    key.resources().map(move |name| [prefix.as_bytes(), name].concat())
}

pub(crate) fn life_of(fencing: FenceTerms) -> u64 {
    millis(fencing.life).min(LONGEST_LIFE)
}

pub(crate) fn hint_of(fencing: FenceTerms) -> u64 {
    fencing.hint.min(LARGEST)
}
