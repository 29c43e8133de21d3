//! What is known of rivals for several resources at once: of how many releases, of whichever of them, it takes until all
//! are free.

use std::collections::HashMap;
use std::time::Duration;

use crate::decide::lease::Moment;
use crate::decide::rivalry::Rivalry;
use crate::node::key::LockKey;

/// How long it is of use.
const KEPT: Duration = Duration::from_secs(1);

/// Below this many nobody looks for those that are of no use any more.
const PURGE_FLOOR: usize = 64;

/// By what is locked, with when it was last of use.
#[derive(Debug, Default)]
pub(super) struct Sets {
    by_key: HashMap<LockKey, (Rivalry, Moment)>,
    purge_at: usize,
}

impl Sets {
    /// What is known of the rivals for `key`, if it is of several resources.
    pub(super) fn of(&mut self, key: &LockKey, now: Moment) -> Option<&mut Rivalry> {
        if key.single().is_some() {
            return None;
        }
        if self.by_key.len() >= self.purge_at.max(PURGE_FLOOR) && !self.by_key.contains_key(key) {
            self.by_key.retain(|_, (_, used)| now.since(*used) <= KEPT);
            // Looking again only after the rest has doubled keeps the cost per lock constant.
            self.purge_at = self.by_key.len() * 2;
        }
        let (rivalry, used) =
            self.by_key.entry(key.clone()).or_insert_with(|| (Rivalry::default(), now));
        if now.since(*used) > KEPT {
            *rivalry = Rivalry::default();
        }
        *used = now;
        Some(rivalry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_nobody_uses_are_forgotten() {
        let mut sets = Sets::default();
        for i in 0..10_000_u64 {
            let key = LockKey::all([format!("a{i}"), format!("b{i}")]).unwrap();
            assert!(sets.of(&key, Moment(Duration::from_millis(i))).is_some());
        }
        assert!(sets.by_key.len() < 4_000, "{}", sets.by_key.len());
        assert!(sets.of(&LockKey::new("a").unwrap(), Moment(Duration::ZERO)).is_none());
    }
}
