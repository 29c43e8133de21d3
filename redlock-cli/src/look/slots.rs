//! The locks that a semaphore has its permits by: `NAME/0`, `NAME/1` and so on.

use redlock_core::LockKey;

use super::looker::Looker;
use super::view::{State, View};
use crate::exit::Failure;
use crate::output::plain;

/// The most permits that a semaphore has.
const MOST: u16 = 64;

/// The locks of so many permits of each of these semaphores.
pub(crate) fn slots(names: &[String], permits: u16) -> Vec<String> {
    let slots =
        names.iter().flat_map(|name| (0..permits).map(move |slot| format!("{name}/{slot}")));
    slots.collect()
}

/// The locks of all permits that a semaphore of this name may have; nothing where one of them could be no lock.
fn possible(name: &str, prefix: &str) -> Vec<String> {
    let all = slots(&[name.to_owned()], MOST);
    let longest = all.iter().max_by_key(|slot| slot.len());
    let fits = longest.is_some_and(|slot| LockKey::new(format!("{prefix}{slot}")).is_ok());
    if fits { all } else { Vec::new() }
}

/// Where nobody has the lock: the locks by whose names a semaphore of the same name has its permits, as many as are taken. They
/// are no part of the lock, and the semaphore is none of its state; but whoever looks for one finds it free under this name.
pub(crate) async fn taken(looker: &mut Looker, view: &View) -> Result<Vec<String>, Failure> {
    if view.state != State::Free {
        return Ok(Vec::new());
    }
    let slots = possible(&view.key, looker.prefix());
    let views = looker.look(&slots).await?;
    let taken =
        views.into_iter().filter(|slot| !matches!(slot.state, State::Free | State::Unknown));
    Ok(taken.map(|slot| slot.key).collect())
}

/// That there may be a semaphore of this name; nothing where none of its permits is taken. Pure.
pub(crate) fn hint(name: &str, taken: &[String]) -> Option<String> {
    let names: Vec<_> = taken.iter().map(|slot| plain(slot)).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("not free: {names}. Where {} is a semaphore these are its permits", plain(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_named_behind_their_semaphore() {
        let names = ["exports".to_owned(), "a/b".to_owned()];
        assert_eq!(slots(&names, 2), ["exports/0", "exports/1", "a/b/0", "a/b/1"]);
    }

    #[test]
    fn what_could_be_no_lock_is_not_looked_for() {
        assert_eq!(possible("exports", "").len(), 64);
        let longest = "k".repeat(redlock_core::MAX_KEY_BYTES - "/63".len());
        assert_eq!(possible(&longest, "").len(), 64);
        assert!(possible(&longest, "p").is_empty());
    }

    #[test]
    fn who_asks_for_a_semaphore_is_told_its_permits_without_control_characters() {
        assert_eq!(hint("exports", &[]), None);
        let taken = ["exports/0".to_owned(), "exports/7\x1b".to_owned()];
        let said = "not free: exports/0, exports/7\\u{1b}. Where exports is a semaphore these are its permits";
        assert_eq!(hint("exports", &taken).as_deref(), Some(said));
    }
}
