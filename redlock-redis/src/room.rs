//! How much may be unanswered on a connection that somebody else keeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::settings::UNANSWERED;

/// The pauses between commands that are sent all the same when there is no room: only an answer tells that there is some
/// again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Room for so many commands that are not answered.
pub(crate) struct Room {
    free: Arc<Semaphore>,
    sent: AtomicU64,
    full: Mutex<Full>,
}

#[derive(Default)]
struct Full {
    /// Those that nobody will hear of any more. They are answered when one is that was sent after them.
    unheard: Vec<Place>,
    /// When one is sent although there is no room, and the pause after that.
    next: Option<(Instant, Duration)>,
}

/// What a command takes up.
pub(crate) struct Place {
    number: u64,
    /// Nothing for one that is sent although there is no room.
    _taken: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        let free = Arc::new(Semaphore::new(UNANSWERED));
        Self { free, sent: AtomicU64::new(0), full: Mutex::default() }
    }
}

impl Room {
    /// A place for a command that is about to be sent.
    pub(crate) fn enter(&self, now: Instant) -> Option<Place> {
        let taken = Arc::clone(&self.free).try_acquire_owned().ok();
        if taken.is_none() {
            let mut full = self.full();
            let (next, pause) = *full.next.get_or_insert((now + FIRST_PAUSE, FIRST_PAUSE));
            if now < next {
                return None;
            }
            let pause = LONGEST_PAUSE.min(pause * 2);
            full.next = Some((now + pause, pause));
        }
        Some(Place { number: self.sent.fetch_add(1, Ordering::Relaxed), _taken: taken })
    }

    /// A command was answered, or its answer will not be heard of.
    pub(crate) fn leave(&self, place: Place, answered: bool) {
        if answered {
            let mut full = self.full();
            full.unheard.retain(|unheard| unheard.number > place.number);
            full.next = None;
        } else if place._taken.is_some() {
            self.full().unheard.push(place);
        }
    }

    fn full(&self) -> std::sync::MutexGuard<'_, Full> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unanswered_is_bounded_and_an_answer_speaks_for_what_was_sent_before() {
        let (room, start) = (Room::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let places: Vec<_> = (0..UNANSWERED).map(|_| room.enter(start).unwrap()).collect();
        assert!(room.enter(start).is_none());
        for place in places {
            room.leave(place, false);
        }
        // One a second, then more rarely; they take no place.
        assert!(room.enter(after(0)).is_none());
        room.leave(room.enter(after(1)).unwrap(), false);
        assert!(room.enter(after(2)).is_none());
        let asked = room.enter(after(3)).unwrap();
        assert!(room.enter(after(4)).is_none());
        assert_eq!(room.full().unheard.len(), UNANSWERED);
        room.leave(asked, true);
        assert_eq!(room.full().unheard.len(), 0);
        let places: Vec<_> = (0..UNANSWERED).map(|_| room.enter(after(4)).unwrap()).collect();
        assert!(room.enter(after(4)).is_none());
        drop(places);
        assert!(room.enter(after(4)).is_some());
    }

    #[test]
    fn an_answer_says_nothing_of_what_was_sent_after() {
        let (room, start) = (Room::default(), Instant::now());
        let (first, second) = (room.enter(start).unwrap(), room.enter(start).unwrap());
        room.leave(second, false);
        room.leave(first, true);
        assert_eq!(room.full().unheard.len(), 1);
    }
}
